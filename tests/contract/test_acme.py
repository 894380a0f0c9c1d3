"""The example of a third party's provider keeps the contract."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest

import acme_provider
from unvault.testing import ProviderContract

TOKEN = "open-sesame"


class TestAcme(ProviderContract):
    provider = acme_provider
    cannot: ClassVar = {
        "ambient": "Acme always wants a token",
        "binary": "its file is JSON",
        "denial": "whoever has the token may read all of a region",
        "expiry": "its sessions do not end",
        "network": "it is a file",
    }

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.file = tmp_path / "acme.json"
        self.regions = {"eu": {}, "us": {}}
        self._write()

    def _write(self):
        self.file.write_text(json.dumps({"token": TOKEN, "regions": self.regions}), "utf-8")

    def _put(self, region, path, value):
        self.regions[region].setdefault(path, []).append(value)
        self._write()

    def _login(self, **answers):
        return "token", {"file": str(self.file), "token": TOKEN, **answers}

    def working(self):
        return self._login()

    def seed(self, path, value):
        self._put("eu", path, value.decode())

    def seed_map(self, path, fields):
        self._put("eu", path, fields)

    def refused(self):
        return self._login(token="open-barley")

    def second(self):
        return self._login(region="us")

    def seed_second(self, path, value):
        self._put("us", path, value.decode())

    def delete(self, path):
        self.regions["eu"][path][-1] = None
        self._write()

    def unreachable(self):
        return self._login(file=str(self.file.with_name("elsewhere.json")))
