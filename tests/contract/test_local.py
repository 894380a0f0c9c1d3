"""The provider `local` keeps the contract, with a vault of its own for each test."""

from __future__ import annotations

from typing import ClassVar

import pytest

from unvault.errors import StoreLocked
from unvault.protection import KeyFile, Passphrase
from unvault.testing import ProviderContract
from unvault_local.vault import LocalVault

PASSPHRASE = "correct horse battery staple"


class TestLocal(ProviderContract):
    provider = "local"
    refused_as = StoreLocked
    cannot: ClassVar = {
        "denial": "whoever opens a vault may read all of it",
        "expiry": "nobody ends a session but the process itself",
        "network": "it is a file",
        "unreachable": "a file that is not there is a vault without secrets",
    }

    @pytest.fixture(autouse=True)
    def _home(self, tmp_path, monkeypatch):
        monkeypatch.setenv("UNVAULT_HOME", str(tmp_path))
        self.home = tmp_path
        self.vault = self._vault("local.db")
        self.other = self._vault("other.db")

    def _vault(self, name):
        key = KeyFile(self.home / "config" / "unvault.key")
        return LocalVault(self.home / "data" / name, [key])

    def working(self):
        return "vault", {"path": str(self.vault.where)}

    def seed(self, path, value):
        self.vault.set(path, value)

    def refused(self):
        locked = LocalVault(self.home / "locked.db", [Passphrase(lambda _: PASSPHRASE)])
        locked.set("anything", b"at all")
        return "vault", {"path": str(locked.where), "passphrase": "not this one"}

    def ambient(self):
        return {"UNVAULT_HOME": str(self.home)}

    def second(self):
        return "vault", {"path": str(self.other.where)}

    def seed_second(self, path, value):
        self.other.set(path, value)

    def delete(self, path):
        self.vault.remove(path, 1)
