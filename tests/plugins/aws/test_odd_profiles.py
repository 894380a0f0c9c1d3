"""Profiles, variables and keys that cannot be meant: each is told by its own name."""

from __future__ import annotations

import shlex
import sys

import pytest
from tests.plugins.aws.using import GET, at, by_keys, reader, told, write
from tests.servers.aws_account import Keys, allow

from unvault.errors import CredentialMissing, CredentialRejected

pytestmark = pytest.mark.usefixtures("quiet_log")

ROLE = "role_arn = arn:aws:iam::123456789012:role/reader"


@pytest.fixture
def app(account, ministack, monkeypatch):
    """Return an account with a secret ``app``, whose server the SDK is told of."""
    account.put("app", "canary-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.address)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return account


def profile(own_home, text):
    write(own_home / ".aws" / "config", "[profile work]\n" + text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{ROLE}\nsource_profile = b\n[profile b]\n{ROLE}\nsource_profile = work", "circle.*'"),
        (f"{ROLE}\nsource_profile = work", "circle.*'work'"),
        (f"{ROLE}\nsource_profile = lost", "source_profile names a profile that is not there"),
        (f"{ROLE}\nsource_profile = b\n[profile b]\nregion = x", "has no keys, nor a way"),
        (f"{ROLE}\nsource_profile = b\ncredential_source = Environment", "one only"),
        (f"{ROLE}\ncredential_source = Ec2", "none of Environment, Ec2InstanceMetadata"),
        (ROLE, "source_profile or credential_source is missing"),
        ("web_identity_token_file = token", "has no role: role_arn"),
        (f"{ROLE}\nweb_identity_token_file = /nowhere/token", "'/nowhere/token'.*No such file"),
        ("credential_process = /nowhere/program", "'/nowhere/program'.*No such file"),
        (
            f"{ROLE}\nsource_profile = b\n[profile b]\ncredential_process = /nowhere/program",
            "'/nowhere/program'.*No such file",
        ),
    ],
)
def test_a_profile_that_cannot_be_meant_says_why(app, open_unvault, own_home, text, words):
    profile(own_home, text)

    with pytest.raises(CredentialMissing, match=words) as caught:
        open_unvault({"section": "work"}, kind="file").fetch("prod/app")
    assert caught.value.hint


def test_a_web_identitys_token_that_is_no_text_is_told(app, open_unvault, own_home):
    file = own_home / "token"
    file.write_bytes(b"canary-\xff")
    profile(own_home, f"{ROLE}\nweb_identity_token_file = {file}\n")

    with pytest.raises(CredentialMissing, match="is no text") as caught:
        open_unvault({"section": "work"}, kind="file").fetch("prod/app")
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize(
    "printed",
    [
        "canary",
        "{}",
        "[]",
        '{"Version": 2}',
        '{"Version": 1}',
        '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "canary", "Expiration": "canary"}',
    ],
)
def test_a_program_that_prints_no_keys_is_told(app, open_unvault, own_home, printed):
    file = write(own_home / "printed", printed)
    show = shlex.join([sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())"])
    profile(own_home, f"credential_process = {show} {file}\n")

    with pytest.raises(CredentialRejected, match="credential_process names did not") as caught:
        open_unvault({"section": "work"}, kind="file").fetch("prod/app")
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize("command", ["", "sh -c 'canary"])
def test_a_program_that_is_written_wrongly_is_told(app, open_unvault, own_home, command):
    profile(own_home, f"credential_process = {command}\n")

    with pytest.raises(CredentialRejected, match="how it is written in the profile") as caught:
        open_unvault({"section": "work"}, kind="file").fetch("prod/app")
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize(
    "variable",
    ["AWS_STS_REGIONAL_ENDPOINTS", "AWS_DEFAULTS_MODE", "AWS_EC2_METADATA_SERVICE_ENDPOINT"],
)
def test_a_setting_that_has_other_values_is_named(app, open_unvault, monkeypatch, variable):
    keys = reader(app)
    if "METADATA" not in variable:
        for name, value in keys.for_environment().items():
            monkeypatch.setenv(name, value)
    monkeypatch.setenv(variable, "canary")

    with pytest.raises(CredentialMissing, match=f"what {variable} says") as caught:
        open_unvault().fetch("aws/app")
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_for_the_ca_that_is_none_is_told(
    app, connect, open_unvault, monkeypatch, tmp_path, content
):
    for variable, value in connect.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    keys = {key: value for key, value in by_keys(reader(app), "").items() if value}

    with pytest.raises(CredentialMissing, match="CA's certificate cannot be read") as caught:
        open_unvault(keys).fetch("prod/app")
    assert "AWS_CA_BUNDLE" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("AWS_ACCESS_KEY_ID", "{}\r", "the id has a blank"),
        ("AWS_ACCESS_KEY_ID", "{} ", "the id has a blank"),
        ("AWS_ACCESS_KEY_ID", "'{}'", "the id stands in quotation marks"),
        ("AWS_SECRET_ACCESS_KEY", "{}\n", "the secret has a blank"),
        ("AWS_SECRET_ACCESS_KEY", '"{}"', "the secret stands in quotation marks"),
        ("AWS_SECRET_ACCESS_KEY", "\udcff{}", "the secret has a blank"),
        ("AWS_SESSION_TOKEN", "{}\ncanary", "the token has a blank"),
        ("AWS_SESSION_TOKEN", "\xe9{}", "the token has a blank"),
    ],
)
def test_keys_that_were_copied_wrongly_are_told(
    app, open_unvault, monkeypatch, name, damage, words
):
    good = app.assume(app.role(allow(GET))).for_environment()
    for variable, value in {**good, name: damage.format(good[name])}.items():
        monkeypatch.setenv(variable, value)

    with pytest.raises(CredentialMissing, match=words) as caught:
        open_unvault().fetch("aws/app")
    assert "found by the SDK (env)" in caught.value.message
    for value in good.values():
        assert value not in told(caught.value)


def test_stored_keys_that_were_copied_wrongly_are_told(app, ministack, open_unvault):
    keys = reader(app)
    wrong = Keys(keys.access_key, f" {keys.secret_key}")
    unvault = open_unvault(by_keys(wrong, ministack.address))
    role = at(ministack.address, role_arn=app.role(allow(GET)), source="prod")
    unvault.credentials.add(unvault.credentials.draft("aws", "assume_role", role, name="role"))

    for reference in ("prod/app", "role/app"):
        with pytest.raises(CredentialMissing, match="the keys of the credential cannot be used"):
            unvault.fetch(reference)
