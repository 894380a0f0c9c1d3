"""From a reference to its value: cached, or fetched through its credential's session."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence

import attrs

from unvault.cache import CacheKey, Flight, SecretCache
from unvault.errors import SessionExpired, UnvaultError
from unvault.lookups import request_for
from unvault.model import Credential, Outcome, SecretInfo, SecretRequest, Session
from unvault.parallel import run_side_by_side
from unvault.providers import Providers
from unvault.reference import Reference
from unvault.secret import Secret
from unvault.selection import Selection
from unvault.sessions import Sessions


@attrs.frozen
class _Wanted:
    """A reference, and what has to be asked of whom for it."""

    reference: Reference
    credential: Credential
    request: SecretRequest
    key: CacheKey


_Flying = tuple[_Wanted, Flight]


class _Remembering:
    """Looks up each credential once, and gives the same answer, or the same error, again."""

    def __init__(self, look_up: Callable[[str], Credential]) -> None:
        self._look_up = look_up
        self._known: dict[str, Credential | UnvaultError] = {}

    def __call__(self, head: str) -> Credential:
        if head not in self._known:
            try:
                self._known[head] = self._look_up(head)
            except UnvaultError as error:
                self._known[head] = error
        known = self._known[head]
        if isinstance(known, UnvaultError):
            raise copy.copy(known)
        return known


class Resolver:
    """Resolves references.

    Args:
        providers: Where the providers are.
        selection: Finds the credential that a reference means.
        cache: Where the values are kept.
        sessions: Where the sessions are.
        parallel: How many fetches may run at the same time.
    """

    def __init__(
        self,
        providers: Providers,
        selection: Selection,
        cache: SecretCache,
        sessions: Sessions,
        *,
        parallel: int,
    ) -> None:
        self.sessions = sessions
        self._providers = providers
        self._selection = selection
        self._cache = cache
        self._parallel = parallel
        self._recent: dict[str, CacheKey] = {}  # what texts led to: a short cut for the next time

    def cached(self, text: str) -> Secret | None:
        """Return the value a reference's text led to the last time, while it is still good."""
        key = self._recent.get(text)
        return None if key is None else self._cache.part(key, text)

    def fetch(self, reference: Reference | str, *, fresh: bool = False) -> Secret:
        """Return a reference's value, from the cache or from its vault.

        Raises:
            UnvaultError: Whatever stood in the way; it names provider, credential and reference.
        """
        text = str(reference)
        known = None if fresh else self.cached(text)
        if known is not None:
            return known
        recent = self._recent  # of now: what is reconsidered meanwhile is not remembered
        try:
            parsed = Reference.parse(reference) if isinstance(reference, str) else reference
            wanted = self._wanted(parsed, self._selection.credential(parsed.credential))
        except UnvaultError as error:
            error.located(reference=text)
            raise
        try:
            whole = self._cache.fetch(wanted.key, lambda: self._fetch_one(wanted), fresh=fresh)
            secret = whole if parsed.field is None else whole.field(parsed.field)
        except UnvaultError as error:
            _located(error, wanted)
            raise
        self._cache.keep_part(wanted.key, whole, text, secret)
        if len(recent) >= self._cache.max_entries:
            recent.clear()
        recent[text] = wanted.key
        return secret

    def fetch_many(
        self, references: Sequence[Reference | str], *, fresh: bool = False
    ) -> Sequence[Outcome]:
        """Return an outcome for each reference, in order.

        Equal references are fetched once. Those of one credential go to the provider as a batch,
        where it takes batches; all others are fetched at the same time, within the bound.
        """
        outcomes: dict[Reference | str, Outcome] = {}
        wanted: dict[Reference | str, _Wanted] = {}
        credential = _Remembering(self._selection.credential)
        for each in dict.fromkeys(references):
            try:
                parsed = Reference.parse(each) if isinstance(each, str) else each
                wanted[each] = self._wanted(parsed, credential(parsed.credential))
            except UnvaultError as error:
                outcomes[each] = error.located(reference=str(each))
        found = self._fetch_wanted(wanted.values(), fresh=fresh)
        for each, item in wanted.items():
            outcomes[each] = self._outcome(item, found[item.key])
        return [outcomes[each] for each in references]

    def list(self, head: str, prefix: str = "") -> Iterator[SecretInfo]:
        """Browse a vault: names and versions, never values. Not cached.

        Raises:
            NotSupported: The provider cannot list.
            UnvaultError: Whatever stood in the way.
        """
        credential = self._selection.credential(head)
        provider = self._providers.load(credential.provider)

        def collect(session: Session) -> Sequence[SecretInfo]:
            return [*provider.iterate("list_secrets", session=session, prefix=prefix)]

        try:
            yield from self.sessions.use(credential, collect)
        except UnvaultError as error:
            error.located(credential=credential.label)
            raise

    def reconsider(self) -> None:
        """Forget what references led to: another credential may be meant from now on."""
        self._recent = {}

    def forget(self, credential_id: str) -> None:
        """Drop a credential's sessions and values: it was changed or removed."""
        self.reconsider()
        self._cache.forget(
            lambda key: isinstance(key, CacheKey) and key.credential == credential_id
        )
        self.sessions.drop(credential_id)

    def _wanted(self, reference: Reference, credential: Credential) -> _Wanted:
        try:
            form = self._providers.load(credential.provider).secret_form
            request = request_for(reference, form)
        except UnvaultError as error:
            error.located(provider=credential.provider, credential=credential.label)
            raise
        key = CacheKey(
            credential.provider,
            credential.id,
            credential.revision,
            request.path,
            request.parameters,
        )
        return _Wanted(reference, credential, request, key)

    def _fetch_wanted(
        self, wanted: Iterable[_Wanted], *, fresh: bool
    ) -> dict[CacheKey, Secret | Flight]:
        """Fetch what nobody else is fetching, each request once."""
        flying: MutableSequence[_Flying] = []
        found: dict[CacheKey, Secret | Flight] = {}
        try:
            for item in wanted:
                if item.key not in found:
                    found[item.key] = self._claim(item, flying, fresh=fresh)
            self._fly(flying)
        finally:
            self._abandon(flying)
        return found

    def _fetch_one(self, wanted: _Wanted) -> Secret:
        provider = self._providers.load(wanted.credential.provider)

        def fetch(session: Session) -> Secret:
            secret: Secret = provider.call("fetch_secret", session=session, request=wanted.request)
            return secret

        return self.sessions.use(wanted.credential, fetch)

    def _claim(
        self, item: _Wanted, flying: MutableSequence[_Flying], *, fresh: bool
    ) -> Secret | Flight:
        claimed = self._cache.claim(item.key, fresh=fresh)
        if isinstance(claimed, Secret):
            return claimed
        flight, leads = claimed
        if leads:
            flying.append((item, flight))
        return flight

    def _fly(self, flying: Sequence[_Flying]) -> None:
        """Fetch what is this caller's to fetch: batches and single ones side by side."""
        groups: dict[tuple[str, int], MutableSequence[_Flying]] = {}
        for item, flight in flying:
            owner = (item.credential.id, item.credential.revision)
            groups.setdefault(owner, []).append((item, flight))
        work: MutableSequence[Sequence[_Flying]] = []
        for group in groups.values():
            work += [group] if self._takes_batches(group) else [[pair] for pair in group]
        if len(work) == 1:
            self._land(work[0])
        else:
            run_side_by_side(self._land, work, bound=self._parallel, name="unvault-fetch")

    def _takes_batches(self, group: Sequence[_Flying]) -> bool:
        if len(group) < 2:
            return False
        try:
            return self._providers.load(group[0][0].credential.provider).has("fetch_secrets")
        except UnvaultError:
            return False  # fetching one by one reports it for each reference

    def _land(self, group: Sequence[_Flying]) -> None:
        """Fetch one group and give each flight its outcome."""
        outcomes: Sequence[Outcome]
        try:
            if len(group) == 1:
                outcomes = [self._fetch_one(group[0][0])]
            else:
                outcomes = self._fetch_batch([item for item, _ in group])
        except UnvaultError as error:
            outcomes = [error] * len(group)
        for (_, flight), outcome in zip(group, outcomes, strict=True):
            self._cache.land(flight, outcome)

    def _fetch_batch(self, items: Sequence[_Wanted]) -> Sequence[Outcome]:
        provider = self._providers.load(items[0].credential.provider)
        requests = [item.request for item in items]
        signed_in: list[Session] = []

        def fetch(session: Session) -> Sequence[Outcome]:
            found = provider.call_batch(session, requests)
            ended = [each for each in found if isinstance(each, SessionExpired)]
            signed_in.append(session)
            if ended and len(signed_in) == 1:
                raise ended[0]  # sign in again, once; then each request has its own outcome
            return found

        return self.sessions.use(items[0].credential, fetch)

    def _abandon(self, flying: Sequence[_Flying]) -> None:
        """Let nobody wait for a flight that was interrupted before it landed."""
        for _, flight in flying:
            if not flight.landed.is_set():
                self._cache.land(flight, KeyboardInterrupt())

    def _outcome(self, item: _Wanted, found: Secret | Flight) -> Outcome:
        try:
            if isinstance(found, Secret):
                whole = found
            else:
                whole = found.wait() or self._cache.fetch(item.key, lambda: self._fetch_one(item))
            return whole if item.reference.field is None else whole.field(item.reference.field)
        except UnvaultError as error:
            return _located(error, item)


def _located(error: UnvaultError, wanted: _Wanted) -> UnvaultError:
    """Say in an error which reference, credential and provider it is about."""
    error.reference = str(wanted.reference)
    return error.located(provider=wanted.credential.provider, credential=wanted.credential.label)
