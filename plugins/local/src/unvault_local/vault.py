"""The vault itself: secrets with their versions, in one sealed SQLite file.

Names, version numbers, times and media types are in the clear. Every value is sealed and bound to
its row, so that a value moved to another name or version does not open there.
"""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import attrs

from unvault.errors import SecretNotFound, UnvaultError
from unvault.model import Outcome, SecretInfo
from unvault.protection import DataKey, Protection
from unvault.sealed import Layout, SealedDatabase
from unvault.secret import Secret
from unvault.suggestions import nearest, sentence
from unvault_local.limits import check_name, check_value, content_type
from unvault_local.rows import TABLE, chosen, info, place, read, version_numbers

_LAYOUT = Layout(
    what="local vault",
    application_id=0x756E766C,  # "unvl"
    tables=(TABLE,),
)


_GUESSES = 3
"""For how many missing secrets of a batch near names are looked for."""


@attrs.frozen
class Imported:
    """What an import did, as numbers of secrets."""

    new: int
    """Secrets that had no value before."""
    changed: int
    """Secrets whose value was another one; each got a new version."""
    unchanged: int
    """Secrets that had this value already."""


class LocalVault:
    """Keeps secrets with their versions. May be used by several threads and processes at once.

    A version's number is never used again, as long as the secret is not removed as a whole:
    that forgets everything about it.

    Args:
        path: The file; None keeps everything in memory. It is not made before the first write.
        protections: The ways to protect it; the first is used for a new file.
        command: The command that changes this vault, for hints.
    """

    def __init__(
        self,
        path: Path | None,
        protections: Sequence[Protection] = (),
        *,
        command: str = "unvault local",
    ) -> None:
        self.path = path
        self._command = command
        self._anew = partial(SealedDatabase, path, _LAYOUT, protections)
        self._database = self._anew()

    @property
    def where(self) -> str:
        """The file's path, for messages."""
        return self._database.where

    def unlock(self) -> None:
        """Unwrap the data key, so that what is wrong shows now; before the first write, do nothing.

        Raises:
            StoreLocked: What opens the vault is missing or wrong.
            StoreUnreadable: The file is damaged, foreign, of a newer version, or may not be read.
            InteractionRequired: The passphrase is needed and nobody can be asked.
        """
        if self._database.exists:
            with self._database.reading() as connection:
                self._database.key(connection)

    def close(self) -> None:
        """Forget the data key. A vault in memory is kept."""
        if self.path is not None:
            self._database = self._anew()

    def get(self, name: str, version: int | None = None) -> Secret:
        """Return a secret's value.

        Args:
            name: The secret's name.
            version: Which version; None for the newest that is not removed.

        Raises:
            SecretNotFound: There is no secret of this name; the error lists those with near names.
            VersionNotFound: It never had this version; the error lists those there are.
            SecretDeleted: The version is removed, or every version is.
            StoreUnreadable: The value was changed or moved here from another place.
        """
        outcome = self.get_many([(name, version)])[0]
        if isinstance(outcome, UnvaultError):
            raise outcome
        return outcome

    def get_many(self, wanted: Iterable[tuple[str, int | None]]) -> list[Outcome]:
        """Return several values as they were at one moment, or for each the error of `get`.

        Of many that are missing, only the first few are told near names: that takes its time.
        """
        if not self._database.exists:
            return [self._missing(name, ()) for name, _ in wanted]
        outcomes: list[Outcome] = []
        guesses = _GUESSES
        with self._snapshot() as snapshot:
            for name, version in wanted:
                outcome = self._outcome(snapshot, name, version, guess=guesses > 0)
                guesses -= isinstance(outcome, SecretNotFound)
                outcomes.append(outcome)
        return outcomes

    def set(self, name: str, value: bytes) -> int:
        """Store a value as a new version, and return the version's number.

        Raises:
            InvalidName: The name is empty, too long, not printable, or has white space around it.
            UsageError: The value is too large.
        """
        check_name(name)
        check_value(name, value)
        with self._writing() as connection:
            return self._append(connection, name, value)

    def import_all(self, values: Mapping[str, bytes]) -> Imported:
        """Store several values: all of them, or none where one of them fails.

        Args:
            values: By name. A secret that has this value already gets no new version.

        Raises:
            InvalidName: As for `set`.
            UsageError: As for `set`.
        """
        for name, value in values.items():
            check_name(name)
            check_value(name, value)
        if not values:
            return Imported(0, 0, 0)
        with self._writing() as connection:
            done = [self._import(connection, *each) for each in values.items()]
        return Imported(done.count("new"), done.count("changed"), done.count("unchanged"))

    def remove(self, name: str, version: int | None = None) -> None:
        """Remove a secret with all that is known of it, or the value of one version.

        Raises:
            SecretNotFound: There is no secret of this name.
            VersionNotFound: It never had this version.
            SecretDeleted: The version is removed already.
        """
        if not self._database.exists:
            raise self._missing(name, ())
        with self._database.writing() as connection:
            numbers = self._numbers(connection, name)
            if version is None:
                connection.execute("DELETE FROM version WHERE name = ?", (name,))
            else:
                place = (name, chosen(name, version, numbers))
                connection.execute(
                    "UPDATE version SET value = NULL WHERE name = ? AND number = ?", place
                )

    def versions(self, name: str) -> list[SecretInfo]:
        """Return all versions of a secret, oldest first; those removed carry a note.

        Raises:
            SecretNotFound: There is no secret of this name.
        """
        if not self._database.exists:
            raise self._missing(name, ())
        with self._database.reading() as connection:
            self._numbers(connection, name)
            rows = connection.execute(
                "SELECT number, created, content_type, value IS NOT NULL FROM version"
                " WHERE name = ? ORDER BY number",
                (name,),
            ).fetchall()
        with self._meant():
            return [info(name, *row[:3], there=bool(row[3])) for row in rows]

    def browse(self, prefix: str = "") -> list[SecretInfo]:
        """Return the secrets whose names start with a prefix, by name, each as its newest version.

        A secret with all versions removed carries a note, and no version.
        """
        if not self._database.exists:
            return []
        with self._database.reading() as connection:
            # The other columns come from the row that has the greatest number; see SQLite's manual,
            # "bare columns in an aggregate query".
            rows = connection.execute(
                "SELECT name, max(CASE WHEN value IS NOT NULL THEN number END), created,"
                " content_type FROM version GROUP BY name ORDER BY name"
            ).fetchall()
        with self._meant():
            found = [row for row in rows if row[0].startswith(prefix)]
            return [info(*row, there=row[1] is not None) for row in found]

    def protection(self) -> Protection | None:
        """Return how the vault is protected; None before the first write."""
        return self._database.protection()

    def protect(self, name: str) -> None:
        """Protect the vault in another way, or with a new passphrase; values stay as they are.

        Raises:
            InvalidSetting: There is no protection of this name.
            StoreLocked: The vault does not open, or cannot be protected in the new way.
        """
        self._database.protect(name)

    @contextmanager
    def _snapshot(self) -> Iterator[tuple[sqlite3.Connection, DataKey]]:
        """One read transaction. The key comes before it: a person who is asked holds up nobody."""
        with self._database.reading() as connection:
            key = self._database.key(connection)
            connection.execute("BEGIN")
            try:
                yield connection, key
            finally:
                connection.rollback()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction, in which what is there already is looked at too."""
        with self._database.writing() as connection, self._database.naming(), self._meant():
            yield connection

    @contextmanager
    def _meant(self) -> Iterator[None]:
        """Take what is in the file and cannot be meant for damage, and not for a defect."""
        try:
            yield
        except (AttributeError, OverflowError, TypeError, ValueError):
            raise self._database.damaged() from None  # without what is in the file

    def _outcome(
        self, at: tuple[sqlite3.Connection, DataKey], name: str, version: int | None, *, guess: bool
    ) -> Outcome:
        connection, key = at
        try:
            with self._database.naming(), self._meant():
                number = chosen(name, version, self._numbers(connection, name, guess=guess))
                return read(connection, key, name, number)
        except UnvaultError as error:
            return error

    def _append(self, connection: sqlite3.Connection, name: str, value: bytes) -> int:
        number = 1 + max(version_numbers(connection, name), default=0)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        kind = content_type(value)
        sealed = self._database.key(connection).seal(value, *place(name, number, created, kind))
        row = (name, number, created, kind, sealed)
        connection.execute("INSERT INTO version VALUES (?, ?, ?, ?, ?)", row)
        return number

    def _import(self, connection: sqlite3.Connection, name: str, value: bytes) -> str:
        kept = [number for number, there in version_numbers(connection, name).items() if there]
        if kept:
            key = self._database.key(connection)
            if read(connection, key, name, kept[-1]).reveal() == value:
                return "unchanged"
        self._append(connection, name, value)
        return "changed" if kept else "new"

    def _numbers(
        self, connection: sqlite3.Connection, name: str, *, guess: bool = True
    ) -> dict[int, bool]:
        """Return a secret's versions, or raise the error that lists near names."""
        numbers = version_numbers(connection, name)
        if not numbers:
            rows = connection.execute("SELECT DISTINCT name FROM version") if guess else ()
            with self._meant():
                raise self._missing(name, [row[0] for row in rows])
        return numbers

    def _missing(self, name: str, known: Sequence[str]) -> SecretNotFound:
        near = nearest(name, known)
        return SecretNotFound(
            f"there is no secret {name!r} in the local vault"
            + (f"; {sentence('near names are', near)}" if near else ""),
            hint=f"store it: {self._command} set {shlex.quote(name)}",
            candidates=near,
        )
