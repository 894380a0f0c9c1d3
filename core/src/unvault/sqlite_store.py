"""Credentials and settings, kept in one sealed SQLite file or in memory."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from unvault import credential_rows
from unvault.errors import CredentialNotFound, InvalidName, StoreUnreadable
from unvault.fork import no_fork_meanwhile, renew_after_fork
from unvault.forms import Answer
from unvault.model import Answers, Credential, Origin
from unvault.names import check_name
from unvault.stored_file import Read, stamp_of, watched
from unvault.suggestions import nearest

if TYPE_CHECKING:
    import sqlite3

    from unvault.protection import Protection
    from unvault.sealed import SealedDatabase
    from unvault.store import Protections, StoredCredential


class SqliteStore:
    """A `CredentialStore` in one SQLite file. Names, providers and types are in the clear.

    Args:
        path: The file; None keeps everything in memory.
        protections: The ways to protect it; the first is used for a new file.
    """

    def __init__(self, path: Path | None = None, protections: Protections = ()) -> None:
        self._path = path
        self._protections = protections
        self._read = Read(None)
        self._database: SealedDatabase | None = None
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a forked child: a lock that another thread held stays held there."""
        self._lock = threading.RLock()

    @property
    def database(self) -> SealedDatabase:
        """What is beneath; with what it imports, it takes longer than all else a fetch needs.

        There is one for all threads: another would ask a person for the passphrase once more, and
        in memory it would have other credentials.
        """
        if self._database is None:
            with self._lock:
                if self._database is None:
                    self._database = self._opened()
        return self._database

    def _opened(self) -> SealedDatabase:
        with no_fork_meanwhile():  # a module half imported would stay so in the child
            from unvault.sealed import SealedDatabase
            from unvault.store_layout import LAYOUT

        ways = self._protections
        return SealedDatabase(self._path, LAYOUT, ways() if callable(ways) else ways)

    @property
    def _exists(self) -> bool:
        """Whether anything was ever written; where there is no file, nothing is opened."""
        if self._path is not None:
            try:
                self._path.stat()
            except FileNotFoundError:
                if not self._path.is_symlink():
                    return False
            except (OSError, ValueError):
                pass  # the database says what is wrong with it
        return self.database.exists

    def _remembered(self) -> Read:
        """Return what was read of the file as it is now, to be added to.

        Every fetch past the cache asks which credential is meant, and opening the file costs as
        much as half a fetch from a vault nearby.
        """
        stamp = stamp_of(self._path)
        read = self._read  # which another thread may replace meanwhile
        if stamp is None or stamp != read.stamp:
            read = self._read = Read(stamp)
        return read

    def stamp(self) -> Hashable:
        """Return another value after each change of the file; None where that cannot be told."""
        return watched(self._path)

    def list(self) -> Sequence[StoredCredential]:
        """Return what is stored, by name, without opening it."""
        return self._told()

    def find(self, name: str) -> StoredCredential | None:
        """Return what can be told of a credential, by its name or its id, without opening it."""
        return next(iter(self._told(name)), None)

    def get(self, name: str) -> Credential | None:
        """Return a credential by its name or its id; a name goes before an id."""
        read = self._remembered()  # before the file is read: what changes meanwhile counts as new
        known = read.credentials.get(name, ...)
        if known is not ...:
            return known
        found = None
        if self._exists:
            with self.database.reading() as connection:
                found = self._find(connection, name)
        read.remember(name, found)
        return found

    def add(self, name: str, provider: str, type: str, answers: Mapping[str, Answer]) -> Credential:
        """Store a new credential. Raises `InvalidName` where the name is not free or not fit."""
        _check_name(name)
        new = Credential(
            provider=provider,
            type=type or None,
            answers=Answers(answers),
            name=name,
            id="cloudCred_" + os.urandom(16).hex(),
            revision=1,
            origin=Origin.STORED,
        )
        with self._changing(name) as connection:
            credential_rows.insert(connection, self.database.key(connection), new)
        return new

    def replace(self, name: str, type: str | None, answers: Mapping[str, Answer]) -> Credential:
        """Give a credential new answers; a type of None and no answers sign it out."""
        with self._changing(name, of=name) as connection:
            old = self._existing(connection, name)
            new = attrs.evolve(
                old,
                type=type or None,
                answers=Answers(answers),
                kept=Answers(),
                revision=old.revision + 1,
            )
            self._update(connection, new)
        return new

    def keep(self, credential: Credential, kept: Mapping[str, Answer]) -> None:
        """Keep what a sign-in renewed, unless the credential has changed since."""
        if not self._exists:
            return
        with self._changing(credential.name) as connection:
            now = self._find(connection, credential.id)
            if now is None or now.id != credential.id:  # another may have been named like the id
                return
            if now.revision == credential.revision:
                self._update(connection, attrs.evolve(now, kept=Answers(kept)))

    def rename(self, name: str, new: str) -> Credential:
        """Give a credential another name. Raises `InvalidName` where that is not free or fit."""
        _check_name(new)
        with self._changing(new, of=name) as connection:
            old = self._existing(connection, name)
            renamed = attrs.evolve(old, name=new, revision=old.revision + 1)
            self._update(connection, renamed)
        return renamed

    def remove(self, name: str) -> None:
        """Forget a credential."""
        if not self._exists:
            raise _unknown(name)
        with self.database.writing(sealing=False) as connection:
            row = credential_rows.find(connection, name)
            if row is None:
                raise _unknown(name, connection)
            connection.execute("DELETE FROM credential WHERE id = ?", (row[0],))

    def settings(self) -> dict[str, object]:
        """Return all settings."""
        read = self._remembered()
        if read.settings is None:
            settings = self._settings() if self._exists else {}
            read.settings = settings if read.stamp else None
            return dict(settings)
        return dict(read.settings)

    def _settings(self) -> dict[str, object]:
        with self.database.reading() as connection:
            rows = connection.execute("SELECT name, value FROM setting").fetchall()
        try:
            return {name: json.loads(value) for name, value in rows}
        except (RecursionError, TypeError, ValueError):
            raise self.database.damaged() from None

    def change_setting(self, name: str, value: object) -> None:
        """Change a setting; None takes it back to its default."""
        with self.database.writing(sealing=False) as connection:
            connection.execute("DELETE FROM setting WHERE name = ?", (name,))
            if value is not None:
                row = (name, json.dumps(value))
                connection.execute("INSERT INTO setting VALUES (?, ?)", row)

    def protection(self) -> Protection | None:
        """Return how what is stored is protected; None before the first write."""
        return self.database.protection()

    def protect(self, name: str) -> None:
        """Protect what is stored in another way."""
        self.database.protect(name)

    def _told(self, *names: str) -> Sequence[StoredCredential]:
        if not self._exists:
            return []
        with self.database.reading() as connection, self._meant():
            return credential_rows.told(connection, *names)

    @contextmanager
    def _meant(self) -> Iterator[None]:
        """Take what is in the file and cannot be meant for damage, and not for a defect."""
        try:
            yield
        except (AttributeError, TypeError, ValueError):
            raise self.database.damaged() from None  # without what is in the file

    @contextmanager
    def _changing(self, name: str, *, of: str | None = None) -> Iterator[sqlite3.Connection]:
        """One transaction; a name that is taken is our error, and not SQLite's.

        ``of`` is the credential that is changed: to look for it makes no file.
        """
        if of is not None and not self._exists:
            raise _unknown(of)
        database = self.database  # which has imported both of these
        import shlex
        import sqlite3

        with database.writing() as connection:
            try:
                yield connection
            except sqlite3.IntegrityError:
                raise InvalidName(
                    f"there is a credential called {name!r} already",
                    hint=f"choose another name, or change it: unvault credentials edit "
                    f"{shlex.quote(name)}",
                    credential=name,
                ) from None

    def _update(self, connection: sqlite3.Connection, new: Credential) -> None:
        credential_rows.update(connection, self.database.key(connection), new)

    def _existing(self, connection: sqlite3.Connection, name: str) -> Credential:
        found = self._find(connection, name)
        if found is None:
            raise _unknown(name, connection)
        return found

    def _find(self, connection: sqlite3.Connection, name: str) -> Credential | None:
        row = credential_rows.find(connection, name)
        if row is None:
            return None
        key = self.database.key(connection)
        try:
            with self.database.naming(), self._meant():
                return credential_rows.opened(row, key)
        except StoreUnreadable as error:
            raise error.located(credential=row[1]) from None


def _check_name(name: str) -> None:
    with no_fork_meanwhile():  # as above
        from unvault.store import LONGEST_NAME

    check_name(name, what="credential", longest=LONGEST_NAME)


def _unknown(name: str, connection: sqlite3.Connection | None = None) -> CredentialNotFound:
    rows = connection.execute("SELECT name FROM credential") if connection else ()
    names = [row[0] for row in rows if isinstance(row[0], str)]  # in a damaged file, not all are
    near = nearest(name, names)
    return CredentialNotFound(
        f"there is no stored credential {name!r}",
        hint="unvault credentials list shows those there are",
        candidates=near or tuple(names[:5]),
    )
