"""What credentials and secrets may be called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from unvault.errors import InvalidName

_T = TypeVar("_T")


def check_name(name: str, *, what: str, longest: int) -> None:
    """Check a name that a person chooses.

    Args:
        name: The name.
        what: What is called by it, such as ``credential``, for the message.
        longest: How many characters it may have.

    Raises:
        InvalidName: It is empty, too long, not printable, or has white space around it.
    """
    why = None
    if not name or name != name.strip():
        why = "is empty, or has white space around it"
    elif len(name) > longest:
        why = f"is longer than {longest} characters"
    elif not name.isprintable():
        why = "has a character that cannot be printed"
    if why:
        raise InvalidName(f"a {what} cannot be called {shortened(name)}: the name {why}")


def shortened(name: str, limit: int = 60) -> str:
    """Return a name in quotes, for a message: escaped, and cut where it is very long."""
    return repr(name if len(name) <= limit else name[:limit] + "…")


def checked_names(what: str, names: Iterable[_T]) -> Sequence[_T]:
    """Return names in a list, and refuse one that stands alone: it would be read as its letters.

    Raises:
        TypeError: It does.
    """
    if isinstance(names, str | bytes):
        raise TypeError(f"{what} is a list of names, not one name: {what}=[…]")
    return [*names]


def all_of(kind: type[_T], given: object) -> tuple[_T, ...]:
    """Return what was given as a tuple, if it is a list of things of one kind.

    Raises:
        TypeError: It is not.
    """
    listed: tuple[object, ...] = tuple(given) if isinstance(given, Iterable) else (given,)
    wrong = [each for each in listed if not isinstance(each, kind)]
    if wrong or not isinstance(given, Iterable):
        got = type((wrong or [given])[0]).__name__
        raise TypeError(f"wanted is a list of {kind.__name__}: this is {got}")
    return tuple(each for each in listed if isinstance(each, kind))
