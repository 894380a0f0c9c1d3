"""Every type of credential signs in, fetches, and goes on when its keys end, where it can."""

from __future__ import annotations

import time

import pytest
from tests.plugins.aws.using import GET, add, add_brief, at, by_keys, by_token, reader, told, write
from tests.servers.aws_account import Keys, allow

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    CredentialNotFound,
    CredentialRejected,
    FormError,
)

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture
def app(account):
    """Return an account with a secret ``app``."""
    account.put("app", {"password": "canary-1"})
    return account


def fetched(unvault, reference="prod/app#password"):
    return unvault.fetch(reference, fresh=True).text()


def assuming(app, address, **answers):
    """Return a role that reads, and the answers for it with the source ``base``."""
    role = app.role(allow(GET))
    return at(address, role_arn=role, source="base", **answers)


def test_long_lived_keys_ask_for_nothing_but_the_secret(app, proxy, open_unvault):
    unvault = open_unvault(by_keys(reader(app), proxy.address))

    assert fetched(unvault) == "canary-1"
    assert fetched(unvault) == "canary-1"
    assert proxy.actions == ["secretsmanager.GetSecretValue"] * 2
    assert proxy.connections == 1


def test_a_test_says_whose_keys_they_are_and_of_which_account(app, proxy, open_unvault):
    unvault = open_unvault(by_keys(reader(app), proxy.address))

    session = unvault.credentials.test("prod")

    assert session.identity.startswith(f"arn:aws:iam::{app.number}:user/")
    assert dict(session.details)["account"] == app.number
    assert dict(session.details)["region"] == "eu-west-1"
    assert proxy.actions == ["sts.GetCallerIdentity"]


def test_temporary_keys_that_ended_say_what_to_do(app, ministack, open_unvault):
    keys = app.assume(app.role(allow(GET)), seconds=1)
    unvault = open_unvault(by_token(keys, ministack.address), kind="temporary")
    assert fetched(unvault) == "canary-1"
    time.sleep(1.1)

    with pytest.raises(CredentialRejected, match="have expired") as caught:
        fetched(unvault)

    assert "unvault credentials edit prod" in str(caught.value.hint)


def test_a_role_is_assumed_by_means_of_another_credential(app, proxy, open_unvault):
    unvault = open_unvault(assuming(app, proxy.address), kind="assume_role")
    add(unvault, "base", by_keys(app.user(allow("sts:AssumeRole")), proxy.address))

    assert fetched(unvault) == "canary-1"
    session = unvault.credentials.test("prod")

    assert f"arn:aws:sts::{app.number}:assumed-role/" in session.identity
    assert session.identity.endswith("/unvault")
    assert session.expires is not None
    assert proxy.actions[:2] == ["sts.AssumeRole", "secretsmanager.GetSecretValue"]


def test_a_role_is_assumed_by_what_the_sdk_finds(app, ministack, open_unvault, monkeypatch):
    for name, value in app.user(allow("sts:AssumeRole")).for_environment().items():
        monkeypatch.setenv(name, value)
    role = at(ministack.address, role_arn=app.role(allow(GET)), session_name="job-7")

    unvault = open_unvault(role, kind="assume_role")

    assert fetched(unvault) == "canary-1"
    assert unvault.credentials.test("prod").identity.endswith("/job-7")


def test_a_role_whose_keys_ended_is_assumed_again(app, proxy, open_unvault):
    unvault = open_unvault()
    add_brief(unvault, "prod", assuming(app, proxy.address), kind="assume_role", seconds=1)
    add(unvault, "base", by_keys(app.user(allow("sts:AssumeRole")), proxy.address))
    assert fetched(unvault) == "canary-1"
    time.sleep(1.1)

    assert fetched(unvault) == "canary-1"
    assert proxy.asked("AssumeRole") >= 2  # one more where a second passed between two requests


def test_keys_that_are_taken_back_early_are_got_anew_once(app, proxy, open_unvault):
    unvault = open_unvault(assuming(app, proxy.address), kind="assume_role")
    add(unvault, "base", by_keys(app.user(allow("sts:AssumeRole")), proxy.address))
    fetched(unvault)
    proxy.fail("ExpiredTokenException", "The security token is expired", where="GetSecret")

    assert fetched(unvault) == "canary-1"
    assert proxy.asked("AssumeRole") == 2


def test_a_role_asks_for_its_external_id(app, ministack, open_unvault):
    role = app.role(allow(GET), external_id="agreed")
    source = by_keys(app.user(allow("sts:AssumeRole")), ministack.address)
    unvault = open_unvault()
    add(unvault, "base", source)
    told = at(ministack.address, role_arn=role, source="base")
    add(unvault, "without", told, kind="assume_role")
    add(unvault, "with", {**told, "external_id": "agreed"}, kind="assume_role")

    assert fetched(unvault, "with/app#password") == "canary-1"
    with pytest.raises(AccessDenied, match="may not be assumed") as caught:
        fetched(unvault, "without/app")
    assert "external id" in str(caught.value.hint)


def test_a_role_by_means_of_a_role(app, proxy, open_unvault):
    far = app.role(allow(GET))
    near = app.role(allow("sts:AssumeRole"))
    unvault = open_unvault(at(proxy.address, role_arn=far, source="near"), kind="assume_role")
    add(unvault, "near", at(proxy.address, role_arn=near, source="base"), kind="assume_role")
    add(unvault, "base", by_keys(app.user(allow("sts:AssumeRole")), proxy.address))

    assert fetched(unvault) == "canary-1"
    assert proxy.asked("AssumeRole") == 2


def test_sources_that_go_in_a_circle_or_are_not_there_are_told(app, ministack, open_unvault):
    role = app.role(allow(GET))
    unvault = open_unvault(at(ministack.address, role_arn=role, source="other"), kind="assume_role")
    add(unvault, "other", at(ministack.address, role_arn=role, source="prod"), kind="assume_role")
    add(unvault, "lost", at(ministack.address, role_arn=role, source="pro"), kind="assume_role")

    with pytest.raises(CredentialMissing, match="leads back to 'prod'"):
        fetched(unvault)
    with pytest.raises(CredentialNotFound) as caught:
        fetched(unvault, "lost/app")
    assert caught.value.candidates == ("prod",)


def test_a_source_whose_keys_are_wrong_is_told(app, ministack, open_unvault):
    unvault = open_unvault(assuming(app, ministack.address), kind="assume_role")
    wrong = Keys(app.user().access_key, "wrong-canary-key")
    add(unvault, "base", by_keys(wrong, ministack.address))

    with pytest.raises(CredentialRejected) as caught:
        fetched(unvault)

    assert caught.value.hint == "check the source credential"
    assert "canary" not in told(caught.value)


def test_a_duration_that_sts_does_not_accept_is_told(app, proxy, open_unvault):
    unvault = open_unvault(assuming(app, proxy.address, duration=43200), kind="assume_role")
    add(unvault, "base", by_keys(app.user(allow("sts:AssumeRole")), proxy.address))
    proxy.fail("ValidationError", "DurationSeconds exceeds MaxSessionDuration", where="AssumeRole")

    with pytest.raises(CredentialRejected, match="refuses to give keys") as caught:
        fetched(unvault)

    assert "duration" in str(caught.value.hint)


@pytest.fixture
def web(app, proxy, issuer, tmp_path):
    """Return the answers for a web identity, and the file with its token."""
    trusted = {"Federated": app.oidc_provider("id.example.com")}
    file = tmp_path / "token"
    file.write_text(issuer.issue(iss="https://id.example.com", sub="me") + "\n")
    role = app.role(allow(GET), principal=trusted)
    return at(proxy.address, role_arn=role, token_file=str(file)), file


def test_a_web_identity_is_exchanged_without_a_signature(web, proxy, open_unvault):
    unvault = open_unvault(web[0], kind="web_identity")

    assert fetched(unvault) == "canary-1"
    assert proxy.actions == ["sts.AssumeRoleWithWebIdentity", "secretsmanager.GetSecretValue"]
    headers = {name.lower() for name in proxy.requests[0].headers}
    assert "authorization" not in headers


def test_a_web_identity_is_read_anew_when_the_keys_end(web, proxy, issuer, open_unvault):
    answers, file = web
    unvault = open_unvault()
    add_brief(unvault, "prod", answers, kind="web_identity", seconds=1)
    assert fetched(unvault) == "canary-1"
    file.write_text(issuer.issue(iss="https://id.example.com", sub="me", jti="second"))
    time.sleep(1.1)

    assert fetched(unvault) == "canary-1"
    first, second = [seen.body for seen in proxy.requests if b"WebIdentity" in seen.body]
    assert first != second


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ExpiredTokenException", "token in the token file has expired"),
        ("InvalidIdentityToken", "does not give keys"),
        ("AccessDenied", "does not give keys"),
    ],
)
def test_a_web_identity_that_is_refused_says_why(web, proxy, open_unvault, code, words):
    unvault = open_unvault(web[0], kind="web_identity")
    proxy.fail(code, where="WebIdentity")

    with pytest.raises(CredentialRejected, match=words):
        fetched(unvault)


@pytest.mark.parametrize("content", [None, ""])
def test_a_token_file_that_is_missing_or_empty_is_named(web, open_unvault, content):
    answers, file = web
    file.unlink()
    if content is not None:
        file.write_text(content)

    with pytest.raises(CredentialMissing, match="cannot be read, or is empty") as caught:
        fetched(open_unvault(answers, kind="web_identity"))
    assert str(file) in caught.value.message


def test_nothing_at_all_means_what_the_sdk_finds(app, ministack, open_unvault, monkeypatch):
    told = reader(app).for_environment()
    for name, value in {**told, "AWS_ENDPOINT_URL": ministack.address}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    assert fetched(open_unvault(), "aws/app#password") == "canary-1"


def test_nothing_at_all_means_the_default_profile_too(app, ministack, open_unvault, own_home):
    write(own_home / ".aws" / "credentials", reader(app).for_file())
    write(
        own_home / ".aws" / "config",
        f"""
        [default]
        region = eu-west-1
        endpoint_url = {ministack.address}
        """,
    )

    assert fetched(open_unvault(), "aws/app#password") == "canary-1"


def test_where_the_sdk_finds_nothing_the_hint_says_what_to_do(open_unvault):
    with pytest.raises(CredentialMissing, match="finds no keys") as caught:
        fetched(open_unvault(), "aws/app")

    assert "AWS_PROFILE" in str(caught.value.hint)


def test_without_a_region_the_hint_says_what_to_do(app, ministack, open_unvault):
    keys = by_keys(reader(app), ministack.address)
    del keys["region"]

    with pytest.raises(CredentialMissing, match="which region") as caught:
        fetched(open_unvault(keys))
    assert "AWS_DEFAULT_REGION" in str(caught.value.hint)


def test_keys_that_nobody_knows_are_rejected(app, ministack, open_unvault):
    for keys in (Keys("AKIANOBODY", "canary-x"), Keys(app.user().access_key, "canary-y")):
        with pytest.raises(CredentialRejected) as caught:
            fetched(open_unvault(by_keys(keys, ministack.address)))
        assert "canary" not in told(caught.value)


@pytest.mark.parametrize("seconds", [0, 5, 899, 43201, 100000])
def test_a_duration_that_sts_accepts_of_nobody_is_refused_in_the_form(open_unvault, seconds):
    good = {"role_arn": "arn:aws:iam::123456789012:role/reader"}
    for accepted in (900, 3600, 43200):
        open_unvault({**good, "duration": accepted}, kind="assume_role")

    with pytest.raises(FormError, match="duration has the wrong form: 900 to 43200 seconds"):
        open_unvault({**good, "duration": seconds}, kind="assume_role")


@pytest.mark.parametrize("answers", [{"role_arn": "reader"}, {"session_name": "a b"}])
def test_a_role_that_cannot_be_one_is_refused_in_the_form(open_unvault, answers):
    good = {"role_arn": "arn:aws:iam::123456789012:role/reader"}

    with pytest.raises(FormError):
        open_unvault({**good, **answers}, kind="assume_role")


def test_a_changed_source_is_used_at_once(app, new_account, ministack, open_unvault):
    other = new_account()
    role = app.role(allow(GET))
    unvault = open_unvault(at(ministack.address, role_arn=role, source="base"), kind="assume_role")
    add(unvault, "base", by_keys(app.user(allow("sts:AssumeRole")), ministack.address))
    assert unvault.fetch("prod/app#password").text() == "canary-1"

    stranger = by_keys(other.user(allow("sts:AssumeRole")), ministack.address)
    unvault.credentials.edit("base", unvault.credentials.draft("aws", "keys", stranger))

    with pytest.raises(AccessDenied, match="may not be assumed"):
        unvault.fetch("prod/app#password")
