"""Puts secrets in place of vault tags: all of them, or none."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from unvault.errors import RenderError, TagProblem, UnvaultError
from unvault.reference import Reference
from unvault.resolver import Resolver
from unvault.secret import Secret
from unvault.selection import Selection
from unvault.template import Lookup, Tag, find_tags

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_WIDE_TAG = re.compile(rb"\{\0\0*+%\0++(?:[-+]\0++)?(?:\s\0++)*+v\0++a\0++u\0++l\0++t")
"""A vault tag in UTF-16 or UTF-32, in either order of bytes."""

_Place = tuple[int, int, int, int]
"""Where a tag begins and ends, and its line and column."""


@attrs.frozen
class FoundReference:
    """A vault tag of a text, and the reference it means."""

    line: int
    """Line of the tag, counted from 1."""
    column: int
    """Column of the tag, counted from 1, in characters."""
    reference: str | None
    """The reference, where the tag is right."""
    error: UnvaultError | None = None
    """What is wrong with the tag, where it is not."""


def find_references(text: str, selection: Selection) -> list[FoundReference]:
    """Return the reference of every tag. Signs in nowhere and fetches nothing."""
    found = []
    for tag in find_tags(text):
        target = _reference(tag, selection)
        wrong = target if isinstance(target, UnvaultError) else None
        named = None if wrong else str(target)
        found.append(FoundReference(tag.line, tag.column, named, wrong))
    return found


def render(text: str, selection: Selection, resolver: Resolver, *, fresh: bool = False) -> str:
    """Return the text with its vault tags replaced, and everything else left as it is.

    Args:
        text: Any text.
        selection: Finds what tags of three arguments mean.
        resolver: Resolves the references.
        fresh: Fetch values even if they are cached.

    Raises:
        RenderError: At least one tag failed; it lists every one that did.
    """
    targets, places = [], []
    for tag in find_tags(text):  # no tag is kept: the numbers of many of them cost next to nothing
        targets.append(_reference(tag, selection))
        places.append((tag.start, tag.end, tag.line, tag.column))
    values = _values(places, targets, resolver, fresh=fresh)
    pieces = []
    position = 0
    for (start, end, _, _), value in zip(places, values, strict=True):
        pieces += [text[position:start], value]
        position = end
    return "".join([*pieces, text[position:]])


def decode(content: bytes) -> str:
    """Return a file's content as text that `encode` turns back into the same bytes.

    Any encoding that has ASCII in it will do; bytes that are not UTF-8 pass through.

    Raises:
        RenderError: It is UTF-16 or UTF-32, in which tags would go unseen.
    """
    if content.startswith(_WIDE_MARKS) or (b"\0" in content and _WIDE_TAG.search(content)):
        raise RenderError(
            "the text is UTF-16 or UTF-32, and its tags cannot be read",
            hint="save it as UTF-8",
        )
    return content.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Return a text from `decode` as the bytes it came from."""
    return text.encode("utf-8", "surrogateescape")


def _reference(tag: Tag, selection: Selection) -> Reference | UnvaultError:
    if not isinstance(tag.target, Lookup):
        return tag.target
    lookup = tag.target
    try:
        return selection.reference(lookup.provider, lookup.credential, lookup.answers)
    except UnvaultError as error:
        return error


def _values(
    places: Sequence[_Place],
    targets: Sequence[Reference | UnvaultError],
    resolver: Resolver,
    *,
    fresh: bool,
) -> Sequence[str]:
    references = [target for target in targets if isinstance(target, Reference)]
    outcomes = iter(resolver.fetch_many(references, fresh=fresh))
    values: list[str] = []
    problems = []
    for (_, _, line, column), target in zip(places, targets, strict=True):
        outcome = next(outcomes) if isinstance(target, Reference) else target
        try:
            values.append(_text(outcome, target))
        except UnvaultError as error:
            problems.append(TagProblem(line, column, error))
    if problems:
        raise _failed(problems, len(places))
    return values


def _text(outcome: Secret | UnvaultError, target: object) -> str:
    if isinstance(outcome, UnvaultError):
        raise outcome
    try:
        return outcome.text()
    except UnvaultError as error:
        error.located(reference=str(target))
        raise


def _failed(problems: Sequence[TagProblem], count: int) -> RenderError:
    lines = [f"line {p.line}, column {p.column}: {p.error.message}" for p in problems]
    return RenderError(
        f"{len(problems)} of {count} vault tags cannot be replaced, so nothing was rendered:\n  "
        + "\n  ".join(lines),
        tuple(problems),
        hint="correct the tags listed and render again",
    )
