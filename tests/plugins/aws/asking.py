"""AWS asked by the bare SDK."""

from __future__ import annotations

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError


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


def asked_at(address, keys, secret_id):
    return client(keys, address).get_secret_value(SecretId=secret_id)
