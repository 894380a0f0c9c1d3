"""The rows of a vault: one for each version of each secret."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from unvault.errors import SecretDeleted, SecretNotFound, VersionNotFound
from unvault.model import SecretInfo
from unvault.protection import DataKey
from unvault.secret import Secret
from unvault.suggestions import sentence

TABLE = (
    "CREATE TABLE version (name TEXT NOT NULL, number INTEGER NOT NULL, created TEXT NOT NULL,"
    " content_type TEXT NOT NULL, value BLOB, PRIMARY KEY (name, number)) STRICT"
)
"""Makes the table. A removed version keeps its row without a value, so its number stays taken."""


def version_numbers(connection: sqlite3.Connection, name: str) -> dict[int, bool]:
    """Return the numbers a secret's versions have, in order, and whether each has a value still."""
    if not name.isprintable():  # no such name is ever stored, and SQLite refuses some of them
        return {}
    rows = connection.execute(
        "SELECT number, value IS NOT NULL FROM version WHERE name = ? ORDER BY number", (name,)
    )
    return {number: bool(there) for number, there in rows}


def chosen(name: str, version: int | None, numbers: Mapping[int, bool]) -> int:
    """Return the number of the version that is asked for; None asks for the newest.

    Raises:
        VersionNotFound: The secret never had this version.
        SecretDeleted: The version is removed, or every version is.
    """
    kept = [number for number, there in numbers.items() if there]
    if version is None and kept:
        return kept[-1]
    if version in kept:
        return version
    raise _no_version(name, version, numbers, tuple(str(number) for number in reversed(kept)))


def _no_version(
    name: str, version: int | None, numbers: Mapping[int, bool], kept: tuple[str, ...]
) -> SecretNotFound:
    if version is None:
        what = f"every version of the secret {name!r} is removed"
        return SecretDeleted(what, hint="store a new one: unvault local set")
    there = sentence("the versions there are", kept)
    if version in numbers:
        what = f"version {version} of the secret {name!r} is removed; {there}"
        return SecretDeleted(what, candidates=kept)
    what = f"the secret {name!r} has no version {version}; {there}"
    return VersionNotFound(what, candidates=kept)


def read(connection: sqlite3.Connection, key: DataKey, name: str, number: int) -> Secret:
    """Return the value of a version that has one.

    Raises:
        StoreUnreadable: It was changed, or moved here from another place.
    """
    created, kind, sealed = connection.execute(
        "SELECT created, content_type, value FROM version WHERE name = ? AND number = ?",
        (name, number),
    ).fetchone()
    value = key.open(sealed, *place(name, number, created, kind))
    return Secret(
        value,
        version=str(number),
        created=datetime.fromisoformat(created),
        content_type=kind,
    )


def place(name: str, number: int, created: str, kind: str) -> tuple[str, ...]:
    """Return what a value is bound to: all of its row."""
    return ("value", name, str(number), created, kind)


def info(name: str, number: int | None, created: str, kind: str, *, there: bool) -> SecretInfo:
    """Return what can be told of a version, or of a secret, without opening it.

    Raises:
        TypeError: A damaged file has other types than its table says.
        ValueError: A time is none.
    """
    if not isinstance(kind, str):
        raise TypeError
    return SecretInfo(
        path=name,
        version=None if number is None else str(number),
        created=datetime.fromisoformat(created) if there else None,
        content_type=kind if there else None,
        note=None if there else "removed",
    )
