"""Damages files and SQLite databases at random: at the level of bytes, and at that of rows."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
from hypothesis import note
from hypothesis import strategies as st

from unvault.errors import UnvaultError

PAGE = 4096

Damage = Callable[[Path], None]


@st.composite
def _bytes(draw: st.DrawFn) -> Damage:
    """Change some bytes; most of them where SQLite keeps what it steers by."""
    header = st.integers(0, 99)  # of the file
    page = st.builds(lambda page, at: page * PAGE + at, st.integers(0, 12), st.integers(0, 60))
    anywhere = st.integers(0, 13 * PAGE)
    values = st.sampled_from([b"\0", b"\1", b"\2", b"\x7f", b"\x80", b"\xff"]) | st.binary(
        min_size=1, max_size=8
    )
    edits = draw(st.lists(st.tuples(header | page | anywhere, values), min_size=1, max_size=6))

    def damage(path: Path) -> None:
        note(f"bytes {edits}")
        content = bytearray(path.read_bytes())
        for at, value in edits:
            at %= len(content)  # noqa: PLW2901
            content[at : at + len(value)] = value[: len(content) - at]
        path.write_bytes(content)

    return damage


@st.composite
def _cuts(draw: st.DrawFn) -> Damage:
    """Cut a file off, take a piece out of it, or put one in twice or elsewhere."""
    start, length, to = (draw(st.integers(0, 13 * PAGE)) for _ in range(3))
    aligned = draw(st.booleans())
    how = draw(st.sampled_from(["end", "out", "twice", "move", "zero", "more"]))

    def damage(path: Path) -> None:
        content = path.read_bytes()
        unit = PAGE if aligned else 1
        begin = start % len(content) // unit * unit
        end = begin + max(length % len(content) // unit, 1) * unit
        goal = to % len(content) // unit * unit
        piece = content[begin:end]
        note(f"{how} {begin}:{end} {goal}")
        changed = {
            "end": content[:begin],
            "out": content[:begin] + content[end:],
            "twice": content[:end] + piece + content[end:],
            "move": content[:goal] + piece + content[goal + len(piece) :],
            "zero": content[:begin] + bytes(len(piece)) + content[end:],
            "more": content + piece,
        }
        path.write_bytes(changed[how])

    return damage


_VALUES = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.binary(max_size=40)
    | st.text(st.characters(codec="utf-8"), max_size=12)
    | st.sampled_from(
        ["", "{}", "[]", "null", '{"protection": "key-file"}', "[" * 3000, "9" * 5000]
    )
    | st.sampled_from(['{"protection": []}', "\0", "2020-01-01", "999999-01-01T00:00:00+00:00"])
)
_OTHER_STATEMENTS = [
    "DELETE FROM {table}",
    "DROP TABLE {table}",
    "ALTER TABLE {table} RENAME TO other",
    "ALTER TABLE {table} ADD COLUMN more TEXT",
    "CREATE INDEX fast ON {table} ({column})",
    "CREATE VIEW seen AS SELECT * FROM {table}",
    "CREATE TRIGGER always AFTER INSERT ON {table} BEGIN DELETE FROM {table}; END",
    "CREATE TRIGGER ever AFTER UPDATE ON {table} BEGIN UPDATE {table} SET {column} = 1; END",
    "INSERT INTO {table} SELECT * FROM {table}",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = 9",
    "PRAGMA application_id = 1",
    "PRAGMA journal_mode = WAL",
    "PRAGMA page_size = 512; VACUUM",
    "PRAGMA auto_vacuum = FULL; VACUUM",
    "UPDATE {table} SET {column} = CAST({column} AS BLOB)",
    "UPDATE {table} SET {column} = CAST(x'ff00fe' AS TEXT)",
    "UPDATE {table} SET {column} = zeroblob(3000000)",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE TABLE x' || rootpage",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = rootpage + 1",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 2",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'UNIQUE', '')",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET name = 'sqlite_' || name",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET type = 'view'",
]


@st.composite
def _rows(draw: st.DrawFn) -> Damage:
    """Change rows and tables, as whoever has the file can with SQLite's own shell."""
    which = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    value = draw(_VALUES)
    statement = draw(
        st.sampled_from(
            [
                "UPDATE {table} SET {column} = ?",
                "UPDATE {table} SET {column} = ? WHERE rowid = 1",
                *_OTHER_STATEMENTS,
            ]
        )
    )

    forged = draw(st.booleans())

    def damage(path: Path) -> None:
        with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
            table, column = _part_of(path, *which)
            written = statement.format(table=table, column=column)
            note(f"{written} {value!r} {forged}")
            with _unchecked(path) if forged and "?" in written else contextlib.nullcontext():
                _executed(path, written, value)

    return damage


def _part_of(path: Path, table: int, column: int) -> tuple[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        )
        tables = [row[0] for row in found] or ["none"]
        chosen = tables[table % len(tables)]
        found = connection.execute("SELECT name FROM pragma_table_info(?)", (chosen,))
        columns = [row[0] for row in found] or ["none"]
        return chosen, columns[column % len(columns)]


def _executed(path: Path, statement: str, value: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if "?" in statement:
            connection.execute(statement, (value,))
        else:
            connection.executescript(statement)


@contextmanager
def _unchecked(path: Path) -> Iterator[None]:
    """Let SQLite take values of any type for a while, whatever the tables say."""
    change = "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
    _executed(path, change + "replace(sql, ') STRICT', ') ')", None)
    try:
        yield
    finally:
        _executed(
            path, change + "substr(sql, 1, length(sql) - 1) || 'STRICT' WHERE sql LIKE '%) '", None
        )


damages: st.SearchStrategy[list[Damage]] = st.lists(_rows() | _bytes() | _cuts(), max_size=3)
"""What may have happened to a SQLite file. Applied one after another."""

file_damages: st.SearchStrategy[list[Damage]] = st.lists(_bytes() | _cuts(), min_size=1, max_size=2)
"""What may have happened to any file that is not empty."""


def apply(done: list[Damage], path: Path) -> None:
    """Damage a file; one that is empty by now cannot be damaged further."""
    for damage in done:
        if path.stat().st_size:
            damage(path)


@attrs.define
class Tried:
    """What came of an operation."""

    error: UnvaultError | None = None
    result: Any = None


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Make sure that nothing in a folder changes meanwhile.

    But where a change was left unfinished: SQLite then takes it back, whoever opens the file.
    """
    before = _everything(folder)
    unfinished = any(name.endswith("-journal") for name in before)
    yield
    assert unfinished or _everything(folder) == before


def _everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tried(action: Callable[[], Any]) -> Tried:
    """Do what may only raise errors of ours."""
    try:
        return Tried(result=action())
    except UnvaultError as error:
        return Tried(error)
