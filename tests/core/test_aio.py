"""The asyncio twin: the same answers, and the loop is never held up."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time as real_time

import pytest
from tests.fakes import BatchProvider, FakeProvider, ListingProvider, client_for

from unvault import SqliteStore
from unvault.aio import AsyncCredentials, AsyncProviders, AsyncUnvault
from unvault.client import Unvault
from unvault.credentials import Credentials
from unvault.errors import (
    CredentialNotFound,
    InvalidSetting,
    ProviderFault,
    RenderError,
    SecretNotFound,
    Unavailable,
)
from unvault.model import SecretInfo
from unvault.providers import Providers
from unvault.reference import Reference
from unvault.secret import Secret
from unvault.settings import CacheControl

WAIT = 20


def twin_of(provider, **options):
    return AsyncUnvault(client_for(provider, **options))


class Slow(FakeProvider):
    """A provider that answers when it is let go."""

    def __init__(self, secrets=None):
        super().__init__(secrets)
        self.inside, self.go = threading.Event(), threading.Event()

    def value(self, session, request):
        self.inside.set()
        assert self.go.wait(WAIT)
        return super().value(session, request)


async def until(event):
    """Wait for a thread's event without holding the loop up."""
    while not event.is_set():  # noqa: ASYNC110  # it is another thread that sets it
        await asyncio.sleep(0.002)


# ------------------------------------------------------------------------------- the same answers


def test_it_gives_the_same_answers(tmp_path):
    class Full(BatchProvider, ListingProvider):
        pass

    secrets = {"a": '{"x": "1"}', "b": "2"}
    text = "{% vault 'fake/a#x' %} {% vault 'fake/b' %}"

    async def main():
        source = tmp_path / "in"
        source.write_text(text)
        async with twin_of(Full(secrets)) as vault:
            assert (await vault.fetch("fake/a#x")).text() == "1"
            assert (await vault.fetch(Reference("fake", "b"))).text() == "2"
            outcomes = await vault.fetch_many(["fake/b", "fake/none", "fake/a#x"])
            assert [getattr(each, "code", None) for each in outcomes] == [
                None,
                "secret-not-found",
                None,
            ]
            assert [info.path async for info in vault.list("fake")] == ["a", "b"]
            assert await vault.render(text) == "1 2"
            assert await vault.render_bytes(text.encode() + b"\xff") == b"1 2\xff"
            await vault.render_file(source, tmp_path / "out")
            assert (tmp_path / "out").read_text() == "1 2"
            found = await vault.find_references(text)
            assert [each.reference for each in found] == ["fake/a#x", "fake/b"]
            with pytest.raises(SecretNotFound) as caught:
                await vault.fetch("fake/none")
            assert caught.value.reference == "fake/none"
            with pytest.raises(RenderError):
                await vault.render("{% vault 'fake/none' %}")
            with pytest.raises(CredentialNotFound):
                await vault.fetch("nobody/x")
            with pytest.raises(CredentialNotFound):
                async for _ in vault.list("nobody"):
                    pass

    asyncio.run(main())


def test_it_shares_everything_with_the_client_it_is_the_twin_of():
    provider = FakeProvider({"a": "1"})
    client = client_for(provider)

    async def main():
        async with AsyncUnvault(client) as vault:
            assert vault.sync is client
            client.fetch("fake/a")
            await vault.fetch("fake/a")
            await vault.credentials.add(await vault.credentials.draft("fake", name="mine"))
            assert [item.name for item in client.credentials.list()] == ["mine"]

    asyncio.run(main())
    assert provider.fetched == ["a"]
    assert len(provider.closed) == 1


def test_it_takes_the_clients_options_itself():
    async def main():
        options = {"plugins": {"fake": FakeProvider({"a": "1"})}, "store": SqliteStore()}
        async with AsyncUnvault(discover=False, environ={}, **options) as vault:
            assert (await vault.fetch("fake/a")).text() == "1"

    asyncio.run(main())


def test_fresh_asks_again():
    provider = FakeProvider()
    provider.value = lambda *_: Secret(str(len(provider.fetched)))

    async def main():
        async with twin_of(provider) as vault:
            assert (await vault.fetch("fake/a")).text() == "1"
            assert (await vault.fetch("fake/a", fresh=True)).text() == "2"
            assert (await vault.fetch("fake/a")).text() == "2"
            assert await vault.render("{% vault 'fake/a' %}", fresh=True) == "3"

    asyncio.run(main())


# -------------------------------------------------------------------------------------- the loop


@pytest.mark.parametrize(
    "action",
    [
        lambda vault: vault.fetch("fake/a"),
        lambda vault: vault.fetch("fake/a", fresh=True),
        lambda vault: vault.fetch_many(["fake/a", "fake/b"]),
        lambda vault: vault.render("{% vault 'fake/a' %}"),
        lambda vault: vault.render_bytes(b"{% vault 'fake/a' %}"),
    ],
)
def test_the_loop_goes_on_during_a_slow_fetch(action):
    provider = Slow({"a": "1", "b": "2"})

    async def main():
        beats = 0
        async with twin_of(provider) as vault:
            fetching = asyncio.ensure_future(action(vault))
            await until(provider.inside)
            while beats < 20:  # it gets there only if the loop is free while the vault is not
                await asyncio.sleep(0.001)
                beats += 1
            assert not fetching.done()
            provider.go.set()
            await fetching

    asyncio.run(main())


@pytest.mark.parametrize(
    "action",
    [
        lambda vault: vault.fetch("fake/a"),
        lambda vault: vault.fetch("fake/a", fresh=True),
        lambda vault: vault.fetch_many(["fake/a", "fake/b"]),
        lambda vault: vault.render("{% vault 'fake/a' %}"),
        lambda vault: vault.find_references("{% vault 'fake', 'id', '{\"name\": \"a\"}' %}"),
        lambda vault: vault.credentials.list(),
        lambda vault: vault.credentials.get("mine"),
        lambda vault: vault.credentials.default("fake"),
        lambda vault: vault.credentials.protection(),
        lambda vault: vault.cache.minutes(),
        lambda vault: vault.cache.change_minutes(5),
    ],
)
def test_the_loop_never_asks_the_store_itself(action):
    asked = []

    class Watched(SqliteStore):
        def __getattribute__(self, name):
            if name in {"find", "get", "list", "settings", "change_setting", "protection"}:
                asked.append(threading.current_thread())
            return super().__getattribute__(name)

    provider = FakeProvider({"a": "1", "b": "2"})
    options = {"plugins": {"fake": provider}, "discover": False, "environ": {}}

    async def main():
        async with AsyncUnvault(store=Watched(), **options) as vault:
            await vault.credentials.add(await vault.credentials.draft("fake", name="mine"))
            asked.clear()
            await action(vault)

    asyncio.run(main())
    assert asked
    assert threading.main_thread() not in asked


def test_a_hit_needs_no_thread(monkeypatch):
    provider = FakeProvider({"a": "1"})

    async def main():
        async with twin_of(provider) as vault:
            await vault.fetch("fake/a")
            loop = asyncio.get_running_loop()
            threads = threading.active_count()

            def refuse(*_):
                raise AssertionError("a hit went through a thread")

            monkeypatch.setattr(loop, "run_in_executor", refuse)
            for _ in range(100):
                assert (await vault.fetch("fake/a")).text() == "1"
            assert (await vault.fetch(Reference("fake", "a"))).text() == "1"
            assert threading.active_count() <= threads
            monkeypatch.undo()

    asyncio.run(main())


def test_a_hit_does_not_even_yield_to_the_loop():
    async def main():
        async with twin_of(FakeProvider({"a": "1"})) as vault:
            await vault.fetch("fake/a")
            hit = vault.fetch("fake/a")
            with pytest.raises(StopIteration) as done:
                hit.send(None)
            assert done.value.value.text() == "1"

    asyncio.run(main())


# --------------------------------------------------------------------------------- many at a time


def test_a_thousand_tasks_that_miss_together_cause_one_fetch():
    provider = FakeProvider()
    provider.value = lambda *_: real_time.sleep(0.05) or Secret("1")

    async def main():
        before = threading.active_count()
        async with twin_of(provider) as vault:
            found = await asyncio.gather(*(vault.fetch("fake/a") for _ in range(1_000)))
            assert {each.text() for each in found} == {"1"}
            assert threading.active_count() < before + 40

    asyncio.run(main())
    assert provider.fetched == ["a"]
    assert provider.logins == 1


def test_a_thousand_tasks_with_different_references_all_get_theirs():
    provider = FakeProvider()
    provider.value = lambda _, request: Secret(request.path)

    async def main():
        async with twin_of(provider) as vault:
            found = await asyncio.gather(*(vault.fetch(f"fake/{n}") for n in range(1_000)))
            assert [each.text() for each in found] == [str(n) for n in range(1_000)]

    asyncio.run(main())
    assert provider.logins == 1


def test_fetches_of_one_and_of_many_share_a_fetch_under_way():
    provider = Slow({"a": "1", "b": "2"})

    async def main():
        async with twin_of(provider) as vault:
            one = asyncio.ensure_future(vault.fetch("fake/a"))
            await until(provider.inside)
            many = asyncio.ensure_future(vault.fetch_many(["fake/a", "fake/b"]))
            await asyncio.sleep(0.02)
            provider.go.set()
            assert (await one).text() == "1"
            assert [each.text() for each in await many] == ["1", "2"]

    asyncio.run(main())
    assert sorted(provider.fetched) == ["a", "b"]


def test_everybody_gets_an_error_of_their_own():
    provider = Slow({"a": Unavailable("down", hint="wait")})

    async def main():
        async with twin_of(provider) as vault:
            tasks = [asyncio.ensure_future(vault.fetch("fake/a")) for _ in range(5)]
            await until(provider.inside)
            provider.go.set()
            errors = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(each) for each in errors] == [Unavailable] * 5
            assert len({id(each) for each in errors}) == 5
            assert len({id(each.__traceback__) for each in errors}) == 5
            assert {(each.hint, each.reference) for each in errors} == {("wait", "fake/a")}
            provider.secrets["a"] = "up"
            assert (await vault.fetch("fake/a")).text() == "up"

    asyncio.run(main())
    assert provider.fetched == ["a", "a"]


def test_a_fault_reaches_every_task_without_what_it_held():
    canary = "canary-90ad"
    provider = FakeProvider()

    def fail(*_):
        raise RuntimeError(canary)

    provider.value = fail

    async def main():
        async with twin_of(provider) as vault:
            tasks = (vault.fetch("fake/a") for _ in range(3))
            for raised in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(raised, ProviderFault)
                error = raised
                while error is not None:
                    assert canary not in f"{error} {error.args}"
                    error = error.__cause__ or error.__context__

    asyncio.run(main())


@pytest.mark.parametrize("cancelled", [0, 2, 4])
def test_a_task_that_is_cancelled_harms_no_other(cancelled):
    provider = Slow({"a": "1"})

    async def main():
        async with twin_of(provider) as vault:
            tasks = [asyncio.ensure_future(vault.fetch("fake/a")) for _ in range(5)]
            await until(provider.inside)
            tasks[cancelled].cancel()
            with pytest.raises(asyncio.CancelledError):
                await tasks[cancelled]
            provider.go.set()
            rest = [task for task in tasks if task is not tasks[cancelled]]
            assert [each.text() for each in await asyncio.gather(*rest)] == ["1"] * 4

    asyncio.run(main())
    assert provider.fetched == ["a"]


@pytest.mark.parametrize("outcome", ["1", Unavailable("down")])
def test_when_all_are_cancelled_nothing_is_left_over(outcome):
    provider = Slow({"a": outcome})
    reported = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, what: reported.append(what))
        async with twin_of(provider) as vault:
            tasks = [asyncio.ensure_future(vault.fetch("fake/a")) for _ in range(3)]
            await until(provider.inside)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            provider.go.set()
            while vault._joins._under_way:  # noqa: ASYNC110  # there is nobody left to tell
                await asyncio.sleep(0.002)
            provider.secrets["a"] = "1"
            assert (await vault.fetch("fake/a")).text() == "1"

    asyncio.run(main())
    import gc

    gc.collect()
    assert reported == []


def test_a_time_limit_of_the_caller_holds():
    provider = Slow({"a": "1"})

    async def main():
        async with twin_of(provider) as vault:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(vault.fetch("fake/a"), 0.05)
            provider.go.set()
            assert (await vault.fetch("fake/a")).text() == "1"

    asyncio.run(main())
    assert provider.fetched == ["a"]


def test_one_twin_serves_one_loop_after_another():
    provider = FakeProvider({"a": "1", "b": "2"})
    vault = twin_of(provider)
    for path, value in (("a", "1"), ("b", "2"), ("a", "1")):
        assert asyncio.run(vault.fetch(f"fake/{path}")).text() == value
    asyncio.run(vault.close())
    assert asyncio.run(vault.fetch("fake/a")).text() == "1"
    asyncio.run(vault.close())
    assert provider.logins == 2


def test_loops_in_several_threads_use_one_twin():
    provider = FakeProvider()
    provider.value = lambda _, request: real_time.sleep(0.01) or Secret(request.path)
    vault = twin_of(provider)
    results = []

    async def ask():
        found = await asyncio.gather(*(vault.fetch(f"fake/{n % 10}") for n in range(100)))
        results.append([each.text() for each in found])

    threads = [threading.Thread(target=lambda: asyncio.run(ask()), daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()
    asyncio.run(vault.close())
    assert results == [[str(n % 10) for n in range(100)]] * 6
    assert sorted(provider.fetched) == [str(n) for n in range(10)]


def test_a_lazy_listing_is_read_in_a_thread():
    here = []

    def listing(*_):
        here.append(threading.current_thread() is threading.main_thread())
        yield SecretInfo("a")

    provider = ListingProvider()
    provider.listing = listing

    async def main():
        async with twin_of(provider) as vault:
            assert [info.path async for info in vault.list("fake")] == ["a"]

    asyncio.run(main())
    assert here == [False]


# ----------------------------------------------------------------------------- nothing is missing


def public(kind):
    """Return the public methods of a class and their signatures."""
    return {
        name: member
        for name, member in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("plain", "twin"),
    [(Credentials, AsyncCredentials), (Providers, AsyncProviders), (Unvault, AsyncUnvault)],
)
def test_every_method_has_a_twin_with_the_same_arguments(plain, twin):
    theirs = public(twin)
    expected = public(plain)
    for needless in ("cached", "after_fork"):  # the first never waits, the other is no call of ours
        expected.pop(needless, None)
    assert set(theirs) == set(expected)
    for name, method in expected.items():
        awaited = inspect.iscoroutinefunction(theirs[name]) or inspect.isasyncgenfunction(
            theirs[name]
        )
        assert awaited or name == "observe"  # which only takes note
        own, other = inspect.signature(method), inspect.signature(theirs[name])
        assert own.parameters == other.parameters, name


def test_every_twin_of_the_credentials_works():
    provider = FakeProvider({"a": "1"})

    async def main():
        async with twin_of(provider, environ={"UNVAULT_FAKE_TOKEN": "t"}) as vault:
            credentials = vault.credentials
            assert list(await credentials.environment("fake")) == ["UNVAULT_FAKE_TOKEN"]
            draft = await credentials.draft_from_environment("fake", name="mine")
            assert (await credentials.test(draft)).credential is not None
            await credentials.check_name("free")
            added = await credentials.add(draft)
            assert (await credentials.get("mine")).id == added.id
            assert (await credentials.resolve("fake")).name == ""
            other = await credentials.draft("fake", "user", {"user": "u", "password": "p"})
            assert (await credentials.edit("mine", other)).type == "user"
            assert (await credentials.rename("mine", "ours")).name == "ours"
            assert (await credentials.set_default("ours")).id == added.id
            assert (await credentials.default("fake")).name == "ours"
            await credentials.unset_default("fake")
            assert await credentials.default("fake") is None
            assert (await credentials.clear("ours")).type is None
            assert (await credentials.protection()).name == "memory"
            with pytest.raises(InvalidSetting):
                await credentials.protect("magic")
            await credentials.remove("ours")
            assert list(await credentials.list()) == []

    asyncio.run(main())


def test_every_twin_of_the_providers_and_the_cache_works():
    async def main():
        async with twin_of(FakeProvider({"a": "1"})) as vault:
            assert [info.id for info in await vault.providers.list()] == ["fake"]
            assert list(await vault.providers.ids()) == ["fake"]
            assert (await vault.providers.source("fake")).distribution is None
            assert (await vault.providers.check("fake")).state == "ready"
            assert (await vault.providers.load("fake")).form.label == "Fake"
            assert await vault.cache.minutes() == 30
            await vault.cache.change_minutes(5)
            assert await vault.cache.minutes() == 5
            assert vault.sync.cache.minutes == 5
            with pytest.raises(InvalidSetting):
                await vault.cache.change_minutes(721)
            await vault.fetch("fake/a")
            assert vault.cache.statistics().entries == 1
            assert vault.cache.max_entries == 1_000
            assert vault.cache.clear() == 1

    asyncio.run(main())
    assert {*public(CacheControl)} == {"clear", "statistics"}


# ------------------------------------------------------------------- what was asked before a change


async def ours(vault):
    """Store two credentials whose values tell them apart, the first as the default."""
    for name in ("one", "two"):
        draft = await vault.credentials.draft("fake", "token", {"token": name}, name=name)
        await vault.credentials.add(draft)
    await vault.credentials.set_default("one")


async def edit(vault):
    draft = await vault.credentials.draft("fake", "token", {"token": "new"})
    await vault.credentials.edit("one", draft)


@pytest.mark.parametrize(
    ("reference", "change", "after"),
    [
        ("one/a", edit, "new"),
        ("fake/a", edit, "new"),
        ("fake/a", lambda vault: vault.credentials.set_default("two"), "two"),
        (
            "fake/a",
            lambda vault: asyncio.to_thread(vault.sync.credentials.set_default, "two"),
            "two",
        ),
        ("fake/a", lambda vault: vault.credentials.remove("one"), "None"),
        ("one/a", lambda vault: vault.close(), "one"),
        ("one/a", lambda vault: asyncio.to_thread(vault.cache.clear), "one"),
    ],
)
def test_a_fetch_after_a_change_joins_none_from_before(reference, change, after):
    provider = FakeProvider()
    inside, go = threading.Event(), threading.Event()

    def value(session, _request):
        if not inside.is_set():
            inside.set()
            assert go.wait(WAIT)
            return Secret("old")
        return Secret(str(session.credential.answers.text("token")))

    provider.value = value

    async def main():
        async with twin_of(provider) as vault:
            await ours(vault)
            before = asyncio.ensure_future(vault.fetch(reference))
            await until(inside)
            await change(vault)
            assert (await asyncio.wait_for(vault.fetch(reference), WAIT)).text() == after
            go.set()
            assert (await before).text() == "old"
            assert (await vault.fetch(reference)).text() == after

    asyncio.run(main())


# ------------------------------------------------------------------------------------ the threads

LEAVING = """
import asyncio, sys, time
from tests.fakes import FakeProvider, client_for
from unvault import AsyncUnvault

provider = FakeProvider()
provider.value = lambda *_: time.sleep(60)

async def main():
    async with AsyncUnvault(client_for(provider)) as vault:
        try:
            await asyncio.wait_for(vault.{call}, 0.2)
        except TimeoutError:
            print("left")

asyncio.run(main())
"""


@pytest.mark.parametrize("call", ["fetch('fake/a')", "fetch_many(['fake/a', 'fake/b'])"])
def test_a_process_ends_at_once_though_a_vault_does_not_answer(call):
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", LEAVING.replace("{call}", call)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "left\n", "")


def test_a_slow_vault_holds_up_no_other_and_no_other_call():
    slow, quick = Slow(), FakeProvider({"a": "1"})

    async def main():
        plugins = {"slow": slow, "quick": quick}
        async with AsyncUnvault(client_for(plugins=plugins, parallel=4)) as vault:
            tasks = [asyncio.ensure_future(vault.fetch(f"slow/{n}")) for n in range(100)]
            await until(slow.inside)
            found = await asyncio.wait_for(vault.fetch("quick/a"), WAIT)
            assert found.text() == "1"
            assert await asyncio.wait_for(vault.credentials.list(), WAIT) == []
            await asyncio.wait_for(vault.close(), WAIT)
            assert len(slow.fetched) == 4
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            slow.go.set()

    asyncio.run(main())


def test_closing_in_one_loop_breaks_nothing_in_another():
    provider = FakeProvider()
    provider.value = lambda _, request: Secret(request.path)
    vault = twin_of(provider)
    trouble = []

    async def ask():
        for number in range(150):
            assert (await vault.fetch(f"fake/{number}")).text() == str(number)
            if number % 3 == 0:
                await vault.close()

    def run():
        try:
            asyncio.run(ask())
        except BaseException as error:  # noqa: BLE001  # whatever it is
            trouble.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()
    assert trouble == []


@pytest.mark.parametrize("call", ["fetch", "fetch_many", "render"])
def test_threads_see_the_tasks_context(call):
    from contextvars import ContextVar

    who = ContextVar("who", default="nobody")
    provider = FakeProvider()
    provider.value = lambda *_: Secret(who.get())
    ask = {
        "fetch": lambda vault: vault.fetch("fake/a"),
        "fetch_many": lambda vault: vault.fetch_many(["fake/a", "fake/b"]),
        "render": lambda vault: vault.render("{% vault 'fake/a' %}{% vault 'fake/b' %}"),
    }

    async def main():
        async with twin_of(provider) as vault:
            who.set("me")
            await ask[call](vault)
            found = await vault.fetch_many(["fake/a"])
            assert found[0].text() == "me"

    asyncio.run(main())


def test_a_result_for_a_loop_that_is_closed_is_dropped():
    provider = Slow({"a": "1"})
    vault = twin_of(provider)
    trouble = []
    loop = asyncio.new_event_loop()
    task = loop.create_task(vault.fetch_many(["fake/a"]))
    loop.run_until_complete(until(provider.inside))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    hook, threading.excepthook = threading.excepthook, trouble.append
    try:
        provider.go.set()
        for thread in threading.enumerate():
            if thread.name.startswith("unvault"):
                thread.join(WAIT)
    finally:
        threading.excepthook = hook
    assert trouble == []
    assert asyncio.run(vault.fetch("fake/a")).text() == "1"


def test_a_cancelled_fetch_of_many_begins_nothing_more():
    provider = Slow({str(number): "1" for number in range(50)})

    async def main():
        async with AsyncUnvault(client_for(provider, parallel=2)) as vault:
            many = asyncio.ensure_future(
                vault.fetch_many([f"fake/{number}" for number in range(50)])
            )
            await until(provider.inside)
            many.cancel()
            with pytest.raises(asyncio.CancelledError):
                await many
            provider.go.set()
            while len(vault.sync._resolver._cache._flights):  # noqa: ASYNC110  # threads empty it
                await asyncio.sleep(0.002)
            assert len(provider.fetched) <= 4
            assert (await vault.fetch("fake/49")).text() == "1"

    asyncio.run(main())


def test_a_cancelled_call_that_has_not_begun_is_not_begun():
    provider = Slow({"a": "1", "b": "2"})

    async def main():
        async with AsyncUnvault(client_for(provider, parallel=1)) as vault:
            first = asyncio.ensure_future(vault.fetch("fake/a", fresh=True))
            await until(provider.inside)
            second = asyncio.ensure_future(vault.fetch("fake/b", fresh=True))
            await asyncio.sleep(0.02)
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
            provider.go.set()
            await first
            while vault._threads._lanes:  # noqa: ASYNC110  # the thread ends by itself
                await asyncio.sleep(0.002)

    asyncio.run(main())
    assert provider.fetched == ["a"]


def test_no_thread_is_left_when_all_is_done():
    async def main():
        provider = FakeProvider()
        provider.value = lambda _, request: Secret(request.path)
        async with twin_of(provider) as vault:
            await asyncio.gather(*(vault.fetch(f"fake/{n}") for n in range(50)))
            while vault._threads._lanes:  # noqa: ASYNC110  # the threads end by themselves
                await asyncio.sleep(0.002)

    asyncio.run(main())


def test_where_no_thread_is_to_be_had_it_says_so_and_works_again(monkeypatch):
    async def main():
        async with twin_of(FakeProvider({"a": "1"})) as vault:
            with monkeypatch.context() as patch:
                patch.setattr(threading.Thread, "start", lambda _: 1 / 0)
                with pytest.raises(ZeroDivisionError):
                    await vault.fetch("fake/a")
            assert vault._threads._lanes == {}
            assert (await vault.fetch("fake/a")).text() == "1"

    asyncio.run(main())


# ------------------------------------------------------------------------------- wrong arguments


def test_a_client_and_options_are_too_much():
    with pytest.raises(TypeError, match="parallel"):
        AsyncUnvault(client_for(FakeProvider()), parallel=3)


def test_many_references_come_from_anything_but_one_text():
    async def main():
        async with twin_of(FakeProvider({"a": "1"})) as vault:
            found = await vault.fetch_many(each for each in ["fake/a"])
            assert [each.text() for each in found] == ["1"]
            with pytest.raises(TypeError):
                await vault.fetch_many("fake/a")

    asyncio.run(main())
