"""Values whose time is over stand in while a vault is down: where asked for, and not otherwise."""

from __future__ import annotations

import asyncio
import logging
import threading
import time as real_time
from datetime import timedelta

import pytest
from tests.fakes import BatchProvider, FakeProvider, Time, claim, client_for

from unvault.aio import AsyncUnvault
from unvault.cache import SecretCache
from unvault.errors import (
    AccessDenied,
    CredentialNotFound,
    CredentialRejected,
    InvalidSetting,
    ProviderFault,
    SecretDeleted,
    SecretNotFound,
    Throttled,
    TimedOut,
    Unavailable,
)
from unvault.secret import Secret

WAIT = 20


@pytest.fixture
def time():
    return Time()


class Vault(FakeProvider):
    """One that can be down, in one way or another, and can be held up while it is."""

    def __init__(self) -> None:
        super().__init__()
        self.error: BaseException | None = None
        self.inside, self.go = threading.Event(), threading.Event()
        self.go.set()

    def value(self, session, request):
        self.inside.set()
        assert self.go.wait(WAIT)
        if self.error is not None:
            raise self.error
        number = len(self.fetched)
        return Secret(f'{{"path": "{request.path}", "number": {number}}}', version=str(number))


class BatchVault(Vault, BatchProvider):
    """One that takes batches too."""


def stale_client(provider, time, minutes=60, **options):
    return client_for(provider, clock=time.clock, stale_minutes=minutes, **options)


def told(outcome):
    """Return which fetch a value is of, and whether it says that it is stale."""
    return (outcome.version, outcome.stale) if isinstance(outcome, Secret) else outcome.code


# -------------------------------------------------------------------------- when, and when not


@pytest.mark.parametrize("kind", [Unavailable, TimedOut, Throttled])
def test_while_the_vault_is_down_the_value_is_used_and_says_that_it_is_stale(time, kind):
    provider = Vault()
    with stale_client(provider, time) as vault:
        first = vault.fetch("fake/a")
        assert not first.stale
        provider.error = kind("down")
        time.pass_(minutes=31)
        second = vault.fetch("fake/a")
        assert second.stale
        assert second.reveal() == first.reveal()
        assert (second.version, second.expires) == (first.version, first.expires)
        assert not first.stale  # the one that was handed out before is as it was
        provider.error = None
        time.pass_(seconds=6)
        assert told(vault.fetch("fake/a")) == ("3", False)


def test_by_itself_no_value_is_used_past_its_time(time):
    provider = Vault()
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        with pytest.raises(Unavailable):
            vault.fetch("fake/a")
        assert vault.cache.statistics().entries == 0


def test_it_is_used_for_as_long_as_was_said_and_no_longer(time):
    provider = Vault()
    with stale_client(provider, time, minutes=10) as vault:
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        for minute in range(30, 40):
            time.pass_(minutes=30.01 if minute == 30 else 1)
            assert told(vault.fetch("fake/a")) == ("1", True)
        time.pass_(minutes=1)
        with pytest.raises(Unavailable):
            vault.fetch("fake/a")
        assert vault.cached("fake/a") is None
        assert vault.cache.statistics().entries == 0


@pytest.mark.parametrize("clock", ["both", "elapsed", "wall"])
def test_it_is_never_used_past_its_own_end(time, clock):
    provider = Vault()
    plain = provider.value
    provider.value = lambda *given: Secret(
        plain(*given).reveal(), expires=time.after(minutes=35), version="1"
    )
    with stale_client(provider, time) as vault:
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        time.pass_(minutes=32)
        assert told(vault.fetch("fake/a")) == ("1", True)
        assert vault.cached("fake/a").stale
        if clock == "both":
            time.pass_(minutes=4)
        elif clock == "elapsed":
            time.seconds += 4 * 60
        else:
            time.wall += timedelta(minutes=4)
        assert vault.cached("fake/a") is None
        with pytest.raises(Unavailable):
            vault.fetch("fake/a")


@pytest.mark.parametrize(
    "error",
    [
        AccessDenied("no"),
        SecretNotFound("gone"),
        SecretDeleted("gone"),
        CredentialRejected("no"),
        RuntimeError("a defect"),
    ],
)
@pytest.mark.parametrize("ask", ["fetch", "fetch_many"])
def test_an_answer_of_the_vault_is_never_hidden_and_ends_the_value(time, error, ask):
    provider = Vault()
    with stale_client(provider, time) as vault:

        def outcome():
            return vault.fetch_many(["fake/a"])[0]

        vault.fetch("fake/a")
        time.pass_(minutes=31)
        provider.error = error
        wanted = ProviderFault if isinstance(error, RuntimeError) else type(error)
        if ask == "fetch":
            with pytest.raises(wanted):
                vault.fetch("fake/a")
        else:
            assert isinstance(outcome(), wanted)
        provider.error = Unavailable("down")
        assert isinstance(outcome(), Unavailable)
        assert vault.cache.statistics().entries == 0


def test_a_sign_in_that_cannot_reach_the_vault_counts_too_and_one_that_is_rejected_does_not(time):
    provider = Vault()
    good = provider.sign_in
    trouble = [None]

    def sign_in(credential):
        if trouble[0]:
            raise trouble[0]
        return good(credential)

    provider.sign_in = sign_in
    with stale_client(provider, time) as vault:
        vault.fetch("fake/a")
        vault._sessions.close()
        trouble[0] = TimedOut("no answer")
        time.pass_(minutes=31)
        assert vault.fetch("fake/a").stale
        trouble[0] = CredentialRejected("revoked")
        time.pass_(seconds=6)
        with pytest.raises(CredentialRejected):
            vault.fetch("fake/a")


def test_fresh_is_fresh_or_an_error(time):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.fetch("fake/a")
        time.pass_(minutes=31)
        provider.error = Unavailable("down")
        for _ in range(2):
            with pytest.raises(Unavailable):
                vault.fetch("fake/a", fresh=True)
            assert told(vault.fetch_many(["fake/a"], fresh=True)[0]) == "unavailable"
            assert told(vault.fetch("fake/a")) == ("1", True)
        assert len(provider.fetched) == 5  # the last of each round was held back by the pause


@pytest.mark.parametrize("how", ["edit", "clear", "remove", "rename"])
def test_after_a_change_of_its_credential_a_value_is_not_used(time, how):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.credentials.add(vault.credentials.draft("fake", None, {"token": "t"}, name="mine"))
        vault.fetch("mine/a")
        time.pass_(minutes=31)
        provider.error = Unavailable("down")
        assert vault.fetch("mine/a").stale
        if how == "edit":
            vault.credentials.edit("mine", vault.credentials.draft("fake", None, {"token": "n"}))
        elif how == "rename":
            vault.credentials.rename("mine", "ours")
        else:
            getattr(vault.credentials, how)("mine")
        for reference in ("mine/a", "ours/a"):
            with pytest.raises((Unavailable, CredentialNotFound)):
                vault.fetch(reference)


@pytest.mark.parametrize("how", ["clear", "off", "close"])
def test_what_was_dropped_is_not_used(time, how):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.fetch("fake/a")
        if how == "off":
            vault.cache.minutes = 0
        else:
            (vault.cache.clear if how == "clear" else vault.close)()
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        with pytest.raises(Unavailable):
            vault.fetch("fake/a")


# --------------------------------------------------------------------------------- everywhere


@pytest.mark.parametrize("kind", [Vault, BatchVault])
def test_many_and_texts_get_it_too_each_for_itself(time, kind):
    provider = kind()
    with stale_client(provider, time) as vault:
        vault.fetch_many(["fake/a", "fake/b"])
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        found = vault.fetch_many(["fake/a", "fake/none", "fake/b#number", "fake/b"])
        assert [each.stale if isinstance(each, Secret) else each.code for each in found] == [
            True,
            "unavailable",
            True,
            True,
        ]
        assert vault.render("{% vault 'fake/a#path' %}!") == "a!"


def test_a_field_of_it_is_stale_too_known_before_or_not(time):
    provider = Vault()
    with stale_client(provider, time) as vault:
        assert not vault.fetch("fake/a#path").stale
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        for _ in range(2):
            for field, value in (("path", "a"), ("number", "1")):
                found = vault.fetch(f"fake/a#{field}")
                assert (found.text(), found.stale) == (value, True)


def test_from_asyncio_it_is_the_same_and_the_tasks_share_the_attempt(time):
    provider = Vault()

    async def main():
        async with AsyncUnvault(stale_client(provider, time)) as vault:
            await vault.fetch("fake/a#path")
            provider.error = Unavailable("down")
            time.pass_(minutes=31)
            tasks = (vault.fetch("fake/a#path") for _ in range(100))
            found = await asyncio.gather(*tasks)
            assert {(each.text(), each.stale) for each in found} == {("a", True)}
            assert len(provider.fetched) == 2
            threads = threading.active_count()
            for _ in range(50):
                assert (await vault.fetch("fake/a#path")).stale
            assert threading.active_count() <= threads
            assert len(provider.fetched) == 2
            with pytest.raises(Unavailable):
                await vault.fetch("fake/a", fresh=True)

    asyncio.run(main())


def test_the_bound_holds_for_stale_values_too(time):
    provider = Vault()
    cache = SecretCache(max_entries=3, stale_minutes=60, clock=time.clock)
    with client_for(provider, cache=cache, clock=time.clock) as vault:
        for path in "abc":
            vault.fetch(f"fake/{path}")
        time.pass_(minutes=31)
        for path in "de":
            vault.fetch(f"fake/{path}")
        assert vault.cache.statistics().entries == 3
        provider.error = Unavailable("down")
        found = vault.fetch_many([f"fake/{path}" for path in "abcde"])
        assert [isinstance(each, Secret) for each in found] == [False, False, True, True, True]


# -------------------------------------------------------------------------------- nobody waits long


def test_after_a_failure_the_vault_is_left_alone_for_some_seconds(time):
    provider = Vault()
    with stale_client(provider, time) as vault:
        for path in "abc":
            vault.fetch(f"fake/{path}")
        provider.error = TimedOut("no answer")
        time.pass_(minutes=31)
        for _ in range(5):
            for path in "abc":
                assert vault.fetch(f"fake/{path}").stale
            assert {each.stale for each in vault.fetch_many(["fake/a", "fake/b#path"])} == {True}
        assert len(provider.fetched) == 4
        time.pass_(seconds=5.1)
        for path in "abc":
            assert vault.fetch(f"fake/{path}").stale
        assert len(provider.fetched) == 5
        provider.error = None
        time.pass_(seconds=5.1)
        assert [vault.fetch(f"fake/{path}").stale for path in "abc"] == [False] * 3


@pytest.mark.parametrize(("part", "seconds"), [(0.0, 5), (0.5, 7.5), (0.999, 9.995)])
def test_how_long_is_left_to_chance(time, part, seconds):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        time.part = part
        vault.fetch("fake/a")
        time.pass_(seconds=seconds - 0.01)
        vault.fetch("fake/a")
        assert len(provider.fetched) == 2
        time.pass_(seconds=0.02)
        vault.fetch("fake/a")
        assert len(provider.fetched) == 3


def test_what_has_no_value_to_stand_in_asks_the_vault_each_time(time):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        assert vault.fetch("fake/a").stale
        for _ in range(3):
            with pytest.raises(Unavailable):
                vault.fetch("fake/new")
        assert provider.fetched == ["a", "a", "new", "new", "new"]


def test_another_vault_is_not_left_alone(time):
    plugins = {"down": Vault(), "up": Vault()}
    with client_for(plugins=plugins, clock=time.clock, stale_minutes=60) as vault:
        vault.fetch_many(["down/a", "up/a"])
        plugins["down"].error = Unavailable("down")
        time.pass_(minutes=31)
        assert [each.stale for each in vault.fetch_many(["down/a", "up/a"])] == [True, False]
        time.pass_(minutes=31)
        assert [each.stale for each in vault.fetch_many(["down/a", "up/a"])] == [True, False]


def in_thread(action):
    results = []
    thread = threading.Thread(target=lambda: results.append(action()), daemon=True)
    thread.start()
    return thread, results


def test_while_one_tries_the_vault_again_the_others_do_not_wait(time):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.fetch_many(["fake/a", "fake/b"])
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        assert vault.fetch("fake/a").stale
        time.pass_(seconds=11)
        provider.go.clear()
        provider.inside.clear()
        thread, results = in_thread(lambda: vault.fetch("fake/a"))
        assert provider.inside.wait(WAIT)
        asked = len(provider.fetched)
        for _ in range(3):  # nobody lets it go: who waited for it would wait for ever
            assert vault.fetch("fake/a").stale
            assert vault.fetch("fake/b").stale
            assert {each.stale for each in vault.fetch_many(["fake/a", "fake/b"])} == {True}
        assert asyncio.run(AsyncUnvault(vault).fetch("fake/a")).stale
        assert len(provider.fetched) == asked
        provider.error = None
        provider.go.set()
        thread.join(WAIT)
        assert not results[0].stale
        assert not vault.fetch("fake/b").stale


def test_who_waits_for_the_first_failure_gets_the_stale_value_with_the_one_who_fetched(time):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        provider.go.clear()
        provider.inside.clear()
        threads, results = zip(
            *(in_thread(lambda: vault.fetch("fake/a")) for _ in range(8)), strict=True
        )
        assert provider.inside.wait(WAIT)
        real_time.sleep(0.05)
        provider.go.set()
        for thread in threads:
            thread.join(WAIT)
            assert not thread.is_alive()
    assert [each[0].stale for each in results] == [True] * 8
    assert len(provider.fetched) == 2


def test_one_who_tries_and_is_interrupted_leaves_the_attempt_to_the_next(time):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        vault.fetch("fake/a")
        time.pass_(seconds=11)
        provider.error = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            vault.fetch("fake/a")
        provider.error = None
        assert told(vault.fetch("fake/a")) == ("4", False)


def test_in_a_forked_child_the_parents_attempt_does_not_count(time):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        time.pass_(minutes=31)
        vault.fetch("fake/a")
        time.pass_(seconds=11)
        cache = vault._resolver._cache
        (key,) = cache.kept._entries
        assert claim(cache, key)[1]  # one in the parent has begun, and never lands here
        assert vault.cached("fake/a").stale
        cache.after_fork()
        assert vault.cached("fake/a") is None
        provider.error = None
        assert told(vault.fetch("fake/a")) == ("3", False)


# ----------------------------------------------------------------------------------- it is visible


def test_it_is_logged_once_in_each_outage_for_each_secret_and_without_a_value(time, caplog):
    provider = Vault()
    with stale_client(provider, time) as vault:
        vault.fetch_many(["fake/a", "fake/b"])
        vault.fetch("fake/b")
        assert not caplog.records
        for number in (1, 2):
            provider.error = Unavailable("down")
            time.pass_(minutes=31)
            for _ in range(3):
                vault.fetch("fake/a#path")
                vault.fetch("fake/b")
                time.pass_(seconds=11)
            found = [each for each in caplog.records if "time is over" in each.getMessage()]
            assert len(found) == 2 * number
            assert {each.name for each in found} == {"unvault"}
            assert {each.levelno for each in found} == {logging.WARNING}
            assert [each.args[0] for each in found[-2:]] == ["fake/a#path", "fake/b"]
            provider.error = None
            vault.fetch_many(["fake/a", "fake/b"])
    assert "number" not in caplog.text


def test_what_says_that_it_is_stale_goes_on_saying_so():
    secret = Secret('{"a": {"b": "c"}}', version="1", content_type="application/json")
    stale = secret.as_stale()
    assert (secret.stale, stale.stale) == (False, True)
    assert stale == secret
    assert (stale.version, stale.content_type) == ("1", "application/json")
    assert stale.field("a").field("b").stale
    assert stale.picklable().stale
    assert "b" not in repr(stale)
    with pytest.raises(AttributeError):
        stale.stale = False


# -------------------------------------------------------------------------------------- the options


@pytest.mark.parametrize("minutes", [-1, 721, 1.5, True, "5", None])
def test_minutes_out_of_range_are_refused(minutes):
    with pytest.raises(InvalidSetting, match="720"):
        client_for(Vault(), stale_minutes=minutes)


def test_a_cache_that_is_given_has_its_own_minutes(time):
    with pytest.raises(TypeError, match="SecretCache"):
        client_for(Vault(), cache=SecretCache(), stale_minutes=5)
    provider = Vault()
    cache = SecretCache(minutes=5, stale_minutes=720)
    with client_for(provider, cache=cache, clock=time.clock) as vault:
        vault.fetch("fake/a")
        provider.error = Unavailable("down")
        time.pass_(minutes=700)
        assert vault.fetch("fake/a").stale
