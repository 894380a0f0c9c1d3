"""The provider `hashicorp` keeps the contract, on a real server, a namespace for each test."""

from __future__ import annotations

from typing import ClassVar

import pytest
from tests.servers.openbao import OpenBao, namespaces

from unvault.testing import ProviderContract


@pytest.fixture(scope="module")
def openbao(tmp_path_factory):
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
def new_namespace(openbao):
    yield from namespaces(openbao)


class TestHashicorp(ProviderContract):
    provider = "hashicorp"
    prefix = "team/kv/contract-"
    endpoint = "server_address"
    impatient: ClassVar = {"timeout": 1}
    cannot: ClassVar = {
        "binary": "the fields of a KV secret are JSON",
    }

    @pytest.fixture(autouse=True)
    def _namespaces(self, new_namespace, tmp_path, monkeypatch):
        for variable in ("HOME", "USERPROFILE"):
            monkeypatch.setenv(variable, str(tmp_path))
        self.first, self.other = new_namespace(), new_namespace()
        self.roles = {each.path: self._made(each) for each in (self.first, self.other)}

    def _made(self, namespace):
        namespace.mount("team/kv")
        namespace.allow(
            "reader",
            {"team/kv/data/contract-*": "read", "team/kv/metadata/*": "list"},
        )
        return namespace.approle("reader")

    def _answers(self, namespace, **more):
        role = self.roles[namespace.path]
        return "on_prem", {
            "server_address": namespace.address,
            "namespace": namespace.path,
            "auth_method": "approle",
            "role_id": role.role_id,
            "secret_id": role.secret_id,
            **more,
        }

    def _write(self, namespace, path, **fields):
        namespace.write("team/kv", path.removeprefix("team/kv/"), **fields)

    def working(self):
        return self._answers(self.first)

    def seed(self, path, value):
        self._write(self.first, path, value=value.decode())
        return f"{path}#value"

    def seed_map(self, path, fields):
        self._write(self.first, path, **fields)

    def refused(self):
        return self._answers(self.first, secret_id="c0ffee00-0000-4000-8000-refusedcanary")

    def ambient(self):
        return {
            "VAULT_ADDR": self.first.address,
            "VAULT_NAMESPACE": self.first.path,
            "VAULT_TOKEN": self.first.create_token("reader"),
        }

    def second(self):
        return self._answers(self.other)

    def seed_second(self, path, value):
        self._write(self.other, path, value=value.decode())
        return f"{path}#value"

    def delete(self, path):
        self.first.delete("team/kv", path.removeprefix("team/kv/").removesuffix("#value"))

    def deny(self, path):
        hidden = path.replace("contract-", "hidden-")
        self._write(self.first, hidden, value="whatever")
        return f"{hidden}#value"

    def expire(self):
        self.first.revoke_logins("approle")
