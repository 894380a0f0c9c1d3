"""Many references at once: in order, once each, in batches or side by side, each by itself."""

from __future__ import annotations

import threading
import time
from itertools import chain, pairwise

import pytest
from tests.fakes import BatchProvider, FakeProvider, ListingProvider, client_for

from unvault.errors import (
    AccessDenied,
    CredentialNotFound,
    FieldNotFound,
    InvalidReference,
    ProviderFault,
    SecretNotFound,
    Unavailable,
    UnvaultError,
    WrongFormat,
)
from unvault.reference import Reference
from unvault.secret import Secret

WAIT = 20


def asked(provider):
    """Return what a provider was asked for, one by one and in batches, sorted."""
    return sorted([*provider.fetched, *chain(*getattr(provider, "batches", []))])


def texts(outcomes):
    return [each.text() if isinstance(each, Secret) else each.code for each in outcomes]


def numbered(provider):
    """Let a provider have every secret there could be."""
    provider.value = lambda _, request: Secret(f"value of {request.path}")
    return provider


def in_threads(*actions):
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive(), "a thread waits for ever"


# ----------------------------------------------------------------------------------------- one


def test_a_field_is_taken_out_by_the_core():
    provider = FakeProvider({"db": '{"user": "u", "nested": {"list": [10, 20]}}', "bin": b"\xff"})
    with client_for(provider) as vault:
        assert vault.fetch("fake/db#user").text() == "u"
        assert vault.fetch("fake/db#/nested/list/1").text() == "20"
        with pytest.raises(FieldNotFound, match="user, nested") as caught:
            vault.fetch("fake/db#usr")
        assert caught.value.reference == "fake/db#usr"
        with pytest.raises(WrongFormat) as wrong:
            vault.fetch("fake/bin#user")
        assert wrong.value.reference == "fake/bin#user"
    assert provider.fetched == ["db", "bin"]


def test_a_reference_may_be_an_object():
    with client_for(numbered(FakeProvider())) as vault:
        reference = Reference("fake", "a b", {"version": "3"})
        assert vault.fetch(reference).text() == "value of a b"
        assert vault.cached(reference).text() == "value of a b"
        assert vault.cached("fake/a%20b?version=3").text() == "value of a b"


def test_an_error_says_where_it_is_about():
    with client_for(FakeProvider()) as vault, pytest.raises(SecretNotFound) as caught:
        vault.fetch("fake/none?version=2#field")
    error = caught.value
    assert (error.provider, error.credential, error.reference) == (
        "fake",
        "(ambient)",
        "fake/none?version=2#field",
    )


@pytest.mark.parametrize("wrong", ["", "fake", "/x", "fake/", "fake/a b", "fake/a?b", "fake/%zz"])
def test_what_is_no_reference_is_an_error_that_shows_it(wrong):
    with client_for(FakeProvider()) as vault:
        with pytest.raises(InvalidReference) as caught:
            vault.fetch(wrong)
        assert caught.value.reference == wrong
        (outcome,) = vault.fetch_many([wrong])
        assert isinstance(outcome, InvalidReference)
        assert outcome.reference == wrong


def test_unknown_parameters_list_the_known_ones():
    with client_for(numbered(FakeProvider())) as vault:
        with pytest.raises(
            InvalidReference, match="'verzion' is not known; did you mean"
        ) as caught:
            vault.fetch("fake/a?verzion=1")
        assert "version" in (caught.value.hint or "")
        with pytest.raises(InvalidReference, match="whole number"):
            vault.fetch("fake/a?version=newest")


def test_cached_never_asks_anybody():
    provider = numbered(FakeProvider())
    with client_for(provider) as vault:
        assert vault.cached("fake/a") is None
        assert provider.credentials == []
        secret = vault.fetch("fake/a")
        assert vault.cached("fake/a") is secret
        assert vault.cached("unvault://fake/a") is None


# ---------------------------------------------------------------------------------------- many


def test_the_outcomes_are_in_order_and_one_failure_fails_no_other():
    plugins = {
        "one": FakeProvider({"a": "1", "denied": AccessDenied("no")}),
        "two": BatchProvider({"a": "2", "b": "3", "down": Unavailable("down")}),
        "bad": FakeProvider({"a": lambda *_: 3}),
        "broken": object(),
    }
    wanted = {
        "one/a": "1",
        "two/down": "unavailable",
        "no reference": "invalid-reference",
        "two/b": "3",
        "one/denied": "access-denied",
        "nobody/x": "credential-not-found",
        "broken/x": "provider-broken",
        "bad/a": "provider-fault",
        "two/a": "2",
        "one/none": "secret-not-found",
        "two/a?nope=1": "invalid-reference",
    }
    with client_for(plugins=plugins) as vault:
        outcomes = vault.fetch_many(list(wanted))
        assert texts(outcomes) == list(wanted.values())
        for reference, outcome in zip(wanted, outcomes, strict=True):
            if isinstance(outcome, UnvaultError):
                assert outcome.reference == reference
        backwards = vault.fetch_many([*wanted][::-1])
    assert texts(backwards) == [*wanted.values()][::-1]


def test_nothing_asked_for_is_nothing_given():
    provider = FakeProvider()
    with client_for(provider) as vault:
        assert list(vault.fetch_many([])) == []
    assert provider.credentials == []


@pytest.mark.parametrize("kind", [FakeProvider, BatchProvider])
def test_equal_ones_are_fetched_once(kind):
    provider = kind({"a": '{"x": "1", "y": "2"}', "b": "3"})
    references = [
        "fake/a#x",
        "fake/b",
        Reference("fake", "a", field="y"),
        "unvault://fake/a#x",
        "fake/a#x",
        "fake/%61#y",
        Reference.parse("fake/a#x"),
    ]
    with client_for(provider) as vault:
        assert texts(vault.fetch_many(references)) == ["1", "3", "2", "1", "1", "2", "1"]
        assert texts(vault.fetch_many(references)) == ["1", "3", "2", "1", "1", "2", "1"]
        assert asked(provider) == ["a", "b"]
        vault.fetch_many(references, fresh=True)
        assert asked(provider) == ["a", "a", "b", "b"]


def test_equal_ones_that_fail_have_errors_of_their_own():
    with client_for(FakeProvider()) as vault:
        first, second, third = vault.fetch_many(["fake/a", "unvault://fake/a", "fake/a#x"])
    assert len({id(each) for each in (first, second, third)}) == 3
    assert [each.reference for each in (first, second, third)] == ["fake/a", "fake/a", "fake/a#x"]


def test_those_of_one_credential_go_as_one_batch():
    provider = BatchProvider({name: name for name in "abcde"})
    with client_for(provider) as vault:
        vault.fetch("fake/c")
        assert texts(vault.fetch_many([f"fake/{name}" for name in "abcde"])) == [*"abcde"]
        assert provider.batches == [["a", "b", "d", "e"]]
        vault.cache.clear()
        vault.fetch_many(["fake/a"])
    assert provider.fetched == ["c", "a"]
    assert provider.logins == 1


def test_batches_of_two_credentials_are_two():
    provider = BatchProvider({name: name for name in "abc"})
    with client_for(provider) as vault:
        vault.credentials.add(vault.credentials.draft("fake", name="mine"))
        vault.fetch_many([f"{head}/{name}" for name in "abc" for head in ("fake", "mine")])
    assert provider.batches == [["a", "b", "c"]] * 2
    assert provider.logins == 2


def test_a_batch_that_fails_as_a_whole_fails_each_of_it_and_nothing_else():
    provider = BatchProvider({"a": "1", "b": "2"})

    def answer(*_):
        raise Unavailable("down")

    provider.answer = answer
    plugins = {"fake": provider, "other": FakeProvider({"a": "3"})}
    with client_for(plugins=plugins) as vault:
        outcomes = vault.fetch_many(["fake/a", "other/a", "fake/b"])
        assert texts(outcomes) == ["unavailable", "3", "unavailable"]
        assert outcomes[0] is not outcomes[2]
        assert (outcomes[0].reference, outcomes[2].reference) == ("fake/a", "fake/b")


@pytest.mark.parametrize("bound", [1, 3, 16])
def test_without_batches_they_are_fetched_side_by_side_within_the_bound(bound):
    provider = FakeProvider()
    lock = threading.Lock()
    state = {"now": 0, "most": 0}
    full = threading.Event()

    def value(_session, request):
        with lock:
            state["now"] += 1
            state["most"] = max(state["most"], state["now"])
            if state["now"] == bound:
                full.set()
        assert full.wait(WAIT)  # passes only if so many are at it at the same time
        time.sleep(0.005)
        with lock:
            state["now"] -= 1
        return Secret(request.path)

    provider.value = value
    with client_for(provider, parallel=bound) as vault:
        names = [f"n{number}" for number in range(40)]
        assert texts(vault.fetch_many([f"fake/{name}" for name in names])) == names
    assert state == {"now": 0, "most": bound}
    assert provider.logins == 1


def test_batches_of_different_providers_run_side_by_side():
    both = threading.Barrier(2)
    plugins = {}
    for name in ("one", "two"):
        provider = plugins[name] = BatchProvider({"a": "1", "b": "2"})
        each = provider.answer
        provider.answer = lambda session, requests, each=each: (
            (both.wait(WAIT) and None) or each(session, requests)
        )
    with client_for(plugins=plugins) as vault:
        outcomes = vault.fetch_many(["one/a", "two/a", "one/b", "two/b"])
    assert texts(outcomes) == ["1", "1", "2", "2"]


@pytest.mark.parametrize("kind", [FakeProvider, BatchProvider])
def test_overlapping_sets_in_opposite_orders_do_not_lock_each_other_out(kind):
    provider = numbered(kind())
    plain = provider.value
    provider.value = lambda session, request: time.sleep(0.001) or plain(session, request)
    names = [f"n{number}" for number in range(60)]
    results = {}
    with client_for(provider, parallel=4) as vault:

        def ask(number, order):
            results[number] = texts(vault.fetch_many([f"fake/{name}" for name in order]))

        orders = [names, names[::-1], names[20:] + names[:20], names[::2] + names[1::2]]
        in_threads(*(lambda n=n, o=o: ask(n, o) for n, o in enumerate(orders)))
    for number, order in enumerate(orders):
        assert results[number] == [f"value of {name}" for name in order]
    assert asked(provider) == sorted(names)


def test_many_and_one_at_the_same_time_share_the_fetch():
    provider = FakeProvider()
    inside, go = threading.Event(), threading.Event()

    def value(_session, request):
        inside.set()
        assert go.wait(WAIT)
        return Secret(request.path)

    provider.value = value
    with client_for(provider) as vault:
        results = []
        single = threading.Thread(target=lambda: results.append(vault.fetch("fake/a").text()))
        single.start()
        assert inside.wait(WAIT)
        many = threading.Thread(
            target=lambda: results.extend(texts(vault.fetch_many(["fake/a", "fake/b"])))
        )
        many.start()
        go.set()
        single.join(WAIT)
        many.join(WAIT)
    assert sorted(results) == ["a", "a", "b"]
    assert sorted(provider.fetched) == ["a", "b"]


class Interrupted(FakeProvider):
    """Interrupts the first caller inside the hook, as Ctrl-C would."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.go, self.first = threading.Event(), threading.Event(), True

    def value(self, session, request):
        if self.first:
            self.first = False
            self.inside.set()
            assert self.go.wait(WAIT)
            raise KeyboardInterrupt
        return Secret(f"value of {request.path}")


@pytest.mark.parametrize("how", ["fetch", "fetch_many"])
def test_when_a_caller_is_interrupted_nobody_goes_on_waiting_for_it(how):
    provider = Interrupted()
    with client_for(provider) as vault:
        interrupted = []

        def leader():
            try:
                vault.fetch("fake/a") if how == "fetch" else vault.fetch_many(["fake/a"])
            except KeyboardInterrupt as error:
                interrupted.append(error)

        first = threading.Thread(target=leader, daemon=True)
        first.start()
        assert provider.inside.wait(WAIT)
        results = []
        followers = [
            lambda: results.append(vault.fetch("fake/a").text()),
            lambda: results.extend(texts(vault.fetch_many(["fake/b", "fake/a"]))),
        ]
        threads = [threading.Thread(target=each, daemon=True) for each in followers]
        for thread in threads:
            thread.start()
        provider.go.set()
        for thread in (first, *threads):
            thread.join(WAIT)
            assert not thread.is_alive(), "a thread waits for ever"
        assert len(interrupted) == 1
        assert sorted(results) == ["value of a", "value of a", "value of b"]
        assert vault.fetch("fake/a").text() == "value of a"


INTERRUPTED = """
import os, signal, threading, time
from tests.fakes import FakeProvider, client_for
from unvault.secret import Secret

provider = FakeProvider()
begun = threading.Semaphore(0)

def value(session, request):
    begun.release()
    time.sleep(60)
    return Secret("late")

provider.value = value
vault = client_for(provider, parallel=4)

def interrupt():
    for _ in range(4):
        begun.acquire()
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
try:
    vault.fetch_many([f"fake/{n}" for n in range(50)])
except KeyboardInterrupt:
    print("interrupted", len(provider.fetched), len(vault._resolver._cache._flights))
"""


def test_ctrl_c_ends_many_fetches_at_once_and_begins_no_more():
    import subprocess
    import sys

    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == "interrupted 4 0\n", done.stderr
    assert done.stderr == ""
    assert done.returncode == 0
    assert time.monotonic() - begun < 20


def test_a_fetch_inside_a_fetch_is_possible():
    provider = FakeProvider({"inner": "deep"})
    with client_for(provider) as vault:
        provider.secrets["outer"] = lambda *_: vault.fetch("fake/inner")
        assert vault.fetch("fake/outer").text() == "deep"
        vault.cache.clear()
        assert texts(vault.fetch_many(["fake/outer", "fake/inner"])) == ["deep", "deep"]


def test_listing_asks_for_a_prefix_and_is_not_cached():
    provider = ListingProvider({"a/1": "", "a/2": "", "b/1": ""})
    with client_for(provider) as vault:
        assert [info.path for info in vault.list("fake", "a/")] == ["a/1", "a/2"]
        provider.secrets["a/3"] = ""
        assert len(list(vault.list("fake", "a/"))) == 3
        assert len(list(vault.list("fake"))) == 4
    assert provider.logins == 1


def test_a_listing_that_fails_names_the_credential():
    def listing(*_):
        raise AccessDenied("not allowed to list")

    provider = ListingProvider()
    provider.listing = listing
    with client_for(provider) as vault, pytest.raises(AccessDenied) as caught:
        list(vault.list("fake"))
    assert (caught.value.provider, caught.value.credential) == ("fake", "(ambient)")


def test_a_defect_in_one_of_many_is_that_ones_alone():
    provider = FakeProvider({"a": "1", "b": lambda *_: 1 / 0, "c": "3"})
    with client_for(provider) as vault:
        one, two, three = vault.fetch_many(["fake/a", "fake/b", "fake/c"])
    assert (one.text(), three.text()) == ("1", "3")
    assert isinstance(two, ProviderFault)


def test_a_credential_that_is_missing_is_looked_up_once_for_all(tmp_path):
    from unvault.sqlite_store import SqliteStore

    looked_up = []

    class Counting(SqliteStore):
        def get(self, name):
            looked_up.append(name)
            return super().get(name)

    from unvault.client import Unvault

    options = {"plugins": {"fake": numbered(FakeProvider())}, "discover": False, "environ": {}}
    with Unvault(store=Counting(), **options) as vault:
        outcomes = vault.fetch_many([f"{head}/{n}" for n in range(9) for head in ("fake", "gone")])
    assert looked_up == ["fake", "gone"]
    missing = [each for each in outcomes if isinstance(each, CredentialNotFound)]
    assert len(missing) == 9
    assert all(one is not other for one, other in pairwise(missing))
