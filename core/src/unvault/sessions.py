"""One session for each credential: opened when needed, renewed in time, closed when done with."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from unvault.clock import Clock
from unvault.errors import CredentialRejected, SessionExpired, UnvaultError
from unvault.fork import renew_after_fork
from unvault.hookspecs import Interaction
from unvault.model import Credential, Session
from unvault.providers import Providers
from unvault.sign_in import Attempt, Failures, Held, Key, SignIn, key_of

if TYPE_CHECKING:
    from unvault.store import CredentialStore

_MARGIN_SECONDS = 60.0
"""How long before its end a session is renewed at the latest; a tenth of its life where that is
less. It may be twice as long: a fleet that signed in together does not do so again."""

_LEAST_SECONDS = 1.0
"""How long a session is used at the least: by another clock it may seem to have ended already."""

_PAUSE_SECONDS = 5.0
"""How long a new session that is no better than the ended one is not replaced in its turn, and
a credential that was rejected is not tried again: vaults lock an account that is."""

_T = TypeVar("_T")


class Sessions:
    """Signs in once for each credential, and lets many fetches use the session.

    Args:
        providers: Where the providers are.
        store: Where a sign-in's renewed fields are kept.
        clock: What tells the time.
        interaction: How a provider asks a person; None where nobody can answer.
    """

    def __init__(
        self,
        providers: Providers,
        store: CredentialStore,
        clock: Clock,
        interaction: Interaction | None = None,
    ) -> None:
        self._sign_in = SignIn(providers, store, interaction)
        self._clock = clock
        self._held: dict[Key, Held] = {}
        self._attempts: dict[Key, Attempt] = {}
        self._rejected: dict[Key, tuple[float, CredentialRejected]] = {}
        self._inherited: list[object] = []
        self._lock = threading.Lock()
        renew_after_fork(self)

    def use(
        self,
        credential: Credential,
        action: Callable[[Session], _T],
        *,
        failures: Failures | None = None,
    ) -> _T:
        """Do something with a credential's session.

        Where it turns out to have ended, sign in again and do it once more: once, and for all
        threads that find out together. Where that session has ended too before it was of any use,
        sign in no more for a while.

        Args:
            credential: Whose session.
            action: What to do.
            failures: Sign-ins that failed already and are not tried again; one more is noted.

        Raises:
            UnvaultError: What signing in or the action raised.
        """
        held = self._borrow(credential, failures, None)
        try:
            return _serve(held, action)
        except SessionExpired:
            if self._is_no_better(held):
                raise
        finally:
            self._give_back(held)
        another = self._borrow(credential, failures, held)
        try:
            return _serve(another, action)
        finally:
            self._give_back(another)

    def open(self, credential: Credential, failures: Failures) -> None:
        """Sign in if need be, before a piece of work begins; what fails is noted, not raised."""
        try:
            self._give_back(self._borrow(credential, failures, None))
        except UnvaultError as error:
            failures.setdefault(key_of(credential), error)

    def sign_in(self, credential: Credential) -> Session:
        """Sign in anew, without keeping the session: to see whether a credential works, and whose.

        What the sign-in renewed is kept, as the old may not be good any more. Where it turns out,
        when the vault is asked, that what an earlier sign-in kept has ended, sign in once more.

        Raises:
            UnvaultError: It does not.
        """
        try:
            return self._signed_in(credential)
        except SessionExpired:
            return self._signed_in(credential)

    def _signed_in(self, credential: Credential) -> Session:
        session = self._signed_in_alone(credential)
        try:
            return self._sign_in.described(session)
        finally:
            self._sign_in.close(session)

    def affected(self, credential_id: str) -> Set[str]:
        """Return the ids of a credential and of those whose sign-in was built on it."""
        return {credential_id, *self._sign_in.users(credential_id)}

    def drop(self, credential_id: str) -> None:
        """Let go of a credential's sessions, and of those built on it: it changed or is removed."""
        ids = self.affected(credential_id)
        self._sign_in.forget(credential_id)
        with self._lock:
            gone = [key for key in self._rejected if key[0] in ids]
            for key in gone:
                del self._rejected[key]
        self._let_go(lambda key: key[0] in ids)

    def close(self) -> None:
        """Let go of all sessions. What sign-ins renewed is remembered."""
        self._let_go(lambda _key: True)

    def after_fork(self) -> None:
        """Begin without sessions: they are the parent's, and are not closed here."""
        self._lock = threading.Lock()
        # Kept, so that no SDK's finalizer says goodbye on the parent's connection.
        self._inherited.append(self._held)
        self._held = {}
        self._attempts = {}

    def _let_go(self, unwanted: Callable[[Key], bool]) -> None:
        with self._lock:
            for key, attempt in self._attempts.items():
                attempt.retired = attempt.retired or unwanted(key)
            gone = [key for key in self._held if unwanted(key)]
            unused = [held for key in gone if (held := self._retire(key))]
        for held in unused:
            self._sign_in.close(held.session)

    def _is_no_better(self, held: Held) -> bool:
        """Say whether a session was opened just now in place of an ended one, and served nobody."""
        young = self._clock.elapsed() < held.opened + _PAUSE_SECONDS
        return held.replaces and not held.served and young

    def _give_back(self, held: Held) -> None:
        with self._lock:
            held.users -= 1
            unused = held.retired and not held.users
        if unused:
            self._sign_in.close(held.session)

    def _borrow(
        self, credential: Credential, failures: Failures | None, instead_of: Held | None
    ) -> Held:
        """Return a session, counted as used: the one there is, or what a sign-in brings.

        This is no context manager made of a generator: one that is interrupted waits for Python to
        clear it away, which may happen in the middle of what has the lock that it needs then.
        """
        key = key_of(credential)
        while True:
            own = Attempt()
            try:
                with self._lock:
                    held = self._usable(key, instead_of)
                    if held is not None:
                        return held
                    if failures and key in failures:
                        raise copy.copy(failures[key])
                    rejected = self._rejected.get(key)
                    if rejected is not None and self._clock.elapsed() < rejected[0]:
                        raise copy.copy(rejected[1])
                    attempt = self._attempts.setdefault(key, own)
                    joins = attempt.shared and not attempt.retired
                    attempt.waiting += joins
                    if failures is not None:
                        attempt.failures.append(failures)
                if attempt is own:
                    return self._lead(own, credential, replaces=instead_of is not None)
            finally:
                self._abandon(key, own)
            outcome = self._joined(attempt, counted=joins)
            if isinstance(outcome, UnvaultError):
                raise copy.copy(outcome)
            if outcome is not None:
                return outcome

    def _joined(self, attempt: Attempt, *, counted: bool) -> Held | UnvaultError | None:
        """Wait for somebody else's sign-in, and return what this caller gets of it."""
        try:
            attempt.wait()
        except BaseException:
            with self._lock:
                landed = attempt.outcome if counted else None
                attempt.waiting -= counted
            if isinstance(landed, Held):
                self._give_back(landed)
            raise
        return attempt.outcome if counted else None

    def _signed_in_alone(self, credential: Credential) -> Session:
        own = Attempt(shared=False)
        try:
            self._begin_alone(credential, own)
            try:
                return self._sign_in.authenticate(credential)
            finally:
                self._end(credential, own, None)
        finally:
            self._abandon(key_of(credential), own)

    def _begin_alone(self, credential: Credential, own: Attempt) -> None:
        """Begin a sign-in that is for the caller only, when no other is under way."""
        while True:
            with self._lock:
                under_way = self._attempts.setdefault(key_of(credential), own)
            if under_way is own:
                return
            under_way.wait()

    def _abandon(self, key: Key, attempt: Attempt) -> None:
        """Let nobody wait for a sign-in that was interrupted: Ctrl-C may come anywhere."""
        if attempt.over.is_open:
            return
        with self._lock:
            if self._attempts.get(key) is attempt:
                del self._attempts[key]
        attempt.over.open()

    def _usable(self, key: Key, instead_of: Held | None) -> Held | None:
        """Return the session to use, counted as used, unless it has ended or is about to."""
        held = self._held.get(key)
        if held is None or held is instead_of or self._is_over(held):
            return None
        held.users += 1
        return held

    def _is_over(self, held: Held) -> bool:
        """Say whether a session is to be used no more, by either clock."""
        if self._clock.elapsed() >= held.renew_at:
            return True
        return held.renew_on is not None and self._clock.now() >= held.renew_on

    def _lead(self, attempt: Attempt, credential: Credential, *, replaces: bool) -> Held:
        outcome: Held | UnvaultError | None = None
        try:
            session = self._sign_in.authenticate(credential)
            outcome = self._opened(session, replaces=replaces)
            return outcome
        except UnvaultError as error:
            outcome = copy.copy(error)
            raise
        finally:
            self._end(credential, attempt, outcome)

    def _end(
        self, credential: Credential, attempt: Attempt, outcome: Held | UnvaultError | None
    ) -> None:
        """End a sign-in, keep its session, and wake everybody who waits for it."""
        key = key_of(credential)
        unused = None
        with self._lock:
            if self._attempts.get(key) is attempt:
                del self._attempts[key]
            attempt.outcome = outcome
            if isinstance(outcome, Held):
                outcome.users = attempt.waiting
                outcome.retired = attempt.retired
                if not attempt.retired:
                    unused = self._retire(key)
                    self._held[key] = outcome
            if isinstance(outcome, CredentialRejected):
                until = self._clock.elapsed() + _PAUSE_SECONDS
                self._rejected[key] = (until, outcome)
            else:
                self._rejected.pop(key, None)
            if isinstance(outcome, UnvaultError):
                for failures in attempt.failures:
                    failures[key] = outcome
        attempt.over.open()
        if unused:
            self._sign_in.close(unused.session)

    def _opened(self, session: Session, *, replaces: bool) -> Held:
        now = self._clock.elapsed()
        if session.expires is None:
            return Held(session, opened=now, replaces=replaces)
        on = self._clock.now()
        life = (session.expires - on).total_seconds()
        margin = min(_MARGIN_SECONDS, max(0.0, life) / 10) * (1.0 + self._clock.chance())
        good_for = max(life - margin, _LEAST_SECONDS)
        return Held(
            session,
            opened=now,
            renew_at=now + good_for,
            renew_on=_later(on, good_for),
            replaces=replaces,
        )

    def _retire(self, key: Key) -> Held | None:
        """Take a session out of use; return it if nobody is using it. Called with the lock."""
        held = self._held.pop(key, None)
        if held is None:
            return None
        held.retired = True
        return None if held.users else held


def _later(moment: datetime, seconds: float) -> datetime | None:
    """Return the time of day some seconds later; None where the calendar does not reach so far."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _serve(held: Held, action: Callable[[Session], _T]) -> _T:
    result = action(held.session)
    held.served = True
    return result
