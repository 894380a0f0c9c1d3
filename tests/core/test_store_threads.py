"""Threads that use a store for the first time at the same moment use the same one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from unvault import sealed
from unvault.protection import Passphrase
from unvault.sqlite_store import SqliteStore

THREADS = 8


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows with every database; each takes its time to be made."""
    found: list[object] = []

    class Slow(sealed.SealedDatabase):
        def __init__(self, *arguments, **options):
            time.sleep(0.05)
            super().__init__(*arguments, **options)
            found.append(self)

    monkeypatch.setattr(sealed, "SealedDatabase", Slow)
    return found


def at_once(action) -> list:
    """Return what an action returns to each of several threads that begin together."""
    ready = threading.Barrier(THREADS)

    def begin(_):
        ready.wait(20)
        return action()

    with ThreadPoolExecutor(THREADS) as pool:
        return [*pool.map(begin, range(THREADS))]


@pytest.mark.parametrize("name", ["credentials.db", None])
def test_all_threads_have_one_database(tmp_path: Path, made: list[object], name: str | None):
    store = SqliteStore(name and tmp_path / name)
    found = at_once(lambda: store.database)
    assert len(made) == 1
    assert {*map(id, found)} == {id(made[0])}


def test_a_getter_that_no_lock_is_around_returns_one_database(made: list[object], tmp_path: Path):
    """From Python 3.12 on, `functools.cached_property` calls its function without a lock."""
    attribute = SqliteStore.__dict__["database"]
    get = getattr(attribute, "func", None) or attribute.fget
    store = SqliteStore(tmp_path / "credentials.db")
    found = at_once(lambda: get(store))
    assert len(made) == len({*map(id, found)}) == 1


@pytest.mark.usefixtures("made")
def test_a_passphrase_is_asked_for_once(tmp_path: Path):
    path = tmp_path / "credentials.db"
    asked: list[str] = []

    def ask(what: str) -> str:
        asked.append(what)
        return "correct horse"

    SqliteStore(path, [Passphrase(ask)]).add("prod", "fake", "token", {"token": "t"})
    asked.clear()
    store = SqliteStore(path, lambda: [Passphrase(ask)])
    found = at_once(lambda: store.get("prod"))
    assert [each.answers["token"] for each in found] == ["t"] * THREADS
    assert len(asked) == 1


FORKED = """
import os, signal, threading
from unvault.sqlite_store import SqliteStore

store = SqliteStore()
inside = threading.Event()

def hold():
    with store._lock:
        inside.set()
        threading.Event().wait(60)

threading.Thread(target=hold, daemon=True).start()
assert inside.wait(20)
pid = os.fork()
if not pid:
    signal.alarm(10)  # one that hangs is ended
    os._exit(0 if store.get("prod") is None else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_waits_for_no_thread_of_the_parents():
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
