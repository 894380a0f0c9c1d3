"""Notices that what is stored was changed from outside: by another process, say."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import inf
from typing import TYPE_CHECKING

from unvault.errors import UnvaultError

if TYPE_CHECKING:
    from unvault.store import CredentialStore

LOOK_SECONDS = 1.0
"""How often a store is looked at, at the most."""


class StoreWatch:
    """Compares a store's stamps.

    Args:
        store: The store; one that has no method ``stamp`` never changes from outside.
    """

    def __init__(self, store: CredentialStore) -> None:
        self._read: Callable[[], Hashable] | None = getattr(store, "stamp", None)
        self._last: Hashable = self  # which no stamp is equal to
        self.due = inf if self._read is None else -inf
        """When to look again, in elapsed seconds."""
        self.unsettled = False
        """Whether there was a change that nobody has looked into yet."""

    def changed(self, now: float) -> bool:
        """Look, and say whether anything has changed since the last time."""
        if self._read is None:
            return False
        self.due = now + LOOK_SECONDS  # before: one thread looks, and no other waits for it
        try:
            stamp = self._read()
        except (OSError, UnvaultError):
            stamp = None  # whoever reads the store next is told what is wrong with it
        last, self._last = self._last, stamp
        if last is self or (stamp is not None and stamp == last):
            return False
        self.unsettled = True
        return True
