"""The SDK logs what it sends and gets: not what it sends and gets for us."""

from __future__ import annotations

import logging

import boto3
import pytest
from tests.plugins.aws.using import GET, add, at, by_keys, reader
from tests.servers.aws_account import allow


@pytest.fixture
def unvault(account, ministack, open_unvault):
    account.put("app", "canary-1")
    account.put("db", "canary-2")
    unvault = open_unvault(by_keys(reader(account, "*"), ministack.address))
    role = at(ministack.address, role_arn=account.role(allow(GET)), source="base")
    add(unvault, "role", role, kind="assume_role")
    add(unvault, "base", by_keys(account.user(allow("sts:AssumeRole")), ministack.address))
    return unvault


def use(unvault):
    unvault.fetch("prod/app", fresh=True)
    unvault.fetch("role/app", fresh=True)
    unvault.fetch_many(["prod/app", "prod/db"], fresh=True)
    unvault.credentials.test("prod")


def test_at_the_level_debug_nothing_of_a_request_or_an_answer_is_logged(unvault, caplog):
    caplog.set_level(logging.DEBUG)

    use(unvault)

    sdk = [record for record in caplog.records if record.name.startswith("botocore")]
    assert [record.getMessage() for record in sdk] == []
    assert "canary" not in caplog.text
    assert "X-Amz-Security-Token" not in caplog.text


def test_others_in_the_process_still_have_the_logs_of_the_sdk(unvault, account, ministack, caplog):
    use(unvault)
    caplog.set_level(logging.DEBUG)
    keys = reader(account).for_boto()
    client = boto3.client(
        "secretsmanager", region_name="eu-west-1", endpoint_url=ministack.address, **keys
    )

    client.get_secret_value(SecretId="app")

    assert "canary-1" in caplog.text  # which is why ours are kept quiet
