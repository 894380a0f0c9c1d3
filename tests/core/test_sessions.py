"""One sign-in for each credential, renewed in time, repeated once, closed when done with."""

from __future__ import annotations

import threading
import time as real_time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import attrs
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
from unvault.hookspecs import hookimpl
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


@pytest.mark.parametrize("by", ["elapsed", "wall"])
def test_a_session_ends_by_whichever_clock_is_first(time, by):
    provider = expiring(time, any_path(FakeProvider()))
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch("fake/x", fresh=True)
        time.wall -= timedelta(days=300)
        vault.fetch("fake/x", fresh=True)
        assert provider.logins == 1
        if by == "elapsed":
            time.seconds += 61 * 60
        else:
            time.wall += timedelta(days=300, minutes=61)
        vault.fetch("fake/x", fresh=True)
    assert provider.logins == 2


def test_the_wall_clock_may_jump_where_a_session_does_not_end(time):
    provider = any_path(FakeProvider())
    with client_for(provider, clock=time.clock) as vault:
        for jump in (0, 100, -300, 9_000):
            time.wall += timedelta(days=jump)
            vault.fetch("fake/x", fresh=True)
    assert provider.logins == 1


def test_a_session_may_end_when_the_calendar_does(time):
    provider = any_path(FakeProvider())
    provider.sign_in = lambda _: Session(client="c", expires=datetime.max.replace(tzinfo=UTC))
    with client_for(provider, clock=time.clock) as vault:
        time.wall -= timedelta(days=1)
        vault.fetch("fake/x")
    assert provider.logins == 1


@pytest.mark.parametrize("part", [0.0, 0.5, 0.999])
def test_a_session_is_renewed_at_some_moment_between_one_and_two_minutes_before_its_end(time, part):
    time.part = part
    provider = expiring(time, any_path(FakeProvider()))
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch("fake/x")
        time.pass_(seconds=3_600 - 60 * (1 + part) - 1)
        vault.fetch("fake/y")
        assert provider.logins == 1
        time.pass_(seconds=2)
        vault.fetch("fake/z")
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


class Asking(FakeProvider):
    """A provider that asks its vault who it is, when somebody wants to know."""

    asked = 0

    @hookimpl
    def describe_session(self, session):
        self.asked += 1
        self.describe(session)
        return attrs.evolve(session, identity=f"somebody at {session.client}")

    def describe(self, session):
        """Fail here."""


def test_whose_a_session_is_is_asked_when_a_credential_is_tested_and_not_for_a_fetch():
    provider = any_path(Asking())
    with client_for(provider) as vault:
        stored = store_one(vault)
        vault.fetch("mine/x")
        vault.fetch_many(["mine/y", "mine/z"])
        assert provider.asked == 0
        told = vault.credentials.test("mine")
        assert told.identity == "somebody at client 2"
        assert told.credential == stored
        assert [session.client for session in provider.closed] == ["client 2"]


def test_a_credential_that_is_tested_is_signed_in_with_again_where_what_was_kept_has_ended():
    ended = []

    def refuse_once(session):
        if not ended:
            ended.append(session.client)
            raise SessionExpired("what was kept has ended", hint="again")

    provider = any_path(Asking())
    provider.describe = refuse_once
    with client_for(provider) as vault:
        store_one(vault)
        assert vault.credentials.test("mine").identity == "somebody at client 2"
        assert [session.client for session in provider.closed] == ["client 1", "client 2"]
        ended.clear()
        provider.describe = lambda _: (_ for _ in ()).throw(SessionExpired("over", hint="again"))
        with pytest.raises(SessionExpired):
            vault.credentials.test("mine")
    assert provider.logins == 4


def test_a_session_that_cannot_be_described_is_closed_all_the_same():
    def refuse(_session):
        raise CredentialRejected("the vault knows no such key")

    provider = any_path(Asking())
    provider.describe = refuse
    with client_for(provider) as vault:
        store_one(vault)
        with pytest.raises(CredentialRejected) as caught:
            vault.credentials.test("mine")
        assert caught.value.credential == "mine"
        assert len(provider.closed) == 1


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


def test_what_an_old_session_keeps_replaces_nothing_that_a_newer_sign_in_kept(time, tmp_path):
    keepers = []

    class Keeping(FakeProvider):
        @hookimpl
        def authenticate(self, credential, keep):
            keepers.append(keep)
            return Session(client="c", renewed={"refresh": f"token {len(keepers)}"})

    provider = Keeping({"x": "1"})
    options = {"clock": time.clock, "home": tmp_path}
    with client_for(provider, **options) as old, client_for(provider, **options) as new:
        store_one(old)
        old.fetch("mine/x", fresh=True)
        keepers[0]({"refresh": "token 1, again"})  # its own may be replaced
        new.credentials.test("mine")
        keepers[0]({})
        assert dict(new.credentials.get("mine").kept) == {"refresh": "token 2"}
        keepers[1]({})
        assert dict(new.credentials.get("mine").kept) == {}


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


# ------------------------------------------------------------------- sign-ins that lead nowhere


def refused(provider, error=None, seconds=0.0):
    """Let every sign-in of a provider fail."""

    def sign_in(_credential):
        real_time.sleep(seconds)
        raise error or CredentialRejected("wrong password")

    provider.sign_in = sign_in
    return any_path(provider)


@pytest.mark.parametrize("kind", [FakeProvider, BatchProvider])
@pytest.mark.parametrize("head", ["fake", "mine"])
def test_a_rejected_credential_is_tried_once_for_many_references(kind, head):
    provider = refused(kind())
    with client_for(provider) as vault:
        store_one(vault)
        references = [f"{head}/{number}" for number in range(500)]
        outcomes = vault.fetch_many(references)
    assert provider.logins == 1
    assert {type(each) for each in outcomes} == {CredentialRejected}
    assert [each.reference for each in outcomes] == references
    assert len({id(each) for each in outcomes}) == 500


def test_those_who_wait_for_a_sign_in_that_fails_do_not_repeat_it():
    provider = refused(FakeProvider(), seconds=0.5)
    with client_for(provider) as vault:
        results = together(32, lambda number: vault.fetch(f"fake/{number}"))
    assert provider.logins == 1
    assert {type(each) for each in results} == {CredentialRejected}
    assert len({id(each) for each in results}) == 32
    assert sorted(each.reference for each in results) == sorted(f"fake/{n}" for n in range(32))


def test_sign_ins_for_many_references_run_side_by_side():
    both = threading.Barrier(2)
    plugins = {name: any_path(FakeProvider()) for name in ("one", "two")}
    for provider in plugins.values():
        provider.sign_in = lambda _: (both.wait(WAIT) and None) or Session(client="c")
    references = [f"{name}/{number}" for name in plugins for number in range(20)]
    with client_for(plugins=plugins, parallel=2) as vault:  # the first fills it if it may
        outcomes = vault.fetch_many(references)
    assert all(isinstance(each, Secret) for each in outcomes)


def test_one_credential_that_is_refused_fails_no_other():
    plugins = {"good": any_path(FakeProvider()), "bad": refused(FakeProvider())}
    references = [f"{name}/{number}" for number in range(5) for name in plugins]
    with client_for(plugins=plugins) as vault:
        outcomes = vault.fetch_many(references)
    assert [isinstance(each, Secret) for each in outcomes] == [True, False] * 5


@pytest.mark.parametrize("kind", [FakeProvider, BatchProvider])
def test_a_session_that_always_ends_at_once_is_replaced_once(kind):
    provider = kind()
    provider.secrets = {str(n): SessionExpired("over") for n in range(200)}
    with client_for(provider) as vault:
        outcomes = vault.fetch_many([f"fake/{number}" for number in range(200)])
        assert {type(each) for each in outcomes} == {SessionExpired}
        assert vault.fetch_many(["fake/1", "fake/2"])[0].code == "session-expired"
        with pytest.raises(SessionExpired):
            vault.fetch("fake/1")
    assert provider.logins == 2


def test_after_a_while_a_session_that_ends_at_once_is_replaced_again(time):
    provider = FakeProvider({"a": SessionExpired("over")})
    with client_for(provider, clock=time.clock) as vault:
        for logins in (2, 2, 3):
            with pytest.raises(SessionExpired):
                vault.fetch("fake/a")
            assert provider.logins == logins
            time.pass_(seconds=3)


def test_a_session_that_served_is_replaced_at_once(time):
    provider = FakeProvider({"good": "1", "a": SessionExpired("over")})
    with client_for(provider, clock=time.clock) as vault:
        for _ in range(2):
            with pytest.raises(SessionExpired):
                vault.fetch("fake/a")
            vault.fetch("fake/good", fresh=True)
    assert provider.logins == 3


def test_a_new_sign_in_that_fails_is_not_repeated_for_each_reference():
    provider = FakeProvider()
    good = provider.sign_in

    def sign_in(credential):
        if provider.logins > 1:
            raise CredentialRejected("revoked")
        return good(credential)

    def value(*_):
        raise SessionExpired("over")

    provider.sign_in, provider.value = sign_in, value
    with client_for(provider) as vault:
        outcomes = vault.fetch_many([f"fake/{number}" for number in range(100)])
    assert provider.logins == 2
    assert {type(each) for each in outcomes} == {CredentialRejected}


@pytest.mark.parametrize("seconds", [-3600, -1, 0, 0.1])
def test_a_session_that_seems_to_have_ended_is_used_for_a_second(time, seconds):
    provider = any_path(FakeProvider())
    provider.sign_in = lambda _: Session(client="c", expires=time.after(seconds=seconds))
    with client_for(provider, clock=time.clock) as vault:
        vault.fetch_many([f"fake/{number}" for number in range(20)])
        time.pass_(seconds=0.9)
        vault.fetch("fake/x")
        assert provider.logins == 1
        time.pass_(seconds=0.2)
        vault.fetch("fake/y")
    assert provider.logins == 2


def test_an_error_object_of_the_provider_is_left_as_it_is():
    shared = CredentialRejected("no")
    provider = refused(FakeProvider(), shared)
    with client_for(provider) as vault:
        store_one(vault, "one")
        store_one(vault, "two")
        found = []
        for reference in ("one/a", "two/b"):
            with pytest.raises(CredentialRejected) as caught:
                vault.fetch(reference)
            found.append(caught.value)
    assert [(each.credential, each.reference) for each in found] == [
        ("one", "one/a"),
        ("two", "two/b"),
    ]
    assert (shared.credential, shared.reference) == (None, None)


def test_those_who_wait_for_a_sign_in_that_is_interrupted_sign_in_themselves():
    provider = any_path(FakeProvider())
    inside, go = threading.Event(), threading.Event()

    def sign_in(_credential):
        if provider.logins == 1:
            inside.set()
            assert go.wait(WAIT)
            raise KeyboardInterrupt
        return Session(client="second")

    provider.sign_in = sign_in
    results = []
    with client_for(provider) as vault:

        def lead():
            with pytest.raises(KeyboardInterrupt):
                vault.fetch("fake/a")

        first = threading.Thread(target=lead)
        first.start()
        assert inside.wait(WAIT)
        second = threading.Thread(target=lambda: results.append(vault.fetch("fake/b").text()))
        second.start()
        real_time.sleep(0.05)
        go.set()
        first.join(WAIT)
        second.join(WAIT)
    assert results == ["second: b"]


# ------------------------------------------------------------------- changes during a sign-in


@pytest.mark.parametrize("how", ["edit", "rename", "remove", "clear", "close"])
def test_a_session_whose_credential_was_changed_during_the_sign_in_is_not_kept(how):
    provider = any_path(FakeProvider())
    inside, go = threading.Event(), threading.Event()

    def sign_in(_credential):
        number = provider.logins
        if number == 1:
            inside.set()
            assert go.wait(WAIT)
        return Session(client=number)

    provider.sign_in = sign_in
    results = []
    with client_for(provider) as vault:
        store_one(vault)

        def fetch(number):
            results.append(vault.fetch(f"mine/{number}").text())

        threads = [threading.Thread(target=fetch, args=(n,), daemon=True) for n in range(3)]
        for thread in threads:
            thread.start()
        assert inside.wait(WAIT)
        real_time.sleep(0.1)
        if how == "edit":
            draft = vault.credentials.draft("fake", "token", {"token": "new"})
            vault.credentials.edit("mine", draft)
        elif how == "rename":
            vault.credentials.rename("mine", "other")
        elif how == "close":
            vault.close()
        else:
            getattr(vault.credentials, how)("mine")
        go.set()
        for thread in threads:
            thread.join(WAIT)
            assert not thread.is_alive()
        assert sorted(results) == ["1: 0", "1: 1", "1: 2"]
        assert [session.client for session in provider.closed] == [1]
        assert vault._sessions._held == {}


def test_nothing_is_left_of_sign_ins_that_are_over():
    provider = any_path(FakeProvider())
    with client_for(provider) as vault:
        store_one(vault)
        for number in range(20):
            vault.fetch(f"mine/{number}")
            draft = vault.credentials.draft("fake", "token", {"token": str(number)})
            vault.credentials.edit("mine", draft)
        mine = vars(vault._sessions)
    assert {name: len(each) for name, each in mine.items() if isinstance(each, dict)} == {
        "_held": 0,
        "_attempts": 0,
        "_rejected": 0,
    }


# ---------------------------------------------------------------------- tests among other sign-ins


def test_a_test_waits_for_a_sign_in_and_starts_from_what_that_kept(time):
    provider = refreshing(time, FakeProvider())
    quick = provider.sign_in
    state = {"now": 0, "most": 0}
    lock = threading.Lock()

    def sign_in(credential):
        with lock:
            state["now"] += 1
            state["most"] = max(state.values())
        real_time.sleep(0.05)
        with lock:
            state["now"] -= 1
            return quick(credential)

    provider.sign_in = sign_in
    with client_for(provider, clock=time.clock) as vault:
        store_one(vault)
        actions = [lambda: vault.fetch("mine/x"), lambda: vault.credentials.test("mine")]
        together(4, lambda number: actions[number % 2]())
        latest = vault.credentials.get("mine").kept["count"]
    assert state["most"] == 1
    assert latest == provider.logins
    assert [each.get("count", 0) for each in kept(provider)] == [*range(provider.logins)]


@pytest.mark.parametrize("environ", [{}, {"UNVAULT_FAKE_TOKEN": "t"}])
def test_what_was_renewed_for_what_is_not_stored_survives_tests_and_closing(time, environ):
    provider = refreshing(time, FakeProvider())
    with client_for(provider, clock=time.clock, environ=environ) as vault:
        vault.fetch("fake/x")
        vault.credentials.test("fake")
        vault.close()
        vault.fetch("fake/x")
    assert [each.get("count", 0) for each in kept(provider)] == [0, 1, 2]


def test_what_a_drafts_test_renewed_is_for_the_same_answers_only(time):
    provider = refreshing(time, FakeProvider())
    with client_for(provider, clock=time.clock) as vault:
        for token in ("one", "one", "two"):
            vault.credentials.test(vault.credentials.draft("fake", "token", {"token": token}))
    assert [each.get("count", 0) for each in kept(provider)] == [0, 1, 0]
