"""Which of the known names a person may have meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_LONGEST = 250
"""Words longer than this are compared with nothing: it takes too long, and is no slip of a key."""

_COMPARED = 200
"""How many names are compared thoroughly: those that share most pairs of letters with the word."""


def nearest(word: str, known: Iterable[str], *, limit: int = 5) -> tuple[str, ...]:
    """Return the names in ``known`` that look most like ``word``, best first.

    Args:
        word: What was asked for.
        known: The names there are.
        limit: How many names at the most.
    """
    import difflib  # 6 ms, and only an error needs it

    wanted = word.casefold()
    folded = {name.casefold(): name for name in sorted(set(known), reverse=True)}
    same = [wanted] if wanted in folded else []
    close = difflib.get_close_matches(wanted, _likely(wanted, folded), n=limit, cutoff=0.5)
    inside = sorted(fold for fold in folded if word and wanted in fold)
    return tuple(folded[fold] for fold in dict.fromkeys([*same, *close, *inside]))[:limit]


def _likely(word: str, names: Iterable[str]) -> Sequence[str]:
    """Return the names worth a thorough comparison, which takes too long for thousands of them."""
    if len(word) > _LONGEST:
        return []
    # A name three times as long has less than half in common, which is too little anyway.
    fit = [name for name in names if len(word) <= 3 * len(name) and len(name) <= 3 * len(word)]
    if len(fit) <= _COMPARED:
        return fit
    pairs = _pairs(word)
    shared = {name: len(pairs & _pairs(name)) / (len(name) + len(word)) for name in fit}
    return sorted(fit, key=shared.__getitem__, reverse=True)[:_COMPARED]


def _pairs(word: str) -> set[tuple[str, str]]:
    return {*zip(f" {word}", f"{word} ", strict=True)}


def sentence(lead: str, names: Iterable[str], *, limit: int = 12) -> str:
    """Return ``lead`` and the names, for example ``the fields are: host, password``."""
    listed = [name if name and name.isprintable() else repr(name) for name in names]
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return f"{lead}: {', '.join(listed[:limit])}{more}" if listed else f"{lead}: none"
