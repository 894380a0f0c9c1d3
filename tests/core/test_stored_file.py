"""What was read of the store's file is remembered while the file stays as it is, and no longer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unvault.protection import KeyFile
from unvault.sqlite_store import SqliteStore
from unvault.stored_file import Read, stamp_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "credentials.db"


@pytest.fixture
def store(path: Path, tmp_path: Path) -> SqliteStore:
    made = SqliteStore(path, [KeyFile(tmp_path / "unvault.key")])
    made.add("prod", "fake", "token", {"token": "t-canary"})
    return made


def age(path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float = 60) -> None:
    """Let so much time pass, as far as the file's age is concerned."""
    now = time.time() + seconds
    monkeypatch.setattr("unvault.stored_file.time.time", lambda: now)


def readings(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with each time the file is opened to be read."""
    opened: list[str] = []
    reading = store.database.reading

    def noted():
        opened.append("reading")
        return reading()

    monkeypatch.setattr(store.database, "reading", noted)
    return opened


def test_a_file_that_stays_as_it_is_is_read_once(store, path, monkeypatch):
    age(path, monkeypatch)
    opened = readings(store, monkeypatch)
    for _ in range(5):
        assert store.get("prod").answers["token"] == "t-canary"
        assert store.get("nobody") is None
        assert store.settings() == {}
    assert len(opened) == 3


def test_a_file_that_was_changed_just_now_is_read_each_time(store, monkeypatch):
    opened = readings(store, monkeypatch)
    for _ in range(5):
        store.get("prod")
    assert len(opened) == 5


def test_ones_own_change_is_seen_at_once(store, path, monkeypatch):
    age(path, monkeypatch)
    assert store.get("prod").revision == 1
    assert store.settings() == {}
    store.replace("prod", "token", {"token": "t-other"})
    store.change_setting("cache_minutes", 5)
    assert store.get("prod").answers["token"] == "t-other"
    assert store.settings() == {"cache_minutes": 5}
    store.remove("prod")
    assert store.get("prod") is None


def test_another_processs_change_is_seen_at_once(store, path, tmp_path, monkeypatch):
    age(path, monkeypatch)
    assert store.get("prod").revision == 1
    other = f"""
from pathlib import Path
from unvault.protection import KeyFile
from unvault.sqlite_store import SqliteStore
store = SqliteStore(Path({str(path)!r}), [KeyFile(Path({str(tmp_path / "unvault.key")!r}))])
store.replace("prod", "token", {{"token": "t-other!"}})
"""
    subprocess.run([sys.executable, "-c", other], check=True)
    assert store.get("prod").answers["token"] == "t-other!"


def test_a_file_that_is_replaced_or_taken_away_is_seen_at_once(store, path, monkeypatch):
    age(path, monkeypatch)
    assert store.get("prod") is not None
    path.rename(path.with_suffix(".away"))
    assert store.get("prod") is None
    path.with_suffix(".away").rename(path)
    assert store.get("prod") is not None


def test_what_is_remembered_cannot_be_changed_from_outside(store, path, monkeypatch):
    age(path, monkeypatch)
    store.change_setting("cache_minutes", 5)
    store.settings()["cache_minutes"] = 720
    assert store.settings() == {"cache_minutes": 5}


def test_a_time_in_the_future_is_not_trusted(store, path, monkeypatch):
    later = time.time() + 3600
    os.utime(path, (later, later))
    age(path, monkeypatch, seconds=60)
    assert stamp_of(path) is None


@pytest.mark.parametrize("wrong", [None, Path("/nowhere/at/all"), Path("with\0zero")])
def test_what_has_no_stamp(wrong):
    assert stamp_of(wrong) is None


def test_it_does_not_grow_without_end_and_shows_nothing():
    read = Read((1,))
    for number in range(1000):
        read.remember(f"canary-{number}", None)
    assert len(read.credentials) <= 256
    assert "canary" not in repr(read)


class Emptied(dict):
    """Another thread empties it as soon as somebody has seen that something is in it."""

    def __contains__(self, name: object) -> bool:
        found = super().__contains__(name)
        self.clear()
        return found


def test_what_another_thread_forgets_meanwhile_is_no_error(store, path, monkeypatch):
    age(path, monkeypatch)
    assert store.get("prod") is not None
    store._read.credentials = Emptied(store._read.credentials)
    assert store.get("prod").answers["token"] == "t-canary"


def test_to_start_over_takes_nothing_from_who_is_looking():
    read = Read((1,))
    for number in range(256):
        read.remember(f"{number}", None)
    looking = read.credentials
    read.remember("one more", None)
    assert len(looking) == 256
    assert [*read.credentials] == ["one more"]


def test_what_is_remembered_belongs_to_the_stamp_that_was_seen(store, path, monkeypatch):
    """Another thread, which saw the file as it was before, does not get in between."""
    age(path, monkeypatch)
    stale = Read((1,))
    stale.remember("prod", None)

    class Racing(SqliteStore):
        def __setattr__(self, name, value):
            super().__setattr__(name, stale if name == "_read" else value)

    store.__class__ = Racing
    assert store.get("prod") is not None


def test_nothing_is_remembered_of_what_has_no_stamp():
    read = Read(None)
    read.remember("prod", None)
    assert not read.credentials


def test_a_store_in_memory_is_read_each_time():
    store = SqliteStore(None)
    assert store.get("prod") is None
    store.add("prod", "fake", "token", {})
    assert store.get("prod") is not None
