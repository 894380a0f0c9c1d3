"""Holds what must not show itself: `NamesOnly` shows names, and a mask in place of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic, NoReturn, Self, TypeVar

MASK = "********"
"""What stands wherever a secret would otherwise show."""

_K = TypeVar("_K")
_V = TypeVar("_V")


class _Unshown(dict[_K, _V]):
    """A dictionary that shows a mask."""

    def __repr__(self) -> str:
        return MASK


if TYPE_CHECKING:

    class _Named(Mapping[str, _V]):
        """For type checkers, a mapping."""

else:

    class _Named(Generic[_V]):
        """What works like a mapping, and is none: nobody looks into it who was not asked to."""

        __slots__ = ()

        get, keys, items, values = Mapping.get, Mapping.keys, Mapping.items, Mapping.values

        def __eq__(self, other: object) -> bool:
            return dict(self) == dict(other) if _is_mapping(other) else NotImplemented

        __hash__ = None  # as for mappings


class NamesOnly(_Named[_V]):
    """What has names and may hold secrets. Does not change, and shows its names only.

    It does all that a mapping does, and for type checkers it is one. For ``isinstance`` it is none,
    and no dict or attrs class either: tools that report errors, compare, or take objects apart
    (Sentry, pytest, cattrs, ``attrs.asdict``) walk into these, and show what they find.

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

    def __contains__(self, name: object) -> bool:
        """Say whether there is something of a name."""
        return name in self._content

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


def _is_mapping(other: object) -> bool:
    return isinstance(other, Mapping | NamesOnly)
