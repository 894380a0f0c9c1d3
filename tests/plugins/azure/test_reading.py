"""What a reference reads: secrets, versions, keys and certificates; and what it is told of them."""

from __future__ import annotations

import json
import time

import pytest
from tests.plugins.azure.using import by_secret

from unvault.errors import (
    AccessDenied,
    InvalidReference,
    SecretDeleted,
    SecretNotFound,
    Unavailable,
    VersionNotFound,
)
from unvault.secret import Secret

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture
def robot(entra, vault):
    """Return an application that may read the vault."""
    made = entra.app("robot")
    vault.allow(made)
    return made


@pytest.fixture
def unvault(open_unvault, robot):
    return open_unvault(by_secret(robot), kind="client_secret")


class TestSecrets:
    @pytest.mark.parametrize(
        "path",
        [
            "app/api-key",
            "APP/api-key",
            "app/api-key/",
            "https://app.vault.azure.net/secrets/api-key",
            "https://app.vault.azure.net:443/secrets/api-key",
            "https://APP.vault.azure.net/secrets/api-key/",
        ],
    )
    def test_each_way_to_write_it_reads_the_newest_version(self, unvault, vault, path):
        vault.put("api-key", "canary-old")
        newest = vault.put("api-key", "canary-1")
        secret = unvault.fetch(f"prod/{path}")
        assert (secret.text(), secret.version) == ("canary-1", newest)

    def test_a_version_is_named_in_the_path_or_as_a_parameter(self, unvault, vault):
        old = vault.put("api-key", "canary-old")
        vault.put("api-key", "canary-1")
        for path in (
            f"app/api-key/{old}",
            f"app/api-key?version={old}",
            f"https://app.vault.azure.net/secrets/api-key/{old}",
            f"app/api-key/{old}?version={old}",
        ):
            secret = unvault.fetch(f"prod/{path}")
            assert (secret.text(), secret.version) == ("canary-old", old)
        with pytest.raises(InvalidReference, match="one version, and the parameter"):
            unvault.fetch(f"prod/app/api-key/{old}?version={'0' * 32}")

    def test_what_the_vault_knows_of_it_is_told(self, unvault, vault, entra):
        ends = entra.now() + 3600
        vault.put("api-key", "canary-1", kind="text/plain", tags={"team": "a"}, ends=ends)
        secret = unvault.fetch("prod/app/api-key")
        assert (secret.content_type, secret.tags) == ("text/plain", {"team": "a"})
        assert secret.created.timestamp() == 1.7e9
        assert secret.expires.timestamp() == int(ends)

    def test_a_field_of_a_json_secret(self, unvault, vault):
        vault.put("db", json.dumps({"user": "me", "password": "canary-1"}))
        assert unvault.fetch("prod/app/db#password").text() == "canary-1"

    def test_several_are_fetched_each_with_its_own_outcome(self, unvault, vault, robot):
        for number in range(40):
            vault.put(f"s{number}", f"canary-{number}")
        references = [f"prod/app/s{number}" for number in range(42)]
        found = unvault.fetch_many(references)
        assert [each.text() for each in found[:40] if isinstance(each, Secret)] == [
            f"canary-{number}" for number in range(40)
        ]
        assert [type(each) for each in found[40:]] == [SecretNotFound, SecretNotFound]


class TestCertificatesAndKeys:
    @pytest.mark.parametrize("kind", ["application/x-pkcs12", "application/x-pem-file"])
    @pytest.mark.parametrize("path", ["app/tls", "https://app.vault.azure.net/certificates/tls"])
    def test_a_certificate_with_its_key_is_a_secret_with_a_content_type(
        self, unvault, vault, kind, path
    ):
        vault.put_certificate("tls", "canary-certificate", kind)
        secret = unvault.fetch(f"prod/{path}")
        assert (secret.text(), secret.content_type) == ("canary-certificate", kind)

    @pytest.mark.parametrize("curve", [True, False])
    @pytest.mark.parametrize(
        "path", ["app/signing?secret_type=key", "https://app.vault.azure.net/keys/signing"]
    )
    def test_of_a_key_the_public_part_is_read_as_a_json_web_key(self, unvault, vault, path, curve):
        version = vault.put_key("signing", curve=curve, tags={"team": "a"})
        secret = unvault.fetch(f"prod/{path}")
        key = json.loads(secret.text())
        assert key["kty"] == ("EC" if curve else "RSA")
        assert key["kid"].endswith(version)
        assert secret.version == version
        assert secret.content_type == "application/jwk+json"
        assert not key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"}

    def test_what_of_a_key_is_private_is_not_handed_out_whatever_the_answer_has(
        self, unvault, vault
    ):
        vault.put_key("signing")
        vault.latest("signing", "keys").value |= {"d": "canary-d", "k": "canary-k"}
        key = unvault.fetch("prod/app/signing?secret_type=key").json()
        assert not key.keys() & {"d", "k"}
        assert "n" in key

    def test_an_address_and_a_type_that_contradict_each_other(self, unvault):
        with pytest.raises(InvalidReference, match="is one of secrets"):
            unvault.fetch("prod/https://app.vault.azure.net/secrets/x?secret_type=key")

    def test_a_key_that_is_not_there(self, unvault):
        with pytest.raises(SecretNotFound, match="the key 'none' is not in the vault app"):
            unvault.fetch("prod/app/none?secret_type=key")


class TestWhatCannotBeRead:
    def test_what_is_not_there(self, unvault):
        with pytest.raises(SecretNotFound) as raised:
            unvault.fetch("prod/app/none")
        assert type(raised.value) is SecretNotFound
        assert "az keyvault secret list --vault-name app" in raised.value.hint

    def test_a_version_that_is_not_there(self, unvault, vault):
        vault.put("api-key", "canary-1")
        with pytest.raises(VersionNotFound, match="no version"):
            unvault.fetch(f"prod/app/api-key?version={'0' * 32}")

    def test_what_was_deleted_and_can_be_brought_back(self, unvault, vault):
        vault.put("api-key", "canary-1")
        vault.delete("api-key")
        with pytest.raises(SecretDeleted, match=r"was deleted .* until 2024-02-12") as raised:
            unvault.fetch("prod/app/api-key")
        assert "az keyvault secret recover --vault-name app --name api-key" in raised.value.hint

    @pytest.mark.parametrize("refuses", [True, False])
    def test_disabled_not_yet_valid_and_expired_are_told_apart(
        self, unvault, vault, entra, refuses
    ):
        vault.keeps_dates = refuses
        now = entra.now()
        vault.put("off", "canary-1", enabled=False)
        vault.put("early", "canary-1", starts=now + 600)
        vault.put("late", "canary-1", ends=now - 600)
        for name, says in (
            ("off", "is disabled"),
            ("early", "is not valid (until|yet)"),
            ("late", "expired"),
        ):
            with pytest.raises(SecretDeleted, match=says) as raised:
                unvault.fetch(f"prod/app/{name}")
            assert raised.value.hint
            # What the vault itself refuses, no parameter brings.
            assert ("any_time" in raised.value.hint) == (name != "off" and not refuses)

    def test_what_is_disabled_is_enabled_by_the_command_in_the_hint(self, unvault, vault):
        number = vault.put("off", "canary-1", enabled=False)
        version = f"--name off --version {number}"
        for path, named in (("off", "--name off"), (f"off/{number}", version)):
            with pytest.raises(SecretDeleted) as raised:
                unvault.fetch(f"prod/app/{path}")
            assert f"az keyvault secret set-attributes --vault-name app {named} --enabled true" in (
                raised.value.hint
            )

    def test_what_is_out_of_its_time_is_read_where_somebody_says_so(self, unvault, vault, entra):
        now = entra.now()
        vault.put("early", "canary-1", starts=now + 600)
        vault.put("late", "canary-2", ends=now - 600)
        assert unvault.fetch("prod/app/early?any_time=true").text() == "canary-1"
        late = unvault.fetch("prod/app/late?any_time=true")
        assert (late.text(), late.expires) == ("canary-2", None)

    def test_a_value_is_not_cached_past_its_end(self, unvault, vault, entra):
        vault.put("api-key", "canary-1", ends=int(entra.now()) + 2)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        time.sleep(2.1)
        with pytest.raises(SecretDeleted, match="expired"):
            unvault.fetch("prod/app/api-key")

    @pytest.mark.parametrize(
        ("change", "says", "hint"),
        [
            ("policy", "may not read", "access policy"),
            ("roles", "may not read", "Key Vault Secrets User"),
            ("firewall", "does not let in requests from this network", "networking"),
        ],
    )
    def test_who_may_not_is_told_what_is_missing(self, unvault, vault, robot, change, says, hint):
        vault.put("api-key", "canary-1")
        if change == "firewall":
            vault.behind_firewall = True
        else:
            vault.allowed[robot.oid] = set()
            vault.by_roles = change == "roles"
        with pytest.raises(AccessDenied, match=says) as raised:
            unvault.fetch("prod/app/api-key")
        assert hint in raised.value.hint

    def test_a_vault_that_there_is_not(self, open_unvault, robot):
        unvault = open_unvault(by_secret(robot, timeout=1), kind="client_secret")
        with pytest.raises(Unavailable, match=r"the vault none\.vault\.azure\.net") as raised:
            unvault.fetch("prod/none/api-key")
        assert "vault's name" in raised.value.hint

    @pytest.mark.parametrize(
        "path",
        [
            "api-key",
            "app/",
            "app/two%20words",
            "app/a_b",
            "a/api-key",
            "app.vault.azure.net/api-key",
            "app/api-key/one/two",
            "app/api-key?version=..%2F..",
            "http://app.vault.azure.net/secrets/api-key",
            "https://app.vault.azure.net/api-key",
            "https://app.vault.azure.net/storage/api-key",
            "https://app.vault.azure.net/secrets/",
            "https://app.vault.azure.net/secrets/a/b/c",
            "https:/app.vault.azure.net/secrets/a",
        ],
    )
    def test_a_path_that_points_at_nothing_is_not_asked_for(self, unvault, azure, path):
        with pytest.raises(InvalidReference) as raised:
            unvault.fetch(f"prod/{path}")
        assert raised.value.hint
        assert azure.vaults.requests == []


class TestListing:
    def test_a_vault_is_listed_in_pages_with_what_can_be_told(self, unvault, vault, azure):
        for number in range(60):
            vault.put(f"s{number:02}", "canary-1", tags={"n": str(number)})
        vault.put("off", "canary-1", enabled=False, kind="text/plain")
        listed = list(unvault.list("prod", "app/"))
        assert [each.path for each in listed] == [
            "app/off",
            *(f"app/s{number:02}" for number in range(60)),
        ]
        assert (listed[0].note, listed[0].content_type) == ("disabled", "text/plain")
        assert dict(listed[1].tags) == {"n": "0"}
        assert azure.vaults.count("skiptoken") == 2
        assert [each.path for each in list(unvault.list("prod", "app/s0"))] == [
            f"app/s0{number}" for number in range(10)
        ]
        assert unvault.fetch(f"prod/{listed[5].path}").text() == "canary-1"

    def test_a_vault_is_named_by_its_address_too(self, unvault, vault):
        vault.put("api-key", "canary-1")
        prefix = "https://app.vault.azure.net/secrets/"
        (found,) = list(unvault.list("prod", prefix))
        assert found.path == f"{prefix}api-key"
        assert unvault.fetch(f"prod/{found.path}").text() == "canary-1"
        assert list(unvault.list("prod", f"{prefix}none")) == []

    @pytest.mark.parametrize("prefix", ["", "app", "https://"])
    def test_which_vault_has_to_be_said(self, unvault, vault, prefix):
        with pytest.raises(InvalidReference) as raised:
            list(unvault.list("prod", prefix))
        assert raised.value.hint

    @pytest.mark.parametrize("collection", ["keys", "certificates"])
    def test_what_is_no_secret_is_not_listed_as_one(self, unvault, vault, collection):
        vault.put("api-key", "canary-1")
        with pytest.raises(InvalidReference, match="only secrets are listed") as raised:
            list(unvault.list("prod", f"https://app.vault.azure.net/{collection}/"))
        assert "https://app.vault.azure.net/secrets/" in raised.value.hint
        (found,) = list(unvault.list("prod", "https://app.vault.azure.net/sec"))
        assert found.path == "https://app.vault.azure.net/secrets/api-key"

    def test_who_may_not_list(self, unvault, vault, robot):
        vault.allowed[robot.oid] = {"secrets/get"}
        with pytest.raises(AccessDenied, match="may not list the secrets of"):
            list(unvault.list("prod", "app/"))
