"""The servers that the other tests here rely on, asked by the bare SDK."""

from __future__ import annotations

import json
import sys
import time

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from tests.plugins.aws.asking import asked_at, client, code_of
from tests.servers.aws_account import Keys, allow, deny
from tests.servers.aws_proxy import asked_for
from tests.servers.ministack import Ministack
from tests.servers.process import outlives_its_starter

_GET = "secretsmanager:GetSecretValue"
_BATCH = "secretsmanager:BatchGetSecretValue"


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

    def test_keys_may_be_disabled(self, account, ministack):
        keys = account.user(allow("*"), name="leaver")
        account.disable(keys, "leaver")
        ask = client(keys, ministack.address).get_secret_value
        assert code_of(ask, SecretId="app") == "UnrecognizedClientException"
        sts = client(keys, ministack.address, "sts")
        assert code_of(sts.get_caller_identity) == "InvalidClientTokenId"

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

    def test_it_comes_back_at_its_address_and_has_forgotten_all(self, tmp_path):
        with Ministack(tmp_path) as server:
            account, address = server.new_account(), server.address
            account.put("app", "x")
            server.kill()
            ask = client(account.root, address).get_secret_value
            with pytest.raises(EndpointConnectionError):
                ask(SecretId="app")
            assert server.start().address == address
            assert code_of(ask, SecretId="app") == "ResourceNotFoundException"

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
        assert asked_for(proxy.requests[0]) == {"SecretId": "app"}
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
