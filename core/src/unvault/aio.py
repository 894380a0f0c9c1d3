"""`AsyncUnvault`: the same for asyncio. It never blocks the loop; a cache hit needs no thread."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from unvault.client import Unvault
from unvault.errors import UnvaultError
from unvault.model import Credential, Outcome, SecretInfo, Session
from unvault.protection import Protection
from unvault.provider import Provider, ProviderInfo, Source
from unvault.providers import Providers
from unvault.reference import Reference
from unvault.rendering import FoundReference
from unvault.resolver import listed
from unvault.secret import Secret
from unvault.settings import CacheControl
from unvault.store import StoredCredential
from unvault.threads import Joins, Threads
from unvault.unshown import NamesOnly

_T = TypeVar("_T")
_Run = Callable[..., Any]


class AsyncUnvault:
    """Takes secrets out of external vaults, from asyncio.

    Args:
        client: The `Unvault` it is the twin of; both share credentials, sessions and cache.
        options: As for `Unvault`, where no client is given.

    Raises:
        TypeError: A client and options are given.
    """

    def __init__(self, client: Unvault | None = None, **options: Any) -> None:
        if client is not None and options:
            raise TypeError(f"a client has its options already: {', '.join(options)}")
        self.sync = Unvault(**options) if client is None else client
        self._cached = self.sync.cached
        self.cache = AsyncCacheControl(self.sync.cache, self._run)
        self.credentials = AsyncCredentials(self.sync, self._run)
        self.providers = AsyncProviders(self.sync.providers, self._run)
        self._threads = Threads(self.sync.parallel)
        self._joins: Joins[Secret] = Joins()

    async def fetch(self, reference: Reference | str, *, fresh: bool = False) -> Secret:
        """Return the secret that a reference names; see `Unvault.fetch`.

        However many tasks ask for one reference, one thread fetches it; a task that is cancelled
        takes the value from no other.
        """
        text = reference if isinstance(reference, str) else str(reference)
        if fresh:
            return await self._fetch(text, fresh=True)
        known = self._cached(text)
        if known is not None:
            return known
        # Who asks after a failure, or after a change, joins none from before.
        failures = self.sync.cache.statistics().failures
        asked = (text, self.sync.generation, failures)
        try:
            return await self._joins.join(asked, lambda: self._fetch(text))
        except UnvaultError as error:
            raise copy.copy(error) from error.__cause__  # each task has a traceback of its own

    async def fetch_many(
        self, references: Iterable[Reference | str], *, fresh: bool = False
    ) -> Sequence[Outcome]:
        """Return a secret or an error for each reference; see `Unvault.fetch_many`.

        When the task is cancelled, what has not begun is not begun any more.
        """
        return await self._run(self.sync.fetch_many, listed(references), fresh=fresh)

    async def list(self, credential: str, prefix: str = "") -> AsyncIterator[SecretInfo]:
        """Browse a vault; see `Unvault.list`."""

        def collect() -> Sequence[SecretInfo]:
            return [*self.sync.list(credential, prefix)]

        for info in await self._run(collect):
            yield info

    async def find_references(self, text: str | bytes) -> Sequence[FoundReference]:
        """Return the reference of every vault tag of a text; see `Unvault.find_references`."""
        return await self._run(self.sync.find_references, text)

    async def render(self, text: str, *, fresh: bool = False) -> str:
        """Return a text with its vault tags replaced; see `Unvault.render`."""
        return await self._run(self.sync.render, text, fresh=fresh)

    async def render_bytes(self, content: bytes, *, fresh: bool = False) -> bytes:
        """Return a file's content with its vault tags replaced; see `Unvault.render_bytes`."""
        return await self._run(self.sync.render_bytes, content, fresh=fresh)

    async def render_file(
        self, source: Path | str, target: Path | str, *, fresh: bool = False
    ) -> None:
        """Render one file into another; see `Unvault.render_file`."""
        await self._run(self.sync.render_file, source, target, fresh=fresh)

    def observe(self, observer: Callable[[Secret], object]) -> None:
        """Tell somebody of every secret before it is handed out; see `Unvault.observe`."""
        self.sync.observe(observer)

    async def close(self) -> None:
        """Close all sessions and drop all values. It can be used again afterwards."""
        await self._run(self.sync.close)

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def _fetch(self, text: str, *, fresh: bool = False) -> Secret:
        """Fetch in a thread. Those of one credential share a bound, and hold up no others."""
        head = text.removeprefix("unvault://").partition("/")[0]
        return await self._threads.run(partial(self.sync.fetch, text, fresh=fresh), lane=head)

    async def _run(self, function: Callable[..., _T], *arguments: Any, **options: Any) -> _T:
        return await self._threads.run(partial(function, *arguments, **options))


class AsyncCacheControl:
    """The values in memory, from asyncio. What only looks at the memory is not awaited.

    Args:
        cache: The cache control it is the twin of.
        run: Runs a function in a thread.
    """

    def __init__(self, cache: CacheControl, run: _Run) -> None:
        self._sync = cache
        self._run = run
        self.max_entries = cache.max_entries
        self.statistics = cache.statistics
        self.clear = cache.clear

    async def minutes(self) -> float:
        """Return for how many minutes a value is kept."""
        minutes: float = await self._run(getattr, self._sync, "minutes")
        return minutes

    async def change_minutes(self, minutes: int) -> None:
        """Change for how many minutes a value is kept, and the stored setting."""
        await self._run(setattr, self._sync, "minutes", minutes)


class AsyncCredentials:
    """The stored credentials, from asyncio; each method is the twin of `Credentials`' own.

    Args:
        client: The `Unvault` whose credentials they are.
        run: Runs a function in a thread.
    """

    def __init__(self, client: Unvault, run: _Run) -> None:
        self._sync = client.credentials
        self._run = run

    async def list(self) -> Sequence[StoredCredential]:
        """Return what is stored, by name."""
        found: Sequence[StoredCredential] = await self._run(self._sync.list)
        return found

    async def get(self, name: str) -> Credential:
        """Return a stored credential, by its name or id."""
        found: Credential = await self._run(self._sync.get, name)
        return found

    async def resolve(self, head: str) -> Credential:
        """Return the credential that the head of a reference means."""
        found: Credential = await self._run(self._sync.resolve, head)
        return found

    async def draft(
        self,
        provider: str,
        type: str | None = None,
        answers: Mapping[str, object] | None = None,
        *,
        name: str = "",
    ) -> Credential:
        """Check answers and return the credential they make, without storing it."""
        answers = NamesOnly(answers)  # frames and asyncio's debug mode show what is handed on
        made: Credential = await self._run(self._sync.draft, provider, type, answers, name=name)
        return made

    async def draft_from_environment(self, provider: str, *, name: str = "") -> Credential:
        """Return the credential that the environment describes, without storing it."""
        made: Credential = await self._run(self._sync.draft_from_environment, provider, name=name)
        return made

    async def environment(self, provider: str) -> Sequence[str]:
        """Return the names of the variables that describe a credential for a provider."""
        names: Sequence[str] = await self._run(self._sync.environment, provider)
        return names

    async def test(self, credential: Credential | str) -> Session:
        """Sign in with a credential, and return what came of it."""
        session: Session = await self._run(self._sync.test, credential)
        return session

    async def add(self, draft: Credential, *, session: Session | None = None) -> Credential:
        """Store a draft under its name."""
        added: Credential = await self._run(self._sync.add, draft, session=session)
        return added

    async def edit(
        self, name: str, draft: Credential, *, session: Session | None = None
    ) -> Credential:
        """Give a stored credential a draft's type and answers."""
        changed: Credential = await self._run(self._sync.edit, name, draft, session=session)
        return changed

    async def rename(self, name: str, new: str) -> Credential:
        """Give a stored credential another name."""
        renamed: Credential = await self._run(self._sync.rename, name, new)
        return renamed

    async def remove(self, name: str) -> None:
        """Forget a stored credential."""
        await self._run(self._sync.remove, name)

    async def clear(self, name: str) -> Credential:
        """Sign out: forget a credential's answers, and keep its name."""
        cleared: Credential = await self._run(self._sync.clear, name)
        return cleared

    async def default(self, provider: str) -> StoredCredential | None:
        """Return the stored credential that a provider's id stands for."""
        chosen: StoredCredential | None = await self._run(self._sync.default, provider)
        return chosen

    async def set_default(self, name: str) -> StoredCredential:
        """Let a provider's id stand for a stored credential."""
        chosen: StoredCredential = await self._run(self._sync.set_default, name)
        return chosen

    async def unset_default(self, provider: str) -> None:
        """Let a provider's id stand for no stored credential any more."""
        await self._run(self._sync.unset_default, provider)

    async def protection(self) -> Protection | None:
        """Return how what is stored is protected; None before anything was stored."""
        found: Protection | None = await self._run(self._sync.protection)
        return found

    async def protect(self, protection: str) -> None:
        """Protect what is stored in another way."""
        await self._run(self._sync.protect, protection)

    async def check_name(self, name: str) -> None:
        """Check that a credential may be called this."""
        await self._run(self._sync.check_name, name)


class AsyncProviders:
    """The providers, from asyncio.

    Args:
        providers: The registry.
        run: Runs a function in a thread.
    """

    def __init__(self, providers: Providers, run: _Run) -> None:
        self._sync = providers
        self._run = run

    async def ids(self) -> Sequence[str]:
        """Return the ids of all providers there are, whatever their state."""
        found: Sequence[str] = await self._run(self._sync.ids)
        return found

    async def list(self) -> Sequence[ProviderInfo]:
        """Return what the metadata tells of every provider; imports none of them."""
        found: Sequence[ProviderInfo] = await self._run(self._sync.list)
        return found

    async def check(self, provider: str) -> ProviderInfo:
        """Load one provider and say how it stands."""
        info: ProviderInfo = await self._run(self._sync.check, provider)
        return info

    async def load(self, provider: str) -> Provider:
        """Return a provider, imported if it was not yet."""
        loaded: Provider = await self._run(self._sync.load, provider)
        return loaded

    async def source(self, provider: str) -> Source:
        """Return where a provider comes from."""
        found: Source = await self._run(self._sync.source, provider)
        return found
