"""One session for each credential: opened when needed, renewed in time, closed when done with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import attrs

from unvault.clock import Clock
from unvault.errors import SessionExpired, StoreError, UnvaultError
from unvault.hookspecs import Interaction
from unvault.model import Answers, Credential, Origin, Session
from unvault.providers import Providers
from unvault.store import CredentialStore

_MARGIN_SECONDS = 60.0
"""How long before its end a session is renewed; a tenth of its life where that is less."""

_Key = tuple[str, int]
_T = TypeVar("_T")


@attrs.define(eq=False)
class _Held:
    """A session, how many are using it, and whether it is to be closed when nobody does."""

    session: Session
    renew_at: float
    users: int = 0
    retired: bool = False


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
        self.interaction = interaction
        self._providers = providers
        self._store = store
        self._clock = clock
        self._held: dict[_Key, _Held] = {}
        self._sign_ins: dict[_Key, threading.Lock] = {}
        self._lock = threading.Lock()

    def use(self, credential: Credential, action: Callable[[Session], _T]) -> _T:
        """Do something with a credential's session.

        Where it turns out to have ended, sign in again and do it once more: once, and for all
        threads that find out together.

        Raises:
            UnvaultError: What signing in or the action raised.
        """
        with self._borrowed(credential) as held:
            try:
                return action(held.session)
            except SessionExpired:
                ended = held
        with self._borrowed(credential, instead_of=ended) as held:
            return action(held.session)

    def sign_in(self, credential: Credential) -> Session:
        """Sign in anew, without keeping the session: to see whether a credential works.

        What a stored credential's sign-in renewed is kept, as the old may not be good any more.

        Raises:
            UnvaultError: It does not.
        """
        session = self._authenticate(credential)
        self._keep(credential, session)
        self._close(session)
        return session

    def drop(self, credential_id: str) -> None:
        """Let go of a credential's sessions: it was changed or removed."""
        with self._lock:
            gone = [key for key in self._held if key[0] == credential_id]
            unused = [held for key in gone if (held := self._retire(key))]
        for held in unused:
            self._close(held.session)

    def close(self) -> None:
        """Let go of all sessions."""
        for credential_id in {key[0] for key in list(self._held)}:
            self.drop(credential_id)

    @contextmanager
    def _borrowed(
        self, credential: Credential, *, instead_of: _Held | None = None
    ) -> Iterator[_Held]:
        held = self._borrow(credential, instead_of)
        try:
            yield held
        finally:
            with self._lock:
                held.users -= 1
                unused = held.retired and not held.users
            if unused:
                self._close(held.session)

    def _borrow(self, credential: Credential, instead_of: _Held | None) -> _Held:
        key = (credential.id, credential.revision)
        with self._lock:
            sign_in = self._sign_ins.setdefault(key, threading.Lock())
            held = self._usable(key, instead_of)
        if held is not None:
            return held
        with sign_in:  # the first one signs in, the others find the session when they get here
            with self._lock:
                held = self._usable(key, instead_of)
                last = self._held.get(key)
            return held or self._open(key, credential, last)

    def _usable(self, key: _Key, instead_of: _Held | None) -> _Held | None:
        """Return the session to use, counted as used, unless it has ended or is about to."""
        held = self._held.get(key)
        if held is None or held is instead_of or self._clock.elapsed() >= held.renew_at:
            return None
        held.users += 1
        return held

    def _open(self, key: _Key, credential: Credential, last: _Held | None) -> _Held:
        if last is not None:
            credential = _with_newest_kept(credential, last.session)
        session = self._authenticate(credential)
        self._keep(credential, session)
        fresh = _Held(session, self._renewal(session), users=1)
        with self._lock:
            unused = self._retire(key)
            self._held[key] = fresh
        if unused:
            self._close(unused.session)
        return fresh

    def _authenticate(self, credential: Credential) -> Session:
        provider = self._providers.load(credential.provider)
        try:
            session: Session = provider.call(
                "authenticate", credential=credential, interaction=self.interaction
            )
        except UnvaultError as error:
            error.located(credential=credential.label)
            raise
        return attrs.evolve(session, credential=credential)

    def _keep(self, credential: Credential, session: Session) -> None:
        if session.renewed is None or credential.origin is not Origin.STORED:
            return
        try:
            self._store.keep(credential, session.renewed)
        except StoreError as error:  # signed in all the same: the next process signs in again
            _warn("a renewed sign-in was not kept", error)

    def _renewal(self, session: Session) -> float:
        if session.expires is None:
            return float("inf")
        end = self._clock.deadline(session.expires)
        life = max(0.0, end - self._clock.elapsed())
        return end - min(_MARGIN_SECONDS, life / 10)

    def _retire(self, key: _Key) -> _Held | None:
        """Take a session out of use; return it if nobody is using it. Called with the lock."""
        held = self._held.pop(key, None)
        if held is None:
            return None
        held.retired = True
        return None if held.users else held

    def _close(self, session: Session) -> None:
        if session.credential is None:
            return  # never handed out by this class
        provider = self._providers.load(session.credential.provider)
        if not provider.has("close_session"):
            return
        try:
            provider.call("close_session", session=session)
        except UnvaultError as error:  # it must not raise; if it does, nobody's fetch suffers
            _warn("a session was not closed", error)


def _with_newest_kept(credential: Credential, last: Session) -> Credential:
    """Return a credential with what its last sign-in here, or one elsewhere since, kept."""
    before = last.credential.kept if last.credential else Answers()
    if credential.origin is Origin.STORED and credential.kept != before:
        return credential  # it was read after something was kept, perhaps by another process
    kept = before if last.renewed is None else Answers(last.renewed)
    return attrs.evolve(credential, kept=kept)


def _warn(what: str, error: UnvaultError) -> None:
    import logging

    logging.getLogger("unvault").warning("%s: %s", what, error)
