"""A store with 1,000 credentials beside one with 10: to open it, to list it and to look one up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Row
from benchmarks.timing import processes, side_by_side
from unvault.client import Unvault
from unvault.credential_rows import insert
from unvault.directories import Directories
from unvault.model import Answers, Credential
from unvault.sqlite_store import SqliteStore

_FEW, _MANY = 10, 1000
_ROUNDS = 60
_BESIDE = f"where there are {_FEW}"
_COMMAND = str(Path(sys.executable).with_name("unvault"))
_LIST = "from unvault import Unvault; print(bool(Unvault().credentials.list()))"


def run() -> list[Row]:
    """Return what was measured."""
    with TemporaryDirectory() as folder:
        few, many = (_filled(Path(folder, str(count)), count) for count in (_FEW, _MANY))
        return [
            _processes(
                "unvault credentials list, of 1,000", [_COMMAND, "credentials", "list"], few, many
            ),
            _processes(
                "a program that opens and lists 1,000", [sys.executable, "-c", _LIST], few, many
            ),
            _objects("a new Unvault lists 1,000", _listed, few, many, at_most=None),
            _objects("a new Unvault gets one of 1,000", _got, few, many, at_most=1.25),
            _written(few, many),
        ]


def _filled(home: Path, count: int) -> Path:
    """Make a store with so many credentials, in one transaction."""
    vault = Unvault(directories=Directories.under(home))
    vault.credentials.add(vault.credentials.draft("local", "vault", {}, name="name-0"))
    store = vault._store  # noqa: SLF001  # one transaction for each would take a minute
    assert isinstance(store, SqliteStore)
    with store.database.writing() as connection:
        key = store.database.key(connection)
        for number in range(1, count):
            new = Credential(
                provider="local",
                type="vault",
                answers=Answers({"path": f"/somewhere/{number}"}),
                name=f"name-{number}",
                id=f"cloudCred_{os.urandom(16).hex()}",
                revision=1,
            )
            insert(connection, key, new)
    return home


def _processes(what: str, command: list[str], few: Path, many: Path) -> Row:
    commands = [["env", f"UNVAULT_HOME={home}", *command] for home in (few, many)]
    theirs, ours = processes(commands, {"PATH": os.environ["PATH"]}, rounds=20)
    return Row(what, ours * 1e3, theirs * 1e3, _BESIDE, at_most=3)


def _objects(
    what: str, use: Callable[[Unvault], object], few: Path, many: Path, *, at_most: float | None
) -> Row:
    """Time a use of a fresh object, which has read nothing yet."""

    def with_fresh(home: Path) -> Callable[[], object]:
        return lambda: use(Unvault(directories=Directories.under(home)))

    theirs, ours = side_by_side([with_fresh(few), with_fresh(many)], rounds=_ROUNDS, warm_up=3)
    return Row(what, ours * 1e3, theirs * 1e3, _BESIDE, at_most=at_most)


def _listed(vault: Unvault) -> object:
    return vault.credentials.list()


def _got(vault: Unvault) -> object:
    return vault.credentials.get("name-7")


def _written(few: Path, many: Path) -> Row:
    stores = [Unvault(directories=Directories.under(home)).credentials for home in (few, many)]

    def rename(number: int) -> Callable[[], object]:
        names = ["name-7", "other-7"]

        def there_and_back() -> None:
            stores[number].rename(*names)
            names.reverse()

        return there_and_back

    theirs, ours = side_by_side([rename(0), rename(1)], rounds=_ROUNDS, warm_up=4)
    return Row("one of 1,000 renamed, safely on the disk", ours * 1e3, theirs * 1e3, _BESIDE)
