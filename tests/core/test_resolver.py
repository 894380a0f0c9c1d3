"""Many references at once: in order, once each, in batches or side by side, each by itself."""

from __future__ import annotations

import threading
import time
from itertools import chain, pairwise

import pytest
from tests.fakes import BatchProvider, FakeProvider, ListingProvider, client_for

from unvault.cache import SecretCache
from unvault.errors import (
    AccessDenied,
    CredentialNotFound,
    FieldNotFound,
    InvalidReference,
    ProviderFault,
    SecretNotFound,
    SessionExpired,
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


@pytest.mark.parametrize("minutes", [0, 30])
def test_of_thousands_too_each_request_is_made_once(minutes):
    names = [f"a{number}" for number in range(2_500)]
    provider = FakeProvider({name: f'{{"x": "{name}", "y": "{name}!"}}' for name in names})
    references = [f"fake/{name}#{field}" for field in "xy" for name in names]
    with client_for(provider, cache=SecretCache(minutes=minutes)) as vault:
        outcomes = vault.fetch_many(references)
    assert texts(outcomes) == names + [f"{name}!" for name in names]
    assert asked(provider) == sorted(names)
    assert provider.logins == 1


def test_of_thousands_that_need_it_a_sign_in_that_fails_is_tried_once():
    provider = FakeProvider()

    def fail(_):
        raise Unavailable("down")

    provider.sign_in = fail
    with client_for(provider) as vault:
        outcomes = vault.fetch_many(f"fake/a{number}" for number in range(2_500))
    assert {each.code for each in outcomes} == {"unavailable"}
    assert [each.reference for each in outcomes] == [f"fake/a{number}" for number in range(2_500)]
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


# ------------------------------------------------------------------------- what may be asked for


def test_the_references_may_come_from_anything_once():
    with client_for(numbered(FakeProvider())) as vault:
        found = vault.fetch_many(f"fake/{name}" for name in "ab")
        assert texts(found) == ["value of a", "value of b"]
        assert texts(vault.fetch_many({"fake/a": 1})) == ["value of a"]


@pytest.mark.parametrize("wrong", ["fake/a", b"fake/a", Reference("fake", "a")])
def test_one_reference_is_not_several(wrong):
    with client_for(numbered(FakeProvider())) as vault, pytest.raises(TypeError):
        vault.fetch_many(wrong)


@pytest.mark.parametrize("wrong", [None, 3, b"fake/a", ["fake/a"], {"canary": 1}])
def test_what_is_no_text_is_no_reference_and_fails_alone(wrong):
    with client_for(numbered(FakeProvider())) as vault:
        one, two, three = vault.fetch_many(["fake/a", wrong, "fake/b"])
        assert texts([one, three]) == ["value of a", "value of b"]
        assert isinstance(two, InvalidReference)
        assert type(wrong).__name__ in two.message
        assert "canary" not in str(two)
        with pytest.raises(InvalidReference):
            vault.fetch(wrong)


@pytest.mark.parametrize("parallel", [0, -1])
def test_at_least_one_fetch_has_to_run(parallel):
    with pytest.raises(ValueError, match="at least one"):
        client_for(FakeProvider(), parallel=parallel)


def test_a_batch_cannot_be_changed_by_the_hook():
    provider = BatchProvider({"a": "1", "b": "2"})
    given = []
    each = provider.answer
    provider.answer = lambda session, requests: given.append(requests) or each(session, requests)
    with client_for(provider) as vault:
        vault.fetch_many(["fake/a", "fake/b"])
    assert [type(requests) for requests in given] == [tuple]


@pytest.mark.parametrize("again", [Unavailable("down"), RuntimeError("bad")])
def test_what_a_batch_had_got_is_not_lost_when_its_repetition_fails(again):
    provider = BatchProvider({"a": "1", "b": SessionExpired("over")})
    each = provider.answer

    def answer(session, requests):
        if len(provider.batches) > 1:
            raise again
        return each(session, requests)

    provider.answer = answer
    with client_for(provider) as vault:
        one, two, three = vault.fetch_many(["fake/a", "fake/b", "fake/c"])
    assert one.text() == "1"
    assert two.code == ("unavailable" if isinstance(again, Unavailable) else "provider-fault")
    assert isinstance(three, SecretNotFound)


def test_what_a_batch_had_got_is_not_lost_when_the_new_sign_in_fails():
    provider = BatchProvider({"a": "1", "b": SessionExpired("over")})
    good = provider.sign_in

    def sign_in(credential):
        if provider.logins > 1:
            raise AccessDenied("revoked")
        return good(credential)

    provider.sign_in = sign_in
    with client_for(provider) as vault:
        one, two = vault.fetch_many(["fake/a", "fake/b"])
    assert (one.text(), two.code) == ("1", "access-denied")


class Defect(Exception):
    """Nothing the core expects."""


@pytest.mark.parametrize("count", [1, 2, 40])
def test_an_unexpected_exception_leaves_nobody_waiting(count, monkeypatch):
    with client_for(numbered(FakeProvider()), parallel=4) as vault:
        references = [f"fake/{number}" for number in range(count)]

        def fail(*_args, **_options):
            raise Defect

        with monkeypatch.context() as patch:
            patch.setattr(vault._sessions, "use", fail)
            with pytest.raises(Defect):
                vault.fetch_many(references)
        assert len(vault._resolver._cache._flights) == 0
        in_threads(lambda: vault.fetch_many(references))


def test_threads_see_the_callers_context():
    from contextvars import ContextVar

    who = ContextVar("who", default="nobody")
    provider = FakeProvider()
    provider.value = lambda *_: Secret(who.get())
    with client_for(provider) as vault:
        who.set("me")
        assert texts(vault.fetch_many(["fake/a", "fake/b", "fake/c"])) == ["me"] * 3


# --------------------------------------------------------------- one error object, raised again


@pytest.mark.parametrize("kind", [FakeProvider, BatchProvider])
def test_an_error_that_a_provider_raises_again_names_each_reference(kind):
    shared = Unavailable("down")
    with client_for(kind({"a": shared, "b": shared})) as vault:
        found = [*vault.fetch_many(["fake/a", "fake/b"])]
        for path in "ab":
            with pytest.raises(Unavailable) as caught:
                vault.fetch(f"fake/{path}")
            found.append(caught.value)
            assert caught.value.__context__ is None
    assert [each.reference for each in found] == ["fake/a", "fake/b"] * 2
    assert (shared.reference, shared.credential) == (None, None)


def test_the_traceback_still_leads_to_the_provider():
    import traceback

    with client_for(FakeProvider()) as vault, pytest.raises(SecretNotFound) as caught:
        vault.fetch("fake/none")
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "value"


def test_a_listing_that_raises_one_object_again_names_each_credential():
    shared = AccessDenied("no")

    def listing(*_):
        raise shared

    provider = ListingProvider()
    provider.listing = listing
    with client_for(provider) as vault:
        vault.credentials.add(vault.credentials.draft("fake", name="mine"))
        for head, label in (("fake", "(ambient)"), ("mine", "mine")):
            with pytest.raises(AccessDenied) as caught:
                list(vault.list(head))
            assert caught.value.credential == label


def test_the_generation_is_another_one_after_every_change():
    with client_for(numbered(FakeProvider())) as vault:
        seen = [vault.generation]
        vault.fetch("fake/a")
        assert vault.generation == seen[0]
        changes = [
            lambda: vault.credentials.add(vault.credentials.draft("fake", name="mine")),
            lambda: vault.credentials.set_default("mine"),
            lambda: vault.credentials.edit("mine", vault.credentials.draft("fake")),
            lambda: vault.credentials.rename("mine", "ours"),
            lambda: vault.credentials.unset_default("fake"),
            lambda: vault.credentials.remove("ours"),
            vault.cache.clear,
            vault.close,
        ]
        for change in changes:
            change()
            assert vault.generation not in seen
            seen.append(vault.generation)
