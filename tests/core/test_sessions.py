"""One sign-in for each credential, renewed in time, repeated once, closed when done with."""

from __future__ import annotations

import threading
import time as real_time
from contextlib import closing
from datetime import timedelta

import pytest
from tests.fakes import BatchProvider, FakeProvider, ListingProvider, Time, client_for

from unvault.errors import (
    CredentialRejected,
    ProviderFault,
    SessionExpired,
    StoreUnreadable,
    Unavailable,
    UnvaultError,
)
from unvault.model import Origin, SecretInfo, Session
from unvault.secret import Secret
from unvault.sqlite_store import SqliteStore

WAIT = 20


@pytest.fixture
def time():
    return Time()


def together(count, action):
    """Call an action in many threads at once; return what each returned or raised."""
    barrier = threading.Barrier(count)
    results = []

    def run(number):
        barrier.wait(WAIT)
        try:
            results.append(action(number))
        except UnvaultError as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()
    return results


def store_one(vault, name="mine", **answers):
    """Store a credential for the fake provider."""
    draft = vault.credentials.draft("fake", "token", answers or {"token": "t"}, name=name)
    return vault.credentials.add(draft)


def any_path(provider):
    """Let a provider have every secret there could be."""
    provider.value = lambda session, request: Secret(f"{session.client}: {request.path}")
    return provider


# ------------------------------------------------------------------------------------ one login


def test_a_thousand_fetches_sign_in_once():
    provider = any_path(FakeProvider())
    with client_for(provider) as vault:
        for number in range(1_000):
            vault.fetch(f"fake/{number}")
    assert provider.logins == 1
    assert len(provider.fetched) == 1_000


def test_thirty_two_threads_sign_in_once():
    provider = any_path(FakeProvider())
    slow = provider.sign_in
    provider.sign_in = lambda credential: real_time.sleep(0.1) or slow(credential)
    with client_for(provider) as vault:
        results = together(32, lambda number: vault.fetch(f"fake/{number}").text())
    assert sorted(results) == sorted(f"client 1: {number}" for number in range(32))
    assert provider.logins == 1


def test_each_credential_has_a_session_of_its_own():
    provider = any_path(FakeProvider())
    provider.sign_in = lambda credential: Session(client=credential.label)
    with client_for(provider) as vault:
        store_one(vault, "one")
        store_one(vault, "two")
        for _ in range(2):
            for head in ("one", "two", "fake"):
                vault.fetch(f"{head}/x", fresh=True)
    assert provider.logins == 3
    assert {session.client for session in provider.used} == {"one", "two", "(ambient)"}


def test_slow_sign_ins_of_different_credentials_do_not_wait_for_each_other():
    provider = any_path(FakeProvider())
    both = threading.Barrier(2)

    def sign_in(credential):
        both.wait(WAIT)  # passes only if the two are at it at the same time
        return Session(client=credential.label)

    provider.sign_in = sign_in
    with client_for(provider) as vault:
        store_one(vault, "one")
        store_one(vault, "two")
        results = together(2, lambda number: vault.fetch(f"{('one', 'two')[number]}/x").text())
    assert sorted(results) == ["one: x", "two: x"]


def test_a_sign_in_that_fails_is_tried_again_by_the_next_fetch():
    provider = any_path(FakeProvider())
    good = provider.sign_in

    def sign_in(credential):
        if provider.logins == 1:
            raise Unavailable("not yet")
        return good(credential)

    provider.sign_in = sign_in
    with client_for(provider) as vault:
        with pytest.raises(Unavailable) as caught:
            vault.fetch("fake/x")
        assert (caught.value.provider, caught.value.credential) == ("fake", "(ambient)")
        assert caught.value.reference == "fake/x"
        assert vault.fetch("fake/x").text() == "client 2: x"


# -------------------------------------------------------------------------------------- renewal


def expiring(time, provider, minutes=60):
    """Let a provider's sessions end after some minutes."""
    provider.sign_in = lambda _: Session(
        client=f"client {provider.logins}", expires=time.after(minutes=minutes)
    )
    return provider


def test_a_session_is_renewed_before_it_ends(time):
    provider = expiring(time, any_path(FakeProvider()))
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch("fake/x", fresh=True)
        time.pass_(minutes=58.9)
        vault.fetch("fake/x", fresh=True)
        assert provider.logins == 1
        time.pass_(minutes=0.2)
        assert vault.fetch("fake/x", fresh=True).text() == "client 2: x"
    assert provider.logins == 2
    assert [session.client for session in provider.closed] == ["client 1", "client 2"]


def test_a_short_session_is_renewed_a_tenth_of_its_life_before_its_end(time):
    provider = expiring(time, any_path(FakeProvider()), minutes=1)
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch("fake/x", fresh=True)
        time.pass_(seconds=53)
        vault.fetch("fake/x", fresh=True)
        assert provider.logins == 1
        time.pass_(seconds=2)
        vault.fetch("fake/x", fresh=True)
    assert provider.logins == 2


def test_many_threads_renew_once(time):
    provider = expiring(time, any_path(FakeProvider()))
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch("fake/x")
        time.pass_(minutes=61)
        results = together(32, lambda number: vault.fetch(f"fake/{number}").text())
    assert provider.logins == 2
    assert all(result.startswith("client 2: ") for result in results)


def test_the_wall_clock_may_jump_and_no_session_ends_by_it(time):
    provider = expiring(time, any_path(FakeProvider()))
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch("fake/x", fresh=True)
        for jump in (timedelta(days=100), timedelta(days=-300)):
            time.wall += jump
            vault.fetch("fake/x", fresh=True)
        assert provider.logins == 1
        time.seconds += 61 * 60
        vault.fetch("fake/x", fresh=True)
    assert provider.logins == 2


# ------------------------------------------------------------------------ the session has ended


def ends_after(provider, uses):
    """Let each client of a provider be good for so many fetches, unless it is the second."""

    def value(session, request):
        count = sum(each.client == session.client for each in provider.used)
        if session.client == "client 1" and count > uses:
            raise SessionExpired("the token has ended")
        return Secret(f"{session.client}: {request.path}")

    provider.value = value
    return provider


def test_a_session_that_has_ended_is_renewed_once_and_the_fetch_repeated():
    provider = ends_after(FakeProvider(), 1)
    with client_for(provider) as vault:
        assert vault.fetch("fake/a").text() == "client 1: a"
        assert vault.fetch("fake/b").text() == "client 2: b"
        assert vault.fetch("fake/c").text() == "client 2: c"
    assert provider.logins == 2
    assert provider.fetched == ["a", "b", "b", "c"]


def test_many_threads_that_find_it_ended_sign_in_once_again():
    provider = FakeProvider()
    all_in = threading.Barrier(32)

    def value(session, request):
        if session.client == "client 1":
            all_in.wait(WAIT)  # all of them use the first session before any finds out
            raise SessionExpired("the token has ended")
        return Secret(f"{session.client}: {request.path}")

    provider.value = value
    with client_for(provider) as vault:
        results = together(32, lambda number: vault.fetch(f"fake/{number}").text())
    assert provider.logins == 2
    assert sorted(results) == sorted(f"client 2: {number}" for number in range(32))
    assert len(provider.fetched) == 64
    assert [session.client for session in provider.closed] == ["client 1", "client 2"]


def test_a_second_end_in_a_row_is_an_error():
    provider = FakeProvider()
    error = SessionExpired("the token has ended")
    provider.secrets["a"] = error
    with client_for(provider) as vault, pytest.raises(SessionExpired) as caught:
        vault.fetch("fake/a")
    assert provider.logins == 2
    assert provider.fetched == ["a", "a"]
    assert caught.value.reference == "fake/a"
    assert caught.value.__context__ is None


def test_a_sign_in_that_is_refused_the_second_time_is_an_error():
    provider = FakeProvider({"a": SessionExpired("over")})
    good = provider.sign_in

    def sign_in(credential):
        if provider.logins > 1:
            raise CredentialRejected("revoked")
        return good(credential)

    provider.sign_in = sign_in
    with client_for(provider) as vault, pytest.raises(CredentialRejected):
        vault.fetch("fake/a")
    assert provider.logins == 2


def test_a_sign_in_that_says_session_expired_is_not_repeated():
    provider = FakeProvider({"a": "1"})

    def sign_in(_credential):
        raise SessionExpired("the refresh token has ended")

    provider.sign_in = sign_in
    with client_for(provider) as vault, pytest.raises(SessionExpired):
        vault.fetch("fake/a")
    assert provider.logins == 1


def test_a_listing_whose_session_ends_on_the_way_starts_again():
    provider = ListingProvider()

    def listing(session, _prefix):
        yield SecretInfo("a")
        if session.client == "client 1":
            raise SessionExpired("over")
        yield SecretInfo("b")

    provider.listing = listing
    with client_for(provider) as vault:
        assert [info.path for info in vault.list("fake")] == ["a", "b"]
    assert provider.logins == 2


def test_a_session_that_ends_inside_a_batch_is_renewed_once_for_the_batch():
    provider = BatchProvider()

    def value(session, request):
        if session.client == "client 1" and request.path in {"b", "d"}:
            raise SessionExpired("over")
        return Secret(f"{session.client}: {request.path}")

    provider.value = value
    with client_for(provider) as vault:
        outcomes = vault.fetch_many([f"fake/{path}" for path in "abcd"])
    assert [each.text() for each in outcomes] == [f"client 2: {path}" for path in "abcd"]
    assert provider.logins == 2
    assert provider.batches == [["a", "b", "c", "d"]] * 2


def test_what_has_ended_twice_inside_a_batch_fails_alone():
    provider = BatchProvider({"a": "1", "b": SessionExpired("over"), "c": "3"})
    with client_for(provider) as vault:
        one, two, three = vault.fetch_many(["fake/a", "fake/b", "fake/c"])
    assert (one.text(), three.text()) == ("1", "3")
    assert isinstance(two, SessionExpired)
    assert provider.logins == 2


# --------------------------------------------------------------------------------------- closing


def test_an_old_session_is_closed_only_when_its_last_user_is_done():
    provider = FakeProvider()
    inside, go = threading.Event(), threading.Event()

    def value(session, request):
        if request.path == "slow":
            inside.set()
            assert go.wait(WAIT)
        return Secret(f"{session.client}: {request.path}")

    provider.value = value
    with client_for(provider) as vault:
        store_one(vault)
        results = []
        thread = threading.Thread(target=lambda: results.append(vault.fetch("mine/slow").text()))
        thread.start()
        assert inside.wait(WAIT)
        vault.credentials.edit("mine", vault.credentials.draft("fake", "token", {"token": "new"}))
        assert vault.fetch("mine/quick").text() == "client 2: quick"
        assert provider.closed == []
        go.set()
        thread.join(WAIT)
        assert [session.client for session in provider.closed] == ["client 1"]
        assert results == ["client 1: slow"]
    assert [session.client for session in provider.closed] == ["client 1", "client 2"]


@pytest.mark.parametrize("how", ["edit", "rename", "remove", "clear", "close"])
def test_a_change_of_the_credential_closes_its_session_and_drops_its_values(how):
    provider = any_path(FakeProvider())
    with client_for(provider) as vault:
        store_one(vault)
        store_one(vault, "other")
        vault.fetch("mine/x")
        vault.fetch("other/x")
        if how == "edit":
            draft = vault.credentials.draft("fake", "token", {"token": "new"})
            vault.credentials.edit("mine", draft)
        elif how == "rename":
            vault.credentials.rename("mine", "renamed")
        elif how == "close":
            vault.close()
        else:
            getattr(vault.credentials, how)("mine")
        closed = [session.credential.name for session in provider.closed]
        if how == "close":
            assert sorted(closed) == ["mine", "other"]
        else:
            assert closed == ["mine"]
            assert vault.cached("mine/x") is None
        before = provider.logins
        vault.fetch("other/x")
        assert provider.logins == before + (how == "close")
        if how in {"edit", "clear", "close"}:
            assert vault.fetch("mine/x").text() == f"client {provider.logins}: x"


def test_a_close_that_fails_harms_nobody(caplog):
    canary = "canary-ac41"
    provider = any_path(FakeProvider())

    def close(session):
        raise RuntimeError(f"{canary} {session.client}")

    provider.close = close
    other = any_path(FakeProvider())
    with client_for(plugins={"fake": provider, "other": other}) as vault:
        store_one(vault)
        vault.fetch("mine/x")
        vault.fetch("other/x")
        vault.credentials.edit("mine", vault.credentials.draft("fake", "token", {"token": "n"}))
        assert vault.fetch("mine/x").text() == "client 2: x"
        vault.credentials.test("mine")
        vault.credentials.remove("mine")
        vault.fetch("fake/x")
        vault.close()
    assert len(provider.closed) == 4
    assert len(other.closed) == 1
    assert canary not in caplog.text
    assert "close_session" in caplog.text


def test_a_close_that_fails_does_not_hide_a_fetch(time):
    provider = expiring(time, any_path(FakeProvider()))

    def close(_session):
        raise Unavailable("cannot even say goodbye")

    provider.close = close
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch("fake/x", fresh=True)
        time.pass_(minutes=61)
        assert vault.fetch("fake/x", fresh=True).text() == "client 2: x"
        assert vault.fetch("fake/x", fresh=True).text() == "client 2: x"
    assert provider.logins == 2


def test_it_can_be_used_after_it_was_closed():
    provider = any_path(FakeProvider())
    vault = client_for(provider)
    vault.fetch("fake/x")
    vault.close()
    vault.close()
    assert len(provider.closed) == 1
    with closing(vault):
        assert vault.fetch("fake/x").text() == "client 2: x"


def test_testing_a_credential_signs_in_anew_and_closes_again():
    provider = any_path(FakeProvider())
    provider.sign_in = lambda credential: Session(
        client=f"client {provider.logins}", identity=f"user of {credential.label}"
    )
    with client_for(provider) as vault:
        store_one(vault)
        vault.fetch("mine/x")
        assert vault.credentials.test("mine").identity == "user of mine"
        assert [session.client for session in provider.closed] == ["client 2"]
        assert vault.fetch("mine/y").text() == "client 1: y"
        draft = vault.credentials.draft("fake", "token", {"token": "t"})
        assert vault.credentials.test(draft).identity is not None
    assert provider.logins == 3


# ---------------------------------------------------------------------------- what is kept of it


def refreshing(time, provider):
    """Let each sign-in hand over a new refresh token, good for an hour."""
    provider.sign_in = lambda _: Session(
        client=f"client {provider.logins}",
        expires=time.after(minutes=60),
        renewed={"refresh": f"token {provider.logins}", "count": provider.logins},
    )
    return any_path(provider)


def kept(provider):
    return [dict(credential.kept) for credential in provider.credentials]


def test_renewed_fields_come_back_at_the_next_sign_in(time, tmp_path):
    provider = refreshing(time, FakeProvider())
    options = {"clock": time.clock, "home": tmp_path}
    with client_for(provider, **options) as vault:
        store_one(vault)
        vault.fetch("mine/x", fresh=True)
        time.pass_(minutes=61)
        vault.fetch("mine/x", fresh=True)
    with client_for(provider, **options) as another:
        another.fetch("mine/x")
        stored = another.credentials.get("mine")
    assert kept(provider) == [
        {},
        {"refresh": "token 1", "count": 1},
        {"refresh": "token 2", "count": 2},
    ]
    assert dict(stored.kept) == {"refresh": "token 3", "count": 3}
    assert dict(stored.answers) == {"token": "t"}


def test_renewed_fields_are_kept_encrypted(time, tmp_path):
    provider = refreshing(time, FakeProvider())
    with client_for(provider, clock=time.clock, home=tmp_path) as vault:
        store_one(vault)
        vault.fetch("mine/x")
        assert dict(vault.credentials.get("mine").kept)["refresh"] == "token 1"
    content = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert content
    assert b"token 1" not in content
    assert b"refresh" not in content


@pytest.mark.parametrize("origin", [Origin.ENVIRONMENT, Origin.AMBIENT])
def test_what_is_not_stored_keeps_renewed_fields_in_memory_only(
    time, tmp_path, monkeypatch, origin
):
    provider = refreshing(time, FakeProvider())
    environ = {"UNVAULT_FAKE_TOKEN": "t"} if origin is Origin.ENVIRONMENT else {}
    monkeypatch.setattr(SqliteStore, "keep", lambda *_: pytest.fail("it was to be stored"))
    with client_for(provider, clock=time.clock, home=tmp_path, environ=environ) as vault:
        for _ in range(2):
            vault.fetch("fake/x", fresh=True)
            time.pass_(minutes=61)
    assert {credential.origin for credential in provider.credentials} == {origin}
    assert kept(provider) == [{}, {"refresh": "token 1", "count": 1}]
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("stored", [True, False])
def test_a_sign_in_that_renews_nothing_keeps_what_there_is(time, stored):
    provider = refreshing(time, FakeProvider())
    first = provider.sign_in

    def sign_in(credential):
        if provider.logins == 1:
            return first(credential)
        return Session(client=f"client {provider.logins}", expires=time.after(minutes=60))

    provider.sign_in = sign_in
    with client_for(provider, clock=time.clock) as vault:
        if stored:
            store_one(vault)
        for _ in range(4):
            vault.fetch("mine/x" if stored else "fake/x", fresh=True)
            time.pass_(minutes=61)
    assert kept(provider) == [{}, *[{"refresh": "token 1", "count": 1}] * 3]


def test_what_another_process_kept_meanwhile_is_newer(time, tmp_path):
    provider = refreshing(time, FakeProvider())
    options = {"clock": time.clock, "home": tmp_path}
    with client_for(provider, **options) as vault, client_for(provider, **options) as other:
        store_one(vault)
        vault.fetch("mine/x", fresh=True)
        other.fetch("mine/x", fresh=True)
        time.pass_(minutes=61)
        vault.fetch("mine/x", fresh=True)
    assert [each.get("refresh") for each in kept(provider)] == [None, "token 1", "token 2"]


def test_a_repeated_sign_in_gets_what_the_last_one_renewed(time):
    provider = refreshing(time, FakeProvider())

    def value(session, request):
        if session.client == "client 1":
            raise SessionExpired("over")
        return Secret(request.path)

    provider.value = value
    with client_for(provider, clock=time.clock) as vault:
        store_one(vault)
        vault.fetch("mine/x")
    assert [each.get("refresh") for each in kept(provider)] == [None, "token 1"]


def test_a_test_of_a_stored_credential_keeps_what_it_renewed(time):
    provider = refreshing(time, FakeProvider())
    with client_for(provider, clock=time.clock) as vault:
        store_one(vault)
        vault.credentials.test("mine")
        assert dict(vault.credentials.get("mine").kept)["refresh"] == "token 1"
        vault.fetch("mine/x")
    assert [each.get("refresh") for each in kept(provider)] == [None, "token 1"]


def test_an_edited_credential_starts_with_nothing_kept(time):
    provider = refreshing(time, FakeProvider())
    with client_for(provider, clock=time.clock) as vault:
        store_one(vault)
        vault.fetch("mine/x")
        vault.credentials.edit("mine", vault.credentials.draft("fake", "token", {"token": "n"}))
        vault.fetch("mine/x")
    assert kept(provider) == [{}, {}]


def test_a_store_that_cannot_keep_it_fails_no_fetch(time, caplog):
    class ReadOnly(SqliteStore):
        def keep(self, credential, kept):
            raise StoreUnreadable("it may not be written")

    provider = refreshing(time, FakeProvider())
    from unvault.client import Unvault

    options = {"plugins": {"fake": provider}, "discover": False, "environ": {}}
    with Unvault(store=ReadOnly(), clock=time.clock, **options) as vault:
        store_one(vault)
        assert vault.fetch("mine/x", fresh=True).text() == "client 1: x"
        time.pass_(minutes=61)
        vault.fetch("mine/x", fresh=True)
    assert "it may not be written" in caplog.text
    assert "token 1" not in caplog.text
    assert kept(provider) == [{}, {"refresh": "token 1", "count": 1}]


def test_renewed_fields_that_are_no_answers_are_a_fault():
    canary = "canary-0e61"
    provider = FakeProvider({"x": "1"})
    provider.sign_in = lambda _: Session(client=1, renewed={"refresh": object(), "c": canary})
    with client_for(provider) as vault:
        store_one(vault)
        with pytest.raises(ProviderFault, match="authenticate") as caught:
            vault.fetch("mine/x")
    assert canary not in str(caught.value)


def test_a_session_does_not_show_what_it_holds():
    session = Session(client="canary-1", renewed={"refresh": "canary-2"})
    assert "canary" not in repr(session)
    assert "canary" not in str(session)
