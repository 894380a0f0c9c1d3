"""A provider in memory: the smallest contract there is."""

from __future__ import annotations

import inspect

from tests.fakes.bad import PlainProvider

from unvault.testing import ProviderContract

ABSENT = ("ambient", "deletion", "denial", "expiry", "network", "refusal", "second", "unreachable")


class TestMemory(ProviderContract):
    provider = PlainProvider()
    cannot = dict.fromkeys(ABSENT, "it is a dictionary, open to everybody")

    def working(self):
        return "token", {"token": "sesame-seed"}

    def seed(self, path, value):
        PlainProvider.secrets[path] = value


def test_the_smallest_contract_has_less_than_ten_lines():
    lines = inspect.getsource(TestMemory).splitlines()
    assert len([line for line in lines if line.strip()]) < 10
