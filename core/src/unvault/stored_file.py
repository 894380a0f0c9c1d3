"""Whether a file is still the one that was read, and what was read of it."""

from __future__ import annotations

import time
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unvault.model import Credential

_FRESH_SECONDS = 2.5
"""A file that was changed so lately may change again without its times telling: file systems count
in steps of up to two seconds. Until then nothing that was read of it is remembered."""

_MANY = 256
"""How many credentials are remembered; a process that uses more starts over."""

Stamp = tuple[int, ...]
"""What changes when a file is changed or replaced."""


def stamp_of(path: Path | None) -> Stamp | None:
    """Return what tells a file from what it becomes; None where that cannot be told.

    The file is not opened: closing it would let go of the locks that SQLite holds on it in this
    process (https://sqlite.org/howtocorrupt.html, section 2.2).

    Args:
        path: The file; None for what is only in memory.
    """
    if path is None:
        return None
    try:
        told = path.stat()
    except (OSError, ValueError):
        return None
    newest = max(told.st_mtime, told.st_ctime)
    if not newest < time.time() - _FRESH_SECONDS:  # in the future, too: another machine's clock
        return None
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns


def watched(path: Path | None) -> Hashable:
    """Return another value after each change of a file, of whatever process.

    Args:
        path: The file; None for what is only in memory.

    Returns:
        None where the file may be another one by now without a stamp's telling, which counts as a
        change. A file that is not there, or cannot be looked at, is one that stays as it is.
    """
    if path is None:
        return ()
    stamp = stamp_of(path)
    if stamp is not None:
        return stamp
    try:
        path.stat()
    except (OSError, ValueError):
        return ()
    return None


class Read:
    """What was read of a file while it had a stamp.

    Args:
        stamp: The stamp; None for a file of which nothing can be remembered.
    """

    __slots__ = ("credentials", "settings", "stamp")

    def __init__(self, stamp: Stamp | None) -> None:
        self.stamp = stamp
        self.credentials: dict[str, Credential | None] = {}
        self.settings: dict[str, object] | None = None

    def remember(self, name: str, credential: Credential | None) -> None:
        """Note what a name or id stands for; nothing for a file without a stamp."""
        if self.stamp is None:
            return
        if len(self.credentials) >= _MANY:
            self.credentials = {}  # others may be looking into the one there is
        self.credentials[name] = credential

    def __repr__(self) -> str:
        """Return how much it is, and nothing of it."""
        return f"<Read {len(self.credentials)} credentials>"
