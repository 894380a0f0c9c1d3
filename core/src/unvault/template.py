"""Finds vault tags in a text. Knows text only: what a tag means is somebody else's matter.

::

    {% vault 'prod/db/main#password' %}                     a reference
    {% vault 'aws', 'cloudCred_1b2c', 'b64::eyJT…::46b' %}  provider, credential id, look-up

Arguments are strings in single or double quotes, numbers, booleans or names; a backslash in a
string escapes the next character. ``{%- … -%}`` takes the white space on that side away, as in
Jinja and Nunjucks. What stands between ``{% raw %}`` and ``{% endraw %}`` is no tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import attrs

from unvault.errors import InvalidReference, InvalidTag, UnvaultError
from unvault.reference import Reference

_OPENING = re.compile(r"\{%[-+]?\s*(vault|raw)(?![.-]?\w)")  # "vault-x" is another word
_VAULT = re.compile(r"\{%[-+]?\s*vault(?![.-]?\w)")
_SPACE = re.compile(r"\s*")
_NEXT = re.compile(r"\s*(\S?)")
_RAW_END = re.compile(r"\s*[-+]?%\}")
_RAW_CLOSING = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_ARGUMENT = re.compile(
    r"""\s*(?:'(?P<single>(?:[^'\\]|\\.)*+)'|"(?P<double>(?:[^"\\]|\\.)*+)"|(?P<bare>[\w.+-]+))\s*""",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CLOSING = re.compile(r"\s*([-+]?)%\}")
_WORD = "vault"
_MANY = 1_000
"""How many different targets of one text are kept at hand, to be read once only."""

_B64_START, _B64_END = "b64::", "::46b"
_USAGE = "a tag is {% vault 'credential/path#field' %} or {% vault 'provider', 'id', 'look-up' %}"


@attrs.frozen
class Lookup:
    """What a tag of three arguments points at."""

    provider: str
    """The provider's id."""
    credential: str
    """The id or name of a credential."""
    answers: Mapping[str, Any]
    """Answers to the provider's secret form."""


@attrs.frozen
class Tag:
    """One vault tag of a text."""

    start: int
    """Where in the text the part to replace begins, in characters."""
    end: int
    """Where it ends."""
    line: int
    """Line of the tag, counted from 1."""
    column: int
    """Column of the tag, counted from 1, in characters."""
    target: Reference | Lookup | UnvaultError
    """What it points at, or what is wrong with it."""


def find_tags(text: str) -> Iterator[Tag]:
    """Find the vault tags of a text, in order. Takes time linear in the text's length.

    Args:
        text: Any text at all; a byte-order mark and any line ends are characters like others.
    """
    if _WORD not in text:
        return  # the rest is for texts that may have a tag: this one is read in no time
    position = 0
    place = _Place(text)
    target = lru_cache(_MANY)(_target)  # a long text mostly repeats itself
    while match := _OPENING.search(text, position):
        if match[1] == "vault":
            tag = _read_tag(text, match, place, target, after=position)
            yield tag
            position = tag.end
        else:
            position = _after_raw(text, match)
            if position == len(text):
                yield from _hidden_by_raw(text, match, place)


class _Place:
    """Tells lines and columns, going forward through a text once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen = 0
        self._line = 1
        self._line_start = 0

    def of(self, position: int) -> tuple[int, int]:
        """Return line and column of a position that is not before the last one asked for."""
        self._line += self._text.count("\n", self._seen, position)
        newline = self._text.rfind("\n", self._seen, position)
        if newline >= 0:
            self._line_start = newline + 1
        elif self._seen == 0 and self._text.startswith("\ufeff"):
            self._line_start = 1  # a byte-order mark takes no column
        self._seen = position
        return self._line, position - self._line_start + 1


def _after_raw(text: str, opening: re.Match[str]) -> int:
    """Return where a raw block ends; one without an end hides all that follows."""
    begun = _RAW_END.match(text, opening.end())
    if begun is None:
        return opening.end()
    closing = _RAW_CLOSING.search(text, begun.end())
    return closing.end() if closing else len(text)


def _hidden_by_raw(text: str, opening: re.Match[str], place: _Place) -> Iterator[Tag]:
    """Report a raw block without an end, if it hides a tag: that cannot have been meant."""
    if _RAW_CLOSING.search(text, opening.end()) or not _VAULT.search(text, opening.end()):
        return
    line, column = place.of(opening.start())
    error = InvalidTag(
        "this raw block is never closed, and vault tags follow it",
        hint="close it: {% endraw %}",
    )
    yield Tag(opening.start(), opening.end(), line, column, error)


def _read_tag(
    text: str,
    opening: re.Match[str],
    place: _Place,
    target: Callable[[tuple[str, ...]], Reference | Lookup],
    *,
    after: int,
) -> Tag:
    line, column = place.of(opening.start())
    start, end = opening.span()
    if opening[0].startswith("{%-"):
        start = _before_space(text, start, after)
    arguments, position = _read_arguments(text, end)
    closing = _CLOSING.match(text, position)
    if closing is None:
        following = _NEXT.match(text, position)
        stops_at = following[1] if following else ""
        why = f"unexpected {stops_at!r}" if stops_at else "the text ends"
        error = InvalidTag(f"the vault tag is not closed: {why} before '%}}'", hint=_USAGE)
        return Tag(start, max(position, end), line, column, error)
    end = closing.end()
    if closing[1] == "-" and (space := _SPACE.match(text, end)):
        end = space.end()
    try:
        return Tag(start, end, line, column, target(tuple(arguments)))
    except (InvalidReference, InvalidTag) as error:
        return Tag(start, end, line, column, error)


def _before_space(text: str, position: int, limit: int) -> int:
    """Return where the white space before a position begins, not before a limit."""
    while position > limit and text[position - 1].isspace():
        position -= 1
    return position


def _read_arguments(text: str, position: int) -> tuple[list[str], int]:
    """Read arguments with commas between them, and return where they end."""
    arguments = []
    while argument := _ARGUMENT.match(text, position):
        arguments.append(_value(argument))
        position = argument.end()
        if text[position : position + 1] != ",":
            break
        position += 1
    return arguments, position


def _value(argument: re.Match[str]) -> str:
    if argument["bare"] is not None:
        return argument["bare"]
    quoted = argument["single"] if argument["single"] is not None else argument["double"]
    return _ESCAPED.sub(r"\1", quoted)


def _target(arguments: tuple[str, ...]) -> Reference | Lookup:
    if len(arguments) == 1:
        return Reference.parse(arguments[0])
    if len(arguments) == 3:
        provider, credential, lookup = arguments
        return Lookup(provider, credential, _decoded(lookup))
    raise InvalidTag(f"a vault tag has 1 or 3 arguments, not {len(arguments)}", hint=_USAGE)


def _decoded(lookup: str) -> Mapping[str, Any]:
    """Read a look-up: JSON, plain or in Insomnia's base64 envelope."""
    import base64
    import json

    try:
        if lookup.startswith(_B64_START) and lookup.endswith(_B64_END):
            encoded = lookup[len(_B64_START) : -len(_B64_END)]
            lookup = base64.b64decode(encoded, validate=True).decode()
        answers = json.loads(lookup)
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, dict):
        raise InvalidTag(
            "the tag's look-up is not a JSON object",
            hint="it is written '{…}' or 'b64::<base64 of the JSON>::46b'",
        )
    return answers
