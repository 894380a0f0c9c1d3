"""The provider `gcp` keeps the contract over both transports, on a server that checks tokens."""

from __future__ import annotations

import json
import os
from typing import ClassVar

import pytest
import trustme
from tests.servers.connect import Connect
from tests.servers.gcp import Gcp
from tests.servers.gcp_accounts import private_key

from unvault.testing import ProviderContract

AUTHORITY = trustme.CA()


@pytest.fixture
def gcp(tmp_path):
    with Gcp(AUTHORITY, tmp_path) as made:
        yield made


@pytest.fixture
def connect(gcp, tmp_path):
    with Connect(AUTHORITY, tmp_path, tunnels=gcp.hosts) as made:
        yield made


class _Contract(ProviderContract):
    __test__ = False
    provider = "gcp"
    impatient: ClassVar = {"timeout": 1}
    own_packages: ClassVar = ()
    transport = ""

    @pytest.fixture(autouse=True)
    def _projects(self, gcp, connect, tmp_path, monkeypatch):
        for variable in [*os.environ]:
            if variable.startswith(("GOOGLE_", "GCE_", "CLOUDSDK_")):
                monkeypatch.delenv(variable)
        for variable in ("HOME", "USERPROFILE", "APPDATA"):
            monkeypatch.setenv(variable, str(tmp_path))
        self.gcp, self.connect = gcp, connect
        self.reader = gcp.service_account("reader", project="acme")
        self.file = self.reader.key_file(tmp_path / "key.json")
        for role in ("secretAccessor", "viewer"):
            gcp.grant(self.reader, "projects/acme", role)

    def _by_key(self, **answers):
        known = {"endpoint": self.gcp.address, "transport": self.transport}
        return "service_account", {**known, **answers}

    def working(self):
        return self._by_key(key_file=str(self.file))

    def tokens(self):
        return {"the private key": json.loads(self.file.read_text())["private_key"]}

    def seed(self, path, value):
        self.gcp.put("acme", path, value)

    def refused(self):
        key = self.reader.key(private_key=private_key(1))
        return self._by_key(key=json.dumps(key))

    def ambient(self):
        """Ask for Google's own names, at a proxy that has the server behind them."""
        file = {"GOOGLE_APPLICATION_CREDENTIALS": str(self.file)}
        return self.connect.environment | self.gcp.environment | file

    def second(self):
        other = self.gcp.reader(project="other")
        return self._by_key(key=json.dumps(other.key()))

    def seed_second(self, path, value):
        self.gcp.put("other", path, value)

    def delete(self, path):
        """Disable it: of one that was removed, GCP knows nothing more."""
        self.gcp.set_state(f"projects/acme/secrets/{path}/versions/1", "DISABLED")

    def deny(self, path):
        self.gcp.put("hidden", path, "whatever")
        return f"projects/hidden/secrets/{path}"

    def expire(self):
        """Delete the key, and put another one into the file, as who rotates keys does."""
        self.reader.revoke_keys()
        self.reader.key_file(self.file)


class TestGcpOverRest(_Contract):
    __test__ = True
    transport = "rest"
    endpoint = "endpoint"

    cannot: ClassVar = {
        "empty": "a secret of GCP has one byte at the least",
    }


class TestGcpOverGrpc(_Contract):
    __test__ = True
    transport = "grpc"
    cannot: ClassVar = {
        **TestGcpOverRest.cannot,
        "network": "the suite speaks HTTP/1.1: tests/plugins/gcp/test_faults does it over gRPC",
    }

    def unreachable(self):
        return self._by_key(key_file=str(self.file), endpoint="http://127.0.0.1:9", timeout=1)
