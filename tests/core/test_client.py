"""`Unvault`: the façade, and what it promises an application that embeds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from tests.fakes import BatchProvider, FakeProvider, Time, client_for

from unvault import SqliteStore
from unvault.cache import SecretCache
from unvault.client import Unvault
from unvault.directories import Directories
from unvault.errors import CredentialNotFound, InteractionRequired
from unvault.hookspecs import hookimpl
from unvault.model import Session
from unvault.secret import Secret

WAIT = 20


def counting():
    """Return a provider whose values are never the same."""
    provider = FakeProvider()
    provider.value = lambda *_: Secret(f"value {len(provider.fetched)}")
    return provider


def test_two_of_them_share_nothing():
    one_provider, two_provider = counting(), counting()
    with client_for(one_provider) as one, client_for(two_provider, block=["gone"]) as two:
        assert one.fetch("fake/a").text() == "value 1"
        assert two.cached("fake/a") is None
        assert two.fetch("fake/a").text() == "value 1"
        one.credentials.add(one.credentials.draft("fake", name="mine"))
        with pytest.raises(CredentialNotFound):
            two.fetch("mine/a")
        one.cache.minutes = 5
        assert two.cache.minutes == 30
        one.cache.clear()
        assert two.cached("fake/a") is not None
        one.close()
        assert len(one_provider.closed) == 1
        assert two_provider.closed == []
        assert one.providers.load("fake") is not two.providers.load("fake")
    assert (one_provider.logins, two_provider.logins) == (1, 1)


def test_two_on_the_same_folders_share_what_is_stored_and_no_more(tmp_path):
    one_provider, two_provider = counting(), counting()
    with (
        client_for(one_provider, home=tmp_path) as one,
        client_for(two_provider, home=tmp_path) as two,
    ):
        one.credentials.add(one.credentials.draft("fake", name="mine"))
        one.fetch("mine/a")
        two.fetch("mine/a")
    assert (one_provider.logins, two_provider.logins) == (1, 1)


def test_two_that_share_a_cache_never_get_each_others_values():
    def telling():
        provider = FakeProvider()
        provider.sign_in = lambda credential: Session(client=credential.answers.text("token"))
        provider.value = lambda session, _: Secret(session.client or "ambient")
        return provider

    cache = SecretCache()
    environs = [{"UNVAULT_FAKE_TOKEN": "one"}, {"UNVAULT_FAKE_TOKEN": "two"}, {}, {}]
    vaults = [client_for(telling(), environ=each, cache=cache) for each in environs]
    for _ in range(2):
        found = [vault.fetch("fake/a").text() for vault in vaults]
        assert found == ["one", "two", "ambient", "ambient"]
    assert cache.statistics().entries == 4


def test_fresh_asks_again_and_leaves_the_newer_value():
    provider = counting()
    with client_for(provider) as vault:
        assert vault.fetch("fake/a").text() == "value 1"
        assert vault.fetch("fake/a").text() == "value 1"
        assert vault.fetch("fake/a", fresh=True).text() == "value 2"
        assert vault.fetch("fake/a").text() == "value 2"
        assert vault.fetch_many(["fake/a"], fresh=True)[0].text() == "value 3"
        assert vault.render("{% vault 'fake/a' %}", fresh=True) == "value 4"
        assert vault.render_bytes(b"{% vault 'fake/a' %}", fresh=True) == b"value 5"
        assert vault.fetch("fake/a").text() == "value 5"
    assert provider.logins == 1


def test_what_is_given_is_used(tmp_path):
    time, provider = Time(), counting()
    cache = SecretCache(minutes=1, max_entries=2, clock=time.clock)
    store = SqliteStore()
    interaction = object()
    options = {
        "directories": Directories.under(tmp_path),
        "store": store,
        "cache": cache,
        "clock": time.clock,
        "interaction": interaction,
        "plugins": {"fake": provider},
        "discover": False,
        "environ": {},
    }
    with Unvault(**options) as vault:
        assert vault.directories.data == tmp_path / "data"
        assert vault.interaction is interaction
        assert vault.cache.max_entries == 2
        vault.credentials.add(vault.credentials.draft("fake", name="mine"))
        assert [item.name for item in store.list()] == ["mine"]
        vault.fetch("fake/a")
        assert cache.statistics().entries == 1
        time.pass_(minutes=1.1)
        assert vault.fetch("fake/a").text() == "value 2"
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_empty_and_so_false_is_used_all_the_same(tmp_path):
    class Falsy(SqliteStore):
        def __len__(self):
            return len(self.list())

    store = Falsy()
    options = {"plugins": {"fake": counting()}, "discover": False, "environ": {}}
    with Unvault(store=store, directories=Directories.under(tmp_path), **options) as vault:
        vault.credentials.add(vault.credentials.draft("fake", name="mine"))
    assert len(store) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_provider_is_given_the_interaction():
    given = []

    class Asking(FakeProvider):
        @hookimpl
        def authenticate(self, credential, interaction):
            given.append(interaction)
            if interaction is None:
                raise InteractionRequired("a person is needed", hint="run this")
            return Session(client=interaction.ask("code?", hidden=True))

        def value(self, session, request):
            return Secret(session.client)

    class Person:
        def ask(self, question, *, hidden=False):
            return f"{question} {hidden}"

    person = Person()
    with client_for(Asking(), interaction=person) as vault:
        assert vault.fetch("fake/a").text() == "code? True"
    with client_for(Asking()) as vault, pytest.raises(InteractionRequired) as caught:
        vault.fetch("fake/a")
    assert caught.value.hint == "run this"
    assert given == [person, None]


def test_in_memory_writes_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UNVAULT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    provider = FakeProvider({"a": "1"})
    with Unvault.in_memory(plugins={"fake": provider}, discover=False) as vault:
        vault.credentials.add(vault.credentials.draft("fake", None, {"token": "t"}, name="mine"))
        vault.credentials.set_default("mine")
        vault.cache.minutes = 7
        vault.fetch("mine/a")
        vault.credentials.edit("mine", vault.credentials.draft("fake"))
        assert vault.credentials.protection().name == "memory"
    assert list(tmp_path.rglob("*")) == []


def test_fetching_without_stored_credentials_writes_no_file(tmp_path):
    with client_for(FakeProvider({"a": "1"}), home=tmp_path / "home") as vault:
        vault.fetch("fake/a")
        list(vault.credentials.list())
        assert vault.cache.minutes == 30
        assert vault.credentials.default("fake") is None
    assert list(tmp_path.rglob("*")) == []


def test_it_is_used_by_many_threads_at_once():
    provider = BatchProvider()
    provider.value = lambda _, request: Secret(request.path)
    problems = []
    with client_for(provider) as vault:

        def work(number):
            try:
                for n in range(30):
                    assert vault.fetch(f"fake/{n}").text() == str(n)
                    found = vault.fetch_many([f"fake/{n}", f"fake/{n + number}"])
                    assert [each.text() for each in found] == [str(n), str(n + number)]
                    assert vault.render(f"{{% vault 'fake/{n}' %}}") == str(n)
                    if n % 10 == number % 10:
                        vault.cache.clear()
                        name = f"c{number}-{n}"
                        vault.credentials.add(vault.credentials.draft("fake", name=name))
                        assert vault.fetch(f"{name}/x").text() == "x"
                        vault.credentials.remove(name)
            except BaseException as error:  # noqa: BLE001  # it is what is looked for
                problems.append(error)

        threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        assert problems == []
        assert vault.credentials.list() == []


FORKING = """
import os, sys, threading
from tests.fakes import FakeProvider, client_for
from pathlib import Path

provider = FakeProvider({"a": "1", "b": "2"})
vault = client_for(provider, home=Path(sys.argv[1]))
vault.credentials.add(vault.credentials.draft("fake", None, {"token": "t"}, name="mine"))
assert vault.fetch("mine/a").text() == "1"
child = os.fork()
if child == 0:
    try:
        assert vault.fetch("mine/a").text() == "1"
        assert vault.fetch("mine/b").text() == "2"
        found = vault.fetch_many(["mine/b", "fake/a", "fake/b"], fresh=True)
        assert [each.text() for each in found] == ["2", "1", "2"]
        vault.credentials.add(vault.credentials.draft("fake", name="of the child"))
        os._exit(7)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), [item.name for item in vault.credentials.list()])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_child_can_use_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("7 ['mine', 'of the child']\n", "")


CONSTRUCTING = """
import json, sys
import unvault.client, platformdirs, unvault.store, unvault.aio, unvault.credentials
from unvault import AsyncUnvault, Unvault

Unvault.in_memory()  # whatever is imported late is imported now
touched = []
WATCHED = ("open", "os.", "sqlite3.", "shutil.", "socket.", "subprocess.", "import", "pathlib.")
def watch(event, args):
    if event.startswith(WATCHED):
        touched.append(f"{event} {args!r}")
sys.addaudithook(watch)
Unvault()
Unvault.in_memory()
Unvault("another application")
AsyncUnvault()
print(json.dumps(touched))
"""


def test_making_one_reads_and_writes_nothing(tmp_path):
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-c", CONSTRUCTING],
        capture_output=True,
        text=True,
        env={**os.environ, "UNVAULT_HOME": str(home), "HOME": str(tmp_path)},
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == []
    assert list(tmp_path.iterdir()) == []


def test_the_folders_of_another_application_are_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("UNVAULT_HOME", str(tmp_path))
    ours, theirs = Unvault(), Unvault("acme-backup")
    assert ours.directories.data == tmp_path / "data"
    assert tmp_path not in theirs.directories.data.parents
    assert "acme-backup" in str(theirs.directories.data)


def test_it_shows_nothing_of_what_it_holds():
    provider = FakeProvider({"a": "canary-value"})
    with client_for(provider, environ={"UNVAULT_FAKE_TOKEN": "canary-token"}) as vault:
        vault.fetch("fake/a")
        everything = [vault, vault.cache, vault.credentials, vault.providers, vault._resolver]
        everything += [vault._resolver._cache, vault.credentials.resolve("fake")]
        everything += [*vault._sessions._held.values(), vault._selection._empty]
        recent, cache = vault._resolver._recent, vault._resolver._cache
        everything += [recent, recent.page, cache.kept, cache._outages, cache._flights]
        assert "canary" not in f"{[repr(each) for each in everything]} {everything}"
