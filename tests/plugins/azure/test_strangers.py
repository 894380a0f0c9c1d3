"""A token is for vaults of the credential's cloud, and nobody else ever sees it."""

from __future__ import annotations

import pytest
from tests.plugins.azure.using import add, by_secret

from unvault.errors import (
    AccessDenied,
    CredentialRejected,
    InvalidReference,
    SessionExpired,
    Unavailable,
    UnvaultError,
)

pytestmark = pytest.mark.usefixtures("quiet_log")
THIEF = "thief.example.com"


@pytest.fixture
def robot(entra, vault):
    """Return an application that may read the vault."""
    made = entra.app("robot")
    vault.allow(made)
    return made


@pytest.fixture
def unvault(open_unvault, robot, vault):
    vault.put("api-key", "canary-1")
    return open_unvault(by_secret(robot), kind="client_secret")


@pytest.fixture(autouse=True)
def thief(azure):
    """Return somebody who would like to have a token; in the end, nobody has shown one."""
    azure.stranger.hosts.update({THIEF, f"app.vault.azure.net.{THIEF}", "evilvault.azure.net"})
    azure.stranger.challenge = (
        f'Bearer authorization="https://login.microsoftonline.com/{azure.entra.tenant.id}",'
        ' resource="https://vault.azure.net"'
    )
    yield azure.stranger
    assert azure.strangers_saw == []


@pytest.mark.parametrize(
    "address",
    [
        f"https://{THIEF}/secrets/api-key",
        f"https://app.vault.azure.net.{THIEF}/secrets/api-key",
        "https://evilvault.azure.net/secrets/api-key",
        "https://vault.azure.net/secrets/api-key",
        "https://app.vault.azure.net:8443/secrets/api-key",
        "https://app.vault.azure.cn/secrets/api-key",
        f"https://app.vault.azure.net@{THIEF}/secrets/api-key",
        f"https://app.vault.azure.net%5C@{THIEF}/secrets/api-key",
        f"https://{THIEF}%23.vault.azure.net/secrets/api-key",
        f"HTTPS://{THIEF.upper()}/secrets/api-key",
        "https://localhost:8443/secrets/api-key",
        "https://[::1]/secrets/api-key",
    ],
)
def test_an_address_of_somebody_else_is_refused_and_not_reached(unvault, azure, address):
    with pytest.raises(InvalidReference) as raised:
        unvault.fetch(f"prod/{address}")
    assert raised.value.hint
    assert azure.stranger.requests == []
    assert [each for each in azure.hosts if "vault" in each or THIEF in each] == []
    with pytest.raises(InvalidReference):
        list(unvault.list("prod", address.replace("api-key", "")))
    assert azure.stranger.requests == []


def test_the_error_says_how_to_allow_a_host(unvault):
    with pytest.raises(InvalidReference, match="not sent to a stranger") as raised:
        unvault.fetch(f"prod/https://{THIEF}/secrets/api-key")
    assert "allowed_hosts" in raised.value.hint


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(unvault, azure, status):
    azure.vaults.redirect(f"https://{THIEF}/secrets/api-key", status=status)
    with pytest.raises(Unavailable, match="sends us elsewhere"):
        unvault.fetch("prod/app/api-key")
    with pytest.raises(Unavailable, match="sends us elsewhere"):
        list(unvault.list("prod", "app/"))
    assert azure.stranger.requests == []


def test_no_redirect_of_the_authoritys_is_followed(unvault, azure, entra):
    entra.answer(307, times=100, where="/token", headers={"Location": f"https://{THIEF}/token"})
    with pytest.raises(UnvaultError):
        unvault.fetch("prod/app/api-key")
    assert azure.stranger.requests == []


@pytest.mark.parametrize(
    ("challenge", "error"),
    [
        ('resource="https://management.azure.com"', (AccessDenied,)),
        (f'resource="https://{THIEF}"', (AccessDenied,)),
        ('resource="https://azure.net"', (AccessDenied,)),
        ('scope="https://net/.default"', (AccessDenied,)),
        ("nonsense", (UnvaultError,)),
    ],
)
def test_a_vault_that_wants_a_token_for_something_else_gets_none(
    unvault, azure, entra, challenge, error
):
    authority = f"https://login.microsoftonline.com/{entra.tenant.id}"
    azure.vaults.challenge = f'Bearer authorization="{authority}", {challenge}'
    with pytest.raises(error):
        unvault.fetch("prod/app/api-key")
    assert {tuple(each) for each in entra.scopes} == {("https://vault.azure.net/.default",)}
    assert entra.presented == []


def test_a_challenge_cannot_send_anybody_to_another_authority(unvault, azure, entra):
    azure.vaults.challenge = (
        f'Bearer authorization="https://{THIEF}/{entra.tenant.id}",'
        ' resource="https://vault.azure.net"'
    )
    assert unvault.fetch("prod/app/api-key").text() == "canary-1"
    assert azure.stranger.requests == []


def test_a_list_that_goes_on_elsewhere_is_not_followed(unvault, azure, vault):
    for number in range(30):
        vault.put(f"s{number}", "canary-1")
    vault.next_at = f"https://{THIEF}/secrets"
    with pytest.raises(Unavailable, match="none of its kind"):
        list(unvault.list("prod", "app/"))
    assert azure.stranger.requests == []


def test_a_host_that_the_credential_allows_is_asked_with_a_token_for_vaults(
    open_unvault, azure, entra, robot
):
    """It stands for a gateway: the name is another one, and what is behind it is a vault."""
    vault = azure.vaults.new("gateway", domain="example.com").allow(robot)
    vault.put("api-key", "canary-2")
    azure.vaults.challenge = (
        f'Bearer authorization="https://login.microsoftonline.com/{entra.tenant.id}",'
        ' resource="https://vault.azure.net"'
    )
    answers = by_secret(robot, allowed_hosts="other.example.com, Gateway.example.com")
    unvault = open_unvault(answers, kind="client_secret")
    with pytest.raises((CredentialRejected, SessionExpired)):  # it is none of vault.azure.net
        unvault.fetch("prod/https://gateway.example.com/secrets/api-key")
    assert {each.host for each in entra.presented} == {"gateway.example.com"}
    assert {tuple(each) for each in entra.scopes} == {("https://vault.azure.net/.default",)}
    add(unvault, "strict", by_secret(robot), kind="client_secret")
    with pytest.raises(InvalidReference):
        unvault.fetch("strict/https://gateway.example.com/secrets/api-key")


def test_a_token_of_one_cloud_is_not_sent_to_another(open_unvault, azure, robot):
    azure.vaults.new("far", domain="vault.azure.cn").allow(robot).put("api-key", "canary-2")
    unvault = open_unvault(by_secret(robot), kind="client_secret")
    with pytest.raises(InvalidReference, match="cloud 'public'"):
        unvault.fetch("prod/https://far.vault.azure.cn/secrets/api-key")
    assert azure.entra.presented == []


def test_no_other_host_is_asked(unvault, azure):
    unvault.fetch("prod/app/api-key")
    unvault.credentials.test("prod")
    list(unvault.list("prod", "app/"))
    assert set(azure.hosts) == {"login.microsoftonline.com", "app.vault.azure.net"}
    assert azure.refused == []
