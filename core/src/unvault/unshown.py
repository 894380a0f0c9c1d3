"""Holds what must not show itself: `NamesOnly` shows names, and a mask in place of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NoReturn, Self, TypeVar

MASK = "********"
"""What stands wherever a secret would otherwise show."""

_K = TypeVar("_K")
_V = TypeVar("_V")


class _Unshown(dict[_K, _V]):
    """A dictionary that shows a mask."""

    def __repr__(self) -> str:
        return MASK


class NamesOnly(Mapping[str, _V]):
    """What has names and may hold secrets. Does not change, and shows its names only.

    It is neither a dict nor an attrs class, so that ``attrs.asdict`` and ``repr`` of what holds
    it leave it closed.

    Args:
        content: What it has, by name.
    """

    __slots__ = ("_content",)

    def __init__(self, content: Mapping[str, _V] | None = None) -> None:
        self._content: dict[str, _V] = _Unshown(content or {})

    def __getitem__(self, name: str) -> _V:
        """Return what has a name."""
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._content)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._content)

    def __repr__(self) -> str:
        """Return the names, each with a mask."""
        names = ", ".join(f"{name}={MASK}" for name in self._content)
        return f"<{type(self).__name__} {names}>"

    def __copy__(self) -> Self:
        """Return itself: it does not change."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Return itself: it does not change."""
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be pickled: what it holds would be in the clear."""
        what = type(self).__name__
        raise TypeError(f"{what} are not pickled: they may hold a token or a password")
