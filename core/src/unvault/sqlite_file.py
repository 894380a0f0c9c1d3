"""What kind of SQLite file it is, and whether a file that is there is one of that kind."""

from __future__ import annotations

import os
import sqlite3
import stat
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakSet

import attrs

from unvault.errors import StoreBusy, StoreError, StoreUnreadable
from unvault.os_errors import AWAY, NO_SPACE, PERMISSIONS, SHORTER, reason, way_out

BUSY_SECONDS = 30.0
"""How long a write waits for another process's."""

_ENVELOPE = "CREATE TABLE envelope (file_id TEXT NOT NULL, record TEXT NOT NULL)"

_LONGEST_PATH = 504
"""In bytes: SQLite on POSIX allows 512 for a name, and adds 8 for that of its journal."""


@attrs.frozen
class Layout:
    """What kind of file it is."""

    what: str
    """What a message calls it, such as ``credential store``."""
    application_id: int
    """Marks the file's kind in its header: a signed 32-bit number; see SQLite's pragma."""
    tables: tuple[str, ...]
    """The statements that make its tables. Version n of the file's layout has n groups."""
    version: int = 1
    """Grows when the tables change."""

    def make(self, file_id: str, record: str) -> sqlite3.Connection:
        """Return a new database of this kind, in memory, with its envelope in it."""
        fresh = connect(":memory:")
        for statement in (_ENVELOPE, *self.tables):
            fresh.execute(statement)
        fresh.execute("INSERT INTO envelope VALUES (?, ?)", (file_id, record))
        fresh.execute(f"PRAGMA application_id = {int(self.application_id)}")
        fresh.execute(f"PRAGMA user_version = {int(self.version)}")
        return fresh

    def check(self, connection: sqlite3.Connection, where: str) -> None:
        """Refuse a file of another kind, or of a version this code does not know.

        Raises:
            StoreUnreadable: It is one.
        """
        self.check_kind(connection, where)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > self.version:
            raise StoreUnreadable(
                f"{where} was written by a newer unvault (layout {version})",
                hint=f"upgrade unvault: this one knows layouts up to {self.version}",
            )
        if version < self.version:  # none was ever written: 1 is the first
            raise damaged(where)
        self._check_tables(connection, where)

    def check_kind(self, connection: sqlite3.Connection, where: str) -> None:
        """Refuse a file of another kind.

        Raises:
            StoreUnreadable: It is one.
        """
        if connection.execute("PRAGMA application_id").fetchone()[0] != self.application_id:
            raise self.foreign(where)

    def foreign(self, where: str) -> StoreUnreadable:
        """Return the error for a file of another kind."""
        return StoreUnreadable(
            f"{where} is not a {self.what} of unvault",
            hint="move the file away, or point unvault elsewhere",
        )

    def _check_tables(self, connection: sqlite3.Connection, where: str) -> None:
        """Refuse other tables, and triggers and views: they would run when ours are used.

        What SQLite makes itself is called ``sqlite_…``, and nothing else may be called that.
        """
        found = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        )
        if sorted(str(row[0]) for row in found) != sorted((_ENVELOPE, *self.tables)):
            raise damaged(where)


class Connection(sqlite3.Connection):
    """Closes its cursors with it.

    Python 3.11 and newer leave them open. An error that came while rows were read has a frame with
    the cursor in it: for as long as somebody kept the error, the file would stay locked.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement, and keep in mind the cursor it has."""
        cursor = self.cursor()
        self._cursors.add(cursor)
        return cursor.execute(sql, parameters)

    def close(self) -> None:
        """Close it, and its cursors before."""
        for cursor in [*self._cursors]:
            cursor.close()
        super().close()

    @cached_property
    def _cursors(self) -> WeakSet[sqlite3.Cursor]:
        return WeakSet()


def uri_of(path: Path, query: str) -> str:
    """Return a file's address for `connect`, with parameters of SQLite's."""
    return f"{path.absolute().as_uri()}?{query}"


def connect(database: str, *, uri: bool = False) -> sqlite3.Connection:
    """Open a database; each statement is a transaction of its own unless one is begun."""
    connection = sqlite3.connect(
        database,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        uri=uri,
        check_same_thread=False,
        factory=Connection,
    )
    connection.execute("PRAGMA trusted_schema = OFF")  # whoever can write the file is not trusted
    # What is deleted or replaced is overwritten, so that an old wrapped key does not stay behind.
    connection.execute("PRAGMA secure_delete = ON")
    # A journal that a crash of the machine brings back would take a finished change back with it.
    connection.execute("PRAGMA synchronous = EXTRA")
    return connection


def check_path(path: Path) -> None:
    """Refuse a path that SQLite could not open once the file is there.

    Raises:
        StoreUnreadable: It is too long.
    """
    length = len(os.fsencode(path.absolute()))
    if os.name == "posix" and length > _LONGEST_PATH:
        raise StoreUnreadable(
            f"{path} cannot be used: the path has {length} bytes, and SQLite opens none with more"
            f" than {_LONGEST_PATH}",
            hint=SHORTER,
        )


def is_there(path: Path) -> bool:
    """Say whether there is a file; nothing is where a folder should be, either, is no file.

    Raises:
        StoreUnreadable: There is something else in its place.
        OSError: That cannot be told.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        if path.is_symlink():
            raise _in_its_place(path, f"a link to {path.readlink()}, which is not there") from None
        return False
    if not stat.S_ISREG(mode):  # to open a pipe or a device might wait, or do something
        raise _in_its_place(path, _KINDS.get(stat.S_IFMT(mode), "no file"))
    return True


_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def _in_its_place(path: Path, what: str) -> StoreUnreadable:
    return StoreUnreadable(
        f"{path} cannot be used: it is {what}",
        hint=AWAY,
    )


def damaged(where: str) -> StoreUnreadable:
    """Return the error for what is in a file and cannot be meant."""
    return StoreUnreadable(
        f"{where} is damaged", hint="restore it from a backup; nothing was changed"
    )


def translate(error: sqlite3.Error, where: str) -> StoreError:
    """Return our error for one of SQLite's."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy(
            f"{where} is held by another process", hint="try again, or end that process"
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return damaged(where)
    if not name and "decode" in str(error):  # Python's own module, for text that is none
        return damaged(where)
    kind = name if name in _REASONS else "_".join(name.split("_")[:2])
    if kind == "SQLITE_CANTOPEN" and (lack := _no_more_files()):
        return unusable(lack, Path(where))
    why, hint = _REASONS.get(kind, (name or type(error).__name__, None))
    return StoreUnreadable(f"{where} cannot be used: {why}", hint=hint)


_REASONS = {
    "SQLITE_READONLY_ROLLBACK": (
        "a process that was killed left a change half done, and it may not be written to end that",
        PERMISSIONS,
    ),
    "SQLITE_IOERR_DELETE": (
        "a process that was killed left a change half done, and its journal may not be removed",
        "see to it that you may write in its folder",  # the change itself was taken back
    ),
    "SQLITE_READONLY": ("it may not be written", PERMISSIONS),
    "SQLITE_FULL": ("the disk is full", NO_SPACE),
    "SQLITE_CANTOPEN": ("it cannot be opened", PERMISSIONS),
    "SQLITE_PERM": ("it may not be opened", PERMISSIONS),
    "SQLITE_IOERR": (
        "it cannot be read or written as a whole",
        "see to the disk, to quotas and to the limit of file sizes (ulimit -f)",
    ),
}


def _no_more_files() -> OSError | None:
    """Return why no file at all can be opened, if that is so: SQLite does not tell."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error
    return None


def unusable(error: OSError, path: Path) -> StoreUnreadable:
    """Return our error for one of the operating system's."""
    return StoreUnreadable(f"{path} cannot be used: {reason(error, path)}", hint=way_out(error))
