"""Whether the files that keys were read from are still the same."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

_FRESH_SECONDS = 2.5
"""A file that was changed so lately may change again without its times telling: file systems count
in steps of up to two seconds."""

_Stamp = tuple[int, ...]


class Watch:
    """Some files, as they are when it is made: before they are read.

    Args:
        paths: The files; one that is not there may come.
    """

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._files = [_File(path) for path in paths]

    def __add__(self, other: Watch) -> Watch:
        """Return a watch over the files of both."""
        both = Watch()
        both._files = self._files + other._files  # of the same class
        return both

    @property
    def changed(self) -> bool:
        """Whether one of the files has changed since."""
        return any(file.changed for file in self._files)


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._content = _content(path) if _is_fresh(self._stamp) else None

    @property
    def changed(self) -> bool:
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            return True
        if self._content is None:
            return False
        settled = not _is_fresh(stamp)
        if _content(self._path) != self._content:
            return True
        if settled:
            self._content = None
        return False


def _stamp(path: Path) -> _Stamp | None:
    try:
        told = path.stat()
    except (OSError, ValueError):
        return None
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns


def _is_fresh(stamp: _Stamp | None) -> bool:
    return stamp is not None and max(stamp[3:]) > (time.time() - _FRESH_SECONDS) * 1e9


def _content(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""
