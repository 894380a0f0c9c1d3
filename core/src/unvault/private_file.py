"""Files that only their owner can read."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import stat
import time
from collections.abc import Iterator
from pathlib import Path

OWNER_ONLY = 0o600
"""Mode of the files written here. On Windows the folder's access list decides."""

_STALE_SECONDS = 3600
"""Nobody takes so long to write a draft: one that is older was left behind by who was killed."""

_DRAFT = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")

_POSIX = os.name == "posix"
_ANOTHERS = "belongs to another user"


class NotPrivate(PermissionError):
    """A file that ought to be its owner's alone is not."""


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, and its parents, where they are missing."""
    missing = [each for each in (folder, *folder.parents) if not each.is_dir()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        settle(each.parent)


def replace_private(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, and never a part.

    The new file can be read by its owner only, whatever the old one's mode was. A link is
    followed. A character device (``/dev/stdout``) and a pipe are written to as they are; a pipe
    only where it is the user's own, and nobody else may open it.

    Raises:
        NotPrivate: It is a pipe that others can read, or something else that is no file.
        OSError: It cannot be written; the old content is untouched.
    """
    if _is_special(path) and _written_as_it_is(path, content):
        return
    target = path.resolve()
    draft = _draft(target, content)
    try:
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    settle(target.parent)


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
        settle(path.parent)  # the winner's, too: it may not have come to that yet
    return True


def settle(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: a new file could lose its name otherwise.

    Raises:
        OSError: The disk failed.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return  # Windows opens no folder, and one that may be written need not be readable
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS, errno.EBADF):
            raise  # those say that this file system knows no such thing
    finally:
        os.close(handle)


def left_behind(folder: Path) -> list[Path]:
    """Return the drafts in a folder that are the user's own and that nobody finishes any more.

    A process that is killed leaves its draft. It holds what was to be written: a secret, or a key.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(each.path) for each in entries if _is_stale(each))
    except OSError:
        return []  # it is gone, or closed to us


def _is_stale(entry: os.DirEntry[str]) -> bool:
    if not _DRAFT.fullmatch(entry.name):
        return False
    status = entry.stat(follow_symlinks=False)
    own = not _POSIX or status.st_uid == os.geteuid()
    old = time.time() - status.st_mtime > _STALE_SECONDS
    return own and old and stat.S_ISREG(status.st_mode)


def read_private(path: Path) -> bytes:
    """Read a file that has to be its owner's alone: what is looked at is what is read.

    Raises:
        NotPrivate: It is not, as `why_not_private` says.
        OSError: It cannot be read.
    """
    # Without O_NONBLOCK a pipe in the file's place would keep us waiting for its writer.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, flags)
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        why = why_not_private(status)
        if why:
            raise NotPrivate(errno.EACCES, why, str(path))
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def why_not_private(status: os.stat_result) -> str | None:
    """Say why a file is not its owner's alone, or None. Always None on Windows.

    Args:
        status: What is known of the file; that of an open one cannot change hands any more.
    """
    if not _POSIX:
        return None
    if status.st_uid not in (os.geteuid(), 0):  # root reads everything anyway
        return _ANOTHERS
    if stat.S_IMODE(status.st_mode) & 0o077:
        return "can be read by others"
    return None


def how_to_make_private(path: Path, why: str | None) -> str:
    """Return the command that mends what `why_not_private` said."""
    command = f"chown {os.geteuid()}" if why == _ANOTHERS else "chmod 600"
    return f"{command} {shlex.quote(str(path))}"


def others_can_write(path: Path) -> bool:
    """Say whether a file's mode lets anybody but its owner change it. Always False on Windows."""
    return _POSIX and bool(stat.S_IMODE(path.stat().st_mode) & 0o022)


def others_can_read(path: Path) -> bool:
    """Say whether a file's mode lets anybody but its owner in. Always False on Windows."""
    return _POSIX and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _is_special(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _written_as_it_is(path: Path, content: bytes) -> bool:
    """Write to a device or a pipe, and say so; False where it has become a file meanwhile.

    What counts is what was opened: the name may mean something else by now.
    """
    if stat.S_ISSOCK(path.stat().st_mode):  # nobody can open one, and the system's error is odd
        raise NotPrivate(errno.EPERM, "it is a socket, and no file", str(path))
    with os.fdopen(os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0)), "wb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            return False
        why = _why_not_written_to(status)
        if why:
            raise NotPrivate(errno.EPERM, why, str(path))
        file.write(content)
    return True


def _why_not_written_to(status: os.stat_result) -> str | None:
    if stat.S_ISCHR(status.st_mode):
        return None
    if not stat.S_ISFIFO(status.st_mode):
        return "it is no file"
    if any(os.path.samestat(status, each) for each in _own_outputs()):
        return None  # /dev/stdout: whoever started us made it, and gave it to us
    if _POSIX and status.st_uid != os.geteuid():
        return "it is another user's pipe"
    if _POSIX and stat.S_IMODE(status.st_mode) & 0o077:
        return "it is a pipe that others can use (its mode has to be 600)"
    return None


def _own_outputs() -> Iterator[os.stat_result]:
    for handle in (1, 2):
        with contextlib.suppress(OSError):  # it is closed
            yield os.fstat(handle)


def _draft(target: Path, content: bytes) -> Path:
    """Write the content beside its target, to be moved there; nothing stays behind on failure.

    What was left there by one that was killed is removed: it may hold secrets in the clear.
    """
    begin = f".{target.name[:50]}."
    for old in left_behind(target.parent):
        if old.name.startswith(begin):
            with contextlib.suppress(OSError):
                old.unlink()
    draft = target.with_name(f"{begin}{os.urandom(8).hex()}.tmp")
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
