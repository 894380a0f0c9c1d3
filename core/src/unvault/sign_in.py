"""Signs in and out, and remembers what a sign-in renewed."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Set
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, NamedTuple

import attrs

from unvault.errors import StoreError, UnvaultError
from unvault.forms import Answer
from unvault.hookspecs import Interaction, Keep
from unvault.model import Answers, Credential, Origin, Session
from unvault.parallel import Gate
from unvault.providers import Providers
from unvault.sources import Sources

if TYPE_CHECKING:
    from unvault.store import CredentialStore

Key = tuple[str, int]
"""A credential's id and revision: together they stand for its answers."""


def key_of(credential: Credential) -> Key:
    """Return what a credential's sessions are found by."""
    return credential.id, credential.revision


Failures = dict[Key, UnvaultError]
"""Sign-ins that failed during one piece of work, which does not try them again."""


class Held:
    """A session, how many are using it, and whether it is to be closed when nobody does.

    Args:
        session: The session.
        opened: When it was opened.
        renew_at: When it is to be used no more, in elapsed seconds.
        renew_on: The same by the time of day, which may be set; None where it does not end.
        replaces: Whether it was opened because another one had ended.
    """

    __slots__ = (
        "opened",
        "renew_at",
        "renew_on",
        "replaces",
        "retired",
        "served",
        "session",
        "users",
    )

    def __init__(
        self,
        session: Session,
        *,
        opened: float,
        replaces: bool,
        renew_at: float = inf,
        renew_on: datetime | None = None,
    ) -> None:
        self.session = session
        self.opened = opened
        self.renew_at = renew_at
        self.renew_on = renew_on
        self.replaces = replaces
        self.served = False  # whether anything was done with it that did not fail
        self.users = 0
        self.retired = False


class Attempt:
    """One sign-in under way, and everybody who waits for it.

    Args:
        shared: Whether those who wait may have its session.
    """

    __slots__ = ("failures", "outcome", "over", "retired", "shared", "waiting")

    def __init__(self, *, shared: bool = True) -> None:
        self.shared = shared
        # Whether its credential was changed meanwhile: its session is for those who wait already.
        self.retired = False
        self.waiting = 0
        self.failures: list[Failures] = []  # where to note that it failed
        self.over = Gate()
        # What those who wait get; where None, they have to see for themselves.
        self.outcome: Held | UnvaultError | None = None

    def wait(self) -> None:
        """Wait for its end."""
        self.over.wait()


class _Renewed(NamedTuple):
    """What a sign-in renewed that is in no store: it is good for the same answers only."""

    type: str | None
    answers: Answers
    kept: Answers

    def fits(self, credential: Credential) -> bool:
        """Say whether it was renewed with a credential's answers: drafts may share an id."""
        return (self.type, self.answers) == (credential.type, credential.answers)


class SignIn:
    """Calls a provider's ``authenticate``, ``describe_session`` and ``close_session``.

    Args:
        providers: Where the providers are.
        store: Where a sign-in's renewed fields are kept.
        interaction: How a provider asks a person; None where nobody can answer.
    """

    def __init__(
        self, providers: Providers, store: CredentialStore, interaction: Interaction | None
    ) -> None:
        self._providers = providers
        self._store = store
        self._interaction = interaction
        self._renewed: dict[Key, _Renewed] = {}
        self._sources = Sources(store)

    def authenticate(self, credential: Credential) -> Session:
        """Sign in with what the last sign-in kept, and keep what this one renews.

        Raises:
            UnvaultError: It did not work.
        """
        stored = self._stored(credential)
        credential = self._with_newest_kept(credential, stored)
        provider = self._providers.load(credential.provider)
        keep = self._keeper(credential, stored)
        try:
            session: Session = provider.call(
                "authenticate",
                credential=credential,
                interaction=self._interaction,
                keep=keep,
                find=self._sources.finder(credential),
            )
        except UnvaultError as error:
            # A provider may raise one and the same object again, for another credential.
            failed = copy.copy(error).with_traceback(error.__traceback__)
        else:
            if session.renewed is not None:
                keep(session.renewed)
            return attrs.evolve(session, credential=credential)
        raise failed.located(credential=credential.label)

    def described(self, session: Session) -> Session:
        """Return a session that says whose it is, where the provider can ask for that.

        Raises:
            UnvaultError: It could not be asked.
        """
        credential = session.credential
        provider = self._providers.load(credential.provider) if credential else None
        if credential is None or provider is None or not provider.has("describe_session"):
            return session
        try:
            told: Session = provider.call("describe_session", session=session)
        except UnvaultError as error:
            failed = copy.copy(error).with_traceback(error.__traceback__)
        else:
            return attrs.evolve(told, credential=credential)
        raise failed.located(credential=credential.label)

    def close(self, session: Session) -> None:
        """Let go of a session. Raises nothing that a provider did."""
        if session.credential is None:
            return  # no sign-in of ours made it
        provider = self._providers.load(session.credential.provider)
        if not provider.has("close_session"):
            return
        try:
            provider.call("close_session", session=session)
        except UnvaultError as error:  # it must not raise; if it does, nobody's fetch suffers
            _warn("a session was not closed", error)

    def users(self, credential_id: str) -> Set[str]:
        """Return the ids of the credentials whose sign-in was built on this one."""
        return self._sources.users(credential_id)

    def forget(self, credential_id: str) -> None:
        """Drop what was renewed for a credential that was changed or removed."""
        self._sources.forget(credential_id)
        for key in [key for key in list(self._renewed) if key[0] == credential_id]:
            self._renewed.pop(key, None)

    def _stored(self, credential: Credential) -> Credential | None:
        """Return a credential as it is stored now; None where it is not, or was changed."""
        if credential.origin is not Origin.STORED:
            return None
        try:
            stored = self._store.get(credential.id)
        except StoreError:
            return None  # it could be read a moment ago; what was read then will have to do
        return stored if stored is not None and key_of(stored) == key_of(credential) else None

    def _with_newest_kept(self, credential: Credential, stored: Credential | None) -> Credential:
        """Return a credential with what its last sign-in, here or elsewhere, kept."""
        renewed = self._renewed.get(key_of(credential))
        if renewed is not None and renewed.fits(credential):
            return attrs.evolve(credential, kept=renewed.kept)
        return credential if stored is None else attrs.evolve(credential, kept=stored.kept)

    def _keeper(self, credential: Credential, stored: Credential | None) -> Keep:
        """Return what keeps what one sign-in renews.

        It stores nothing over what another sign-in kept since: somebody signed in anew elsewhere,
        and this one may be about to find out that it has ended.

        Args:
            credential: What is signed in with.
            stored: The same as it was stored when the sign-in began.
        """
        before = None if stored is None else stored.kept

        def keep(fields: Mapping[str, Answer]) -> None:
            nonlocal before
            now = self._stored(credential)
            if before is not None and now is not None and now.kept != before:
                return
            if self._keep(credential, fields):
                before = Answers(fields)

        return keep

    def _keep(self, credential: Credential, fields: Mapping[str, Answer]) -> bool:
        """Keep what was renewed, and say whether it was stored."""
        renewed = _Renewed(credential.type, credential.answers, Answers(fields))
        key = key_of(credential)
        if credential.origin is not Origin.STORED:
            self._renewed[key] = renewed
            return False
        try:
            self._store.keep(credential, renewed.kept)
        except StoreError as error:  # signed in all the same: the next process signs in again
            self._renewed[key] = renewed
            _warn("a renewed sign-in was not kept", error)
            return False
        self._renewed.pop(key, None)
        return True


def _warn(what: str, error: UnvaultError) -> None:
    import logging

    logging.getLogger("unvault").warning("%s: %s", what, error)
