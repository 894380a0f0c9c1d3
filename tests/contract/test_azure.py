"""The provider `azure` keeps the contract, on an authority and vaults over TLS."""

from __future__ import annotations

import os
import secrets
import time
from typing import ClassVar

import pytest
import trustme
from tests.servers.azure import Azure
from tests.servers.entra_tokens import Key

from unvault.testing import ProviderContract

_AZURES = ("AZURE_", "MSI_", "IDENTITY_", "MSAL_", "IMDS_")


@pytest.fixture(scope="module")
def azure(tmp_path_factory):
    with Azure(trustme.CA(), tmp_path_factory.mktemp("azure"), Key()) as server:
        yield server


class TestAzure(ProviderContract):
    provider = "azure"
    impatient: ClassVar = {"timeout": 1}
    no_version = "0" * 32
    own_packages = ("azure", "msal", "certifi", "urllib3")
    cannot: ClassVar = {
        "binary": "a secret of Key Vault is text",
        "large": "a secret of Key Vault has 25 kB at the most",
        "network": "the SDK sends tokens over TLS only: tests/plugins/azure/test_outages.py",
    }

    @pytest.fixture(autouse=True)
    def _vaults(self, azure, tmp_path, monkeypatch):
        for variable in [*os.environ]:
            if variable.startswith(_AZURES) or variable in {"CURL_CA_BUNDLE", "ALL_PROXY"}:
                monkeypatch.delenv(variable)
        for variable, value in azure.environment.items():
            monkeypatch.setenv(variable, value)
        for variable in ("HOME", "USERPROFILE"):
            monkeypatch.setenv(variable, str(tmp_path))
        self.environment = azure.environment
        self.entra = azure.entra
        self.entra.ahead = 0
        self.name = f"v{secrets.token_hex(8)}"
        self.prefix = f"{self.name}/contract-"
        self.app, self.other = self.entra.app("reader"), self.entra.app("other")
        self.vault = azure.vaults.new(self.name).allow(self.app)
        self.hidden = azure.vaults.new(f"{self.name}x").allow(self.other)
        self.secret = self.app.new_secret()

    def _by_secret(self, app, secret, **more):
        known = {"tenant_id": app.tenant.id, "client_id": app.client_id}
        return "client_secret", {**known, "client_secret": secret, **more}

    def working(self):
        return self._by_secret(self.app, self.secret)

    def tokens(self):
        return {f"token {n}": text for n, text in enumerate(self.entra.issued) if len(text) > 20}

    def seed(self, path, value):
        self.vault.put(path.partition("/")[2], value.decode(), now=time.time())

    def refused(self):
        return self._by_secret(self.app, "refused-canary-0f3a")

    def ambient(self):
        return {
            **self.environment,
            "AZURE_TENANT_ID": self.app.tenant.id,
            "AZURE_CLIENT_ID": self.app.client_id,
            "AZURE_CLIENT_SECRET": self.secret,
        }

    def second(self):
        return self._by_secret(self.other, self.other.new_secret())

    def seed_second(self, path, value):
        name = path.partition("/")[2]
        self.hidden.put(name, value.decode(), now=time.time())
        return f"{self.name}x/{name}"

    def delete(self, path):
        self.vault.delete(path.partition("/")[2], now=time.time())

    def deny(self, path):
        name = path.partition("/")[2]
        self.hidden.put(name, "whatever", now=time.time())
        return f"{self.name}x/{name}"

    def expire(self):
        """Let an hour go by, on the clock of Azure."""
        self.entra.ahead += 3700

    def unreachable(self):
        return self._by_secret(self.app, self.secret, authority="https://127.0.0.1:9", timeout=1)
