"""Which of the known names a person may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, limit: int = 5) -> tuple[str, ...]:
    """Return the names in ``known`` that look most like ``word``, best first.

    Args:
        word: What was asked for.
        known: The names there are.
        limit: How many names at the most.
    """
    import difflib  # 6 ms, and only an error needs it

    names = sorted(set(known))
    folded = {name.casefold(): name for name in reversed(names)}
    close = difflib.get_close_matches(word.casefold(), folded, n=limit, cutoff=0.5)
    inside = [fold for fold in folded if word and word.casefold() in fold]
    return tuple(folded[fold] for fold in dict.fromkeys([*close, *sorted(inside)]))[:limit]


def sentence(lead: str, names: Iterable[str], *, limit: int = 12) -> str:
    """Return ``lead`` and the names, for example ``the fields are: host, password``."""
    listed = [name if name.isprintable() else repr(name) for name in names]
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return f"{lead}: {', '.join(listed[:limit])}{more}" if listed else f"{lead}: none"
