"""The contract suite: tests that every provider passes, for its author to subclass.

::

    from unvault.testing import ProviderContract


    class TestAcme(ProviderContract):
        provider = "acme"
        cannot = {"expiry": "its sessions do not end", "network": "it reads a file"}

        def working(self):
            return "token", {"token": "t0ken"}

        def seed(self, path, value):
            acme.write(path, value)

An installed provider is tried without writing anything::

    pytest --pyargs unvault.testing --unvault-provider acme

It needs pytest, which the extra ``unvault[testing]`` brings.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unvault.testing.author import Login
    from unvault.testing.contract import ProviderContract
    from unvault.testing.features import FEATURES

__all__ = ["FEATURES", "Login", "ProviderContract"]

_HOMES = {"FEATURES": "features", "Login": "author", "ProviderContract": "contract"}

if find_spec("pytest") is None:
    raise ImportError(
        "the contract suite needs pytest: install it with pip install 'unvault[testing]'",
        name="pytest",
    )


def __getattr__(name: str) -> Any:
    """Import a public name when it is used: pytest loads this package wherever it runs."""
    if name not in _HOMES:
        raise AttributeError(f"module 'unvault.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"unvault.testing.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted({*globals(), *__all__})
