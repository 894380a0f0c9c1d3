"""Finds the contract that pytest's options name."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest

from unvault.client import Unvault
from unvault.errors import UnvaultError
from unvault.testing.contract import ProviderContract
from unvault.testing.verdict import cannot

_wrong = pytest.Collector.CollectError


class _Bare(ProviderContract):
    """A contract that nobody filled in: what needs a vault is skipped, and says what to give."""

    def _lacks(self, what: str, why: str) -> NoReturn:
        __tracebackhide__ = True
        cannot(f"give a contract with {what}: --unvault-contract MODULE:CLASS")


def chosen(provider: str | None, contract: str | None) -> type[ProviderContract]:
    """Return the contract to try.

    Args:
        provider: Id of an installed provider; None where the contract says which.
        contract: ``MODULE:CLASS``; None for what can be tried without a vault.

    Raises:
        pytest.Collector.CollectError: Neither is given, or there is none of that name.
    """
    if provider is None and contract is None:
        raise _wrong("which provider? Give --unvault-provider NAME")
    base = _Bare if contract is None else _found(contract)
    if provider is None:
        return base
    try:
        Unvault.in_memory(environ={}).providers.load(provider)
    except UnvaultError as error:
        raise _wrong(f"--unvault-provider {provider}: {error}") from None
    return type(base.__name__, (base,), {"provider": provider})


def _found(contract: str) -> type[ProviderContract]:
    module, colon, name = contract.partition(":")
    if not (module and colon and name):
        raise _wrong(f"--unvault-contract is written MODULE:CLASS, not {contract!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as for `python -m`: an author's file is at hand
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise _wrong(f"--unvault-contract {contract}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, ProviderContract)):
        raise _wrong(f"--unvault-contract {contract} is no subclass of ProviderContract")
    return found
