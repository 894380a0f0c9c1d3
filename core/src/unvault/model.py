"""What passes between the core and a provider: credential, session, request, info."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs

from unvault.errors import UnvaultError
from unvault.forms import Answer
from unvault.secret import Secret
from unvault.unshown import NamesOnly


class Answers(NamesOnly[Answer]):
    """Checked answers to a form, by field name. Does not change, and shows names only."""

    __slots__ = ()

    def text(self, name: str) -> str | None:
        """Return an answer as text, or None where the field is not answered."""
        answer = self.get(name)
        return None if answer is None else str(answer)

    def path(self, name: str) -> Path | None:
        """Return an answer as a path, ``~`` expanded, or None where it is not answered."""
        answer = self.text(name)
        if answer is None:
            return None
        try:
            return Path(answer).expanduser()
        except (RuntimeError, ValueError):  # "~name" of nobody: a path like any other
            return Path(answer)


class Origin(StrEnum):
    """Where a credential comes from."""

    STORED = "stored"
    """Somebody added it; it has a name."""
    ENVIRONMENT = "environment"
    """``UNVAULT_<PROVIDER>_*`` or ``INSOMNIA_<PROVIDER>_*`` variables."""
    AMBIENT = "ambient"
    """Empty: the vault's own tools' way of finding one."""


@attrs.frozen
class Credential:
    """Everything needed to sign in to one vault."""

    provider: str
    """Id of the provider it is for."""
    type: str | None = None
    """Name of the `CredentialType`; None for an empty credential."""
    answers: Answers = attrs.field(factory=Answers)
    """Checked answers to the type's fields."""
    name: str = ""
    """What references call it; empty where it is not a stored one."""
    id: str = ""
    """Never changes and never comes again, whatever the name."""
    revision: int = 0
    """Grows with every change: of the answers, and of the name; not of what is kept."""
    origin: Origin = Origin.AMBIENT
    """Where it comes from."""
    kept: Answers = attrs.field(factory=Answers)
    """What the provider asked to keep at an earlier sign-in; see `Session.renewed`."""

    @property
    def label(self) -> str:
        """How messages call it: its name, or where it comes from."""
        return self.name or f"({self.origin})"


def _closed(renewed: Mapping[str, Answer] | None) -> Mapping[str, Answer] | None:
    """Return renewed fields as `Answers`, which ``attrs.asdict`` leaves closed."""
    return Answers(renewed) if isinstance(renewed, Mapping) else renewed


def _as_pairs(texts: Mapping[str, str] | Iterable[tuple[str, str]]) -> Any:
    return tuple((str(name), str(text)) for name, text in dict(texts).items())


@attrs.frozen(eq=False)  # two sign-ins are two
class Session:
    """A provider signed in with one credential."""

    client: Any = attrs.field(repr=False, eq=False)  # pytest shows what counts and differs
    """Whatever the provider's other hooks need; the core only hands it back."""
    identity: str | None = None
    """Who it turned out to be, as the vault says it, for a person to read."""
    expires: datetime | None = None
    """When it ends, with a time zone; the core signs in again before. None: it does not."""
    details: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_as_pairs)
    """What else is worth knowing, as labels and texts, such as ``{"policies": "app, default"}``.
    It is shown to people: no token, and no answer to a secret field."""
    renewed: Mapping[str, Answer] | None = attrs.field(default=None, converter=_closed, repr=False)
    """What to keep, encrypted, for the next sign-in with this credential, such as a refreshed
    token; it comes back as `Credential.kept`. None keeps what there is."""
    suggested_name: str | None = None
    """What a stored credential that has no name yet may be called, such as the user name of who
    signed in; see `unvault.forms.CredentialType.named_by_sign_in`."""
    credential: Credential | None = None
    """The credential it was made with; the core fills it in."""


@attrs.frozen
class SecretRequest:
    """Which secret to fetch, without the field of it that somebody wants."""

    path: str
    """Where the secret is, in the vault's own words."""
    parameters: tuple[tuple[str, Answer], ...] = ()
    """Checked parameters, by name, sorted; aliases are resolved, defaults filled in."""

    def get(self, name: str) -> Answer | None:
        """Return a parameter, or None where it is not given."""
        return dict(self.parameters).get(name)


@attrs.frozen
class SecretInfo:
    """What a vault tells about a secret without showing its value."""

    path: str
    """What a request for it says; `Reference` encodes it where that is needed."""
    version: str | None = None
    """The newest version, in the vault's own words."""
    created: datetime | None = None
    """When that version was made."""
    content_type: str | None = None
    """The value's media type, where the vault knows it."""
    tags: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_as_pairs)
    """What its owner noted about it in the vault, as names and texts. Given as a mapping."""
    note: str | None = None
    """What a person should know of it, such as ``disabled``."""


def is_moment(time: object) -> bool:
    """Say whether a time can be compared with others; none at all is fine."""
    return time is None or (isinstance(time, datetime) and time.utcoffset() is not None)


def can_be_kept(renewed: object) -> bool:
    """Say whether what a sign-in renewed can be stored."""
    return renewed is None or (
        isinstance(renewed, Mapping | Answers)
        and all(isinstance(name, str) for name in renewed)
        and all(isinstance(answer, Answer) for answer in renewed.values())
    )


Outcome = Secret | UnvaultError
"""What becomes of one request of a batch."""
