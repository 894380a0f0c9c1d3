"""Fetches what is wanted: what is cached is not fetched, and nothing is fetched twice."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from unvault.cache import CacheKey, SecretCache
from unvault.errors import SessionExpired, UnvaultError
from unvault.flights import Flight
from unvault.model import Credential, Outcome, SecretRequest, Session
from unvault.parallel import run_side_by_side
from unvault.providers import Providers
from unvault.reference import Reference
from unvault.secret import Secret
from unvault.sessions import Sessions
from unvault.sign_in import Failures


class Wanted(NamedTuple):
    """A reference, and what has to be asked of whom for it."""

    reference: Reference
    credential: Credential
    request: SecretRequest
    key: CacheKey


_Flying = tuple[Wanted, Flight]
_T = TypeVar("_T")


class Fetching:
    """Fetches one secret or many, through the sessions of their credentials.

    Args:
        providers: Where the providers are.
        cache: Where the values are kept.
        sessions: Where the sessions are.
        parallel: How many fetches may run at the same time.

    Raises:
        ValueError: Not even one may.
    """

    def __init__(
        self, providers: Providers, cache: SecretCache, sessions: Sessions, *, parallel: int
    ) -> None:
        if parallel < 1:
            raise ValueError(f"at least one fetch has to run at a time, not {parallel}")
        self._providers = providers
        self._cache = cache
        self._sessions = sessions
        self._parallel = parallel

    def one(self, wanted: Wanted, *, fresh: bool) -> tuple[Secret, Secret]:
        """Return a secret, and the field of it that is wanted."""
        field = wanted.reference.field
        try:
            whole = self._cache.fetch(wanted.key, lambda: self._fetch_one(wanted), fresh=fresh)
            self._tell_of_stale(wanted, whole)
            return whole, whole if field is None else whole.field(field)
        except UnvaultError as error:
            failed = located(error, wanted)
        raise failed

    def many(self, wanted: Sequence[Wanted], *, fresh: bool) -> Sequence[Outcome]:
        """Return an outcome for each, in order.

        Each credential is signed in with first; where that fails, all that needs it fails too.
        """
        found = self._claimed(wanted, fresh=fresh)
        return [self._outcome(item, found[item.key], fresh=fresh) for item in wanted]

    def _claimed(self, wanted: Iterable[Wanted], *, fresh: bool) -> dict[CacheKey, Secret | Flight]:
        """Fetch what nobody else is fetching, each request once."""
        items = {item.key: item for item in wanted}
        own = {key: Flight(key) for key in items}
        try:
            found = {key: self._cache.claim(flight, fresh=fresh) for key, flight in own.items()}
            self._fly([(items[key], own[key]) for key in own if found[key] is own[key]])
        finally:
            for flight in own.values():
                self._cache.abandon(flight)
        return found

    def _fetch_one(self, wanted: Wanted, failures: Failures | None = None) -> Secret:
        provider = self._providers.load(wanted.credential.provider)

        def fetch(session: Session) -> Secret:
            secret: Secret = provider.call("fetch_secret", session=session, request=wanted.request)
            return secret

        return self._sessions.use(wanted.credential, fetch, failures=failures)

    def _fly(self, flying: Sequence[_Flying]) -> None:
        """Fetch what is this caller's to fetch: batches and single ones side by side."""
        groups: dict[tuple[str, int], MutableSequence[_Flying]] = {}
        for item, flight in flying:
            owner = (item.credential.id, item.credential.revision)
            groups.setdefault(owner, []).append((item, flight))
        failures: Failures = {}
        if len(flying) > 1:
            self._sign_in([group[0][0].credential for group in groups.values()], failures)
        work: MutableSequence[Sequence[_Flying]] = []
        for group in groups.values():
            work += [group] if self._takes_batches(group) else [[pair] for pair in group]
        self._side_by_side(partial(self._land, failures), work)

    def _sign_in(self, credentials: Sequence[Credential], failures: Failures) -> None:
        """Sign in once for each credential, and not for each reference that needs it."""
        self._side_by_side(lambda each: self._sessions.open(each, failures), credentials)

    def _side_by_side(self, action: Callable[[_T], None], items: Sequence[_T]) -> None:
        if len(items) == 1:
            action(items[0])
        else:
            run_side_by_side(action, items, bound=self._parallel, name="unvault-fetch")

    def _takes_batches(self, group: Sequence[_Flying]) -> bool:
        if len(group) < 2:
            return False
        try:
            return self._providers.load(group[0][0].credential.provider).has("fetch_secrets")
        except UnvaultError:
            return False  # fetching one by one reports it for each reference

    def _land(self, failures: Failures, group: Sequence[_Flying]) -> None:
        """Fetch one group and give each flight its outcome."""
        outcomes: Sequence[Outcome]
        try:
            if len(group) == 1:
                outcomes = [self._fetch_one(group[0][0], failures)]
            else:
                outcomes = self._fetch_batch([item for item, _ in group], failures)
        except UnvaultError as error:
            outcomes = [error] * len(group)
        for (_, flight), outcome in zip(group, outcomes, strict=True):
            self._cache.land(flight, outcome)

    def _fetch_batch(self, items: Sequence[Wanted], failures: Failures) -> Sequence[Outcome]:
        provider = self._providers.load(items[0].credential.provider)
        requests = tuple(item.request for item in items)
        first: list[Outcome] = []

        def fetch(session: Session) -> Sequence[Outcome]:
            found = provider.call_batch(session, requests)
            ended = [each for each in found if isinstance(each, SessionExpired)]
            if ended and (not first or len(ended) == len(found)):
                first.extend(() if first else found)
                raise ended[0]  # sign in again, once; then each request has its own outcome
            return found

        try:
            return self._sessions.use(items[0].credential, fetch, failures=failures)
        except UnvaultError as error:
            if not first:
                raise
            return [error if isinstance(each, SessionExpired) else each for each in first]

    def _outcome(self, item: Wanted, found: Secret | Flight, *, fresh: bool) -> Outcome:
        try:
            whole = found if isinstance(found, Secret) else found.wait(fresh=fresh)
            if whole is None:  # who fetched it was interrupted
                whole = self._cache.fetch(item.key, lambda: self._fetch_one(item))
            self._tell_of_stale(item, whole)
            return whole if item.reference.field is None else whole.field(item.reference.field)
        except UnvaultError as error:
            return located(error, item)

    def _tell_of_stale(self, wanted: Wanted, secret: Secret) -> None:
        if secret.stale:
            self._cache.tell_of_stale(wanted.key, str(wanted.reference))


def named(error: UnvaultError, **where: str | None) -> UnvaultError:
    """Return a twin of an error that says where: a provider may raise one object many times."""
    return copy.copy(error).with_traceback(error.__traceback__).located(**where)


def located(error: UnvaultError, wanted: Wanted) -> UnvaultError:
    """Return an error that says which reference, credential and provider it is about."""
    twin = named(error, provider=wanted.credential.provider, credential=wanted.credential.label)
    twin.reference = str(wanted.reference)
    return twin
