"""Has processes take turns: each waits until the one before it is done."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unvault.private_file import make_private_folder

_LOOK_SECONDS = 0.02


@contextmanager
def turn(file: Path, seconds: float) -> Iterator[None]:
    """Let nobody else have a turn by the same file meanwhile, in this process or another.

    It is no promise: whoever waited for too long goes on all the same, and so does everybody where
    the file cannot be written. A process that is killed has had its turn.

    Args:
        file: Which is there for nothing else; it is made, and stays.
        seconds: How long to wait for a turn.
    """
    try:
        make_private_folder(file.parent)
        opened = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield
        return
    try:
        end = time.monotonic() + seconds
        while not _taken(opened) and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(opened)  # with which the turn is over


def _taken(opened: int) -> bool:
    with suppress(OSError):
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
