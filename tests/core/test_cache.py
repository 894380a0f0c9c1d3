from __future__ import annotations

import gc
import random
import threading
import traceback
from datetime import timedelta

import pytest
from tests.fakes import FakeProvider, Time, claim, client_for

from unvault.cache import MAX_ENTRIES, CacheKey, SecretCache
from unvault.clock import Clock
from unvault.errors import (
    FormError,
    InvalidSetting,
    Problem,
    SecretNotFound,
    Unavailable,
    UnvaultError,
)
from unvault.model import Session
from unvault.secret import Secret

WAIT = 20


@pytest.fixture
def time():
    return Time()


def cache_with(time, **options):
    return SecretCache(clock=time.clock, **options)


class Source:
    """Something to fetch from that counts, and can be held back."""

    def __init__(self, *, held: bool = False) -> None:
        self.count = 0
        self.begun = threading.Event()
        self.go = threading.Event()
        if not held:
            self.go.set()
        self.outcome: Secret | BaseException | None = None

    def __call__(self) -> Secret:
        self.count += 1
        self.begun.set()
        assert self.go.wait(WAIT)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome or Secret(f"value {self.count}")


def in_thread(function, *arguments, **options):
    """Start a function in a thread; return the thread and the list that gets what it did."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(function(*arguments, **options))
        except BaseException as error:  # noqa: BLE001  # it is what is looked at
            results.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, results


def done(*threads) -> None:
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive(), "a thread waits for ever"


# ---------------------------------------------------------------------------------- how long


def test_a_value_is_kept_for_half_an_hour_unless_told_otherwise(time):
    cache, source = cache_with(time), Source()
    assert cache.minutes == 30
    assert cache.fetch("k", source).text() == "value 1"
    time.pass_(minutes=29.99)
    assert cache.fetch("k", source).text() == "value 1"
    time.pass_(minutes=0.02)
    assert cache.get("k") is None
    assert cache.fetch("k", source).text() == "value 2"


def test_being_asked_for_does_not_prolong_a_value(time):
    cache, source = cache_with(time, minutes=10), Source()
    for _ in range(3):
        assert cache.fetch("k", source).text() == "value 1"
        time.pass_(minutes=3)
    time.pass_(minutes=2)
    assert cache.fetch("k", source).text() == "value 2"


def test_zero_minutes_keep_nothing(time):
    cache, source = cache_with(time, minutes=0), Source()
    assert [cache.fetch("k", source).text() for _ in range(3)] == ["value 1", "value 2", "value 3"]
    assert cache.statistics().entries == 0


def test_the_longest_time_is_half_a_day(time):
    cache, source = cache_with(time, minutes=720), Source()
    cache.fetch("k", source)
    time.pass_(minutes=719)
    assert cache.fetch("k", source).text() == "value 1"
    time.pass_(minutes=2)
    assert cache.fetch("k", source).text() == "value 2"


def test_a_change_of_time_holds_for_what_is_kept_already(time):
    cache, source = cache_with(time, minutes=30), Source()
    cache.fetch("k", source)
    time.pass_(minutes=20)
    cache.minutes = 10
    assert cache.fetch("k", source).text() == "value 2"
    time.pass_(minutes=9)
    cache.minutes = 60
    time.pass_(minutes=50)
    assert cache.fetch("k", source).text() == "value 2"
    cache.minutes = 0
    assert cache.statistics().entries == 0
    cache.minutes = 60
    assert cache.fetch("k", source).text() == "value 3"


def test_turning_it_off_while_a_value_is_on_its_way_keeps_it_out(time):
    cache, source = cache_with(time), Source(held=True)
    thread, results = in_thread(cache.fetch, "k", source)
    assert source.begun.wait(WAIT)
    cache.minutes = 0
    cache.minutes = 30
    source.go.set()
    done(thread)
    assert results[0].text() == "value 1"
    assert cache.get("k") is None


def test_a_value_is_not_kept_past_its_own_end(time):
    cache, source = cache_with(time), Source()
    source.outcome = Secret("short", expires=time.after(minutes=5))
    cache.fetch("k", source)
    time.pass_(minutes=4.9)
    cache.fetch("k", source)
    assert source.count == 1
    time.pass_(minutes=0.2)
    assert cache.get("k") is None


@pytest.mark.parametrize("seconds", [0, -1, -1e9])
def test_a_value_that_has_ended_already_is_handed_out_and_not_kept(time, seconds):
    cache, source = cache_with(time), Source()
    source.outcome = Secret("over", expires=time.after(seconds=seconds))
    assert cache.fetch("k", source).text() == "over"
    assert cache.statistics().entries == 0


def test_the_wall_clock_may_jump_as_it_likes(time):
    cache, source = cache_with(time), Source()
    cache.fetch("k", source)
    for jump in (timedelta(days=-400), timedelta(days=900), timedelta(hours=-1)):
        time.wall += jump
        assert cache.get("k") is not None
    time.seconds += 31 * 60
    assert cache.get("k") is None


@pytest.mark.parametrize("by", ["elapsed", "wall"])
def test_a_value_that_ends_does_so_by_whichever_clock_is_first(time, by):
    provider = FakeProvider({"a": lambda *_: Secret("1", expires=time.after(minutes=5))})
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch("fake/a")
        if by == "elapsed":  # the machine slept, and then the time of day was set back
            time.seconds += 6 * 60
            time.wall -= timedelta(days=30)
        else:  # the time of day was wrong when the value was fetched
            time.wall += timedelta(minutes=6)
        assert vault.cached("fake/a") is None
        assert [each.text() for each in vault.fetch_many(["fake/a"])] == ["1"]
    assert provider.fetched == ["a", "a"]


def test_the_minutes_are_asked_for_once_and_late(time):
    asked = []
    cache = cache_with(time, minutes=lambda: asked.append(1) or 10)
    assert asked == []
    source = Source()
    for _ in range(3):
        cache.fetch("k", source)
    assert (source.count, len(asked)) == (1, 1)


def test_minutes_that_cannot_be_told_leave_nobody_waiting(time):
    def unreadable() -> float:
        raise Unavailable("the settings cannot be read")

    cache, source = cache_with(time, minutes=unreadable), Source()
    threads, results = zip(*(in_thread(cache.fetch, "k", source) for _ in range(5)), strict=True)
    done(*threads)
    assert all(isinstance(each[0], Unavailable) for each in results)
    assert source.count == 0


def test_each_value_has_a_time_of_its_own_that_is_never_longer(time):
    cache = cache_with(time, minutes=100)
    lives = {0.0: 100, 0.5: 95, 0.999: 90.01}
    for part in lives:
        time.part = part
        cache.fetch(part, Source())
    time.part = 0.0  # it was drawn when the value came
    for part, minutes in sorted(lives.items(), key=lambda each: each[1]):
        time.pass_(minutes=minutes - 0.005 - (time.seconds - 1_000) / 60)
        assert cache.get(part) is not None
        time.pass_(minutes=0.01)
        assert cache.get(part) is None


def test_a_values_share_of_the_time_holds_when_the_time_is_changed(time):
    time.part = 0.5
    cache = cache_with(time, minutes=100, jitter=0.2)
    cache.fetch("k", Source())
    time.part = 0.0
    cache.minutes = 10
    time.pass_(minutes=8.99)
    assert cache.get("k") is not None
    cache.minutes = 20
    time.pass_(minutes=9)
    assert cache.get("k") is not None
    time.pass_(minutes=0.02)
    assert cache.get("k") is None


def test_without_jitter_every_value_has_all_of_its_time(time):
    time.part = 0.999
    cache = cache_with(time, minutes=10, jitter=0)
    cache.fetch("k", Source())
    time.pass_(minutes=9.999)
    assert cache.get("k") is not None


def test_what_is_kept_together_by_many_does_not_end_together():
    seconds = [0.0]
    clock = Clock(elapsed=lambda: seconds[0])  # with chance as it is
    caches = [SecretCache(minutes=10, clock=clock) for _ in range(400)]
    for cache in caches:
        cache.fetch("k", Source())
    alive = []
    for minute in (8.99, 9.25, 9.5, 9.75, 10):
        seconds[0] = 60.0 * minute
        alive.append(sum(cache.get("k") is not None for cache in caches))
    assert alive[0] == 400
    assert 230 < alive[1] < 370
    assert 130 < alive[2] < 270
    assert 30 < alive[3] < 170
    assert alive[4] == 0


@pytest.mark.parametrize(
    "options",
    [
        {"jitter": -0.1},
        {"jitter": 1},
        {"jitter": float("nan")},
        {"max_entries": -1},
        {"stale_minutes": -1},
        {"stale_minutes": 720.1},
        {"stale_minutes": float("nan")},
    ],
)
def test_what_makes_no_sense_is_refused(options):
    with pytest.raises(ValueError, match=r"not|cannot"):
        SecretCache(**options)


def test_a_value_that_nobody_asks_for_does_not_outlive_its_time_for_long(time):
    canary = "canary-unasked-81b2"
    cache = cache_with(time, minutes=5)
    source = Source()
    source.outcome = Secret(canary)
    cache.fetch("k", source)
    source.outcome = None
    time.pass_(minutes=6)
    cache.fetch("other", source)
    assert alive(canary) == 0


# ---------------------------------------------------------------------------------- how many


@pytest.mark.parametrize("size", [0, 1, 7])
def test_whoever_was_used_last_stays_whatever_the_order(time, size):
    chosen = random.Random(size)  # noqa: S311  # no secret
    cache, source, order = cache_with(time, max_entries=size), Source(), []
    for _ in range(1_000):
        key = chosen.randrange(3 * size + 1)
        assert (cache.get(key) is not None) == (key in order)
        cache.fetch(key, source)
        order = [*(each for each in order if each != key), key][-size:] if size else []
    assert cache.statistics().entries == len(order)


def test_the_least_recently_used_leaves_first(time):
    cache = cache_with(time, max_entries=3)
    for key in "abc":
        cache.fetch(key, Source())
    assert cache.get("a")
    cache.fetch("d", Source())
    assert cache.get("b") is None
    assert all(cache.get(key) for key in "acd")
    cache.fetch("c", Source(), fresh=True)
    cache.fetch("e", Source())
    assert cache.get("a") is None
    assert all(cache.get(key) for key in "cde")


def test_it_holds_a_thousand_and_no_more(time):
    assert MAX_ENTRIES == 1_000
    cache, source = cache_with(time), Source()
    for number in range(2_500):
        cache.fetch(number, source)
    assert cache.statistics().entries == 1_000
    assert cache.get(1_499) is None
    assert cache.get(1_500) is not None


def test_the_statistics_count_questions(time):
    cache, source = cache_with(time), Source()
    cache.fetch("a", source)
    cache.fetch("a", source)
    cache.get("a")
    cache.get("b")
    statistics = cache.statistics()
    assert (statistics.entries, statistics.hits, statistics.misses) == (1, 2, 2)


# ---------------------------------------------------------------------------- what is not kept


def test_errors_are_not_kept(time):
    cache, source = cache_with(time), Source()
    source.outcome = SecretNotFound("none yet")
    for _ in range(2):
        with pytest.raises(SecretNotFound):
            cache.fetch("k", source)
    source.outcome = None
    assert cache.fetch("k", source).text() == "value 3"


def test_a_failed_fresh_fetch_leaves_the_value_there_is(time):
    cache, source = cache_with(time), Source()
    cache.fetch("k", source)
    source.outcome = Unavailable("down")
    with pytest.raises(Unavailable):
        cache.fetch("k", source, fresh=True)
    assert cache.fetch("k", source).text() == "value 1"


def test_fresh_fetches_anew_and_is_kept(time):
    cache, source = cache_with(time), Source()
    cache.fetch("k", source)
    assert cache.fetch("k", source, fresh=True).text() == "value 2"
    assert cache.fetch("k", source).text() == "value 2"


def test_clear_and_forget_drop_values(time):
    cache, source = cache_with(time), Source()
    for key in "abc":
        cache.fetch(key, source)
    cache.forget(lambda key: key in "ab")
    assert [cache.get(key) is None for key in "abc"] == [True, True, False]
    assert cache.clear() == 1
    assert cache.clear() == 0
    assert cache.get("c") is None


@pytest.mark.parametrize("how", ["clear", "forget"])
def test_a_value_on_its_way_is_not_kept_when_it_is_dropped(time, how):
    cache, source = cache_with(time), Source(held=True)
    thread, results = in_thread(cache.fetch, "k", source)
    assert source.begun.wait(WAIT)
    cache.clear() if how == "clear" else cache.forget(lambda key: key == "k")
    source.go.set()
    done(thread)
    assert results[0].text() == "value 1"
    assert cache.get("k") is None
    assert cache.fetch("k", source).text() == "value 2"


def test_who_asks_after_a_value_was_dropped_does_not_get_the_old_one(time):
    cache, old, new = cache_with(time), Source(held=True), Source()
    thread, results = in_thread(cache.fetch, "k", old)
    assert old.begun.wait(WAIT)
    cache.clear()
    new.outcome = Secret("new")
    assert cache.fetch("k", new).text() == "new"
    old.go.set()
    done(thread)
    assert results[0].text() == "value 1"
    assert cache.get("k").text() == "new"


def test_an_older_flight_never_replaces_a_newer_value(time):
    cache, old, new = cache_with(time), Source(held=True), Source()
    thread, results = in_thread(cache.fetch, "k", old)
    assert old.begun.wait(WAIT)
    new.outcome = Secret("newer")
    assert cache.fetch("k", new, fresh=True).text() == "newer"
    old.go.set()
    done(thread)
    assert results[0].text() == "value 1"
    assert cache.get("k").text() == "newer"


def test_of_two_fresh_fetches_the_later_one_counts_whichever_lands_first(time):
    cache, first, second = cache_with(time), Source(held=True), Source(held=True)
    first.outcome, second.outcome = Secret("first"), Secret("second")
    one, _ = in_thread(cache.fetch, "k", first, fresh=True)
    assert first.begun.wait(WAIT)
    two, _ = in_thread(cache.fetch, "k", second, fresh=True)
    assert second.begun.wait(WAIT)
    second.go.set()
    done(two)
    first.go.set()
    done(one)
    assert cache.get("k").text() == "second"


# ------------------------------------------------------------------------- one flight for each


def test_two_hundred_threads_that_miss_together_cause_one_fetch(time):
    cache, source = cache_with(time), Source()
    together = threading.Barrier(200)

    def ask() -> Secret:
        together.wait(WAIT)
        return cache.fetch("k", source)

    threads, results = zip(*(in_thread(ask) for _ in range(200)), strict=True)
    done(*threads)
    assert source.count == 1
    assert {each[0].text() for each in results} == {"value 1"}


def test_with_the_cache_off_those_who_ask_together_still_share_a_fetch(time):
    cache, source = cache_with(time, minutes=0), Source(held=True)
    leader, first = in_thread(cache.fetch, "k", source)
    assert source.begun.wait(WAIT)
    flight, leads = claim(cache, "k")
    assert not leads
    source.go.set()
    done(leader)
    assert flight.wait() is first[0]
    assert cache.fetch("k", source).text() == "value 2"


def test_different_keys_do_not_wait_for_each_other(time):
    cache, slow, quick = cache_with(time), Source(held=True), Source()
    thread, _ = in_thread(cache.fetch, "slow", slow)
    assert slow.begun.wait(WAIT)
    assert cache.fetch("quick", quick).text() == "value 1"
    slow.go.set()
    done(thread)


@pytest.mark.parametrize(
    "error",
    [
        SecretNotFound("none", provider="p", hint="h", candidates=("a", "b")),
        FormError("wrong", (Problem("f", "is wrong"),), reference="r"),
        RuntimeError("a defect of ours"),
    ],
)
def test_everybody_gets_an_error_of_their_own(time, error):
    cache, source = cache_with(time), Source(held=True)
    source.outcome = error
    leader, raised = in_thread(cache.fetch, "k", source)
    assert source.begun.wait(WAIT)
    flight, _ = claim(cache, "k")
    source.go.set()
    done(leader)
    copies = []
    for _ in range(3):
        with pytest.raises(type(error)) as caught:
            flight.wait()
        copies.append(caught.value)
    everybody = [*raised, *copies]
    assert len({id(each) for each in everybody}) == 4
    for each in copies:
        assert str(each) == str(error)
        assert vars(each) == vars(error)
    tracebacks = [traceback.extract_tb(each.__traceback__) for each in everybody]
    assert len({id(each.__traceback__) for each in everybody}) == 4
    assert any(frame.name == "_lead" for frame in tracebacks[0])
    assert not any(frame.name == "_lead" for frames in tracebacks[1:] for frame in frames)
    if isinstance(error, UnvaultError):
        copies[0].located(credential="c")
        assert copies[1].credential is None


class Awkward(UnvaultError):
    """An error a provider derived from ours, which cannot be made from its ``args``."""

    def __init__(self, path: str, account: int) -> None:
        super().__init__(f"no {path} in {account}")
        self.account = account


def test_an_error_with_a_constructor_of_its_own_reaches_everybody(time):
    cache, source = cache_with(time), Source(held=True)
    source.outcome = Awkward("db", 7)
    leader, raised = in_thread(cache.fetch, "k", source)
    assert source.begun.wait(WAIT)
    flight, _ = claim(cache, "k")
    source.go.set()
    done(leader)
    assert raised[0] is source.outcome
    with pytest.raises(Awkward) as caught:
        flight.wait()
    assert caught.value is not source.outcome
    assert (caught.value.account, caught.value.message) == (7, "no db in 7")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_when_the_leader_is_interrupted_a_follower_takes_over(time, interruption):
    cache, source = cache_with(time), Source(held=True)
    source.outcome = interruption()
    leader, raised = in_thread(cache.fetch, "k", source)
    assert source.begun.wait(WAIT)
    rescue = Source()
    threads, results = zip(*(in_thread(cache.fetch, "k", rescue) for _ in range(8)), strict=True)
    source.go.set()
    done(leader, *threads)
    assert type(raised[0]) is interruption
    assert {each[0].text() for each in results} == {"value 1"}
    assert rescue.count == 1


def test_a_value_that_cannot_be_kept_leaves_nobody_waiting(time):
    from datetime import datetime

    cache, source = cache_with(time), Source(held=True)
    source.outcome = Secret("1", expires=datetime(2030, 1, 1))  # noqa: DTZ001  # the defect itself
    leader, raised = in_thread(cache.fetch, "k", source)
    assert source.begun.wait(WAIT)
    flight, _ = claim(cache, "k")
    source.go.set()
    done(leader)
    assert isinstance(raised[0], TypeError)
    assert flight.landed.is_open


# -------------------------------------------------------------------------- what makes the key


def test_the_key_differs_by_everything_that_can_change_the_answer():
    base = CacheKey("aws", "id", 1, "db", (("version", 1),))
    others = [
        base._replace(provider="gcp"),
        base._replace(credential="other"),
        base._replace(revision=2),
        base._replace(path="db2"),
        base._replace(parameters=(("version", 2),)),
        base._replace(parameters=(("stage", 1),)),
        base._replace(parameters=(("version", 1), ("stage", 1))),
        base._replace(parameters=()),
    ]
    assert len({base, *others}) == 9


def test_two_credentials_of_one_provider_never_get_each_others_value():
    provider = FakeProvider({"db": lambda session, _: Secret(session.client)})
    provider.sign_in = lambda credential: Session(client=credential.answers.text("region"))
    with client_for(provider, environ={"UNVAULT_FAKE_REGION": "west"}) as vault:
        for name, region in (("one", "north"), ("two", "south")):
            draft = vault.credentials.draft("fake", "token", {"region": region}, name=name)
            vault.credentials.add(draft)
        for _ in range(2):
            assert [vault.fetch(f"{head}/db").text() for head in ("one", "two", "fake")] == [
                "north",
                "south",
                "west",
            ]
    assert len(provider.fetched) == 3


@pytest.mark.parametrize(
    "parameters", ["version=1", "version=2", "stage=a", "stage=b", "version=1&stage=a", "raw=true"]
)
def test_every_parameter_makes_another_key(parameters):
    provider = FakeProvider({"db": lambda _, request: Secret(repr(request.parameters))})
    with client_for(provider) as vault:
        plain = vault.fetch("fake/db").text()
        other = vault.fetch(f"fake/db?{parameters}").text()
        assert plain != other
        assert vault.fetch(f"fake/db?{parameters}").text() == other
    assert len(provider.fetched) == 2


def test_fields_of_one_secret_and_other_ways_to_write_it_share_the_value():
    provider = FakeProvider({"db": '{"user": "u", "list": [1, {"a": "b"}]}'})
    with client_for(provider) as vault:
        references = [
            "fake/db#user",
            "fake/db#/list/1/a",
            "unvault://fake/db",
            "fake/%64b#user",
            "fake/db?version=7#user",
            "fake/db?VersionId=7#user",
            "fake/db?version=07#user",
        ]
        for reference in references:
            vault.fetch(reference)
    assert provider.fetched == ["db", "db"]


# ------------------------------------------------------------------------------ the client's own


def test_the_clients_cache_control_checks_and_stores_the_minutes(tmp_path):
    provider = FakeProvider({"a": "1"})
    with client_for(provider, home=tmp_path) as vault:
        assert vault.cache.minutes == 30
        assert vault.cache.max_entries == 1_000
        for wrong in (-1, 721, 1.5, True, "5"):
            with pytest.raises(InvalidSetting):
                vault.cache.minutes = wrong
        vault.cache.minutes = 5
        vault.fetch("fake/a")
        assert vault.cache.statistics().entries == 1
        assert vault.cache.clear() == 1
    with client_for(provider, home=tmp_path) as again:
        assert again.cache.minutes == 5
        again.cache.minutes = 0
        again.fetch("fake/a")
        again.fetch("fake/a")
        assert again.cache.statistics().entries == 0
    assert len(provider.fetched) == 3


def alive(canary: str) -> int:
    """Count the live secrets that hold a text."""
    gc.collect()
    return sum(isinstance(each, Secret) and canary in each.text() for each in gc.get_objects())


@pytest.mark.parametrize("how", ["clear", "close", "off", "removed", "expired", "evicted", "never"])
def test_values_that_were_dropped_are_not_kept_anywhere(how, time):
    canary = f"canary-{how}-77e1"
    provider = FakeProvider({"a": lambda *_: Secret(f'{{"x": "{canary}"}}'), "b": "other"})
    options = {"clock": time.clock}
    if how == "evicted":
        options["cache"] = SecretCache(max_entries=1, clock=time.clock)
    with client_for(provider, **options) as vault:
        vault.credentials.add(vault.credentials.draft("fake", name="mine"))
        if how == "never":
            vault.cache.minutes = 0
        vault.fetch("mine/a#x")
        vault.fetch("mine/a")
        if how == "clear":
            vault.cache.clear()
        elif how == "close":
            vault.close()
        elif how == "off":
            vault.cache.minutes = 0
        elif how == "removed":
            vault.credentials.remove("mine")
        elif how == "expired":
            time.pass_(minutes=31)
            assert vault.cached("mine/a") is None
        elif how == "evicted":
            vault.fetch("mine/b")
        assert alive(canary) == 0


def test_a_hit_by_words_is_counted_once_and_a_miss_too():
    with client_for(FakeProvider({"a": "1"})) as vault:
        vault.fetch("fake/a")
        vault.fetch("fake/a")
        vault.cache.clear()
        vault.fetch("fake/a")
        statistics = vault.cache.statistics()
    assert (statistics.hits, statistics.misses) == (1, 2)


# -------------------------------------------------------------------------- forgetting some


def test_forgetting_some_leaves_the_flights_of_the_others(time):
    cache = cache_with(time)
    mine, _ = claim(cache, "mine")
    other, _ = claim(cache, "other")
    cache.forget(lambda key: key == "mine")
    assert claim(cache, "other") == (other, False)
    again, leads = claim(cache, "mine")
    assert leads
    cache.land(mine, Secret("old"))
    cache.land(other, Secret("value"))
    assert cache.get("mine") is None
    assert cache.get("other").text() == "value"
    cache.land(again, Secret("new"))
    assert cache.get("mine").text() == "new"


def test_forgetting_drops_a_flight_that_a_fresh_one_took_the_place_of(time):
    cache = cache_with(time)
    older, _ = claim(cache, "a")
    newer, _ = claim(cache, "a", fresh=True)
    cache.land(newer, Secret("newer"))
    cache.forget(lambda key: key == "a")
    cache.land(older, Secret("older"))
    assert cache.get("a") is None
    assert len(cache._flights) == 0


@pytest.mark.parametrize("minutes", [-1, -0.5, float("nan")])
def test_negative_minutes_are_refused(time, minutes):
    with pytest.raises(ValueError, match="minutes"):
        SecretCache(minutes=minutes)
    cache = cache_with(time)
    with pytest.raises(ValueError, match="minutes"):
        cache.minutes = minutes
    with pytest.raises(ValueError, match="minutes"):
        claim(cache_with(time, minutes=lambda: minutes), "a")


def test_a_cache_without_a_clock_gets_that_of_its_client(time):
    provider = FakeProvider({"a": "1"})
    with client_for(provider, cache=SecretCache(minutes=5), clock=time.clock) as vault:
        vault.fetch("fake/a")
        time.pass_(minutes=6)
        vault.fetch("fake/a")
    assert provider.fetched == ["a", "a"]


def test_a_cache_with_a_clock_keeps_it(time):
    other = Time()
    provider = FakeProvider({"a": "1"})
    with client_for(provider, cache=cache_with(time, minutes=5), clock=other.clock) as vault:
        vault.fetch("fake/a")
        other.pass_(minutes=6)
        vault.fetch("fake/a")
    assert provider.fetched == ["a"]
