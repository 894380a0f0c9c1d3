"""Journals and logs beside a SQLite file: SQLite takes what lies there for the file's own."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

from unvault.errors import StoreUnreadable
from unvault.sqlite_file import Connection, Layout, is_there, uri_of

_READ_VERSION, _WAL = 19, 2
"""A byte of the header (https://sqlite.org/fileformat2.html), and what it is in WAL mode."""


def check_log(path: Path, layout: Layout) -> None:
    """Refuse a file that SQLite would use with a write-ahead log; unvault never makes such a file.

    SQLite would make files beside one that another program switched to that mode, and would write
    a log that belongs to another file into this one. Nothing is written here, and no lock is lost:
    to open and close the file ourselves would let go of those that SQLite holds on it in this
    process (https://sqlite.org/howtocorrupt.html, section 2.2).

    Args:
        path: The file, which is there.
        layout: What kind of file it has to be.

    Raises:
        StoreUnreadable: It is one, or is empty.
    """
    if not path.stat().st_size:
        raise layout.foreign(str(path))  # SQLite would delete a log beside it
    if not _wants_log(path):
        return
    with closing(_unlocked(path, "mode=ro&immutable=1")) as as_it_is:  # without the log
        layout.check_kind(as_it_is, str(path))
        switched = as_it_is.serialize()[_READ_VERSION] == _WAL
    if switched:
        raise StoreUnreadable(
            f"{path} was switched to SQLite's WAL mode by another program",
            hint="end that program, and switch it back; nothing was changed: "
            f"sqlite3 {shlex.quote(str(path))} 'PRAGMA journal_mode = DELETE'",
        )
    if beside := _beside(path, "-wal"):
        raise _of_another(path, beside)


def check_nothing_beside(path: Path) -> None:
    """Refuse to make a file where the journal or log of another one lies, which was moved away.

    SQLite would write it into the new file, and the old one would have lost it.

    Raises:
        StoreUnreadable: There is one, and no file.
    """
    for ending in ("-journal", "-wal"):
        beside = _beside(path, ending)
        if beside and not is_there(path):  # another process may have made the file meanwhile
            raise _of_another(path, beside)


def _wants_log(path: Path) -> bool:
    """Say whether SQLite needs a log; without locks it can have none, and says just that."""
    try:
        with closing(_unlocked(path, "mode=ro&nolock=1")) as probe:
            probe.execute("PRAGMA user_version")
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorname", "") == "SQLITE_CANTOPEN"
    return False


def _unlocked(path: Path, query: str) -> sqlite3.Connection:
    return sqlite3.connect(uri_of(path, query), uri=True, factory=Connection)


def _beside(path: Path, ending: str) -> Path | None:
    file = path.resolve()  # as SQLite does
    beside = file.with_name(file.name + ending)
    # An empty one means nothing, to SQLite neither.
    return beside if beside.exists() and beside.stat().st_size else None


def _of_another(path: Path, beside: Path) -> StoreUnreadable:
    return StoreUnreadable(
        f"{path} cannot be used: {beside.name} lies beside it, and belongs to another file",
        hint="move it away, and keep it with that file; nothing was changed",
    )
