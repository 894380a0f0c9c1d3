"""The spellings of a value that are looked for: of all of it, of its lines, of the texts in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, AnyStr

from unvault.escapes import BASE64, OF_BYTES, OF_TEXT, Spell, as_it_is

LEAST = 4
"""A value or spelling of fewer bytes is not looked for: to mask ``1`` would destroy any text."""

HEAD = 256
"""So many bytes of a spelling's beginning count as the spelling."""

_LEAST_BASE64 = 6  # characters: fewer are found in any base64 text
_LEAST_LEAF = 6  # characters of a text in a JSON value
_LEAST_LINE = 8  # bytes
_MOST_PARTS = 256  # lines, and JSON texts, of one value
_KEPT = 1024  # bytes: longer values are spelt out again whenever that is needed


class Spelling:
    """One spelling of a value: its head, and the whole of it when that is needed.

    Args:
        spell: Spells a value.
        value: The value.
        beginning: The first bytes of a long value, enough for a head.
    """

    __slots__ = ("_spell", "_value", "_whole", "head", "longer")

    head: bytes
    """Its first `HEAD` bytes, or all of it."""
    longer: bool
    """Whether there is more than the head."""

    def __init__(self, spell: Spell, value: bytes, beginning: bytes | None = None) -> None:
        self._spell, self._value = spell, value
        self._whole = spell(value) if beginning is None else None
        known = spell(beginning or value) if self._whole is None else self._whole
        self.head = known[:HEAD]
        self.longer = beginning is not None or len(known) > HEAD

    def whole(self) -> bytes:
        """Return all of it."""
        return self._spell(self._value) if self._whole is None else self._whole


def spellings(value: bytes) -> Sequence[Spelling]:
    """Return how a value may be spelt, each spelling once; none of a value that is too short.

    White space around it does not count. The texts in a JSON object, where they have at least 6
    characters, are values of their own, and each line of at least 8 bytes counts as well. Lines
    that begin with five dashes say what follows, and are no secret.
    """
    value = value.strip()
    if len(value) < LEAST:
        return []
    values = [value, *islice(_leaves(value), _MOST_PARTS)]
    found: dict[object, Spelling] = {}
    for each in values:
        for key, spelling in _spelt(each):
            found.setdefault(key, spelling)
    for line in islice(_lines(values), _MOST_PARTS):
        found.setdefault(line, Spelling(as_it_is, line))
    return [each for each in found.values() if len(each.head) >= LEAST]


def _spelt(value: bytes) -> Iterator[tuple[object, Spelling]]:
    """Yield the spellings of one value, each with a key by which equal ones are known."""
    text = _decoded(value)
    spells = OF_BYTES if text is None else (*OF_BYTES, *OF_TEXT)
    if len(value) <= _KEPT:
        for spell in (*spells, *BASE64):
            spelling = Spelling(spell, value)
            if spell in spells or len(spelling.head) >= _LEAST_BASE64:
                yield spelling.whole(), spelling
        return
    beginning = value[: HEAD + 4]
    if text is not None:
        beginning = beginning.decode(errors="ignore").encode()  # without half a character
    # Two of these spell a value the same if they do so with each of its characters, and with two.
    every = _every(value) if text is None else _every(text).encode()
    for spell in spells:
        yield (value, spell(every)), Spelling(spell, value, beginning)
    for spell in BASE64:
        yield (value, spell), Spelling(spell, value, beginning)


def _every(value: AnyStr) -> AnyStr:
    """Return all characters of a value, each of them twice."""
    return value[:0].join(2 * value[at : at + 1] for at in sorted(map(value.index, {*value})))


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _leaves(value: bytes) -> Iterator[bytes]:
    """Yield the texts in a JSON object."""
    if not value.startswith(b"{"):
        return
    try:
        waiting: list[Any] = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, str) and len(found.strip()) >= _LEAST_LEAF:
            yield found.strip().encode(errors="surrogatepass")


def _lines(values: Iterable[bytes]) -> Iterator[bytes]:
    for value in values:
        lines = value.splitlines()
        for line in lines if len(lines) > 1 else ():
            inner = line.strip()
            if len(inner) >= _LEAST_LINE and not inner.startswith(b"-----"):
                yield inner
