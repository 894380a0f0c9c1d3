"""The servers that the other tests here rely on, asked by the bare SDK."""

from __future__ import annotations

import hashlib
import json
import sys
import time

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSOTokenLoadError,
    UnauthorizedSSOTokenError,
)
from tests.servers.aws_account import Keys, allow, deny
from tests.servers.ministack import Ministack
from tests.servers.process import outlives_its_starter

_GET = "secretsmanager:GetSecretValue"
_BATCH = "secretsmanager:BatchGetSecretValue"
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def client(keys, address, service="secretsmanager", *, region="eu-west-1", **options):
    once = Config(
        retries={"total_max_attempts": 1},
        signature_version=None if keys else UNSIGNED,
        parameter_validation=False,  # or no role's keys could end within a test
        **options,
    )
    known = keys.for_boto() if keys else {}
    return boto3.client(service, region_name=region, endpoint_url=address, config=once, **known)


def code_of(ask, **arguments) -> str:
    with pytest.raises(ClientError) as raised:
        ask(**arguments)
    return raised.value.response["Error"]["Code"]


def asked_at(address, keys, secret_id, **arguments):
    return client(keys, address).get_secret_value(SecretId=secret_id, **arguments)


class TestMinistack:
    def test_what_is_not_signed_with_the_right_key_is_refused(self, account, ministack):
        account.put("app", "x")
        keys = account.user(allow("*"))
        token = account.assume(account.role(allow("*")))
        unknown = "UnrecognizedClientException", "InvalidClientTokenId"
        for wrong, codes in [
            (Keys(keys.access_key, "x"), ("InvalidSignatureException", "SignatureDoesNotMatch")),
            (Keys("AKIANOBODY", "x"), unknown),
            (Keys(token.access_key, token.secret_key, "x"), unknown),
        ]:
            secrets = client(wrong, ministack.address)
            sts = client(wrong, ministack.address, "sts")
            assert code_of(secrets.get_secret_value, SecretId="app") == codes[0]
            assert code_of(sts.get_caller_identity) == codes[1]
        assert asked_at(ministack.address, keys, "app")["SecretString"] == "x"
        assert asked_at(ministack.address, token, "app")["SecretString"] == "x"

    def test_what_root_signs_is_not_verified(self, account, ministack):
        account.put("app", "x")
        assert asked_at(ministack.address, Keys(account.number, "?"), "app")["SecretString"] == "x"

    def test_keys_of_a_role_end_and_are_forgotten_with_the_next_ones(self, account, ministack):
        account.put("app", "x")
        role = account.role(allow(_GET))
        keys = account.assume(role, seconds=1)
        secrets, sts = client(keys, ministack.address), client(keys, ministack.address, "sts")
        assert secrets.get_secret_value(SecretId="app")["SecretString"] == "x"
        time.sleep(1.05)
        assert code_of(secrets.get_secret_value, SecretId="app") == "ExpiredTokenException"
        assert code_of(sts.get_caller_identity) == "ExpiredToken"
        account.assume(role)
        assert code_of(secrets.get_secret_value, SecretId="app") == "UnrecognizedClientException"

    def test_a_policy_holds_for_each_secret(self, account, ministack):
        mine = account.put("mine", "x").arn
        account.put("other", "y")
        keys = account.user(allow(_GET, on=mine), allow(_BATCH))
        secrets = client(keys, ministack.address)
        assert secrets.get_secret_value(SecretId="mine")["SecretString"] == "x"
        assert code_of(secrets.get_secret_value, SecretId="other") == "AccessDeniedException"
        assert code_of(secrets.get_secret_value, SecretId="none") == "AccessDeniedException"
        assert code_of(secrets.list_secrets) == "AccessDeniedException"
        batch = secrets.batch_get_secret_value(SecretIdList=["mine", "other", "none"])
        assert [found["SecretString"] for found in batch["SecretValues"]] == ["x"]
        errors = {error["SecretId"]: error["ErrorCode"] for error in batch["Errors"]}
        assert errors == {"other": "AccessDeniedException", "none": "AccessDeniedException"}

    def test_a_policy_may_deny_batches_only(self, account, ministack):
        account.put("app", "x")
        secrets = client(account.user(allow("secretsmanager:*"), deny(_BATCH)), ministack.address)
        assert code_of(secrets.batch_get_secret_value, SecretIdList=["app"]).startswith("Access")
        assert secrets.get_secret_value(SecretId="app")["SecretString"] == "x"
        assert [each["Name"] for each in secrets.list_secrets()["SecretList"]] == ["app"]

    def test_a_secret_has_versions_and_an_end(self, account, ministack):
        first = account.put("app", {"user": "me"})
        account.put("app", b"\0\xff")
        account.put("app", "waiting", stages=("AWSPENDING",))
        secrets = client(account.user(allow("*")), ministack.address)

        def value(**which):
            return secrets.get_secret_value(SecretId="app", **which)

        assert value()["SecretBinary"] == b"\0\xff"
        assert json.loads(value(VersionStage="AWSPREVIOUS")["SecretString"]) == {"user": "me"}
        assert value(VersionId=first.version_id)["VersionId"] == first.version_id
        assert value(VersionStage="AWSPENDING")["SecretString"] == "waiting"
        assert code_of(value, VersionStage="NONE") == "ResourceNotFoundException"
        assert code_of(value, VersionId="0" * 32) == "ResourceNotFoundException"
        account.delete("app")
        assert code_of(value) == "InvalidRequestException"
        account.restore("app")
        assert value()["SecretBinary"] == b"\0\xff"
        account.delete("app", days=0)
        assert code_of(value) == "ResourceNotFoundException"

    def test_accounts_and_regions_are_apart(self, account, new_account, ministack):
        other, east = new_account(), account.in_region("us-east-2")
        arns = [each.put("app", each.number + each.region).arn for each in (account, other, east)]
        keys = account.user(allow("*"))
        for known_as in ("app", arns[0], arns[0][: -len("-123456")]):
            found = asked_at(ministack.address, keys, known_as)
            assert found["ARN"] == arns[0]
            assert found["SecretString"] == account.number + "eu-west-1"
        for foreign in arns[1:]:
            ask = client(keys, ministack.address).get_secret_value
            assert code_of(ask, SecretId=foreign) == "ResourceNotFoundException"
        there = client(keys, ministack.address, region="us-east-2")
        assert there.get_secret_value(SecretId=arns[2])["ARN"] == arns[2]

    def test_a_role_is_for_those_it_trusts(self, account, new_account, ministack):
        other = new_account()
        trusting = other.role(
            principal={"AWS": f"arn:aws:iam::{account.number}:root"}, external_id="agreed"
        )
        sts = client(account.user(allow("sts:AssumeRole")), ministack.address, "sts")
        told = {"RoleArn": trusting, "RoleSessionName": "me"}
        assert code_of(sts.assume_role, **told) == "AccessDenied"
        made = sts.assume_role(**told, ExternalId="agreed", DurationSeconds=1)
        assert made["AssumedRoleUser"]["Arn"].startswith(f"arn:aws:sts::{other.number}:")
        assert made["Credentials"]["Expiration"].timestamp() < time.time() + 2
        nobody = client(account.user(), ministack.address, "sts")
        assert code_of(nobody.assume_role, **told, ExternalId="agreed") == "AccessDenied"

    def test_a_role_is_given_for_a_web_identity(self, account, ministack, issuer):
        account.put("app", "x")
        trusted = {"Federated": account.oidc_provider("id.example.com")}
        told = {"RoleArn": account.role(allow(_GET), principal=trusted), "RoleSessionName": "me"}
        ask = client(None, ministack.address, "sts").assume_role_with_web_identity
        made = ask(**told, WebIdentityToken=issuer.issue(iss="https://id.example.com", sub="me"))
        parts = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        keys = Keys(*[made["Credentials"][part] for part in parts])
        assert asked_at(ministack.address, keys, "app")["SecretString"] == "x"
        for other in ("not-a-token", issuer.issue(iss="https://other.example.com", sub="me")):
            assert code_of(ask, **told, WebIdentityToken=other) == "AccessDenied"

    @pytest.mark.skipif(sys.platform != "linux", reason="needs prctl(2)")
    def test_it_ends_with_the_process_that_started_it(self, tmp_path):
        program = (
            "import pathlib\n"
            "from tests.servers.ministack import Ministack\n"
            f"pid = Ministack(pathlib.Path({str(tmp_path)!r})).start()._process.pid"
        )
        assert not outlives_its_starter(program)

    def test_where_it_is_not_installed_it_is_said_what_to_run(self, tmp_path, monkeypatch):
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        with pytest.raises(AssertionError, match="`make test` makes it"):
            Ministack(tmp_path).start()


class TestAwsProxy:
    def test_it_counts_what_it_passes_on(self, account, proxy):
        account.put("app", "x")
        keys = account.user(allow("*"))
        assert asked_at(proxy.address, keys, "app")["SecretString"] == "x"
        assert client(keys, proxy.address, "sts").get_caller_identity()["Account"]
        assert proxy.actions == ["secretsmanager.GetSecretValue", "sts.GetCallerIdentity"]
        assert (proxy.asked("GetSecretValue"), proxy.asked("sts."), proxy.asked("KMS")) == (1, 1, 0)

    def test_it_answers_as_the_service_would(self, account, proxy):
        account.put("app", "x")
        keys = account.user(allow("*"))
        secrets, sts = client(keys, proxy.address), client(keys, proxy.address, "sts")
        proxy.fail("AccessDeniedException", "Access to KMS is not allowed", where="GetSecret")
        proxy.fail("Throttling", "Rate exceeded", where="sts.")
        with pytest.raises(ClientError, match=r"Throttling.*Rate exceeded"):
            sts.get_caller_identity()
        with pytest.raises(ClientError, match=r"AccessDeniedException.*Access to KMS"):
            secrets.get_secret_value(SecretId="app")
        proxy.fail("InternalServiceError", status=500)
        assert code_of(secrets.get_secret_value, SecretId="app") == "InternalServiceError"
        assert secrets.get_secret_value(SecretId="app")["SecretString"] == "x"

    def test_it_answers_nothing_or_nonsense(self, account, proxy):
        ask = client(account.user(allow("*")), proxy.address, read_timeout=0.1).get_secret_value
        proxy.reset(where="GetSecretValue").hang(times=1).answer(200, body=b"<html>")
        with pytest.raises(ConnectionClosedError):
            ask(SecretId="app")
        with pytest.raises(ReadTimeoutError):
            ask(SecretId="app")
        assert "SecretString" not in ask(SecretId="app")  # what the SDK makes of nonsense


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
