"""The rows of the credential store: one for each credential, its answers sealed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from unvault.fork import no_fork_meanwhile
from unvault.model import Answers, Credential, Origin

if TYPE_CHECKING:
    import sqlite3

    from unvault.data_key import DataKey
    from unvault.store import StoredCredential

_TOLD = "SELECT name, provider, type, id, revision, created, updated FROM credential"
_OPENED = "SELECT id, name, provider, type, revision, answers, kept FROM credential"
_CALLED = " WHERE name = ?1 OR id = ?1 ORDER BY name = ?1 DESC LIMIT 1"
"""A name goes before an id that is the same."""


def told(connection: sqlite3.Connection, name: str | None = None) -> list[StoredCredential]:
    """Return what can be told without opening it: of all, by name, or of one, by name or id.

    Raises:
        TypeError: A damaged file has other types than its table says.
        ValueError: A time is none, or a type is called nothing.
    """
    if name is None:
        found = connection.execute(f"{_TOLD} ORDER BY name")
    elif not name.isprintable():
        return []  # nothing is called that, and SQLite takes no text that is not UTF-8
    else:
        found = connection.execute(_TOLD + _CALLED, (name,))
    return _as_told(found.fetchall())


def _as_told(rows: Iterable[tuple[Any, ...]]) -> list[StoredCredential]:
    with no_fork_meanwhile():  # a module half imported would stay so in the child
        from unvault.store import StoredCredential

    when = datetime.fromisoformat
    found = []
    for name, provider, type_, id_, revision, created, updated in rows:
        if type_ == "":  # signed out is NULL
            raise ValueError
        found.append(
            StoredCredential(name, provider, type_, id_, revision, when(created), when(updated))
        )
    return found


def find(connection: sqlite3.Connection, name: str) -> tuple[Any, ...] | None:
    """Return the row of a name or an id, to be given to `opened`; its first column is the id."""
    if not name.isprintable():
        return None  # as above
    row: tuple[Any, ...] | None = connection.execute(_OPENED + _CALLED, (name,)).fetchone()
    return row


def opened(row: tuple[Any, ...], key: DataKey) -> Credential:
    """Return the credential of a row.

    Raises:
        StoreUnreadable: It was changed, or moved here from another place.
        AttributeError: A damaged file has other types than its table says.
        TypeError: The same.
        ValueError: Its type is called nothing.
    """
    names = dict(zip(("id", "name", "provider", "type", "revision"), row, strict=False))
    if names["type"] == "":  # as above
        raise ValueError
    found = Credential(**names, origin=Origin.STORED)
    answers, kept = (
        Answers(json.loads(key.open(sealed, column, *place(found))))
        for column, sealed in (("answers", row[5]), ("kept", row[6]))
    )
    return attrs.evolve(found, answers=answers, kept=kept)


def insert(connection: sqlite3.Connection, key: DataKey, new: Credential) -> None:
    """Add the row of a new credential."""
    moment = _now()
    connection.execute(
        "INSERT INTO credential VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*_sealed(new, key), moment, moment),
    )


def update(connection: sqlite3.Connection, key: DataKey, new: Credential) -> None:
    """Change the row of a credential; its id tells which one it is."""
    identity, *columns = _sealed(new, key)
    connection.execute(
        "UPDATE credential SET name = ?, provider = ?, type = ?, revision = ?, answers = ?,"
        " kept = ?, updated = ? WHERE id = ?",
        (*columns, _now(), identity),
    )


def _sealed(item: Credential, key: DataKey) -> tuple[object, ...]:
    answers, kept = (
        key.seal(json.dumps(dict(part)).encode(), column, *place(item))
        for column, part in (("answers", item.answers), ("kept", item.kept))
    )
    return (item.id, item.name, item.provider, item.type, item.revision, answers, kept)


def place(item: Credential) -> tuple[str, ...]:
    """Return what a row's sealed columns are bound to; being signed out is no type's name."""
    kind = () if item.type is None else (item.type,)
    return (item.id, item.name, item.provider, *kind, str(item.revision))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
