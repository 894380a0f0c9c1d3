"""Addresses that the environment and the AWS files configure, and what is wrong with them."""

from __future__ import annotations

import pytest
from tests.plugins.aws.using import GET, at, by_keys, reader, told, write
from tests.servers.aws_account import allow

from unvault.errors import CredentialMissing
from unvault_cli.main import main

pytestmark = pytest.mark.usefixtures("quiet_log")

NO_ADDRESSES = [
    "localhost:4566",
    "notaurl",
    "http://",
    "://canary",
    "http://bad canary",
    "ftp://127.0.0.1:1",
    "http://127.0.0.1:99999",
    "https://[::1",
    "http://user:canary@127.0.0.1:1",
]
VARIABLES = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"]


@pytest.fixture
def keys(account, monkeypatch):
    """Give the SDK keys that read the secret ``app``, and return them."""
    account.put("app", "canary-1")
    made = reader(account)
    for name, value in made.for_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return made


@pytest.mark.parametrize("address", NO_ADDRESSES)
@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_that_holds_no_address_is_named(
    keys, open_unvault, monkeypatch, variable, address
):
    monkeypatch.setenv(variable, address)

    with pytest.raises(CredentialMissing, match=rf"{variable} ") as caught:
        open_unvault().fetch("aws/app")

    assert "http://" in str(caught.value.hint)
    assert "canary" not in told(caught.value)


def test_the_command_ends_as_for_other_settings_that_are_wrong(keys, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNVAULT_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:4566")

    assert main(["get", "aws/app"]) == 4
    shown = capsys.readouterr().err
    assert "AWS_ENDPOINT_URL" in shown
    assert "[credential-missing]" in shown
    assert "botocore" not in shown


_SERVICES = "[profile work]\nservices = here\n[services here]\nsecrets_manager ="


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ("[profile work]\nendpoint_url = notaurl\n", "endpoint_url of the profile 'work'"),
        (
            f"{_SERVICES}\n  endpoint_url = localhost:1\n",
            "endpoint_url of secrets_manager in the section [services here]",
        ),
        (f"{_SERVICES} http://x\n", "secrets_manager in the section [services here]"),
        ("[profile work]\nservices = lost\n", "section [services lost] that is not there"),
    ],
)
def test_what_is_wrong_in_the_config_file_is_named(keys, open_unvault, own_home, config, named):
    write(own_home / ".aws" / "config", config)
    write(own_home / ".aws" / "credentials", keys.for_file("work"))

    with pytest.raises(CredentialMissing) as caught:
        open_unvault({"section": "work", "region": "eu-west-1"}, kind="file").fetch("prod/app")
    assert named in caught.value.message
    assert caught.value.hint


def test_an_address_of_sts_that_is_none_is_named_where_a_profile_needs_it(
    keys, account, ministack, open_unvault, own_home, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "canary:4566")
    write(own_home / ".aws" / "credentials", keys.for_file("base"))
    role = account.role(allow(GET))
    write(
        own_home / ".aws" / "config", f"[profile work]\nrole_arn = {role}\nsource_profile = base\n"
    )

    with pytest.raises(CredentialMissing, match="AWS_ENDPOINT_URL_STS ") as caught:
        open_unvault(at(ministack.address, section="work"), kind="file").fetch("prod/app")
    assert "canary" not in told(caught.value)


def test_what_is_nearer_counts_and_what_is_not_used_may_be_wrong(
    keys, ministack, open_unvault, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "notaurl")
    own = open_unvault(by_keys(keys, ministack.address))
    assert own.fetch("prod/app").text() == "canary-1"

    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", ministack.address)
    assert open_unvault().fetch("aws/app").text() == "canary-1"


def test_addresses_that_are_to_be_ignored_may_be_wrong(keys, open_unvault, connect, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "notaurl")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    for variable, value in connect.environment.items():
        monkeypatch.setenv(variable, value)

    assert open_unvault().fetch("aws/app").text() == "canary-1"
    assert connect.hosts == ["secretsmanager.eu-west-1.amazonaws.com"]
