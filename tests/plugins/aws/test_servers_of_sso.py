"""The servers for signing in by SSO and for AWS's own names, asked by the bare SDK."""

from __future__ import annotations

import hashlib
import json
from urllib.request import urlopen

import boto3
import pytest
from botocore.exceptions import (
    NoCredentialsError,
    ProxyConnectionError,
    SSOTokenLoadError,
    UnauthorizedSSOTokenError,
)
from tests.plugins.aws.asking import asked_at, client, code_of
from tests.servers.aws_account import Keys, allow

_GET = "secretsmanager:GetSecretValue"
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def profile(sso, account, ministack, own_home):
    """Return what takes a token for a profile ``dev``, which signs in by SSO."""
    account.put("app", "x")
    sso.assign(account, account.role(allow(_GET), name="Reader"))
    folder = own_home / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True)
    (own_home / ".aws" / "config").write_text(f"""
[profile dev]
sso_session = corp
sso_account_id = {account.number}
sso_role_name = Reader
region = {account.region}
services = here
[sso-session corp]
sso_region = {sso.region}
sso_start_url = {sso.start_url}
sso_registration_scopes = sso:account:access
[services here]
sso =
  endpoint_url = {sso.address}
sso_oidc =
  endpoint_url = {sso.address}
secrets_manager =
  endpoint_url = {ministack.address}
""")
    kept = folder / f"{hashlib.sha1(b'corp', usedforsecurity=False).hexdigest()}.json"
    return lambda token: kept.write_text(json.dumps(token))


def fetched(profile_name="dev"):
    session = boto3.Session(profile_name=profile_name)
    return session.client("secretsmanager").get_secret_value(SecretId="app")["SecretString"]


class TestSso:
    def test_a_token_leads_to_a_secret(self, sso, profile):
        with pytest.raises(SSOTokenLoadError):
            fetched()
        profile(sso.sign_in())
        assert fetched() == "x"
        assert [seen.path.partition("?")[0] for seen in sso.requests] == ["/federation/credentials"]

    def test_a_token_is_refreshed_as_long_as_nobody_signs_out(self, sso, profile, caplog):
        profile(sso.sign_in())
        sso.ahead = sso.token_seconds + 1
        with pytest.raises(UnauthorizedSSOTokenError):
            fetched()  # the SDK goes by its own clock
        sso.ahead, sso.token_seconds = 0, 600  # it refreshes what ends within a quarter of an hour
        profile(sso.sign_in())
        assert fetched() == "x"
        assert sso.granted("refresh_token") == 1
        sso.sign_out()
        with pytest.raises(UnauthorizedSSOTokenError):
            fetched()
        assert "SSO token refresh attempt failed" in caplog.text

    def test_a_person_allows_or_declines_a_code(self, sso):
        oidc = client(None, sso.address, "sso-oidc")
        told = {"clientName": "test", "clientType": "public", "scopes": ["sso:account:access"]}
        made = oidc.register_client(**told)
        known = {name: made[name] for name in ("clientId", "clientSecret")}

        def shown():
            return oidc.start_device_authorization(**known, startUrl=sso.start_url)

        def code(page):
            return {**known, "grantType": _DEVICE, "deviceCode": page["deviceCode"]}

        allowed, declined, late = shown(), shown(), shown()
        for expected in ("AuthorizationPendingException", "SlowDownException"):
            assert code_of(oidc.create_token, **code(allowed)) == expected
        sso.approve(allowed["userCode"])
        sso.decline(declined["userCode"])
        token = oidc.create_token(**code(allowed))
        assert token["refreshToken"]
        assert code_of(oidc.create_token, **code(allowed)) == "InvalidGrantException"
        assert code_of(oidc.create_token, **code(declined)) == "AccessDeniedException"
        sso.ahead = sso.device_seconds + 1
        assert code_of(oidc.create_token, **code(late)) == "ExpiredTokenException"
        sso.ahead = sso.registration_seconds + 1
        assert code_of(shown) == "InvalidClientException"
        assert sso.granted("device_code") == 6

    def test_opening_the_page_may_be_enough(self, sso):
        oidc = client(None, sso.address, "sso-oidc")
        made = oidc.register_client(clientName="test", clientType="public")
        known = {name: made[name] for name in ("clientId", "clientSecret")}
        page = oidc.start_device_authorization(**known, startUrl=sso.start_url)
        sso.approves_visits = True
        with urlopen(page["verificationUriComplete"], timeout=5) as opened:  # noqa: S310  # ours
            assert opened.status == 200
        token = oidc.create_token(**known, grantType=_DEVICE, deviceCode=page["deviceCode"])
        assert "refreshToken" not in token  # for want of the scope

    def test_the_portal_lists_what_was_assigned(self, sso, profile, account):
        portal = client(None, sso.address, "sso")
        mine = {"accessToken": sso.sign_in()["accessToken"]}
        accounts = portal.list_accounts(**mine)["accountList"]
        assert [each["accountId"] for each in accounts] == [account.number]
        roles = portal.list_account_roles(**mine, accountId=account.number)["roleList"]
        assert [each["roleName"] for each in roles] == ["Reader"]
        other = {"accountId": account.number, "roleName": "Admin"}
        assert code_of(portal.get_role_credentials, **mine, **other) == "ForbiddenException"


@pytest.fixture
def behind(connect, monkeypatch):
    """Return the proxy, through which the SDK goes whatever it asks."""
    for variable, value in connect.environment.items():
        monkeypatch.setenv(variable, value)
    return connect


class TestConnect:
    def test_the_sdk_asks_the_real_names(self, behind, sso, profile, own_home):
        config = own_home / ".aws" / "config"
        config.write_text(config.read_text().replace("services = here\n", ""))
        profile(sso.sign_in())
        assert fetched() == "x"
        secrets = "secretsmanager.eu-west-1.amazonaws.com"
        assert behind.hosts == ["portal.sso.eu-west-1.amazonaws.com", secrets]
        assert behind.at(secrets).actions == ["secretsmanager.GetSecretValue"]
        assert behind.refused == []

    def test_signatures_are_verified_with_the_name_that_was_asked(self, behind, account):
        account.put("app", "x")
        keys = account.user(allow("*"))
        assert asked_at(None, keys, "app")["SecretString"] == "x"
        wrong = client(Keys(keys.access_key, "x"), None).get_secret_value
        assert code_of(wrong, SecretId="app") == "InvalidSignatureException"

    def test_other_names_are_refused_and_noted(self, behind, account, monkeypatch):
        elsewhere = client(account.root, None, region="us-east-2")
        with pytest.raises(ProxyConnectionError):
            elsewhere.get_secret_value(SecretId="app")
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        with pytest.raises(NoCredentialsError):
            boto3.Session(region_name="eu-west-1").client("sts").get_caller_identity()
        assert behind.refused == behind.hosts
        assert {*behind.refused} == {"secretsmanager.us-east-2.amazonaws.com", "169.254.169.254"}
