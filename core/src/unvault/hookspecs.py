"""The contract between the core and a provider.

A provider is a module or an object with functions marked `hookimpl`, named like the
functions here. Three are required: `describe_credential_form`, `authenticate` and `fetch_secret`.
A provider that lacks one of the others loses that feature only.

A whole provider::

    from unvault.hookspecs import hookimpl
    from unvault.forms import CredentialForm, CredentialType, Field
    from unvault.model import Session
    from unvault.secret import Secret


    @hookimpl
    def describe_credential_form():
        token = Field("token", kind="secret", required=True)
        return CredentialForm("Acme", types=[CredentialType("token", fields=[token])])


    @hookimpl
    def authenticate(credential):
        return Session(client=connect(credential.answers["token"]))


    @hookimpl
    def fetch_secret(session, request):
        return Secret(session.client.read(request.path))

An implementation may leave out arguments it does not need: pluggy passes those it names.

What every hook owes:

* It raises nothing but the exceptions of `unvault.errors`, most specific first; and no message
  holds a value, a token or the content of a field.
* It raises them ``from`` the original, which a traceback then shows with its text. Where that text
  may hold a value, as a response's body may: ``from None``.
* It never waits for ever: network calls carry a timeout. The core retries nothing but what raised
  `SessionExpired`, and that once; a hook that retries does so within its own timeout.
* It may be called from any thread, and from several at once.
* Importing the provider's package imports no SDK; the hook that needs it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import pluggy

from unvault.errors import ProviderBroken
from unvault.forms import Answer, CredentialForm, SecretForm
from unvault.model import Credential, Outcome, SecretInfo, SecretRequest, Session
from unvault.secret import Secret

PROJECT = "unvault"
"""The name the markers share."""

PROVIDERS = "unvault.providers"
"""Entry-point group of providers: the entry point's name is the provider's id."""

EXTENSIONS = "unvault.extensions"
"""Entry-point group of plugins that wrap every provider's hooks, loaded when enabled by name."""

hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks the specifications below."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a provider's implementations; ``hookimpl(wrapper=True)`` an extension's wrappers."""

REQUIRED = ("describe_credential_form", "authenticate", "fetch_secret")
"""The hooks without which a provider is broken."""

OPTIONAL = (
    "describe_secret_form",
    "describe_session",
    "fetch_secrets",
    "list_secrets",
    "close_session",
)
"""The hooks that a provider may lack."""


def marks(plugin: object) -> Mapping[str, Mapping[str, Any]]:
    """Return the options of a plugin's marked functions, by name."""
    found = ((name, getattr(_part(plugin, name), f"{PROJECT}_impl", None)) for name in dir(plugin))
    return {name: options for name, options in found if isinstance(options, Mapping)}


def unmarked(plugin: object) -> Sequence[str]:
    """Return the hooks that a plugin has a function of the name of, and not the mark."""
    known = marks(plugin)
    names = [name for name in (*REQUIRED, *OPTIONAL) if name not in known]
    return [name for name in names if callable(_part(plugin, name))]


def refuse_old_wrappers(plugin: object) -> None:
    """Raise `pluggy.PluginValidationError` for marks of pluggy's old style."""
    for name, options in marks(plugin).items():
        if options.get("hookwrapper"):  # pluggy prints what the part after its yield raises
            raise pluggy.PluginValidationError(
                plugin, f"{name} is marked hookwrapper=True: mark it wrapper=True instead"
            )


def check_wraps_only(name: str, plugin: object) -> None:
    """Refuse an extension that would answer in a provider's place, or that does nothing.

    Raises:
        ProviderBroken: It is one.
    """
    marked, unseen = marks(plugin), unmarked(plugin)
    plain = [hook for hook, how in marked.items() if not (how["wrapper"] or how["hookwrapper"])]
    if plain:
        why = f"implements {plain[0]}, and may only wrap it"
    elif unseen:
        why = f"has a function {unseen[0]} without a mark"
    elif not marked:
        why = "wraps no hook"
    else:
        return
    raise ProviderBroken(
        f"the extension {name!r} {why}",
        hint="its author has to mark what it wraps: hookimpl(wrapper=True)",
    )


def _part(plugin: object, name: str) -> object:
    try:
        return getattr(plugin, name, None)
    except Exception:  # noqa: BLE001  # a property that needs what is not there yet is no hook
        return None


class Interaction(Protocol):
    """How a provider asks a person to do something. An application implements it.

    Where nobody can answer, a hook gets None in its place and raises
    `unvault.errors.InteractionRequired`, whose hint says which command to run.
    """

    def tell(self, message: str) -> None:
        """Show a message, such as a code to type in elsewhere."""

    def open_page(self, address: str) -> bool:
        """Open a page in the person's browser; False where that was not possible."""

    def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask for a line of text, unseen where ``hidden``.

        Raises:
            InteractionRequired: The person does not answer.
        """


@hookspec(firstresult=True)
def describe_credential_form() -> CredentialForm:  # type: ignore[empty-body]
    """Say what a person fills in to sign in (required).

    Called when the provider is used first, and when somebody asks what it needs. Reads nothing,
    connects to nothing and imports no SDK.

    Returns:
        The form, the same at every call.
    """


Keep = Callable[[Mapping[str, Answer]], None]
"""Keeps fields for the next sign-in, encrypted and at once; see `authenticate`."""

Find = Callable[[str], Credential]
"""Finds a stored credential of the same provider, by name; see `authenticate`."""


@hookspec(firstresult=True)
def authenticate(  # type: ignore[empty-body]
    credential: Credential, interaction: Interaction | None, keep: Keep, find: Find
) -> Session:
    """Sign in (required).

    Called once for each credential, when a secret is first needed through it, again shortly
    before `Session.expires`, and once more when a hook raised `SessionExpired`. Never called
    twice at the same time for one credential.

    Args:
        credential: Its answers are checked against the form. An empty one (its ``type`` is None)
            is valid for every provider and means: look where the vault's own tools look.
        interaction: How to ask a person; None where nobody can answer.
        keep: Call it with what must not be lost where the sign-in fails later on, such as what a
            code that works once was exchanged for: it is `Credential.kept` at the next sign-in.
            What has worked is better told by `Session.renewed`, which then is all that is kept.
            It may be called later, too, as long as the session is not closed: where what was kept
            turns out to be over, or another hook brought what is newer.
        find: Call it with the name of another stored credential that this one is built on, such as
            the one that may assume a role. It has to be of the same provider, and is found once in
            a sign-in: one that leads back to itself is refused. When it is changed or removed,
            sessions and values of this credential are dropped as well.

    Returns:
        The session that the other hooks are given.

    Raises:
        CredentialMissing: There is nothing to sign in with.
        CredentialNotFound: What ``find`` was asked for is not there.
        CredentialRejected: The vault refused the credential.
        InteractionRequired: A person is needed and ``interaction`` is None.
        Unavailable: The vault cannot be reached, or does not answer in time.
    """


@hookspec(firstresult=True)
def fetch_secret(session: Session, request: SecretRequest) -> Secret:  # type: ignore[empty-body]
    """Fetch one secret (required).

    Called when the cache has no answer, and not twice at the same time for the same request, unless
    somebody asks for a fresh value while another is on its way.

    Args:
        session: What `authenticate` returned.
        request: Path and checked parameters, those with a default always among them. The
            ``#field`` of a reference is not in it: a provider returns the whole secret (a map as
            JSON), and the core takes out the field.

    Returns:
        The secret, with its version and times where the vault tells them. The core caches it
        for as long as is configured, and not past `Secret.expires`.

    Raises:
        SecretNotFound: There is none; `VersionNotFound` and `SecretDeleted` are more precise.
        AccessDenied: The session may not read it.
        SessionExpired: The session ended; the core signs in again, once, and retries.
        Unavailable: The vault cannot be reached, or does not answer in time.
    """


@hookspec(firstresult=True)
def describe_secret_form() -> SecretForm:  # type: ignore[empty-body]
    """Say what a person fills in to point at a secret (optional).

    Without it, references to this provider have no parameters, and tags that Insomnia wrote
    cannot be read. Reads nothing, connects to nothing and imports no SDK.

    Returns:
        The form, the same at every call.
    """


@hookspec(firstresult=True)
def describe_session(session: Session) -> Session:  # type: ignore[empty-body]
    """Ask the vault who a session turned out to be (optional).

    Called when a person tries a credential, never when a secret is fetched. It is for vaults that
    do not tell it while signing in: a fetch then needs neither the request nor the permission.
    What a vault tells anyway, `authenticate` puts into the session itself.

    Args:
        session: What `authenticate` returned, just now.

    Returns:
        The same session, with `Session.identity` and `Session.details` filled in.

    Raises:
        CredentialRejected: The vault refused the credential.
        SessionExpired: What an earlier sign-in kept has ended; the core signs in again, once.
        Unavailable: The vault cannot be reached, or does not answer in time.
    """


@hookspec(firstresult=True)
def fetch_secrets(  # type: ignore[empty-body]
    session: Session, requests: Sequence[SecretRequest]
) -> Sequence[Outcome]:
    """Fetch several secrets at once (optional).

    Called for two requests and more of one credential. Without it, and for a single one, the core
    calls `fetch_secret`, several times at the same time.

    Args:
        session: What `authenticate` returned.
        requests: At least two, and no two the same.

    Returns:
        One outcome for each request, in the same order: a secret, or the error that
        `fetch_secret` would have raised. One failure does not fail the others.

    Raises:
        UnvaultError: The batch as a whole failed, as for `fetch_secret`.
    """


@hookspec(firstresult=True)
def list_secrets(session: Session, prefix: str) -> Iterable[SecretInfo]:  # type: ignore[empty-body]
    """Browse: names and versions, never values (optional).

    Args:
        session: What `authenticate` returned.
        prefix: What the paths have to start with, as text; empty for all of them. The provider
            filters: the core shows whatever it is given.

    Returns:
        The secrets there are, each with a path that a request can name. It may be lazy: the core
        reads all of it at once, and closes it where it is a generator.

    Raises:
        AccessDenied: The session may not list.
        SessionExpired: The session ended.
        Unavailable: The vault cannot be reached, or does not answer in time.
    """


@hookspec(firstresult=True)
def close_session(session: Session) -> None:
    """Let go of a session's connections (optional); must not raise, and what it does is logged.

    Called when the client closes, the session is renewed, or its credential changes.

    Args:
        session: What `authenticate` returned; it is not used afterwards.
    """
