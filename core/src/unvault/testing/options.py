"""A plugin of pytest: the options that say which provider the suite is run for.

pytest loads this module wherever unvault is installed, so it imports nothing but pytest, and
declares names that are nobody else's.
"""

from __future__ import annotations

from typing import Any

import pytest

PROVIDER = "--unvault-provider"
"""Option: id of the installed provider to try."""

CONTRACT = "--unvault-contract"
"""Option: the contract to try it with, as ``MODULE:CLASS``."""

_HOME = "unvault.testing.test_installed"
_PLACEHOLDER = "TestInstalled"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("unvault", "the contract suite of unvault's providers")
    group.addoption(
        PROVIDER,
        metavar="NAME",
        help="the installed provider that `--pyargs unvault.testing` tries",
    )
    group.addoption(
        CONTRACT,
        metavar="MODULE:CLASS",
        help="the subclass of ProviderContract that knows how to sign in and store secrets",
    )


def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> pytest.Class | None:
    """Put the contract that was asked for in the place of the one that asks for it."""
    module = getattr(collector, "obj", None)
    if name != _PLACEHOLDER or getattr(module, "__name__", "") != _HOME:
        return None
    from unvault.testing.installed import chosen

    option = collector.config.getoption
    contract = chosen(option(PROVIDER), option(CONTRACT))
    found: pytest.Class = pytest.Class.from_parent(collector, name=contract.__name__)
    found.obj = contract
    return found
