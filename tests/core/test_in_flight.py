"""One fetch for each key, whoever waits for it: threads and tasks together, in all trouble."""

from __future__ import annotations

import asyncio
import threading
import time as real_time

import pytest
from tests.fakes import FakeProvider, client_for

from unvault.aio import AsyncUnvault
from unvault.errors import CredentialRejected, Unavailable, UnvaultError
from unvault.secret import Secret

WAIT = 20


class Held(FakeProvider):
    """A vault whose first answers are held back, each until it is let go, and counted."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = [*answers]
        self.inside = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def value(self, session, request):
        number = len(self.fetched)
        self.inside.release()
        if self.answers:
            answer = self.answers.pop(0)
            assert self.go.acquire(timeout=WAIT)
            if isinstance(answer, BaseException):
                raise answer
        return Secret(f"{request.path} {number}")


def in_thread(action):
    results = []

    def run():
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001  # it is what is looked at
            results.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, results


def done(*threads):
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive(), "a thread waits for ever"


async def until(semaphore):
    while not semaphore.acquire(blocking=False):  # noqa: ASYNC110  # another thread releases it
        await asyncio.sleep(0.002)


# ----------------------------------------------------------------------------------- one call


def test_a_thousand_threads_that_miss_together_cause_one_call():
    provider = FakeProvider()
    count, asking = 1_000, threading.Semaphore(0)

    def value(*_):
        for _ in range(count):
            assert asking.acquire(timeout=WAIT)
        return Secret("1")

    provider.value = value
    with client_for(provider) as vault:
        together = threading.Event()

        def ask():
            assert together.wait(WAIT)
            asking.release()
            return vault.fetch("fake/a").text()

        threads, results = zip(*(in_thread(ask) for _ in range(count)), strict=True)
        together.set()
        done(*threads)
    assert [each for result in results for each in result] == ["1"] * count
    assert provider.fetched == ["a"]
    assert provider.logins == 1


def test_threads_and_tasks_that_miss_together_cause_one_call():
    provider = Held("held")
    with client_for(provider) as vault:
        threads, results = zip(
            *(in_thread(lambda: vault.fetch("fake/a").text()) for _ in range(50)), strict=True
        )

        async def main():
            twin, other = AsyncUnvault(vault), AsyncUnvault(vault)
            tasks = [asyncio.ensure_future(twin.fetch("fake/a")) for _ in range(50)]
            tasks += [asyncio.ensure_future(other.fetch("unvault://fake/a")) for _ in range(50)]
            many = asyncio.ensure_future(twin.fetch_many(["fake/a", "fake/%61"]))
            await until(provider.inside)
            await asyncio.sleep(0.05)
            provider.go.release()
            found = await asyncio.gather(*tasks)
            assert {each.text() for each in [*found, *await many]} == {"a 1"}

        asyncio.run(main())
        done(*threads)
    assert [each[0] for each in results] == ["a 1"] * 50
    assert provider.fetched == ["a"]


# ---------------------------------------------------------------------------------- a failure


def test_whoever_waited_for_a_failure_and_asks_again_is_not_told_of_it_twice():
    provider = Held(Unavailable("first"))
    with client_for(provider) as vault:

        def ask_twice():
            with pytest.raises(Unavailable, match="first"):
                vault.fetch("fake/a")
            return vault.fetch("fake/a").text()

        threads, results = zip(*(in_thread(ask_twice) for _ in range(40)), strict=True)
        assert provider.inside.acquire(timeout=WAIT)
        real_time.sleep(0.1)
        provider.go.release()
        done(*threads)
    assert {each[0] for each in results} == {"a 2"}
    assert provider.fetched == ["a", "a"]


def test_a_task_that_waited_in_another_way_is_not_told_of_a_failure_twice():
    """The loop learns of a failure later than the thread in which it came to be."""
    provider = Held(Unavailable("first"))

    async def main():
        async with AsyncUnvault(client_for(provider)) as vault:
            one = asyncio.ensure_future(vault.fetch("fake/a"))
            await until(provider.inside)
            failures = vault.sync.cache.statistics().failures
            provider.go.release()
            while vault.sync.cache.statistics().failures == failures:
                pass  # the loop is held up: it cannot know yet what the thread knows
            assert (await vault.fetch("fake/a")).text() == "a 2"
            with pytest.raises(Unavailable, match="first"):
                await one

    asyncio.run(main())


def test_many_references_are_told_of_a_failure_once_and_ask_anew_the_next_time():
    provider = Held(Unavailable("first"))
    with client_for(provider) as vault:
        leader, first = in_thread(lambda: vault.fetch("fake/a"))
        assert provider.inside.acquire(timeout=WAIT)
        follower, second = in_thread(
            lambda: [vault.fetch_many(["fake/a", "fake/a#x"]), vault.fetch_many(["fake/a"])]
        )
        real_time.sleep(0.1)
        provider.go.release()
        done(leader, follower)
        assert isinstance(first[0], Unavailable)
        (one, two), (three,) = second[0]
        assert [type(one), type(two), type(three)] == [Unavailable, Unavailable, Secret]
        assert one is not two
    assert provider.fetched == ["a", "a"]


def test_who_waited_for_a_sign_in_that_failed_is_told_once_and_a_rejected_one_rests():
    provider = FakeProvider({"a": "1"})
    good, trouble = provider.sign_in, [Unavailable("down"), CredentialRejected("no")]
    inside, go = threading.Semaphore(0), threading.Semaphore(0)

    def sign_in(credential):
        inside.release()
        if trouble:
            assert go.acquire(timeout=WAIT)
            raise trouble.pop(0)
        return good(credential)

    provider.sign_in = sign_in

    def outcome(path):
        try:
            return vault.fetch(f"fake/{path}").text()
        except UnvaultError as error:
            return error.code

    with client_for(provider) as vault:
        threads, results = zip(
            *(in_thread(lambda n=n: [outcome(n), outcome(n)]) for n in range(8)), strict=True
        )
        for logins in (1, 2):
            assert inside.acquire(timeout=WAIT)
            real_time.sleep(0.1)
            assert provider.logins == logins
            go.release()
        done(*threads)
    assert {tuple(each[0]) for each in results} == {("unavailable", "credential-rejected")}
    assert provider.logins == 2


# --------------------------------------------------------------------------------- a handover


def test_of_many_who_waited_for_an_interrupted_one_only_one_fetches_again():
    provider = Held(KeyboardInterrupt(), "held")
    with client_for(provider) as vault:
        leader, first = in_thread(lambda: vault.fetch("fake/a"))
        assert provider.inside.acquire(timeout=WAIT)
        threads, results = zip(
            *(in_thread(lambda: vault.fetch("fake/a").text()) for _ in range(30)),
            *(in_thread(lambda: vault.render("{% vault 'fake/a' %}")) for _ in range(10)),
            strict=True,
        )
        real_time.sleep(0.1)
        provider.go.release()
        assert provider.inside.acquire(timeout=WAIT)
        real_time.sleep(0.1)
        provider.go.release()
        done(leader, *threads)
    assert isinstance(first[0], KeyboardInterrupt)
    assert {each[0] for each in results} == {"a 2"}
    assert provider.fetched == ["a", "a"]


def test_when_a_task_that_fetches_many_is_cancelled_a_thread_that_waited_fetches_itself():
    provider = Held("held", "held")
    with client_for(provider, parallel=1) as vault:

        async def main():
            twin = AsyncUnvault(vault)
            many = asyncio.ensure_future(twin.fetch_many(["fake/a", "fake/b"]))
            await until(provider.inside)  # one is fetched, the other not begun
            reached = provider.fetched[0]
            other = "b" if reached == "a" else "a"
            thread, results = in_thread(lambda: vault.fetch(f"fake/{other}").text())
            await asyncio.sleep(0.1)
            many.cancel()
            with pytest.raises(asyncio.CancelledError):
                await many
            provider.go.release()
            provider.go.release()
            while thread.is_alive():  # noqa: ASYNC110  # it ends by itself
                await asyncio.sleep(0.002)
            assert results == [f"{other} 2"]
            assert vault.cached(f"fake/{reached}") is None  # it was not asked for by itself
            assert vault.fetch(f"fake/{reached}").text() == f"{reached} 1"

        asyncio.run(main())
    assert sorted(provider.fetched) == ["a", "b"]


# -------------------------------------------------------------------------------- cancellation


def test_a_task_that_is_cancelled_harms_no_other_and_no_thread():
    provider = Held("held")
    with client_for(provider) as vault:

        async def main():
            twin = AsyncUnvault(vault)
            tasks = [asyncio.ensure_future(twin.fetch("fake/a")) for _ in range(10)]
            await until(provider.inside)
            thread, results = in_thread(lambda: vault.fetch("fake/a").text())
            for task in tasks[:9]:
                task.cancel()
            await asyncio.gather(*tasks[:9], return_exceptions=True)
            assert all(task.cancelled() for task in tasks[:9])
            provider.go.release()
            assert (await tasks[9]).text() == "a 1"
            await asyncio.to_thread(done, thread)
            assert results == ["a 1"]

        asyncio.run(main())
    assert provider.fetched == ["a"]


@pytest.mark.parametrize("fresh", [False, True])
def test_when_all_are_cancelled_the_fetch_is_finished_and_its_value_kept(fresh):
    provider = Held("held")
    with client_for(provider) as vault:

        async def main():
            twin = AsyncUnvault(vault)
            tasks = [asyncio.ensure_future(twin.fetch("fake/a", fresh=fresh)) for _ in range(1)]
            await until(provider.inside)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            provider.go.release()
            while len(vault._resolver._cache._flights):  # noqa: ASYNC110  # a thread ends it
                await asyncio.sleep(0.002)
            assert (await twin.fetch("fake/a")).text() == "a 1"

        asyncio.run(main())
    assert provider.fetched == ["a"]


# --------------------------------------------------------------------------------------- fresh


def test_fresh_joins_nothing_and_an_older_fetch_that_lands_later_replaces_nothing():
    provider = Held("held")
    with client_for(provider) as vault:
        older, results = in_thread(lambda: vault.fetch("fake/a").text())
        assert provider.inside.acquire(timeout=WAIT)
        assert vault.fetch("fake/a", fresh=True).text() == "a 2"
        assert vault.fetch("fake/a").text() == "a 2"
        provider.go.release()
        done(older)
        assert results == ["a 1"]
        assert vault.fetch("fake/a").text() == "a 2"
        assert vault.fetch_many(["fake/a"])[0].text() == "a 2"
    assert provider.fetched == ["a", "a"]


def test_who_asks_while_a_fresh_value_is_on_its_way_may_have_the_older_one_that_is_kept():
    provider = Held()
    with client_for(provider) as vault:
        vault.fetch("fake/a")
        provider.answers = ["held"]
        fresh, results = in_thread(lambda: vault.fetch("fake/a", fresh=True).text())
        for _ in range(2):
            assert provider.inside.acquire(timeout=WAIT)
        assert vault.fetch("fake/a").text() == "a 1"
        provider.go.release()
        done(fresh)
        assert results == ["a 2"]
        assert vault.fetch("fake/a").text() == "a 2"
    assert provider.fetched == ["a", "a"]


def test_a_value_that_has_ended_already_takes_the_older_one_with_it():
    from datetime import UTC, datetime

    provider = FakeProvider({"a": "older"})
    with client_for(provider) as vault:
        vault.fetch("fake/a")
        provider.secrets["a"] = Secret("over", expires=datetime(2020, 1, 1, tzinfo=UTC))
        assert vault.fetch("fake/a", fresh=True).text() == "over"
        assert vault.cached("fake/a") is None


# ---------------------------------------------------------------------------- hits take no lock


def test_hits_are_right_while_values_leave_are_dropped_and_come_again():
    from unvault.cache import SecretCache

    provider = FakeProvider()
    provider.value = lambda _, request: Secret(f'{{"x": "{request.path}"}}')
    cache = SecretCache(max_entries=20)
    wrong, stop = [], threading.Event()
    with client_for(provider, cache=cache) as vault:

        def ask(start):
            number = start
            while not stop.is_set():
                number = (number * 7 + 1) % 53
                try:
                    if vault.fetch(f"fake/{number}#x").text() != str(number):
                        wrong.append(number)
                except BaseException as error:  # noqa: BLE001  # it is what is looked for
                    wrong.append(error)

        def trouble():
            while not stop.is_set():
                vault.cache.minutes = 5
                vault.cache.clear()
                vault.cache.minutes = 30
                vault.credentials.set_default("mine")
                vault.credentials.unset_default("fake")

        vault.credentials.add(vault.credentials.draft("fake", None, {"token": "t"}, name="mine"))
        threads = [in_thread(lambda n=n: ask(n))[0] for n in range(5)]
        troubling, raised = in_thread(trouble)
        real_time.sleep(0.5)
        stop.set()
        done(*threads, troubling)
        statistics = cache.statistics()
    assert (wrong, raised) == ([], [None])
    assert statistics.hits > 0
    assert statistics.entries <= 20
