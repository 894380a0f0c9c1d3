"""`Unvault`: what applications import."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from unvault.cache import SecretCache
from unvault.clock import Clock
from unvault.directories import Directories
from unvault.errors import RenderError, StoreLocked, UnvaultError
from unvault.frames import forget_locals, forgets_locals
from unvault.hookspecs import Interaction
from unvault.model import Outcome, SecretInfo
from unvault.names import checked_names
from unvault.providers import Providers, blocked_by
from unvault.reference import Reference
from unvault.resolver import Resolver
from unvault.secret import Secret
from unvault.selection import Selection
from unvault.sessions import Sessions
from unvault.settings import CacheControl, Settings, check_stale_minutes
from unvault.sqlite_store import SqliteStore
from unvault.store_watch import StoreWatch
from unvault.unshown import NamesOnly

if TYPE_CHECKING:
    from unvault.credentials import Credentials
    from unvault.protection import Protection
    from unvault.rendering import FoundReference
    from unvault.store import CredentialStore

PASSPHRASE_VARIABLE = "UNVAULT_PASSPHRASE"  # noqa: S105  # the name of a variable
"""Environment variable: the passphrase of a store that is protected by one."""

NEW_PASSPHRASE_VARIABLE = "UNVAULT_NEW_PASSPHRASE"  # noqa: S105  # the name of a variable
"""Environment variable: the passphrase to protect the store with from now on."""

STORE_FILE = "unvault.db"
"""The credential store's name, in the data folder."""


class Unvault:
    """Takes secrets out of external vaults.

    Everything it uses can be given; what is not given has a good default. Two of them in one
    process share nothing. Nothing is written before there is something to keep. It may be used
    from any thread, and as a context manager that closes its sessions.

    Args:
        app_name: Names the platform's folders.
        directories: The folders, instead of the platform's.
        store: Where credentials and settings are kept; a SQLite file in the data folder by
            default. `in_memory` keeps them nowhere.
        cache: Where values are kept; by default for as long as the settings say. One that was
            given no clock of its own gets that of the first client that uses it.
        plugins: Providers the application brings itself, by id.
        extensions: Names of installed extensions, or objects, that wrap every provider's hooks.
        block: Ids of providers to keep out, besides those in ``UNVAULT_BLOCK``.
        discover: Whether installed providers are used at all.
        environ: The environment, read once; the process's own by default. The vaults' SDKs read
            the process's own in any case.
        interaction: How a person is asked to do something; None where nobody can answer.
        clock: What tells the time.
        parallel: How many fetches `fetch_many` and `render` run at the same time.
        stale_minutes: For how many minutes past its time, 0 to 720, a cached value is used where
            its vault cannot be reached; it says then that it is `Secret.stale`.

    Raises:
        InvalidSetting: The minutes are out of range.
        TypeError: A cache is given too, which has its own ``stale_minutes``.
        ValueError: ``parallel`` is less than 1.
    """

    def __init__(
        self,
        app_name: str = "unvault",
        *,
        directories: Directories | None = None,
        store: CredentialStore | None = None,
        cache: SecretCache | None = None,
        plugins: Mapping[str, object] | None = None,
        extensions: Sequence[object] = (),
        block: Collection[str] = (),
        discover: bool = True,
        environ: Mapping[str, str] | None = None,
        interaction: Interaction | None = None,
        clock: Clock | None = None,
        parallel: int = 32,
        stale_minutes: int = 0,
    ) -> None:
        if cache is not None and stale_minutes:
            raise TypeError("a cache has its own stale_minutes: SecretCache(stale_minutes=...)")
        self._environ = NamesOnly(os.environ if environ is None else environ)
        self._interaction = interaction
        self.directories = directories or Directories.default(app_name, self._environ)
        self.providers = Providers(
            plugins,
            extensions=extensions,
            block={*checked_names("block", block), *blocked_by(self._environ)},
            discover=discover,
        )
        clock = clock or Clock()
        if cache is not None:
            cache.adopt(clock)
        self.parallel = parallel
        self._store = self._default_store() if store is None else store
        self.settings = Settings(self._store)
        if cache is None:
            cache = SecretCache(
                minutes=lambda: self.settings.cache_minutes,
                stale_minutes=check_stale_minutes(stale_minutes),
                clock=clock,
            )
        self.cache = CacheControl(cache, self.settings)
        self._sessions = Sessions(self.providers, self._store, clock, interaction)
        self._selection = Selection(self.providers, self._store, self._environ)
        self._resolver = Resolver(
            self.providers,
            self._selection,
            cache,
            self._sessions,
            StoreWatch(self._store),
            parallel=parallel,
        )

    @cached_property
    def credentials(self) -> Credentials:
        """The stored credentials."""
        from unvault.credentials import Credentials  # not needed to fetch

        return Credentials(
            self._store, self.providers, self._selection, self._resolver, self._environ
        )

    @property
    def interaction(self) -> Interaction | None:
        """How a person is asked to do something."""
        return self._interaction

    @property
    def generation(self) -> Hashable:
        """Another one whenever a reference may mean something else than before.

        A credential was changed, say, or values were dropped. Whoever keeps what was fetched, or
        lets several wait for one fetch, compares it.
        """
        return self._resolver.generation

    @classmethod
    def in_memory(cls, app_name: str = "unvault", **options: Any) -> Self:
        """Return one that keeps credentials and settings in memory and writes nothing.

        Args:
            app_name: The application's name.
            options: As for `Unvault`.
        """
        return cls(app_name, store=SqliteStore(), **options)

    def cached(self, reference: Reference | str) -> Secret | None:
        """Return the secret if it was fetched by these very words and is still good.

        Or if it is stale, and its vault was found to be down just now. Never waits, opens no file
        and asks nobody.
        """
        text = reference if isinstance(reference, str) else str(reference)
        return self._resolver.cached(text)

    def fetch(self, reference: Reference | str, *, fresh: bool = False) -> Secret:
        """Return the secret, or the field of it, that a reference names.

        Args:
            reference: The reference.
            fresh: Fetch it even if it is cached.

        Raises:
            UnvaultError: Whatever stood in the way.
        """
        try:
            return self._resolver.fetch(reference, fresh=fresh)
        except UnvaultError as error:
            forget_locals(error)
            raise

    def fetch_many(
        self, references: Iterable[Reference | str], *, fresh: bool = False
    ) -> Sequence[Outcome]:
        """Return a secret or an error for each reference, in order. Raises none of them.

        Equal references are fetched once, different ones in batches or at the same time.

        Args:
            references: The references; they are gone through once.
            fresh: Fetch them even if they are cached.

        Raises:
            TypeError: It is one reference instead of several.
        """
        found = self._resolver.fetch_many(references, fresh=fresh)
        for each in found:
            if isinstance(each, UnvaultError):
                forget_locals(each)
        return found

    def observe(self, observer: Callable[[Secret], object]) -> None:
        """Tell somebody of every secret, or field of one, before it is handed out.

        That is so for everything that is fetched or rendered from now on, from asyncio too. What
        the same words led to a moment ago, and the cache still has, is not told of again.

        Args:
            observer: Called with each secret, from any thread; it should be quick. What it
                raises, the caller gets.
        """
        self._resolver.observe(observer)

    def list(self, credential: str, prefix: str = "") -> Iterator[SecretInfo]:
        """Browse a vault: paths and versions, never values.

        Args:
            credential: A credential's name or a provider's id.
            prefix: What the paths have to start with.

        Raises:
            NotSupported: The provider cannot list.
            UnvaultError: Whatever stood in the way.
        """
        try:
            yield from self._resolver.list(credential, prefix)
        except UnvaultError as error:
            forget_locals(error)
            raise

    @forgets_locals
    def find_references(self, text: str | bytes) -> Sequence[FoundReference]:
        """Return the reference of every vault tag of a text, with line and column. Offline."""
        from unvault.rendering import decode, find_references

        known = decode(text) if isinstance(text, bytes) else text
        return find_references(known, self._selection)

    @forgets_locals
    def render(self, text: str, *, fresh: bool = False) -> str:
        """Return a text with its vault tags replaced, and everything else as it is.

        Args:
            text: The text.
            fresh: Fetch values even if they are cached.

        Raises:
            RenderError: At least one tag failed, so nothing was rendered; it lists every one.
        """
        from unvault.rendering import render

        return render(text, self._selection, self._resolver, fresh=fresh)

    @forgets_locals
    def render_bytes(self, content: bytes, *, fresh: bool = False) -> bytes:
        """Return a file's content with its vault tags replaced, byte for byte otherwise.

        Raises:
            RenderError: At least one tag failed, or the content is UTF-16 or UTF-32.
        """
        from unvault.rendering import decode, encode

        return encode(self.render(decode(content), fresh=fresh))

    @forgets_locals
    def render_file(self, source: Path | str, target: Path | str, *, fresh: bool = False) -> None:
        """Render one file into another, which only its owner can read.

        The target has its old content or the new one, and never a part of it.

        Args:
            source: The file with the tags.
            target: The file to write; it may be the same.
            fresh: Fetch values even if they are cached.

        Raises:
            RenderError: At least one tag failed; nothing was written.
            OSError: A file cannot be read or written.
        """
        from unvault.private_file import replace_private

        try:
            rendered = self.render_bytes(Path(source).read_bytes(), fresh=fresh)
        except RenderError as error:
            error.located(source=str(source))
            raise
        replace_private(Path(target), rendered)

    def close(self) -> None:
        """Close all sessions and drop all values. It can be used again afterwards."""
        self._sessions.close()
        self.cache.clear()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _default_store(self) -> CredentialStore:
        return SqliteStore(self.directories.data / STORE_FILE, self._protections)

    def _protections(self) -> Sequence[Protection]:
        from unvault.protection import protections

        return protections(self.directories, self._ask_passphrase)

    def _ask_passphrase(self, what: str) -> str:
        variable = NEW_PASSPHRASE_VARIABLE if what.startswith("new") else PASSPHRASE_VARIABLE
        given = self._environ.get(variable)
        if given:
            return given
        if self._interaction is None:
            raise StoreLocked(
                f"the {what} of the credential store is needed, and nobody can be asked for it",
                hint=f"run this on a terminal, or set {variable}",
            )
        return self._interaction.ask(f"{what} of the credential store", hidden=True)
