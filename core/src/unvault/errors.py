"""Every error unvault raises, as one tree.

::

    UnvaultError                  anything that went wrong in unvault or in a provider
    ├── UsageError                what was asked for cannot be meant
    │   ├── InvalidReference      the text is not a reference
    │   ├── InvalidTag            the text is not a vault tag
    │   ├── InvalidName           a credential may not have this name
    │   ├── InvalidSetting        a setting is out of its range
    │   ├── FormError             answers to a form are wrong; ``problems`` lists all of them
    │   ├── WrongFormat           the secret is not text, or not JSON, as was asked of it
    │   └── NotSupported          the provider has no hook for this
    ├── NotFound
    │   ├── CredentialNotFound    no credential and no provider has this name
    │   ├── SecretNotFound        the vault has no such secret
    │   │   ├── VersionNotFound   the secret is there, this version is not
    │   │   └── SecretDeleted     it was there: deleted or disabled
    │   │       └── SecretDestroyed   and nobody can bring it back
    │   └── FieldNotFound         the secret is there, this field is not
    ├── AuthenticationError       signing in did not work
    │   ├── CredentialMissing     nothing to sign in with
    │   ├── CredentialRejected    the vault refused the credential
    │   ├── SessionExpired        the session ended; the core signs in again, once
    │   └── InteractionRequired   a person is needed, and nobody can answer
    ├── AccessDenied              signed in, but not allowed
    ├── Unavailable               the vault cannot be reached or cannot answer now
    │   ├── TimedOut              it did not answer in time
    │   └── Throttled             it asks to be asked less often
    ├── ProviderError
    │   ├── ProviderNotFound      no installed distribution provides it
    │   ├── ProviderBroken        it cannot be loaded
    │   ├── ProviderConflict      two distributions claim one id
    │   ├── ProviderBlocked       it is kept out by configuration
    │   └── ProviderFault         a hook raised something that is not in this tree
    ├── StoreError
    │   ├── StoreLocked           the key is missing or wrong
    │   ├── StoreUnreadable       the file is damaged, foreign, newer or not accessible
    │   └── StoreBusy             another process holds the file for too long
    └── RenderError               tags of a text failed; ``problems`` lists all of them

An error carries objects besides its text: ``provider``, ``distribution``, ``credential``,
``reference``, ``candidates`` and ``hint``. Its ``code`` is stable and may be relied on. No error
ever holds a secret's value, a token or the content of a credential field.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple, Self


def _text(value: object) -> str:
    """Return a name as text, whatever a provider took it from: an SDK may tell it in bytes."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    try:
        return str(value)
    except Exception:  # noqa: BLE001  # an error is being told: that must not fail
        return f"({type(value).__name__})"


def _known(value: object) -> str | None:
    return None if value is None else _text(value)


def _names(candidates: object) -> tuple[str, ...]:
    """Return names as text; one alone is a list of one, and None is no name."""
    if isinstance(candidates, str | bytes) or not isinstance(candidates, Iterable):
        candidates = [candidates]
    return tuple(_text(each) for each in candidates if each is not None)


class UnvaultError(Exception):
    """Anything that went wrong in unvault or in a provider.

    Args:
        message: One sentence: what happened. Never a value.
        hint: What to do next.
        provider: Id of the provider concerned.
        distribution: Name of the distribution that provides it.
        credential: Name of the credential concerned.
        reference: The reference concerned, as text.
        candidates: Names that do exist where one was not found, nearest first.
    """

    code: ClassVar[str] = "error"
    """Stable, lower-case name of this kind of error."""

    # Here too, for a subclass of a provider's that forgets to call our __init__.
    hint: str | None = None
    provider: str | None = None
    distribution: str | None = None
    credential: str | None = None
    reference: str | None = None
    candidates: tuple[str, ...] = ()

    def __init__(
        self,
        message: str = "",
        *,
        hint: str | None = None,
        provider: str | None = None,
        distribution: str | None = None,
        credential: str | None = None,
        reference: str | None = None,
        candidates: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.hint = _known(hint)
        self.provider = _known(provider)
        self.distribution = _known(distribution)
        self.credential = _known(credential)
        self.reference = _known(reference)
        self.candidates = _names(candidates)

    @property
    def message(self) -> str:
        """What happened, in one sentence."""
        return _text(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        """Return the whole story in one line, for logs and tracebacks."""
        where = [
            f"{name} {value}"
            for name in ("provider", "credential", "reference")
            if (value := getattr(self, name)) is not None
        ]
        story = f"{self.message} ({', '.join([*where, f'code {self.code}'])})"
        return f"{story}; hint: {self.hint}" if self.hint else story

    def __copy__(self) -> Self:
        """Return a twin with a traceback of its own, whatever its class is constructed from."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        twin.__cause__ = self.__cause__
        return twin

    def located(self, **where: str | None) -> Self:
        """Fill in what is not known yet of ``provider``, ``credential``, ``reference`` …."""
        for name, value in where.items():
            if getattr(self, name) is None:
                setattr(self, name, value)
        return self

    def describe(self) -> dict[str, Any]:
        """Return the error as plain data: ``code``, ``message`` and whatever else is known.

        All of it is text, or lists of text, whatever a provider put in: it can be written as JSON.
        """
        known: dict[str, Any] = {
            name: _text(getattr(self, name))
            for name in ("hint", "provider", "distribution", "credential", "reference")
            if getattr(self, name) is not None
        }
        if self.candidates:
            known["candidates"] = list(_names(self.candidates))
        return {"code": self.code, "message": self.message, **known}


class UsageError(UnvaultError):
    """What was asked for cannot be meant."""

    code = "usage"


class InvalidReference(UsageError):
    """The text is not a reference."""

    code = "invalid-reference"


class InvalidTag(UsageError):
    """The text is not a vault tag."""

    code = "invalid-tag"


class InvalidName(UsageError):
    """A credential may not have this name."""

    code = "invalid-name"


class InvalidSetting(UsageError):
    """A setting is out of its range."""

    code = "invalid-setting"


class Problem(NamedTuple):
    """One thing wrong with a form's answers."""

    field: str
    """Name of the field, or of the unknown field that was given."""
    message: str
    """What is wrong with it. Never the answer itself."""


def _problem(given: object) -> Problem:
    return given if isinstance(given, Problem) else Problem("", _text(given))


class FormError(UsageError):
    """Answers to a form are wrong; ``problems`` lists all of them at once."""

    code = "invalid-form"
    problems: tuple[Problem, ...] = ()

    def __init__(self, message: str = "", problems: Iterable[Problem] = (), **context: Any) -> None:
        super().__init__(message, **context)
        self.problems = tuple(_problem(each) for each in problems)

    def describe(self) -> dict[str, Any]:
        """Return the error as plain data, with its ``problems``."""
        rows = [{"field": _text(field), "message": _text(why)} for field, why in self.problems]
        return {**super().describe(), "problems": rows}


class WrongFormat(UsageError):
    """The secret is not text, or not JSON, as was asked of it."""

    code = "wrong-format"


class NotSupported(UsageError):
    """The provider has no hook for this."""

    code = "not-supported"


class NotFound(UnvaultError):
    """Something was named that does not exist."""

    code = "not-found"


class CredentialNotFound(NotFound):
    """No stored credential and no provider has this name."""

    code = "credential-not-found"


class SecretNotFound(NotFound):
    """The vault has no such secret."""

    code = "secret-not-found"


class VersionNotFound(SecretNotFound):
    """The secret is there, this version is not."""

    code = "version-not-found"


class SecretDeleted(SecretNotFound):
    """The secret was there: it is deleted or disabled, and may be brought back."""

    code = "secret-deleted"


class SecretDestroyed(SecretDeleted):
    """The secret, or this version of it, was there, and nobody can bring it back."""

    code = "secret-destroyed"


class FieldNotFound(NotFound):
    """The secret is there, this field is not; ``candidates`` holds the fields there are."""

    code = "field-not-found"


class AuthenticationError(UnvaultError):
    """Signing in did not work."""

    code = "sign-in-failed"


class CredentialMissing(AuthenticationError):
    """There is nothing to sign in with."""

    code = "credential-missing"


class CredentialRejected(AuthenticationError):
    """The vault refused the credential."""

    code = "credential-rejected"


class SessionExpired(AuthenticationError):
    """The session ended. The core signs in again, once, and retries."""

    code = "session-expired"


class InteractionRequired(AuthenticationError):
    """A person is needed to sign in, and nobody can answer; ``hint`` says what to run."""

    code = "interaction-required"


class AccessDenied(UnvaultError):
    """Signed in, but not allowed to do this."""

    code = "access-denied"


class Unavailable(UnvaultError):
    """The vault cannot be reached, or cannot answer now."""

    code = "unavailable"


class TimedOut(Unavailable):
    """The vault did not answer in time."""

    code = "timed-out"


class Throttled(Unavailable):
    """The vault asks to be asked less often."""

    code = "throttled"


class ProviderError(UnvaultError):
    """A provider cannot be used."""

    code = "provider-error"


class ProviderNotFound(ProviderError):
    """No installed distribution provides it."""

    code = "provider-not-found"


class ProviderBroken(ProviderError):
    """The provider is installed and cannot be loaded."""

    code = "provider-broken"


class ProviderConflict(ProviderError):
    """Two distributions claim one provider id, so neither is used."""

    code = "provider-conflict"


class ProviderBlocked(ProviderError):
    """The provider is kept out by configuration."""

    code = "provider-blocked"


class ProviderFault(ProviderError):
    """A provider's hook raised something that is not in this tree: a defect of the provider."""

    code = "provider-fault"


class StoreError(UnvaultError):
    """What is kept on this machine cannot be used."""

    code = "store-error"


class StoreLocked(StoreError):
    """The key that opens the file is missing or wrong."""

    code = "store-locked"


class StoreUnreadable(StoreError):
    """The file is damaged, foreign, of a newer version, or may not be read or written."""

    code = "store-unreadable"


class StoreBusy(StoreError):
    """Another process holds the file for too long."""

    code = "store-busy"


class TagProblem(NamedTuple):
    """One vault tag that could not be replaced."""

    line: int
    """Line of the tag, counted from 1."""
    column: int
    """Column of the tag's first character, counted from 1, in characters."""
    error: UnvaultError
    """What went wrong with it."""


class RenderError(UnvaultError):
    """Tags of a text failed, so nothing was rendered; ``problems`` lists all of them."""

    code = "render-failed"
    problems: tuple[TagProblem, ...] = ()
    source: str | None = None

    def __init__(
        self,
        message: str = "",
        problems: tuple[TagProblem, ...] = (),
        *,
        source: str | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, **context)
        self.problems = problems
        self.source = _known(source)

    def describe(self) -> dict[str, Any]:
        """Return the error as plain data, with its ``problems``."""
        rows = [{"line": p.line, "column": p.column, **p.error.describe()} for p in self.problems]
        source = {"source": self.source} if self.source else {}
        return {**super().describe(), **source, "problems": rows}
