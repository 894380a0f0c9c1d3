"""Files that only their owner can read."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

OWNER_ONLY = 0o600
"""Mode of the files written here. On Windows the folder's access list decides."""


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, and its parents, where it is missing."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def replace_private(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, and never a part.

    The new file can be read by its owner only, whatever the old one's mode was. A link is
    followed; what is not a regular file (a pipe, ``/dev/stdout``) is written to as it is.

    Raises:
        OSError: It cannot be written; the old content is untouched.
    """
    if path.exists() and not path.is_file():  # before it is resolved: a pipe's link names no file
        path.write_bytes(content)
        return
    target = path.resolve()
    draft = _draft(target, content)
    try:
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def create_private(path: Path, content: bytes) -> bool:
    """Write a new file all at once, and say whether it was this call that made it.

    Several processes may try: one of them wins, and all see the winner's whole content.
    """
    make_private_folder(path.parent)
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError:
        return _create_without_links(path, content)
    finally:
        draft.unlink(missing_ok=True)
    return True


def others_can_read(path: Path) -> bool:
    """Say whether a file's mode lets anybody but its owner in. Always False on Windows."""
    return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _draft(target: Path, content: bytes) -> Path:
    """Write the content beside its target, to be moved there; nothing stays behind on failure."""
    draft = target.with_name(f".{target.name[:50]}.{os.urandom(8).hex()}.tmp")
    _write_new(draft, content)
    return draft


def _create_without_links(path: Path, content: bytes) -> bool:
    """Do without hard links: still only one wins, but others may see a part for a moment."""
    try:
        _write_new(path, content)
    except FileExistsError:
        return False
    return True


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet; nothing stays behind on failure."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, OWNER_ONLY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
