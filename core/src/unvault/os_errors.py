"""What the operating system's errors about files mean, and what a person can do about them."""

from __future__ import annotations

import errno
from pathlib import Path

PERMISSIONS = "see to it that you may read and write it and its folder; nothing was changed"
"""The way out where a file or its folder is closed."""

NO_SPACE = "make room, and try again; nothing was changed"
"""The way out where the disk is full."""

AWAY = "move it away, or point unvault elsewhere; nothing was changed"
"""The way out where something else is in a file's place."""

SHORTER = "choose a folder with a shorter path, such as by UNVAULT_HOME"
"""The way out where a path is too long."""

_WAYS_OUT: dict[int | None, str] = {
    errno.ENOSPC: NO_SPACE,
    errno.EDQUOT: NO_SPACE,
    errno.EFBIG: "see to the limit of file sizes (ulimit -f); nothing was changed",
    errno.EMFILE: "close some, or raise the limit (ulimit -n); nothing was changed",
    errno.ENFILE: "end some programs; nothing was changed",
    errno.ELOOP: AWAY,
    errno.ENOTDIR: AWAY,
    errno.EEXIST: AWAY,
    errno.ENAMETOOLONG: SHORTER,
    errno.EACCES: PERMISSIONS,
    errno.EPERM: PERMISSIONS,
    errno.EROFS: "mount it for writing, or point unvault elsewhere; nothing was changed",
    errno.EIO: "see to the disk",
}


def reason(error: OSError, path: Path) -> str:
    """Return what went wrong with a file, and with which of the folders above if it was one."""
    why = error.strerror or type(error).__name__
    return f"{error.filename}: {why}" if error.filename in map(str, path.parents) else why


def way_out(error: OSError) -> str | None:
    """Return what to do about an error, as a hint; None where nobody can tell."""
    return _WAYS_OUT.get(error.errno)
