"""Declarative forms: what a person fills in to sign in, or to point at a secret.

A form is data. From the one declaration come the prompts of the command line, the fields of a
page, the environment variables and the import of foreign configuration.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property

import attrs

from unvault.names import all_of
from unvault.suggestions import sentence

Answer = str | bool | int
"""What a field can be answered with."""

_CORE = ("BLOCK", "EXTENSIONS", "HOME", "NEW_PASSPHRASE", "PASSPHRASE")
CORE_VARIABLES = frozenset(f"UNVAULT_{name}" for name in _CORE)
"""Environment variables with a meaning of their own, which never answer a provider's form."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Kind(StrEnum):
    """What a field holds, and so how a person is asked for it."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105  # the name of a kind, no password
    """Text that is typed unseen, never shown, and never taken from a command line."""
    CHOICE = "choice"
    FLAG = "flag"
    FILE = "file"
    """Path of a file; ``~`` stands for the home folder."""
    URL = "url"
    """An http or https address without user name and password in it."""
    INTEGER = "integer"


@attrs.frozen
class Choice:
    """One of the answers a choice allows."""

    value: str
    """The answer itself, as it is stored."""
    label: str = ""
    """What a person reads; the value, where empty."""
    aliases: tuple[str, ...] = ()
    """Other spellings that are accepted, such as a foreign configuration's."""


def _as_kind(kind: str) -> Kind:
    if kind not in [*Kind]:
        raise ValueError(sentence(f"there is no kind of field {kind!r}; the kinds are", Kind))
    return Kind(kind)


def _as_choices(choices: Iterable[Choice | str]) -> tuple[Choice, ...]:
    if isinstance(choices, str):
        raise TypeError("choices are a list: this is one text")  # it would be read as its letters
    return all_of(Choice, [Choice(x) if isinstance(x, str) else x for x in choices])


def _as_names(names: Iterable[str]) -> tuple[str, ...]:
    return all_of(str, [names] if isinstance(names, str) else names)


def _as_fields(fields: Iterable[Field]) -> tuple[Field, ...]:
    return all_of(Field, fields)


def _as_types(types: Iterable[CredentialType]) -> tuple[CredentialType, ...]:
    return all_of(CredentialType, types)


def _as_conditions(
    conditions: Mapping[str, Answer | Sequence[Answer]],
) -> tuple[tuple[str, tuple[Answer, ...]], ...]:
    return tuple(
        (name, tuple(wanted) if isinstance(wanted, (list, tuple)) else (wanted,))
        for name, wanted in dict(conditions).items()
    )


def _as_pairs(texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(text)) for name, text in dict(texts).items())


@attrs.frozen
class Field:
    """One question of a form.

    Raises:
        ValueError: The declaration contradicts itself: a defect of the provider.
    """

    name: str
    """What it is called in code, configuration and the store: lower case, digits, ``_``."""
    label: str = ""
    """What a person reads; made from the name, where empty."""
    help: str = ""
    """One sentence that helps to answer."""
    kind: Kind = attrs.field(default=Kind.TEXT, converter=_as_kind)
    """What it holds."""
    required: bool = False
    """Whether it must be answered where it is visible. An empty answer is no answer."""
    default: Answer | None = None
    """The answer where none is given."""
    choices: tuple[Choice, ...] = attrs.field(default=(), converter=_as_choices)
    """The answers a `Kind.CHOICE` allows; plain strings will do."""
    pattern: str | None = None
    """A regular expression the whole answer has to match."""
    pattern_help: str = ""
    """The pattern in words: what an answer has to look like."""
    visible_when: tuple[tuple[str, tuple[Answer, ...]], ...] = attrs.field(
        default=(), converter=_as_conditions
    )
    """Other fields' names and the answers they need for this one to be asked at all.
    Given as a mapping: ``{"auth_method": "token"}``."""
    aliases: tuple[str, ...] = ()
    """Other names it is known by, such as a foreign configuration's."""
    private: bool = False
    """Whether the file of a `Kind.FILE` holds a secret, such as a key, so that only its owner ought
    to be able to read it. ``unvault doctor`` looks."""

    def __attrs_post_init__(self) -> None:
        """Check the declaration."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"field {self.name!r}: a name is lower case, digits and '_'")
        if keyword.iskeyword(self.name) or self.name == "self":
            raise ValueError(f"field {self.name!r}: the name has a meaning in Python")
        if bool(self.choices) != (self.kind is Kind.CHOICE):
            raise ValueError(f"field {self.name!r}: choices go with the kind 'choice'")
        if self.private and self.kind is not Kind.FILE:
            raise ValueError(f"field {self.name!r}: private goes with the kind 'file'")
        if self.pattern is not None:
            self._check_pattern(self.pattern)
        if self.default is not None and (why := self._wrong_default(self.default)):
            raise ValueError(f"field {self.name!r}: the default is {why}")

    def _wrong_default(self, default: Answer) -> str | None:
        wanted = {Kind.FLAG: bool, Kind.INTEGER: int}.get(self.kind, str)
        if not isinstance(default, wanted) or isinstance(default, bool) > (wanted is bool):
            return f"no {wanted.__name__}, as the kind {self.kind.value!r} wants it"
        if self.choices and default not in {choice.value for choice in self.choices}:
            return "none of the choices"
        if self.kind is Kind.URL and not str(default).startswith(("https://", "http://")):
            return "no http or https address"
        if self.pattern is not None and not re.fullmatch(self.pattern, str(default)):
            return f"of the wrong form: {self.pattern_help}"
        return None

    def _check_pattern(self, pattern: str) -> None:
        if not self.pattern_help:
            raise ValueError(f"field {self.name!r}: a pattern needs pattern_help")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"field {self.name!r}: the pattern is wrong: {error}") from error

    @property
    def title(self) -> str:
        """The label, or one made from the name."""
        return self.label or title_of(self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its aliases."""
        return (self.name, *self.aliases)

    @property
    def hidden(self) -> bool:
        """Whether its answer is a secret."""
        return self.kind is Kind.SECRET

    def variables(self, provider: str) -> tuple[str, ...]:
        """Return the environment variables that fill it for a provider, in order."""
        return variables(provider, self.names)

    def visible(self, answers: Mapping[str, Answer]) -> bool:
        """Say whether it is asked, given the answers to the other fields."""
        return all(answers.get(name) in wanted for name, wanted in self.visible_when)


def title_of(name: str) -> str:
    """Return the label of what has none, made from its name."""
    return name.replace("_", " ").capitalize()


def variables(provider: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the environment variables for a thing of a provider that has these names.

    ``UNVAULT_<PROVIDER>_<NAME>`` comes first; then, under each name it is known by, the
    ``INSOMNIA_<PROVIDER>_<NAME>`` that Insomnia's command line reads. The core's own are nobody's.
    """
    known = list(names)
    ours = f"UNVAULT_{stem(provider)}{known[0].upper()}"
    theirs = (f"INSOMNIA_{stem(provider)}{name.upper()}" for name in known)
    return tuple(name for name in dict.fromkeys([ours, *theirs]) if name not in CORE_VARIABLES)


def stem(provider: str) -> str:
    """Return what the names of a provider's variables have after their family's."""
    return f"{provider.upper().replace('-', '_')}_"


def _check_fields(fields: Sequence[Field]) -> None:
    names = [name for field in fields for name in field.names]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"two fields are called {', '.join(twice)}")
    own = {field.name for field in fields}
    for field in fields:
        for name, _ in field.visible_when:
            if name not in own:
                raise ValueError(f"field {field.name!r} depends on {name!r}, which is no field")


@attrs.frozen
class CredentialType:
    """One way to sign in to a vault."""

    name: str
    """What it is called in code, configuration and the store."""
    label: str = ""
    """What a person reads; the name, where empty."""
    help: str = ""
    """One sentence that helps to choose it."""
    fields: tuple[Field, ...] = attrs.field(default=(), converter=_as_fields)
    """What has to be known to sign in."""
    aliases: tuple[str, ...] = ()
    """Other names it is known by, such as a foreign configuration's."""
    named_by_sign_in: bool = False
    """Whether signing in tells what a credential may be called (`Session.suggested_name`), so that
    nobody has to be asked for a name."""
    ambient: bool = False
    """Whether it means what an empty credential means. Variables that fit another type as well,
    such as those of fields that all types have, then mean this one."""

    def __attrs_post_init__(self) -> None:
        """Check the declaration."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"credential type {self.name!r}: lower case, digits and '_'")
        if any(name.lower() == "type" for field in self.fields for name in field.names):
            raise ValueError("a field called 'type' would share the variable that names the type")
        _check_fields(self.fields)

    @property
    def title(self) -> str:
        """The label, or one made from the name."""
        return self.label or title_of(self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its aliases."""
        return (self.name, *self.aliases)


@attrs.frozen
class CredentialForm:
    """What a person fills in to sign in to a vault: one or more types, each with its fields."""

    label: str
    """The vault's name as a person knows it, such as ``HashiCorp Vault``."""
    types: tuple[CredentialType, ...] = attrs.field(converter=_as_types)
    """The ways to sign in; the first is the usual one."""
    help: str = ""
    """One or two sentences about the vault and what one needs to sign in."""
    ambient: str = ""
    """What an empty credential means: where the vault's own tools look."""
    permissions: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_as_pairs)
    """What the vault has to allow, and no more, for each thing that one does: a policy of as many
    lines as it takes. Given as a mapping: ``{"get": "path \"secret/data/app\" { … }"}``."""

    def __attrs_post_init__(self) -> None:
        """Check the declaration."""
        names = [name for kind in self.types for name in kind.names]
        if not names or len(set(names)) < len(names):
            raise ValueError("a form has at least one type, and every type a name of its own")

    def __iter__(self) -> Iterator[CredentialType]:
        """Iterate over the types."""
        return iter(self.types)

    def find(self, name: str) -> CredentialType | None:
        """Return the type of this name or alias."""
        return next((kind for kind in self.types if name in kind.names), None)


@attrs.frozen
class SecretForm:
    """What a person fills in to point at one secret.

    It says which parameters a reference may have, and how a filled-in form (such as the look-up
    in a tag Insomnia wrote) becomes a reference.
    """

    fields: tuple[Field, ...] = attrs.field(converter=_as_fields)
    """The questions. What is neither ``path`` nor ``field`` is a parameter of references."""
    path: tuple[str, ...] = attrs.field(converter=_as_names)
    """Names of the fields that make up the path; those answered are joined with ``/``."""
    field: str | None = None
    """Name of the field that becomes the reference's ``#field``."""

    def __attrs_post_init__(self) -> None:
        """Check the declaration."""
        _check_fields(self.fields)
        own = {field.name for field in self.fields}
        if not self.path or not own.issuperset((*self.path, *filter(None, [self.field]))):
            raise ValueError("a secret form's path and field name fields that it has")

    @cached_property
    def parameters(self) -> tuple[Field, ...]:
        """The fields that a reference gives as parameters."""
        taken = {*self.path, self.field}
        return tuple(field for field in self.fields if field.name not in taken)

    @cached_property
    def defaults(self) -> tuple[tuple[str, Answer], ...]:
        """What the parameters are where a reference gives none, by name, sorted."""
        fields = self.parameters
        answers = {field.name: field.default for field in fields if field.default is not None}
        for _ in fields:  # one that is hidden may hide others
            shown = [field.name for field in fields if field.visible(answers)]
            answers = {name: answers[name] for name in answers if name in shown}
        return tuple(sorted(answers.items()))
