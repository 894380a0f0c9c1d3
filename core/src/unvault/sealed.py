"""A SQLite file whose secrets are sealed: what the credential store and the local vault stand on.

One file, one data key. The rows that hold secrets are sealed by the caller, each bound to its
place; the file holds the data key wrapped by a `Protection`. Every operation opens the file anew,
so that nothing is shared between threads or across a fork, and many processes may write.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from unvault.data_key import DataKey, Record, unwrapped, wrapped_record
from unvault.errors import InvalidSetting, StoreBusy, StoreLocked, StoreUnreadable
from unvault.fork import no_fork_meanwhile, renew_after_fork
from unvault.journals import check_log, check_nothing_beside
from unvault.private_file import create_private
from unvault.protection import Protection
from unvault.sqlite_file import (
    Layout,
    check_path,
    connect,
    damaged,
    is_there,
    translate,
    unusable,
    uri_of,
)

__all__ = ["Layout", "SealedDatabase"]


class _Ephemeral:
    """Wraps the data key of a database in memory with a key that is never written either."""

    name = "memory"
    asks = False
    explanation = "nothing is written; it ends with the process"

    def __init__(self) -> None:
        self._wrapping = DataKey()

    def wrap(self, key: DataKey, file_id: str) -> Record:
        return wrapped_record(self.name, key.wrapped_by(self._wrapping, self.name, file_id))

    def unwrap(self, record: Record, file_id: str) -> DataKey:
        return unwrapped(self._wrapping, record, self.name, file_id, "the key in memory")


class SealedDatabase:
    """A SQLite database with a data key.

    Args:
        path: The file; None keeps everything in memory. It is not made before the first write.
        layout: What kind of file it is.
        protections: The ways its data key may be kept, by name; the first one is used for a new
            file.
    """

    def __init__(
        self, path: Path | None, layout: Layout, protections: Sequence[Protection] = ()
    ) -> None:
        self.path = path
        self._layout = layout
        self._protections: Mapping[str, Protection] = {each.name: each for each in protections}
        self._opened: tuple[str, DataKey] | None = None
        self._memory: sqlite3.Connection | None = None
        if path is None:
            ephemeral = _Ephemeral()
            self._protections = {ephemeral.name: ephemeral}
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a forked child: a lock that another thread held stays held there."""
        self._lock = threading.RLock()

    @property
    def where(self) -> str:
        """The file's path, for messages."""
        return str(self.path or "(in memory)")

    @property
    def exists(self) -> bool:
        """Whether anything was ever written."""
        if self.path is None:
            return self._memory is not None
        with self._translated():
            return is_there(self.path)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open the file for reading. Only where it `exists`.

        Raises:
            StoreUnreadable: It is damaged, foreign, of a newer version, or may not be read.
        """
        with self._translated(), self._connected() as connection:
            self._layout.check(connection, self.where)
            yield connection

    @contextlib.contextmanager
    def writing(self, *, sealing: bool = True) -> Iterator[sqlite3.Connection]:
        """Open the file, made where it is missing, for one transaction.

        It is committed when the block ends, and taken back when it raises. A person who has to be
        asked for a passphrase is asked before, so that nobody else waits for the answer.

        Args:
            sealing: Whether the data key will be needed; what needs none works without it.

        Raises:
            StoreUnreadable: It is damaged, foreign, of a newer version, or may not be written.
            StoreBusy: Another process kept it for half a minute.
            StoreLocked: What opens it is missing or wrong.
        """
        with self._translated():
            self._create()
            if sealing:
                self._unlock()
            with self._connected() as connection:
                self._layout.check(connection, self.where)
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    if connection.in_transaction:  # SQLite may have taken it back by itself
                        connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")

    def key(self, connection: sqlite3.Connection) -> DataKey:
        """Return the data key, unwrapped once for as long as its protection stays the same.

        Raises:
            StoreLocked: What opens it is missing or wrong.
            StoreUnreadable: What the file says of it is damaged.
        """
        file_id, text = self._envelope(connection)
        with self._lock:
            if self._opened is None or self._opened[0] != text:
                record = self._parsed(text)
                with self.naming():
                    self._opened = (text, self._protection(record).unwrap(record, file_id))
            return self._opened[1]

    def protection(self) -> Protection | None:
        """Return how the data key is kept now; None before the first write."""
        if not self.exists:
            return None
        with self.reading() as connection:
            return self._protection(self._parsed(self._envelope(connection)[1]))

    def protect(self, name: str) -> None:
        """Keep the data key in another way, or in the same way anew (a new passphrase).

        One transaction replaces the wrapped key; what it sealed stays as it is. What opens the new
        one is kept for good before that, and what opened the old one is not removed: whenever this
        is interrupted, the file opens in the old way or in the new one.

        Raises:
            InvalidSetting: There is no protection of this name.
            StoreLocked: The key cannot be unwrapped, or cannot be wrapped in the new way.
        """
        if name not in self._protections:
            known = ", ".join(self._protections)
            raise InvalidSetting(f"there is no protection {name!r}", hint=f"one of: {known}")
        with self._translated():
            if self._create(name):
                return
        with self.reading() as connection:
            key = self.key(connection)
            file_id, before = self._envelope(connection)
        new = self._protections[name]
        answered = new.wrap(key, file_id) if new.asks else None  # while nobody waits for us
        with self.writing() as connection:
            if self._envelope(connection)[1] != before:
                raise StoreBusy(
                    f"another process has just changed how {self.where} is protected",
                    hint="nothing was changed by this one: look, and try again",
                )
            # Of two at a time, only one makes a key to wrap with. Otherwise the second might put
            # its own in the place of the one that the file needs by now.
            text = json.dumps(answered or new.wrap(key, file_id))
            connection.execute("UPDATE envelope SET record = ?", (text,))
        self._opened = (text, key)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        # A child forked while a thread is inside SQLite would have its locks, and wait for ever.
        with no_fork_meanwhile():
            if self.path is None:
                with self._lock:
                    self._memory = self._memory or connect(":memory:")
                    yield self._memory
                return
            if is_there(self.path):  # what is no file is not opened
                check_log(self.path, self._layout)
            # "rw" never makes a file: a missing one must not become an empty one behind our back.
            connection = connect(uri_of(self.path, "mode=rw"), uri=True)
            try:
                yield connection
            finally:
                connection.close()

    def _create(self, protection: str | None = None) -> bool:
        """Make the file where it is missing, and say whether this call did.

        It is complete when it appears, whoever wins the race; where its key cannot be protected,
        none appears.
        """
        with self._lock:
            if self.exists:
                return False
            if self.path is not None:
                check_path(self.path)
                check_nothing_beside(self.path)
            key, file_id = DataKey(), os.urandom(16).hex()
            chosen = self._protections[protection or next(iter(self._protections))]
            record = json.dumps(chosen.wrap(key, file_id))
            fresh = self._layout.make(file_id, record)
            if self.path is None:
                self._memory = fresh
                weakref.finalize(self, fresh.close)
                return True
            with contextlib.closing(fresh):
                made = create_private(self.path, fresh.serialize())
            if made:
                self._opened = (record, key)
            return made

    def _unlock(self) -> None:
        if self._opened is None:
            with self.reading() as connection:
                self.key(connection)

    def _envelope(self, connection: sqlite3.Connection) -> tuple[str, str]:
        row = connection.execute("SELECT file_id, record FROM envelope").fetchone()
        if row is None or not all(isinstance(each, str) for each in row):
            raise self.damaged()  # SQLite keeps what it is given, whatever the table says
        return str(row[0]), str(row[1])

    def _parsed(self, text: str) -> Record:
        try:
            record = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            record = None
        if not isinstance(record, dict) or "protection" not in record:
            raise self.damaged()
        return record

    def _protection(self, record: Record) -> Protection:
        protection = self._protections.get(str(record["protection"]))
        if protection is None:
            raise StoreUnreadable(
                f"{self.where} is protected in a way this application does not offer: "
                f"{record['protection']}",
                hint="use the application that protected it so, or a newer unvault",
            )
        return protection

    @contextlib.contextmanager
    def naming(self) -> Iterator[None]:
        """Name the file in errors of a key or a protection, which do not know it."""
        try:
            yield
        except (StoreLocked, StoreUnreadable) as error:
            if self.where not in error.message:
                error.args = (f"{self.where}: {error.message}",)
            raise

    def damaged(self) -> StoreUnreadable:
        """Return the error for what is in the file and cannot be meant."""
        return damaged(self.where)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn SQLite's and the operating system's errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise translate(error, self.where) from error
        except UnicodeDecodeError:  # SQLite's own module raises it for text that is none
            raise self.damaged() from None
        except OSError as error:
            raise unusable(error, Path(self.where)) from error
