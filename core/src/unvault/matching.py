"""Finds where spellings of values begin in a content, in one pass over it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from typing import TYPE_CHECKING

from unvault.spellings import HEAD, LEAST, Spelling

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

_ANCHOR = 12  # bytes of a spelling that the automaton knows; the rest is compared
_FEW = 4_000  # anchors: an automaton of fewer may take more memory, and be faster
_MUCH = 200_000  # bytes: after so many it pays to build that one

_Find = Callable[[bytes], Sequence[int]]


class Matcher:
    """Knows many spellings. It does not change, and may be used from any thread.

    Args:
        spellings: What to look for.
        automaton: Whether to use ``ahocorasick_rs``, where it is installed; without it the
            standard library's regular expressions find the same, more slowly.
    """

    def __init__(self, spellings: Iterable[Spelling], *, automaton: bool = True) -> None:
        self.longer: MutableMapping[bytes, list[Spelling]] = {}
        heads = set()
        for each in spellings:
            heads.add(each.head)
            if each.longer:
                self.longer.setdefault(each.head, []).append(each)
        self._heads = sorted(heads)
        self._inner = _inner(self._heads)
        self._keys = {head[:LEAST] for head in self._heads}  # to tell quickly what is none
        self.anchor, self._find = _engine(self._heads, automaton=automaton)

    def __len__(self) -> int:
        """Return how many spellings can be told apart by their heads."""
        return len(self._heads)

    def starts(self, content: bytes) -> Sequence[int]:
        """Return, in order, where a spelling may begin: its first bytes stand there."""
        return self._find(content) if self._heads else ()

    def touches(self, content: bytes) -> bool:
        """Return whether anything may have to be masked in a content that is all there is."""
        ends = range(LEAST, min(self.anchor, len(content) + 1))
        return bool(self.starts(content)) or any(self.begins(content[-size:]) for size in ends)

    def longest(self, content: bytes, start: int) -> bytes | None:
        """Return the longest head that stands complete at a place of a content."""
        window = content[start : start + HEAD]
        # What a text begins with is not behind it in order, and whatever is between the two
        # begins with it as well.
        at = bisect_right(self._heads, window) - 1
        while at >= 0 and not window.startswith(self._heads[at]):
            at = self._inner[at]
        return self._heads[at] if at >= 0 else None

    def begins(self, rest: bytes) -> bool:
        """Return whether a head begins with this, and goes on."""
        if len(rest) >= LEAST and rest[:LEAST] not in self._keys:
            return False
        at = bisect_right(self._heads, rest)
        return at < len(self._heads) and self._heads[at].startswith(rest)

    def shortest(self, rest: bytes) -> int:
        """Return the length of the shortest head that begins with this and goes on; 0 for none."""
        at = bisect_right(self._heads, rest)
        least = 0
        while at < len(self._heads) and self._heads[at].startswith(rest):
            least = min(least or HEAD, len(self._heads[at]))
            at += 1
        return least


def _inner(heads: Sequence[bytes]) -> Sequence[int]:
    """Return for each head, in order, the longest other one that it begins with; -1 for none."""
    inner: list[int] = []
    open_: list[int] = []
    for number, head in enumerate(heads):
        while open_ and not head.startswith(heads[open_[-1]]):
            open_.pop()
        inner.append(open_[-1] if open_ else -1)
        open_.append(number)
    return inner


def _engine(heads: Iterable[bytes], *, automaton: bool) -> tuple[int, _Find]:
    if automaton:
        try:
            import ahocorasick_rs
        except ImportError:
            pass
        else:
            del ahocorasick_rs
            return _ANCHOR, _Automaton({head[:_ANCHOR] for head in heads}).find
    return LEAST, _Expression({head[:LEAST] for head in heads}).find


class _Automaton:
    """Finds anchors by an automaton of Aho and Corasick."""

    def __init__(self, anchors: Iterable[bytes]) -> None:
        self._anchors = sorted(anchors)
        self._searched = 0
        self._fast = False
        self._automaton = self._built(fast=False)

    def _built(self, *, fast: bool) -> BytesAhoCorasick:
        from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

        kind = Implementation.DFA if fast else Implementation.ContiguousNFA
        return BytesAhoCorasick(self._anchors, MatchKind.Standard, kind)

    def find(self, content: bytes) -> Sequence[int]:
        self._searched += len(content)
        if not self._fast and self._searched > _MUCH and len(self._anchors) <= _FEW:
            self._automaton = self._built(fast=True)
            self._fast = True
        found = self._automaton.find_matches_as_indexes(content, overlapping=True)
        return sorted({start for _, start, _ in found}) if found else ()


class _Expression:
    """Finds anchors, all of `LEAST` bytes, by a regular expression."""

    def __init__(self, anchors: Iterable[bytes]) -> None:
        self._search = re.compile(_tree(sorted(anchors)), re.DOTALL).search

    def find(self, content: bytes) -> Sequence[int]:
        return [*self._each(content)]

    def _each(self, content: bytes) -> Iterator[int]:
        found = self._search(content)
        while found is not None:
            start = found.start()
            yield start
            found = self._search(content, start + 1)


def _tree(endings: Sequence[bytes]) -> bytes:
    """Return an expression for texts of one length, that looks at each byte of them once."""
    if not endings or not endings[0]:
        return b""
    branches: dict[bytes, list[bytes]] = {}
    for each in endings:
        branches.setdefault(each[:1], []).append(each[1:])
    return b"(?:%s)" % b"|".join(re.escape(one) + _tree(rest) for one, rest in branches.items())
