"""A forked child begins anew: no session, no lock and no fetch of the parent's."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref

import pytest

from unvault.fork import _REGISTRY, renew_after_fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

STORY = """
import asyncio, os, signal, threading, warnings
from tests.fakes import FakeProvider, client_for
from unvault import AsyncUnvault
from unvault.model import Session
from unvault.secret import Secret

warnings.simplefilter("ignore", DeprecationWarning)
provider = FakeProvider()
provider.sign_in = lambda _: Session(client=f"{os.getpid()}")
provider.value = lambda session, request: Secret(f"{session.client} {request.path}")
inside, go = threading.Event(), threading.Event()

def wait(*_):
    inside.set()
    go.wait(60)

def in_child(story):
    pid = os.fork()
    if not pid:
        signal.alarm(10)  # one that hangs is ended
        try:
            story()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

def in_thread(action):
    threading.Thread(target=action, daemon=True).start()
    assert inside.wait(20)

"""


def tell(story):
    done = subprocess.run(
        [sys.executable, "-c", STORY + story],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_child_signs_in_for_itself_and_closes_nothing_of_the_parents():
    tell(
        """
vault = client_for(provider)
mine = str(os.getpid())
assert vault.fetch("fake/a").text() == f"{mine} a"

def story():
    assert vault.fetch("fake/a").text() == f"{mine} a"  # values are the same for both
    assert vault.fetch("fake/b").text() == f"{os.getpid()} b"
    vault.close()
    assert [session.client for session in provider.closed] == [str(os.getpid())]

in_child(story)
in_child(story)
assert vault.fetch("fake/c").text() == f"{mine} c"
assert provider.closed == []
"""
    )


def test_a_childs_finalizers_do_not_run_for_the_parents_sessions():
    tell(
        """
import gc

class Connection:
    def __del__(self):
        gone.append(os.getpid())

gone = []
provider.sign_in = lambda _: Session(client=Connection())
provider.value = lambda *_: Secret("1")
vault = client_for(provider)
vault.fetch("fake/a")

def story():
    vault.fetch("fake/b")
    gc.collect()
    assert gone == []

in_child(story)
"""
    )


def test_a_child_waits_for_no_fetch_of_the_parents():
    tell(
        """
vault = client_for(provider)
good = provider.value
provider.value = wait
in_thread(lambda: vault.fetch("fake/a"))
provider.value = good
in_child(lambda: vault.fetch("fake/a"))
in_child(lambda: vault.fetch_many(["fake/a", "fake/b"]))
"""
    )


def test_a_child_waits_for_no_sign_in_of_the_parents():
    tell(
        """
vault = client_for(provider)
good = provider.sign_in
provider.sign_in = wait
in_thread(lambda: vault.fetch("fake/a"))
provider.sign_in = good
in_child(lambda: vault.fetch("fake/b"))
in_child(lambda: vault.credentials.test("fake"))
"""
    )


def test_a_child_has_locks_of_its_own():
    tell(
        """
vault = client_for(provider)
vault.fetch("fake/a")

def hold():
    with vault._sessions._lock, vault._resolver._cache._lock:
        with vault.providers._lock, vault._selection._lock, vault._store.database._lock:
            wait()

def use():
    vault.fetch("fake/b")
    vault.cached("fake/b")
    vault.credentials.add(vault.credentials.draft("fake", "token", {"token": "t"}, name="new"))
    vault.fetch("new/b")
    vault.close()

in_thread(hold)
in_child(use)
"""
    )


def test_a_child_has_threads_of_its_own():
    tell(
        """
vault = AsyncUnvault(client_for(provider, parallel=1))
good = provider.value
provider.value = wait

async def ask():
    return (await vault.fetch("fake/a")).text()

async def hold():
    with vault._threads._lock:
        wait()

in_thread(lambda: asyncio.run(ask()))
inside.clear()
in_thread(lambda: asyncio.run(hold()))
provider.value = good
assert vault._joins._under_way

def story():
    assert not vault._joins._under_way
    assert asyncio.run(ask()) == f"{os.getpid()} a"
    asyncio.run(vault.close())

in_child(story)
"""
    )


def test_a_child_of_a_child_begins_anew_too():
    tell(
        """
vault = client_for(provider)
vault.fetch("fake/a")

def story():
    vault.fetch("fake/b")
    in_child(lambda: check("c"))
    check("d")

def check(path):
    assert vault.fetch(f"fake/{path}").text() == f"{os.getpid()} {path}"

in_child(story)
"""
    )


def test_an_object_that_is_gone_is_not_kept_by_it():
    class Thing:
        def after_fork(self) -> None:
            raise AssertionError("it is gone")

    thing = Thing()
    renew_after_fork(thing)
    known = weakref.ref(thing)
    del thing
    gc.collect()
    assert known() is None


def test_every_object_is_renewed():
    renewed = []

    class Thing:
        def after_fork(self) -> None:
            renewed.append(self)

    things = [Thing() for _ in range(3)]
    for thing in things:
        renew_after_fork(thing)
        renew_after_fork(thing)
    pid = os.fork() if sys.version_info < (3, 12) else None
    if pid == 0:
        os._exit(len(renewed))
    if pid is not None:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    assert renewed == []
    assert {*things} <= {*_REGISTRY._objects}


def test_importing_it_registers_nothing():
    code = "import unvault.aio, unvault.fork; assert not unvault.fork._REGISTRY._heard"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
