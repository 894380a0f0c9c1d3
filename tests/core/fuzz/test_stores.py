"""A store's file after any damage: errors of ours, nothing changed by reading, nothing told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st
from tests import damage
from tests.soak import fuzz

from unvault.client import Unvault
from unvault.directories import Directories
from unvault.errors import StoreError
from unvault.model import Credential
from unvault.protection import KeyFile, Passphrase
from unvault.settings import Settings
from unvault.sqlite_store import SqliteStore

CANARY = "canary-5b80"
Told = Callable[[BaseException], str]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store in it that is as it should be."""
    folder = tmp_path_factory.mktemp("whole")
    made = store_in(folder)
    for number in range(12):
        made.add(f"name {number}", "acme", "token", {"token": CANARY * 40, "region": "eu"})
    made.replace("name 3", None, {})
    made.keep(named(made, "name 4"), {"refresh": CANARY})
    made.change_setting("cache_minutes", 45)
    made.change_setting("default_credential:acme", named(made, "name 5").id)
    return folder


def named(store: SqliteStore, name: str) -> Credential:
    found = store.get(name)
    assert found is not None
    return found


def store_in(folder: Path) -> SqliteStore:
    ways = [KeyFile(folder / "key"), Passphrase(lambda _: "invented", cost=2**4)]
    return SqliteStore(folder / "store.db", ways)


def copied(whole: Path, folder: Path) -> Path:
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    return shutil.copytree(whole, copy)


READS: list[Callable[[SqliteStore], object]] = [
    lambda store: store.list(),
    lambda store: store.find("name 1"),
    lambda store: [store.get(f"name {number}") for number in range(12)],
    lambda store: store.get("nobody"),
    lambda store: store.settings(),
    lambda store: Settings(store).cache_minutes,
    lambda store: Settings(store).default_credential("acme"),
    lambda store: store.protection(),
]
WRITES: list[Callable[[SqliteStore], object]] = [
    lambda store: store.add("new", "acme", "token", {"token": CANARY}),
    lambda store: store.replace("name 1", "token", {"token": CANARY}),
    lambda store: store.rename("name 2", "name two"),
    lambda store: store.change_setting("cache_minutes", 3),
    lambda store: store.remove("name 0"),
    lambda store: store.protect("passphrase"),
    lambda store: store.protect("key-file"),
    lambda store: store.list(),
]


def check(action: Callable[[SqliteStore], object], store: SqliteStore, told: Told) -> None:
    error = damage.tried(lambda: action(store)).error
    if error is not None:
        assert CANARY not in told(error)
        if isinstance(error, StoreError):
            assert "store.db" in error.message or "key" in error.message or error.credential


@fuzz(30, done=damage.damages)
def test_a_damaged_store_is_read_or_refused_and_not_touched(
    done: list[damage.Damage], whole: Path, tmp_path: Path, told: Told
) -> None:
    folder = copied(whole, tmp_path)
    damage.apply(done, folder / "store.db")
    store = store_in(folder)
    with damage.untouched(folder):
        for read in READS:
            check(read, store, told)


@fuzz(30, done=damage.damages, order=st.permutations(range(len(WRITES))))
def test_a_damaged_store_is_written_or_refused(
    done: list[damage.Damage], order: list[int], whole: Path, tmp_path: Path, told: Told
) -> None:
    folder = copied(whole, tmp_path)
    damage.apply(done, folder / "store.db")
    store = store_in(folder)
    for number in order:
        check(WRITES[number], store, told)


@fuzz(30, done=damage.file_damages)
def test_a_damaged_key_file_opens_nothing_and_is_not_replaced(
    done: list[damage.Damage], whole: Path, tmp_path: Path, told: Told
) -> None:
    folder = copied(whole, tmp_path)
    damage.apply(done, folder / "key")
    same = (folder / "key").read_bytes().strip() == (whole / "key").read_bytes().strip()
    with damage.untouched(folder):
        for action in (*READS, WRITES[0]) if not same else READS:
            check(action, store_in(folder), told)
        found = damage.tried(lambda: store_in(folder).get("name 1"))
        assert isinstance(found.error, StoreError) or same


@fuzz(20, done=damage.damages)
def test_an_application_over_a_damaged_store(
    done: list[damage.Damage], whole: Path, tmp_path: Path, told: Told
) -> None:
    folders = Directories.under(tmp_path / "home")
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
    folders.data.mkdir(parents=True)
    folders.config.mkdir(parents=True)
    shutil.copy(whole / "store.db", folders.data / "unvault.db")
    shutil.copy(whole / "key", folders.config / "unvault.key")
    damage.apply(done, folders.data / "unvault.db")
    with (
        damage.untouched(tmp_path / "home"),
        Unvault(directories=folders, discover=False, environ={}) as vault,
    ):
        for action in (
            vault.credentials.list,
            lambda: vault.credentials.get("name 1"),
            lambda: vault.credentials.resolve("name 2"),
            lambda: vault.credentials.default("acme"),
            vault.credentials.protection,
            lambda: vault.cache.minutes,
            lambda: vault.fetch("name 1/x"),
            lambda: vault.render("{% vault 'name%201/x' %} {% vault 'acme', 'name 1', '{}' %}"),
        ):
            error = damage.tried(action).error
            assert error is None or CANARY not in told(error)
