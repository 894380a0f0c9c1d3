"""The registry of providers: listed by metadata, loaded one at a time, each by itself."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Mapping, MutableSequence, Sequence
from functools import cached_property

import pluggy

from unvault.errors import (
    ProviderBlocked,
    ProviderBroken,
    ProviderConflict,
    ProviderError,
    ProviderNotFound,
    UnvaultError,
)
from unvault.fork import renew_after_fork
from unvault.hookspecs import EXTENSIONS, PROVIDERS, REQUIRED, check_wraps_only, unmarked
from unvault.installed import Entry, entries
from unvault.names import checked_names
from unvault.provider import Provider, ProviderInfo, ProviderState, Source, place_of, text_of
from unvault.suggestions import nearest, sentence

BLOCK_VARIABLE = "UNVAULT_BLOCK"
"""Environment variable: ids of providers to keep out, with commas between them."""

_ID = re.compile(r"[a-z][a-z0-9-]*")
_EXTRA = re.compile(r"unvault-([a-z0-9-]+)\b.*extra == (['\"])\1\2")


class _Unfit(Exception):
    """A provider does not keep the contract; the text says how, and where does not matter."""


class Providers:
    """The providers of one `Unvault`.

    Args:
        plugins: Providers the application brings itself, by id; they go before installed ones.
        extensions: Names of installed extensions, or objects, that wrap every provider's hooks.
        block: Ids of providers to keep out.
        discover: Whether to look for installed providers at all.

    Raises:
        TypeError: One name where names are wanted.
    """

    def __init__(
        self,
        plugins: Mapping[str, object] | None = None,
        *,
        extensions: Sequence[object] = (),
        block: Collection[str] = (),
        discover: bool = True,
    ) -> None:
        self._plugins = dict(plugins or {})
        self._wanted_extensions = checked_names("extensions", extensions)
        self._block = frozenset(checked_names("block", block))
        self._discover = discover
        self._loaded: dict[str, Provider] = {}
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a forked child: a lock that another thread held stays held there."""
        self._loading: dict[str, threading.RLock] = {}  # one for each: an import may take long
        self._lock = threading.RLock()

    def ids(self) -> list[str]:
        """Return the ids of all providers there are, whatever their state."""
        return sorted({*self._plugins, *self._entries})

    def __contains__(self, provider: object) -> bool:
        """Say whether a provider of this id is there, whatever its state."""
        return provider in self._plugins or provider in self._entries

    def list(self) -> list[ProviderInfo]:
        """Return what the metadata tells of every provider; imports none of them."""
        return [info for provider in self.ids() for info in self._infos(provider)]

    def check(self, provider: str) -> ProviderInfo:
        """Load one provider and say how it stands. Raises nothing."""
        try:
            self.load(provider).form  # noqa: B018  # describing itself is part of the contract
        except ProviderConflict as error:
            return ProviderInfo(provider, ProviderState.CONFLICT, reason=error.message)
        except ProviderNotFound as error:
            return ProviderInfo(provider, ProviderState.BROKEN, reason=error.message)
        except ProviderBlocked as error:
            return self._source(provider).info(ProviderState.BLOCKED, error.message)
        except UnvaultError as error:
            return self._source(provider).info(ProviderState.BROKEN, error.message)
        return self._source(provider).info(ProviderState.READY)

    def load(self, provider: str) -> Provider:
        """Return a provider, imported if it was not yet.

        Raises:
            ProviderNotFound: It is not installed.
            ProviderBlocked: It is kept out by configuration.
            ProviderConflict: Two distributions claim its id.
            ProviderBroken: It cannot be imported, or does not keep the contract.
        """
        loaded = self._loaded.get(provider)
        if loaded is not None:
            return loaded
        source = self._source(provider)
        with self._lock:
            loading = self._loading.setdefault(provider, threading.RLock())
        with loading:
            if provider not in self._loaded:
                self._loaded[provider] = self._load(source)
            return self._loaded[provider]

    def source(self, provider: str) -> Source:
        """Return where a provider comes from.

        Raises:
            ProviderNotFound: It is not installed.
            ProviderConflict: Two distributions claim its id.
        """
        return self._source(provider)

    @cached_property
    def _entries(self) -> Mapping[str, Sequence[Entry]]:
        if not self._discover:
            return {}
        found: dict[str, MutableSequence[Entry]] = {}
        for entry in entries(PROVIDERS):
            found.setdefault(entry.name, []).append(entry)
        return found

    @cached_property
    def _extensions(self) -> Mapping[str, object]:
        loaded: dict[str, object] = {}
        for number, wanted in enumerate(self._wanted_extensions, start=1):
            name = wanted if isinstance(wanted, str) else f"{_name_of(wanted)} (number {number})"
            if any(wanted is other for other in self._wanted_extensions[: number - 1]):
                continue
            plugin = _made_extension(name, wanted)
            if not any(plugin is other for other in loaded.values()):  # one may have two names
                loaded[name] = plugin
        return loaded

    def _infos(self, provider: str) -> Iterator[ProviderInfo]:
        try:
            source = self._source(provider)
        except ProviderConflict as error:
            for entry in self._entries[provider]:
                yield Source(provider, entry).info(ProviderState.CONFLICT, error.message)
            return
        if provider in self._block:
            yield source.info(ProviderState.BLOCKED, _blocked(provider).message)
        elif provider in self._loaded:
            yield source.info(ProviderState.READY)
        else:
            yield source.info(ProviderState.INSTALLED)

    def _source(self, provider: str) -> Source:
        if provider in self._plugins:
            return Source(provider, plugin=self._plugins[provider])
        entries = self._entries.get(provider, [])
        if len(entries) == 1:
            return Source(provider, entries[0])
        if not entries:
            raise self._not_found(provider)
        claimants = sorted(_named(Source(provider, entry)) for entry in entries)
        raise ProviderConflict(
            f"more than one distribution provides {provider!r}: {' and '.join(claimants)}",
            hint="uninstall all but one of them",
            provider=provider,
        )

    def _load(self, source: Source) -> Provider:
        provider = source.id
        if provider in self._block:
            raise _blocked(provider)
        try:
            if not _ID.fullmatch(provider):
                raise _Unfit("an id is lower-case letters, digits and '-', with a letter first")
            plugin = source.entry.load() if source.entry else source.plugin
            plugin = plugin() if isinstance(plugin, type) else plugin
            with self._lock:
                extensions = self._extensions
            loaded = Provider(source, plugin, extensions)
            _check_hooks(loaded, plugin)
        except ProviderError:
            raise  # an extension's, which already says what is wrong
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # its import may do anything
            home = source.entry.value.partition(":")[0].partition(".")[0] if source.entry else None
            why = _reason(error, home)
            raise ProviderBroken(
                f"the provider {provider!r} ({_named(source)}) cannot be used: {why}",
                hint="update or reinstall it, or tell its author",
                provider=provider,
                distribution=source.distribution,
            ) from error
        return loaded

    def _not_found(self, provider: str) -> ProviderNotFound:
        there = sentence("installed providers", self.ids())
        hint = f"install the distribution that provides {provider!r}"
        if provider in _extras():
            hint = f'pip install "unvault[{provider}]"'
        return ProviderNotFound(
            f"no installed distribution provides {provider!r}; {there}",
            hint=hint,
            provider=provider,
            candidates=nearest(provider, self.ids()),
        )


def blocked_by(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the ids that ``UNVAULT_BLOCK`` keeps out."""
    names = environ.get(BLOCK_VARIABLE, "").split(",")
    return frozenset(name.strip() for name in names if name.strip())


def installable(provider: str) -> bool:
    """Say whether the core has an extra of this name, which would install a provider."""
    return provider in _extras()


def _extras() -> Collection[str]:
    """Return the core's extras that bring ``unvault-<extra>``: its metadata knows, its code not."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        return {found[1] for line in requires("unvault") or () if (found := _EXTRA.match(line))}
    except PackageNotFoundError:
        return ()


def _name_of(plugin: object) -> str:
    """Return what a module, a class or an object's class is called."""
    name: str = getattr(plugin, "__name__", type(plugin).__name__)
    return name


def _blocked(provider: str) -> ProviderBlocked:
    return ProviderBlocked(
        f"the provider {provider!r} is blocked by configuration",
        hint=f"take it out of {BLOCK_VARIABLE}, or of the application's block list",
        provider=provider,
    )


def _named(source: Source) -> str:
    if source.entry is None:
        return "of this application"
    return (
        f"{source.distribution or 'a distribution without metadata'} {source.version or ''}".strip()
    )


def _check_hooks(provider: Provider, plugin: object) -> None:
    unseen = unmarked(plugin)
    for hook in REQUIRED:
        if not provider.has(hook):
            marked = "; it has a function of that name without @hookimpl"
            raise _Unfit(f"it lacks the required hook {hook}{marked if hook in unseen else ''}")
    if unseen:
        raise _Unfit(f"it has a function {unseen[0]} without @hookimpl")


def _made_extension(name: str, wanted: object) -> object:
    plugin = _load_extension(wanted) if isinstance(wanted, str) else wanted
    try:
        plugin = plugin() if isinstance(plugin, type) else plugin
    except Exception as error:
        raise _unloaded(name, error) from error
    check_wraps_only(name, plugin)
    return plugin


def _load_extension(name: str) -> object:
    installed = entries(EXTENSIONS)
    found = [entry for entry in installed if entry.name == name]
    if len(found) != 1:
        there = sentence("installed extensions", sorted({entry.name for entry in installed}))
        raise ProviderNotFound(f"there is no extension {name!r}; {there}")
    try:
        return found[0].load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _unloaded(name, error) from error


def _unloaded(name: str, error: BaseException) -> ProviderBroken:
    return ProviderBroken(f"the extension {name!r} cannot be loaded: {_reason(error)}")


def _reason(error: BaseException, home: str | None = None) -> str:
    if isinstance(error, pluggy.PluginValidationError | _Unfit):
        return text_of(error)
    return f"{type(error).__name__}: {text_of(error)} (at {place_of(error, home)})"
