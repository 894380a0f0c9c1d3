"""What people have in their pipelines for Insomnia works as it is."""

from __future__ import annotations

import base64
import json

import pytest
from tests.plugins.aws.using import GET, keep_token, opened, reader, write
from tests.servers.aws_account import allow

pytestmark = pytest.mark.usefixtures("quiet_log")

FOREIGN = "cloudCred_0123456789abcdef0123456789abcdef"


@pytest.fixture
def app(account, ministack, monkeypatch):
    """Return an account with a secret ``app``, whose server the SDK is told of."""
    account.put("app", {"password": "canary-1", "user": "me"})
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", ministack.address)
    return account


def rendered(environ, lookup, **options):
    with opened(environ=environ, **options) as unvault:
        text = json.dumps(lookup)
        encoded = base64.b64encode(text.encode()).decode()
        plain = unvault.render("{% vault 'aws', '" + FOREIGN + "', '" + text + "' %}")
        packed = unvault.render(f"{{% vault 'aws', '{FOREIGN}', 'b64::{encoded}::46b' %}}")
        assert plain == packed
        return plain


def kv(**more):
    return {"SecretId": "app", "SecretType": "kv", "SecretKey": "password", **more}


def test_temporary_keys(app):
    keys = app.assume(app.role(allow(GET)))
    environ = {
        "INSOMNIA_AWS_TYPE": "temporary",
        "INSOMNIA_AWS_ACCESSKEYID": keys.access_key,
        "INSOMNIA_AWS_SECRETACCESSKEY": keys.secret_key,
        "INSOMNIA_AWS_SESSIONTOKEN": keys.session_token,
        "INSOMNIA_AWS_REGION": "eu-west-1",
    }

    assert rendered(environ, kv()) == "canary-1"


@pytest.mark.parametrize("cache", ["", "true", "false", "1", "0", "True"])
def test_a_section_of_a_file(app, tmp_path, cache):
    file = write(tmp_path / "own", reader(app).for_file("work"))
    environ = {
        "INSOMNIA_AWS_TYPE": "file",
        "INSOMNIA_AWS_SECTION": "work",
        "INSOMNIA_AWS_FILEPATH": str(file),
        "INSOMNIA_AWS_ENABLECACHE": cache,
        "INSOMNIA_AWS_REGION": "eu-west-1",
    }

    assert rendered(environ, kv()) == "canary-1"


def test_a_section_of_the_usual_file(app, own_home):
    write(own_home / ".aws" / "credentials", reader(app).for_file("work"))
    environ = {
        "INSOMNIA_AWS_TYPE": "file",
        "INSOMNIA_AWS_SECTION": "work",
        "INSOMNIA_AWS_REGION": "eu-west-1",
    }

    assert rendered(environ, kv()) == "canary-1"


@pytest.mark.parametrize("kind", ["sso", "file"])
def test_sso_under_either_name(app, sso, own_home, tmp_path, monkeypatch, kind):
    sso.assign(app, app.role(allow(GET), name="Reader"))
    keep_token(own_home, "corp", sso.sign_in())
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", sso.address)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO_OIDC", sso.address)
    config = write(
        tmp_path / "config",
        f"""
        [profile dev]
        sso_session = corp
        sso_account_id = {app.number}
        sso_role_name = Reader
        [sso-session corp]
        sso_region = eu-west-1
        sso_start_url = {sso.start_url}
        """,
    )
    environ = {
        "INSOMNIA_AWS_TYPE": kind,
        "INSOMNIA_AWS_SECTION": "dev",
        "INSOMNIA_AWS_CONFIGFILEPATH": str(config),
        "INSOMNIA_AWS_ENABLECACHE": "true",
        "INSOMNIA_AWS_REGION": "eu-west-1",
    }

    assert rendered(environ, kv()) == "canary-1"


@pytest.mark.parametrize(
    ("lookup", "expected"),
    [
        ({"SecretId": "app", "SecretType": "kv", "SecretKey": "user"}, "me"),
        ({"SecretId": "app", "SecretKey": "user"}, "me"),
        ({"SecretId": "app", "SecretType": "plaintext"}, "whole"),
        ({"SecretId": "app", "SecretType": "plaintext", "SecretKey": "user"}, "whole"),
        ({"SecretId": "app", "SecretType": "kv"}, "whole"),
        ({"SecretId": "app", "VersionStage": "AWSPREVIOUS", "SecretType": "plaintext"}, "old"),
        ({"SecretId": "app", "VersionId": "FIRST", "SecretType": "plaintext"}, "old"),
        ({"SecretId": "app", "VersionId": "", "VersionStage": "", "SecretKey": "user"}, "me"),
        ({"SecretId": "ARN", "SecretType": "kv", "SecretKey": "user"}, "me"),
    ],
)
def test_look_ups(account, ministack, monkeypatch, lookup, expected):
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.address)
    first = account.put("app", "old")
    whole = '{"password": "canary-1", "user": "me"}'
    account.put("app", whole)
    keys = reader(account)
    environ = {
        "UNVAULT_AWS_ACCESS_KEY_ID": keys.access_key,
        "UNVAULT_AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "UNVAULT_AWS_REGION": "eu-west-1",
    }
    names = {"FIRST": first.version_id, "ARN": first.arn}
    asked = {name: names.get(value, value) for name, value in lookup.items()}

    assert rendered(environ, asked) == {"whole": whole}.get(expected, expected)
