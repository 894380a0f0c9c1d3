"""What another process changes in the store is noticed a second later, though values are cached."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tests.fakes import FakeProvider, Time, client_for

from unvault import AsyncUnvault, Directories, SqliteStore, Unvault
from unvault.errors import CredentialNotFound, StoreUnreadable
from unvault.model import Session
from unvault.secret import Secret
from unvault.store_watch import StoreWatch

WAIT = 20


@pytest.fixture
def time():
    return Time()


def telling():
    """Return a provider whose values tell the credential they were fetched with."""
    provider = FakeProvider()
    provider.sign_in = lambda credential: Session(client=str(credential.answers.text("token")))
    provider.value = lambda session, _: Secret(session.client)
    return provider


def store(vault, name, token):
    return vault.credentials.add(vault.credentials.draft("fake", None, {"token": token}, name=name))


def edit(vault, name, token):
    vault.credentials.edit(name, vault.credentials.draft("fake", None, {"token": token}))


# ------------------------------------------------------------------------------- a second process


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Two vaults on this machine, and credentials for them, in a home that the command uses."""
    home = tmp_path / "home"
    monkeypatch.setenv("UNVAULT_HOME", str(home))
    for name in ("one", "two"):
        file = tmp_path / f"{name}.db"
        run("credentials", "add", "local", "--name", name, "--field", f"path={file}", "--no-test")
        run("local", "set", "where", stdin=name, UNVAULT_LOCAL_PATH=str(file))
    return home


def run(*arguments, stdin="", **environ):
    command = [str(Path(sys.executable).with_name("unvault")), *arguments]
    done = subprocess.run(
        command,
        input=stdin,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_the_command_changes_is_noticed_a_second_later(home, tmp_path, time):
    with Unvault(directories=Directories.under(home), environ={}, clock=time.clock) as vault:
        for path in ("one", "two"):
            assert vault.fetch(f"{path}/where").text() == path
        used = vault.fetch("one/where")
        sessions = vault._sessions._held

        run("credentials", "edit", "one", "--field", f"path={tmp_path / 'two.db'}", "--no-test")
        time.pass_(seconds=0.9)
        assert vault.fetch("one/where") is used
        time.pass_(seconds=0.2)
        assert vault.fetch("one/where").text() == "two"
        assert len(sessions) == 2  # that of the old answers is closed

        run("credentials", "rename", "one", "uno")
        time.pass_(seconds=1)
        with pytest.raises(CredentialNotFound):
            vault.fetch("one/where")
        assert len(sessions) == 1
        assert vault.fetch("uno/where").text() == "two"

        run("credentials", "default", "uno")
        run("credentials", "remove", "two", "--yes")
        time.pass_(seconds=1)
        assert vault.fetch("local/where").text() == "two"
        assert len(sessions) == 1
        with pytest.raises(CredentialNotFound):
            vault.fetch("two/where")
        run("cache", "ttl", "7")
        assert vault.cache.minutes == 30
        time.pass_(seconds=1)
        vault.fetch("uno/where")
        assert vault.cache.minutes == 7


# ------------------------------------------------------------------ another client, as good as one


def test_what_was_changed_elsewhere_leaves_the_memory_though_nobody_asks_for_it(time, tmp_path):
    ours, theirs = telling(), telling()
    options = {"home": tmp_path, "clock": time.clock}
    with client_for(ours, **options) as vault, client_for(theirs, **options) as other:
        for name in ("mine", "gone", "same"):
            store(vault, name, name)
            vault.fetch(f"{name}/a")
        edit(other, "mine", "new")
        other.credentials.remove("gone")
        time.pass_(seconds=1)
        vault.fetch("same/a")
        assert [each.credential.name for each in ours.closed] == ["mine", "gone"]
        assert vault.cache.statistics().entries == 1
        assert len(ours.fetched) == 3  # what was not changed is still cached
        assert vault.fetch("mine/a").text() == "new"


def test_the_same_revision_of_a_store_that_was_put_back_is_another_one(time, tmp_path):
    """The value and the session of the other answers were used."""
    ours, theirs = telling(), telling()
    options = {"home": tmp_path, "clock": time.clock}
    with client_for(ours, **options) as vault, client_for(theirs, **options) as other:
        store(other, "mine", "first")
        (file,) = tmp_path.rglob("unvault.db")
        backup = file.read_bytes()
        edit(other, "mine", "second")
        assert vault.fetch("mine/a").text() == "second"
        file.write_bytes(backup)
        edit(other, "mine", "third")
        time.pass_(seconds=1)
        assert vault.fetch("mine/a").text() == "third"
        assert vault.fetch("mine/b").text() == "third"


def test_a_credential_that_does_not_open_any_more_holds_up_no_other(time, tmp_path):
    with client_for(telling(), home=tmp_path, clock=time.clock) as vault:
        for name in ("mine", "other"):
            store(vault, name, name)
            vault.fetch(f"{name}/a")
        (file,) = tmp_path.rglob("unvault.db")
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE credential SET answers = x'00' WHERE name = 'mine'")
        time.pass_(seconds=1)
        assert vault.fetch("other/a").text() == "other"
        assert not vault._resolver._watch.unsettled
        assert vault.cache.statistics().entries == 1
        with pytest.raises(StoreUnreadable):
            vault.fetch("mine/a")


def test_what_a_sign_in_elsewhere_renewed_changes_nothing(time, tmp_path):
    options = {"home": tmp_path, "clock": time.clock}
    with client_for(telling(), **options) as vault, client_for(telling(), **options) as other:
        store(vault, "mine", "mine")
        used = vault.fetch("mine/a")
        other._store.keep(other.credentials.get("mine"), {"refresh": "invented"})
        time.pass_(seconds=1)
        assert vault.fetch("mine/a") is used
        assert vault.cache.statistics().entries == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda vault, reference: vault.fetch(reference).text(),
        lambda vault, reference: vault.fetch_many([reference])[0].text(),
        lambda vault, reference: vault.render(f"{{% vault '{reference}' %}}"),
        lambda vault, reference: asyncio.run(AsyncUnvault(vault).fetch(reference)).text(),
    ],
)
def test_another_default_is_used_wherever_one_asks(time, tmp_path, ask):
    options = {"home": tmp_path, "clock": time.clock}
    with client_for(telling(), **options) as vault, client_for(telling(), **options) as other:
        for name in ("one", "two"):
            store(other, name, name)
        other.credentials.set_default("one")
        for _ in range(2):
            assert ask(vault, "fake/a") == "one"
        other.credentials.set_default("two")
        time.pass_(seconds=1)
        assert ask(vault, "fake/a") == "two"


def test_two_changes_that_the_files_times_cannot_tell_apart_are_both_noticed(time, tmp_path):
    options = {"home": tmp_path, "clock": time.clock}
    with client_for(telling(), **options) as vault, client_for(telling(), **options) as other:
        store(other, "mine", "t0")
        file = tmp_path / "data" / "unvault.db"
        told = file.stat()
        for number in range(5):
            assert vault.fetch("mine/a").text() == f"t{number}"
            edit(other, "mine", f"t{number + 1}")
            os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))
            time.pass_(seconds=1)


def test_turning_the_cache_off_elsewhere_drops_what_is_kept(time, tmp_path):
    options = {"home": tmp_path, "clock": time.clock}
    with client_for(telling(), **options) as vault, client_for(telling(), **options) as other:
        store(other, "mine", "t")
        vault.fetch("mine/a")
        other.cache.minutes = 0
        time.pass_(seconds=1)
        vault.fetch("mine/b")
        assert vault.cache.statistics().entries == 0
        other.cache.minutes = 10
        time.pass_(seconds=1)
        vault.fetch("mine/b")
        assert vault.cache.statistics().entries == 1


def test_a_cache_with_minutes_of_its_own_keeps_them(time, tmp_path):
    from unvault.cache import SecretCache

    options = {"home": tmp_path, "clock": time.clock}
    cache = SecretCache(minutes=3)
    with (
        client_for(telling(), cache=cache, **options) as vault,
        client_for(telling(), **options) as other,
    ):
        store(other, "mine", "t")
        vault.fetch("mine/a")
        other.cache.minutes = 9
        time.pass_(seconds=1)
        vault.fetch("mine/a")
        assert vault.cache.minutes == 3


def test_values_of_another_store_that_are_in_the_same_cache_stay(time, tmp_path):
    from unvault.cache import SecretCache

    cache, theirs = SecretCache(), telling()
    options = {"cache": cache, "clock": time.clock}
    with (
        client_for(telling(), home=tmp_path / "a", **options) as vault,
        client_for(theirs, home=tmp_path / "b", **options) as foreign,
        client_for(telling(), home=tmp_path / "a", clock=time.clock) as other,
    ):
        store(foreign, "theirs", "t")
        foreign.fetch("theirs/a")
        store(other, "mine", "t")
        vault.fetch("mine/a")
        other.credentials.remove("mine")
        time.pass_(seconds=1)
        with pytest.raises(CredentialNotFound):
            vault.fetch("mine/a")
        assert cache.statistics().entries == 1
        assert foreign.fetch("theirs/a").text() == "t"
        assert theirs.fetched == ["a"]


def test_the_first_file_there_ever_is_is_noticed(time, tmp_path):
    options = {"home": tmp_path, "clock": time.clock}
    with client_for(telling(), **options) as vault, client_for(telling(), **options) as other:
        assert vault.fetch("fake/a").text() == "None"
        time.pass_(seconds=5)
        assert vault.cached("fake/a") is not None  # no file is one that stays as it is
        store(other, "mine", "t")
        other.credentials.set_default("mine")
        time.pass_(seconds=1)
        assert vault.fetch("fake/a").text() == "t"


def test_a_file_that_stays_as_it_is_changes_nothing(time, tmp_path, monkeypatch):
    provider = telling()
    with client_for(provider, home=tmp_path, clock=time.clock) as vault:
        store(vault, "mine", "t")
        monkeypatch.setattr("unvault.stored_file.time.time", lambda: 4_000_000_000.0)
        vault.fetch("mine/a")
        known = vault.generation
        for _ in range(5):
            time.pass_(seconds=2)
            assert vault.cached("mine/a") is not None
        assert vault.generation == known


def test_a_store_that_cannot_be_read_any_more_is_an_error_and_no_old_value(time, tmp_path):
    provider = telling()
    with client_for(provider, home=tmp_path, clock=time.clock) as vault:
        store(vault, "mine", "t")
        vault.fetch("mine/a")
        file = tmp_path / "data" / "unvault.db"
        good = file.read_bytes()
        file.write_bytes(b"no database")
        time.pass_(seconds=1)
        for _ in range(2):
            with pytest.raises(StoreUnreadable):
                vault.fetch("mine/a")
            assert [each.code for each in vault.fetch_many(["mine/a"])] == ["store-unreadable"]
        file.write_bytes(good)
        assert vault.fetch("mine/a").text() == "t"
        assert len(provider.fetched) == 1


# -------------------------------------------------------------------------------- stores of others


class Own(SqliteStore):
    """An application's own store, which says what it was told to say."""

    def __init__(self, stamps):
        super().__init__()
        self.stamps = stamps
        self.asked = []

    def stamp(self):
        self.asked.append(threading.current_thread())
        stamp = self.stamps[min(len(self.asked), len(self.stamps)) - 1]
        if isinstance(stamp, BaseException):
            raise stamp
        return stamp


@pytest.mark.parametrize(
    ("stamps", "changed"),
    [
        ([1, 1, 1], [False, False]),
        ([1, 2, 2], [True, False]),
        (["a", None, None], [True, True]),
        ([None, (), ()], [True, False]),
        ([1, OSError("gone"), 1], [True, True]),
        ([1, StoreUnreadable("gone"), StoreUnreadable("gone")], [True, True]),
    ],
)
def test_a_stamp_that_is_not_the_one_before_is_a_change(stamps, changed):
    watch = StoreWatch(Own(stamps))
    assert watch.changed(1.0) is False
    assert [watch.changed(2.0), watch.changed(3.0)] == changed


def test_a_store_of_ones_own_is_asked_once_per_second_at_the_most(time):
    own = Own([1])
    options = {"plugins": {"fake": telling()}, "discover": False, "environ": {}}
    with Unvault(store=own, clock=time.clock, **options) as vault:
        assert own.asked == []
        for _ in range(10):
            vault.fetch("fake/a")
            vault.fetch_many(["fake/a", "fake/b"])
            time.pass_(seconds=0.26)
        assert len(own.asked) == 3


def test_a_store_without_stamps_never_changes_from_outside(time):
    class Plain:
        """A store that has what the protocol asks for, and no more."""

        def __init__(self):
            self._store = SqliteStore()

        def __getattr__(self, name):
            if name == "stamp":
                raise AttributeError(name)
            return getattr(self._store, name)

    options = {"plugins": {"fake": telling()}, "discover": False, "environ": {}}
    with Unvault(store=Plain(), clock=time.clock, **options) as vault:
        store(vault, "mine", "t")
        first = vault.fetch("mine/a")
        time.pass_(minutes=29)
        assert vault.fetch("mine/a") is first


def test_from_asyncio_what_a_change_costs_is_paid_in_a_thread(time):
    read = []

    class Watched(Own):
        def __getattribute__(self, name):
            if name in {"find", "get", "list", "settings"}:
                read.append(threading.current_thread())
            return super().__getattribute__(name)

    own = Watched([1, 2])
    options = {"plugins": {"fake": telling()}, "discover": False, "environ": {}}

    async def main():
        async with AsyncUnvault(store=own, clock=time.clock, **options) as vault:
            await vault.credentials.add(await vault.credentials.draft("fake", name="mine"))
            await vault.fetch("mine/a")
            read.clear()
            own.asked.clear()
            own.stamps = [3]
            time.pass_(seconds=1)
            await vault.fetch("mine/a")
            assert own.asked == [threading.main_thread()]  # one look at the file
            assert read
            assert threading.main_thread() not in read

    asyncio.run(main())
