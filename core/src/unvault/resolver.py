"""From a reference to its value: cached, or fetched through its credential's session."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from unvault.cache import CacheKey, SecretCache
from unvault.errors import InvalidReference, StoreError, UnvaultError
from unvault.fetching import Fetching, Wanted, named
from unvault.lookups import request_for
from unvault.model import Credential, Origin, Outcome, SecretInfo, Session
from unvault.providers import Providers
from unvault.recent import Recent
from unvault.reference import Reference
from unvault.secret import Secret
from unvault.selection import Selection
from unvault.sessions import Sessions
from unvault.store_watch import StoreWatch


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
        watch: Tells whether another process changed what is stored.
        parallel: How many fetches may run at the same time.

    Raises:
        ValueError: Not even one may.
    """

    def __init__(
        self,
        providers: Providers,
        selection: Selection,
        cache: SecretCache,
        sessions: Sessions,
        watch: StoreWatch,
        *,
        parallel: int,
    ) -> None:
        self.sessions = sessions
        self._providers = providers
        self._selection = selection
        self._cache = cache
        self._fetching = Fetching(providers, cache, sessions, parallel=parallel)
        self._watch = watch
        self._recent = Recent(cache, watch)
        self._used: dict[str, Credential] = {}  # stored ones that were meant, by id
        self._observers: tuple[Callable[[Secret], object], ...] = ()

    def observe(self, observer: Callable[[Secret], object]) -> None:
        """Tell somebody of each secret before it is handed out; not again where `cached` has it."""
        self._observers += (observer,)
        self.reconsider()  # what was handed out already is told of when it is asked for next

    @property
    def generation(self) -> Hashable:
        """Another one whenever a reference may mean something else than before."""
        return self._recent.era, self._cache.epoch

    def cached(self, text: str) -> Secret | None:
        """Return the value a reference's text led to the last time, while it is still good."""
        return self._recent.get(text)

    def fetch(self, reference: Reference | str, *, fresh: bool = False) -> Secret:
        """Return a reference's value, from the cache or from its vault.

        Raises:
            UnvaultError: Whatever stood in the way; it names provider, credential and reference.
        """
        text = reference if isinstance(reference, str) else str(reference)
        known = None if fresh else self._recent.get(text)
        if known is not None:
            return known
        self._keep_up()
        page = self._recent.page  # of now: what is reconsidered meanwhile is not remembered
        try:
            parsed = _parsed(reference)
            wanted = self._wanted(parsed, self._credential(parsed.credential))
            whole, secret = self._fetching.one(wanted, fresh=fresh)
        except UnvaultError as error:
            failed = named(error, reference=text)
        else:
            self._tell(secret)  # before `cached` could hand it out
            entry = self._cache.keep_part(wanted.key, whole, text, secret)
            self._recent.note(page, text, entry)
            return secret
        raise failed  # outside the handler: nobody is told of the one it was made from

    def fetch_many(
        self, references: Iterable[Reference | str], *, fresh: bool = False
    ) -> Sequence[Outcome]:
        """Return an outcome for each reference, in order.

        Equal references are fetched once. Those of one credential go to the provider as a batch,
        where it takes batches; all others are fetched at the same time, within the bound. Each
        credential is signed in with first; where that fails, all of its references fail with it.

        Raises:
            TypeError: It is one reference instead of several.
        """
        self._keep_up()
        credential = _Remembering(self._credential)
        asked = [_hashable(each) for each in listed(references)]
        once = [each for each in dict.fromkeys(asked) if not isinstance(each, UnvaultError)]
        wanted = (self._wanted_or_why_not(each, credential) for each in once)
        found = self._fetching.many(wanted, fresh=fresh)
        outcomes = dict(zip(once, found, strict=True))
        for outcome in outcomes.values():
            if isinstance(outcome, Secret):
                self._tell(outcome)
        return [each if isinstance(each, UnvaultError) else outcomes[each] for each in asked]

    def list(self, head: str, prefix: str = "") -> Iterator[SecretInfo]:
        """Browse a vault: names and versions, never values. Not cached.

        Raises:
            NotSupported: The provider cannot list.
            UnvaultError: Whatever stood in the way.
        """
        self._keep_up()
        credential = self._credential(head)
        provider = self._providers.load(credential.provider)

        def collect(session: Session) -> Sequence[SecretInfo]:
            return [*provider.iterate("list_secrets", session=session, prefix=prefix)]

        try:
            found = self.sessions.use(credential, collect)
        except UnvaultError as error:
            failed = named(error, credential=credential.label)
        else:
            yield from found
            return
        raise failed

    def reconsider(self) -> None:
        """Forget what references led to: another credential may be meant from now on."""
        self._recent.forget()

    def forget(self, credential_id: str) -> None:
        """Drop a credential's sessions and values: it was changed or removed.

        What was signed in to by means of it goes with it.
        """
        self.reconsider()
        self._used.pop(credential_id, None)
        ids = self.sessions.affected(credential_id)
        self._cache.forget(lambda key: isinstance(key, CacheKey) and key.credential in ids)
        self.sessions.drop(credential_id)

    def _tell(self, secret: Secret) -> None:
        for observer in self._observers:
            observer(secret)

    def _credential(self, head: str) -> Credential:
        found = self._selection.credential(head)
        if found.origin is Origin.STORED:
            self._used[found.id] = found
        return found

    def _keep_up(self) -> None:
        """Let go of what another process made stale: looked for once per second at the most.

        Sessions and values are found by a credential's revision. This is for those that nobody
        would ask for any more, and for a revision that there was before a backup was put back.
        """
        self._recent.look(self._cache.clock.elapsed())
        if not self._watch.unsettled:
            return
        self._watch.unsettled = False  # before: what changes meanwhile is another change
        self._cache.ask_again()
        try:
            used = self._used.copy().values()
            gone = [each.id for each in used if not self._selection.is_current(each)]
        except StoreError:
            self._watch.unsettled = True  # who needs the store is told what is wrong with it
            return
        for credential_id in gone:
            self.forget(credential_id)

    def _wanted_or_why_not(
        self, reference: Reference | str, credential: Callable[[str], Credential]
    ) -> Wanted | UnvaultError:
        try:
            parsed = _parsed(reference)
            return self._wanted(parsed, credential(parsed.credential))
        except UnvaultError as error:
            return named(error, reference=str(reference))

    def _wanted(self, reference: Reference, credential: Credential) -> Wanted:
        try:
            form = self._providers.load(credential.provider).secret_form
            request = request_for(reference, form)
        except UnvaultError as error:
            where = {"provider": credential.provider, "credential": credential.label}
            raise named(error, **where) from error.__cause__
        key = CacheKey(
            credential.provider,
            credential.id,
            credential.revision,
            request.path,
            request.parameters,
        )
        return Wanted(reference, credential, request, key)


def listed(references: Iterable[Reference | str]) -> Sequence[Reference | str]:
    """Return references that may come from anything that can be gone through once.

    Raises:
        TypeError: It is a text, each character of which would be taken for a reference.
    """
    if isinstance(references, str | bytes | Reference):
        raise TypeError("several references are needed, such as a list; this is one")
    return [*references]


def _hashable(reference: object) -> Reference | str | UnvaultError:
    return reference if isinstance(reference, Reference | str) else _no_reference(reference)


def _parsed(reference: Reference | str) -> Reference:
    if isinstance(reference, Reference):
        return reference
    if not isinstance(reference, str):
        raise _no_reference(reference)
    return Reference.parse(reference)


def _no_reference(wrong: object) -> InvalidReference:
    return InvalidReference(  # what it is may be a value, and is not shown
        f"a reference is a text or a Reference, not {type(wrong).__name__}"
    )
