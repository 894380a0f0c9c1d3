"""The provider `aws` keeps the contract, on a server that verifies each signature."""

from __future__ import annotations

import os
from typing import ClassVar

import pytest
from tests.servers.aws_account import Keys, allow
from tests.servers.ministack import Ministack

from unvault.testing import ProviderContract


@pytest.fixture(scope="module")
def ministack(tmp_path_factory):
    with Ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


class TestAws(ProviderContract):
    provider = "aws"
    endpoint = "endpoint"
    signs_host = True
    impatient: ClassVar = {"timeout": 1}
    version_parameter = "version_id"
    no_version = "00000000-0000-4000-8000-000000987654"
    own_packages = ("botocore", "urllib3")
    cannot: ClassVar = {
        "empty": "a secret of AWS has one character at the least",
    }

    @pytest.fixture(autouse=True)
    def _accounts(self, ministack, tmp_path, monkeypatch):
        for variable in [*os.environ]:
            if variable.startswith(("AWS_", "BOTO_")):
                monkeypatch.delenv(variable)
        for variable in ("HOME", "USERPROFILE"):
            monkeypatch.setenv(variable, str(tmp_path))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        self.address = ministack.address
        self.first, self.other = ministack.new_account(), ministack.new_account()
        self.file = tmp_path / "credentials"
        self.keys = self._new_keys(self.first)
        self.file.write_text(self.keys.for_file("reader"))

    def _new_keys(self, account) -> Keys:
        return account.user(
            allow("secretsmanager:GetSecretValue", on="arn:*:secret:contract-*"),
            allow("secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets"),
            name="reader",
        )

    def _by_keys(self, keys, **more):
        return "keys", {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "region": "eu-west-1",
            "endpoint": self.address,
            **more,
        }

    def working(self):
        return "file", {
            "section": "reader",
            "file_path": str(self.file),
            "region": "eu-west-1",
            "endpoint": self.address,
        }

    def tokens(self):
        return {"the secret access key": self.keys.secret_key}

    def seed(self, path, value):
        try:
            self.first.put(path, value.decode())
        except UnicodeDecodeError:
            self.first.put(path, value)

    def refused(self):
        return self._by_keys(self.keys, secret_access_key="refused-canary-0f3a")

    def ambient(self):
        return {
            **self.keys.for_environment(),
            "AWS_ENDPOINT_URL": self.address,
            "AWS_DEFAULT_REGION": "eu-west-1",
        }

    def second(self):
        return self._by_keys(self._new_keys(self.other))

    def seed_second(self, path, value):
        self.other.put(path, value.decode())

    def delete(self, path):
        self.first.delete(path)

    def deny(self, path):
        hidden = path.replace("contract-", "hidden-")
        self.first.put(hidden, "whatever")
        return hidden

    def expire(self):
        """Take the keys back, and put others into the file, as who rotates keys does."""
        old, self.keys = self.keys, self._new_keys(self.first)
        self.file.write_text(self.keys.for_file("reader"))
        self.first.disable(old, "reader")
