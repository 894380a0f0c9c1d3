"""The servers that the other tests here rely on, asked by the bare SDK.

Where AWS does something else than ministack, that is said beside it: a test that needs it lets the
proxy answer.
"""

from __future__ import annotations

import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.servers.aws_account import Keys, allow

_GET = "secretsmanager:GetSecretValue"


def client(keys: Keys, address: str, service: str = "secretsmanager", region: str = "eu-west-1"):
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        service, region_name=region, endpoint_url=address, config=once, **keys.for_boto()
    )


def code_of(ask, **arguments) -> str:
    with pytest.raises(ClientError) as raised:
        ask(**arguments)
    return raised.value.response["Error"]["Code"]


class TestMinistack:
    def test_what_is_not_signed_with_the_right_key_is_refused(self, account, ministack):
        account.put("app", "x")
        keys = account.user(allow("*"))
        token = account.assume(account.role(allow("*")))
        # Both know another name for a wrong key, and for a wrong signature.
        for wrong, at_secrets, at_sts in [
            (Keys(keys.access_key, "x"), "InvalidSignatureException", "SignatureDoesNotMatch"),
            (Keys("AKIANOBODY", "x"), "UnrecognizedClientException", "InvalidClientTokenId"),
            (
                Keys(token.access_key, token.secret_key, "x"),
                "UnrecognizedClientException",
                "InvalidClientTokenId",
            ),
        ]:
            secrets = client(wrong, ministack.address)
            assert code_of(secrets.get_secret_value, SecretId="app") == at_secrets
            sts = client(wrong, ministack.address, "sts")
            assert code_of(sts.get_caller_identity) == at_sts
        right = client(keys, ministack.address)
        assert right.get_secret_value(SecretId="app")["SecretString"] == "x"

    def test_keys_of_a_role_end(self, account, ministack):
        account.put("app", "x")
        keys = account.assume(account.role(allow(_GET)), seconds=1)
        secrets = client(keys, ministack.address)
        assert secrets.get_secret_value(SecretId="app")["SecretString"] == "x"
        time.sleep(max(0, keys.expires + 1 - time.time()))
        assert code_of(secrets.get_secret_value, SecretId="app") == "ExpiredTokenException"
        sts = client(keys, ministack.address, "sts")
        assert code_of(sts.get_caller_identity) == "ExpiredToken"
