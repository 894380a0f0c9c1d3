"""One loaded provider, and what can be told of one that is not.

Every loaded provider has a plugin manager of its own, which holds that provider and the enabled
extensions and nothing else. A hook call therefore cannot reach another provider, whatever is
loaded meanwhile in another thread: with one manager for all, it would hand one provider's
credential to every other.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import pluggy

from unvault import hookspecs
from unvault.errors import NotSupported, ProviderBroken, ProviderFault, UnvaultError
from unvault.forms import CredentialForm, SecretForm
from unvault.frames import forget_locals
from unvault.hookspecs import PROJECT, refuse_old_wrappers
from unvault.model import (
    Outcome,
    SecretInfo,
    SecretRequest,
    Session,
    can_be_kept,
    is_moment,
)
from unvault.secret import Secret

if TYPE_CHECKING:
    from types import FrameType

    from unvault.installed import Entry

_RESULTS: Mapping[str, type] = {
    "describe_credential_form": CredentialForm,
    "authenticate": Session,
    "fetch_secret": Secret,
    "describe_secret_form": SecretForm,
    "describe_session": Session,
    "fetch_secrets": Sequence,
    "list_secrets": Iterable,
}

_ITEMS: Mapping[str, type] = {"list_secrets": SecretInfo}

_DESCRIBING = ("describe_credential_form", "describe_secret_form")
"""The hooks that are handed no secret, so that what they raise may be shown to their author."""

_END = object()
_T = TypeVar("_T")


class ProviderState(StrEnum):
    """How a provider stands."""

    INSTALLED = "installed"
    """Its metadata is there; it was not loaded yet."""
    READY = "ready"
    """It is loaded, or was loaded as it is now, and keeps the contract."""
    BROKEN = "broken"
    """It cannot be loaded, or does not keep the contract."""
    CONFLICT = "conflict"
    """Another distribution claims the same id, so neither is used."""
    BLOCKED = "blocked"
    """It is kept out by configuration."""


@attrs.frozen
class ProviderInfo:
    """What can be told of a provider."""

    id: str
    """What references and configuration call it."""
    state: ProviderState
    """How it stands."""
    distribution: str | None = None
    """The distribution it comes from; None where the application brought it."""
    version: str | None = None
    """That distribution's version."""
    reason: str | None = None
    """Why it is broken, in conflict or blocked."""


@attrs.frozen
class Source:
    """Where a provider comes from: an installed entry point, or an object of the application."""

    id: str
    """The provider's id."""
    entry: Entry | None = None
    """The entry point, where it is installed."""
    plugin: object = None
    """The object, where the application brought it."""

    @property
    def distribution(self) -> str | None:
        """Name of the distribution."""
        return self.entry.distribution if self.entry else None

    @property
    def version(self) -> str | None:
        """Version of the distribution."""
        return self.entry.version if self.entry else None

    def info(self, state: ProviderState, reason: str | None = None) -> ProviderInfo:
        """Return what can be told of it."""
        return ProviderInfo(self.id, state, self.distribution, self.version, reason)


class Provider:
    """One loaded provider, and the only way to call its hooks.

    Args:
        source: Where it comes from.
        plugin: The module or object with the hooks.
        extensions: Plugins whose wrappers go round its hooks, by name.

    Raises:
        pluggy.PluginValidationError: It does not fit the specifications.
        ProviderBroken: An extension does not.
    """

    def __init__(self, source: Source, plugin: object, extensions: Mapping[str, object]) -> None:
        self.id = source.id
        self._source = source
        self._home = home_of(plugin)
        refuse_old_wrappers(plugin)
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._manager.register(plugin, name=source.id)
        self._manager.check_pending()
        callers = self._manager.get_hookcallers(plugin) or []
        self._hooks = frozenset(caller.name for caller in callers)
        for name, extension in extensions.items():
            self._wrap(name, extension)

    def has(self, hook: str) -> bool:
        """Say whether the provider implements a hook."""
        return hook in self._hooks

    @cached_property
    def form(self) -> CredentialForm:
        """Its credential form."""
        form: CredentialForm = self.call("describe_credential_form")
        return form

    @cached_property
    def secret_form(self) -> SecretForm | None:
        """Its secret form, where it has one."""
        return self.call("describe_secret_form") if self.has("describe_secret_form") else None

    def call(self, hook: str, **arguments: Any) -> Any:
        """Call one hook of this provider, and of the extensions around it.

        Raises:
            NotSupported: The provider has no such hook.
            ProviderFault: It raised something that is not ours, or returned the wrong thing.
            UnvaultError: Whatever the hook raised.
        """
        if not self.has(hook):
            raise NotSupported(f"the provider {self.id!r} has no {hook}", provider=self.id)
        caller = getattr(self._manager.hook, hook)
        return self._checked(hook, self._guarded(hook, partial(caller, **arguments)), _RESULTS)

    def iterate(self, hook: str, **arguments: Any) -> Iterator[Any]:
        """Call a hook that may be lazy, and guard each step as `call` guards the call."""
        found = self.call(hook, **arguments)
        items = self._guarded(hook, partial(iter, found))
        try:
            while (item := self._guarded(hook, partial(next, items, _END))) is not _END:
                yield self._checked(hook, item, _ITEMS)
        finally:
            if isinstance(items, Generator):  # left to itself, it would print what it raises
                self._guarded(hook, items.close)

    def call_batch(self, session: Session, requests: Sequence[SecretRequest]) -> list[Outcome]:
        """Call ``fetch_secrets``, and see to it that every request has its outcome."""
        found = list(self.iterate("fetch_secrets", session=session, requests=requests))
        wrong = [
            type(each).__name__ for each in found if not isinstance(each, Secret | UnvaultError)
        ]
        if wrong:
            raise self._defect(f"the provider returned {wrong[0]} among the outcomes of a batch")
        if len(found) != len(requests):
            counts = f"{len(found)} outcomes for {len(requests)} requests"
            raise self._defect(f"the provider returned {counts}")
        return found

    def _guarded(self, hook: str, action: Callable[[], _T]) -> _T:
        """Do something of the provider's; whatever is not ours becomes a fault without its text."""
        try:
            return action()
        except UnvaultError as error:
            forget_locals(error)
            failed = error.located(provider=self.id)
        except BaseException as error:
            if _ends_the_program(error):
                forget_locals(error)
                error.__cause__ = error.__context__ = None  # what it came in between of: theirs
                raise
            failed = self._fault(hook, error)
        raise failed  # outside the handler: the original may hold a value, and is not chained

    def _wrap(self, name: str, extension: object) -> None:
        try:
            refuse_old_wrappers(extension)
            self._manager.register(extension, name=f"extension {name}")
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise ProviderBroken(
                f"the extension {name!r} cannot be used: {' '.join(str(error).split())}",
                hint="update or reinstall it, or tell its author",
            ) from error

    def _checked(self, hook: str, result: object, types: Mapping[str, type]) -> object:
        wanted = types.get(hook, object)
        if not isinstance(result, wanted):
            got = type(result).__name__
            raise self._defect(f"the provider returned {got} from {hook}, not {wanted.__name__}")
        for name in ("created", "expires"):
            if not is_moment(getattr(result, name, None)):
                raise self._defect(f"the provider returned from {hook} a time without a time zone")
        if isinstance(result, Session) and not can_be_kept(result.renewed):
            raise self._defect(
                f"the provider returned from {hook} renewed fields that are not text, whole numbers"
                " or flags"
            )
        return result

    def _fault(self, hook: str, error: BaseException) -> ProviderFault:
        what = f"the provider failed in {hook}: {type(error).__name__}"
        where = place_of(error, self._home)
        if hook in _DESCRIBING:
            return self._defect(f"{what}: {text_of(error)} (at {where})")
        return self._defect(
            f"{what} at {where}; the message is withheld, since it might hold a secret"
        )

    def _defect(self, what: str) -> ProviderFault:
        return ProviderFault(
            what,
            hint="this is a defect of the provider: tell its author",
            provider=self.id,
            distribution=self._source.distribution,
        )


def _ends_the_program(error: BaseException) -> bool:
    """Say whether an exception is not the hook's own doing, and holds no text.

    Ctrl-C is one. Another is the ``SystemExit`` that an application's signal handler raises: the
    handler runs in the main thread, in whatever function is being executed, perhaps a hook.
    """
    if isinstance(error, SystemExit):
        return error.code is None or isinstance(error.code, int)
    return isinstance(error, KeyboardInterrupt) and not error.args


def home_of(plugin: object) -> str:
    """Return the top-level package of a plugin's code."""
    kind = plugin if isinstance(plugin, type | ModuleType) else type(plugin)
    name = kind.__name__ if isinstance(kind, ModuleType) else kind.__module__
    return name.partition(".")[0]


def text_of(error: BaseException) -> str:
    """Return an exception's text in one line. Not for one that might hold a secret."""
    try:
        return " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # its own defect, and no reason to lose the rest
        return "(without a text)"


def place_of(error: BaseException, home: str | None = None) -> str:
    """Return where an exception was raised: file, line and function.

    Args:
        error: The exception.
        home: A top-level package: where it had a part, the last place in it is named.
    """
    import traceback

    steps = [*traceback.walk_tb(error.__traceback__)]
    if not steps:
        return "an unknown place"
    own = [step for step in steps if _package_of(step[0]) == home]
    frame, line = (own or steps)[-1]
    return f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"


def _package_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
