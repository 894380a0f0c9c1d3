"""Reads what `unvault.schema` writes: each part with its place, and nothing taken for granted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from unvault.errors import FormError, Problem
from unvault.forms import Answer, Choice, CredentialType, Field, Kind, title_of

ANNOTATION = "x-unvault"
"""The keyword for what JSON Schema has no word for."""

ADDRESS = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@]+(?:[/?#]\S*)?$"
"""What an address looks like, for a field that has no pattern of its own."""

_T = TypeVar("_T")


class Part:
    """An object in a schema.

    Args:
        at: Where it is, as a JSON pointer.
        value: What is there.

    Raises:
        FormError: It is no object. The methods raise it for what is in it.
    """

    def __init__(self, at: str, value: object) -> None:
        self.at = at
        self.value: Mapping[str, Any] = _typed(Mapping, at, value)

    @property
    def ours(self) -> Part:
        """The annotation; empty, where there is none."""
        return self.part(ANNOTATION)

    def part(self, name: str) -> Part:
        """Return an object in it; an empty one, where there is none."""
        return Part(_below(self.at, name), self.value.get(name, {}))

    def parts(self, name: str) -> list[Part]:
        """Return the objects of a list in it; none, where there is no list."""
        return [Part(at, value) for at, value in self._listed(name)]

    def text(self, name: str) -> str | None:
        """Return a text in it."""
        if name not in self.value:
            return None
        found: str = _typed(str, _below(self.at, name), self.value[name])
        return found

    def texts(self, name: str) -> list[str]:
        """Return the texts of a list in it; none, where there is no list."""
        return [_typed(str, at, value) for at, value in self._listed(name)]

    def answers(self, name: str) -> list[Answer]:
        """Return the answers of a list in it; none, where there is no list."""
        return [_typed(Answer, at, value) for at, value in self._listed(name)]

    def made(self, make: Callable[..., _T], *values: object, **more: object) -> _T:
        """Return what is made of what was read here, or say that it contradicts itself."""
        try:
            return make(*values, **more)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise refused(Problem(self.at, f"makes no form: {error}")) from error

    def _listed(self, name: str) -> Iterator[tuple[str, object]]:
        at = _below(self.at, name)
        for index, value in enumerate(_typed(list, at, self.value.get(name, []))):
            yield _below(at, index), value


def refused(*problems: Problem) -> FormError:
    """Return the error for a schema that no form is read from."""
    told = "; ".join(f"{problem.field} {problem.message}" for problem in problems)
    return FormError(f"this is no schema of a form: {told}", problems)


def read_type(part: Part) -> CredentialType:
    """Return the credential type that a branch of ``oneOf`` describes."""
    name = part.part("properties").part("type").text("const")
    if name is None:
        raise refused(Problem(part.at, "has no name: properties/type/const is missing"))
    return part.made(
        CredentialType,
        name,
        label=_label(part, name),
        help=part.text("description") or "",
        fields=read_fields(part),
        aliases=tuple(part.ours.texts("aliases")),
        named_by_sign_in=part.ours.value.get("named_by_sign_in") is True,
        ambient=part.ours.value.get("ambient") is True,
    )


def read_fields(part: Part) -> list[Field]:
    """Return the fields that an object's properties describe, in the order to ask them."""
    found: dict[str, Part] = {}
    required: set[str] = set()
    for each in (part, *(branch.part("then") for branch in part.parts("allOf"))):
        properties = each.part("properties")
        found |= {str(name): properties.part(name) for name in properties.value}
        required |= {*each.texts("required")}
    order = part.ours.texts("fields")
    unknown = [name for name in order if name not in found]
    if unknown:
        told = f"names {', '.join(unknown)}, of which there is no property"
        raise refused(Problem(_below(part.ours.at, "fields"), told))
    return [_read_field(name, found[name], required=name in required) for name in order]


def _read_field(name: str, part: Part, *, required: bool) -> Field:
    conditions = part.ours.part("visible_when")
    kind = _kind(part)
    return part.made(
        Field,
        name,
        label=_label(part, name),
        help=part.text("description") or "",
        kind=kind,
        required=required or part.ours.value.get("required") is True,
        default=part.value.get("default"),
        choices=_choices(part) if kind is Kind.CHOICE else (),
        pattern=_pattern(part),
        pattern_help=part.ours.text("pattern_help") or "",
        visible_when={str(each): conditions.answers(each) for each in conditions.value},
        aliases=tuple(part.ours.texts("aliases")),
        private=part.ours.value.get("private") is True,
    )


def _label(part: Part, name: str) -> str:
    title = part.text("title") or ""
    unlabelled = title == title_of(name) and part.ours.text("label") is None
    return "" if unlabelled else title


def _kind(part: Part) -> Kind:
    simple = {"boolean": Kind.FLAG, "integer": Kind.INTEGER}.get(part.text("type") or "")
    if simple is not None:
        return simple
    if {"enum", "oneOf", "anyOf"} & part.value.keys():
        return Kind.CHOICE
    if part.ours.text("kind") == Kind.FILE:
        return Kind.FILE
    by_format = {"password": Kind.SECRET, "uri": Kind.URL}
    return by_format.get(part.text("format") or "", Kind.TEXT)


def _choices(part: Part) -> list[Choice]:
    plain = [Choice(value) for value in part.texts("enum")]
    return plain + [
        Choice(
            each.text("const") or "",
            each.text("title") or "",
            tuple(each.ours.texts("aliases")),
        )
        for each in part.parts("oneOf") + part.parts("anyOf")
    ]


def _pattern(part: Part) -> str | None:
    ours, theirs = part.ours.text("pattern"), part.text("pattern")
    if ours is not None or theirs is None or theirs == ADDRESS:
        return ours
    if not (theirs.startswith("^(?:") and theirs.endswith(")$")):
        raise refused(Problem(_below(part.at, "pattern"), "is not written as ^(?:…)$"))
    return theirs.removeprefix("^(?:").removesuffix(")$")


def same(written: object, given: object) -> None:
    """Make sure that a schema is what the form read from it is written as, word for word.

    Raises:
        FormError: It says more, less or other things than the form does.
    """
    problems = tuple(_differences(written, given, "#"))
    if problems:
        raise refused(*problems)


def _differences(written: object, given: object, at: str) -> Iterator[Problem]:
    if isinstance(written, dict) and isinstance(given, Mapping):
        for name in {**written, **given}:
            place = _below(at, name)
            if name not in given:
                yield Problem(place, "is missing")
            elif name not in written:
                yield Problem(place, "says what a form cannot say")
            else:
                yield from _differences(written[name], given[name], place)
    elif isinstance(written, list) and isinstance(given, list) and len(written) == len(given):
        for index, (ours, theirs) in enumerate(zip(written, given, strict=True)):
            yield from _differences(ours, theirs, _below(at, index))
    elif type(written) is not type(given) or written != given:
        yield Problem(at, "does not agree with the rest of the schema")


def _below(at: str, name: object) -> str:
    return f"{at}/{str(name).replace('~', '~0').replace('/', '~1')}"


def _typed(kind: Any, at: str, value: object) -> Any:
    """Return a value that has to be of a kind."""
    if not isinstance(value, kind):
        wanted = {Mapping: "an object", list: "a list", str: "text"}
        raise refused(Problem(at, f"must be {wanted.get(kind, 'text, a number or true or false')}"))
    return value
