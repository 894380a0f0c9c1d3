"""What was measured, and how it is shown."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence

import attrs

_HEADINGS = ("what", "unvault", "beside it", "ratio", "bound", "")
_RIGHT = (1, 2, 3)
"""The columns of figures."""


@attrs.frozen
class Row:
    """One thing that was measured, and what it was measured beside.

    A bound is kept or missed; a row without one is there to be read::

        Row("one fetch", 0.71, 0.69, "bare hvac", unit="ms", at_most=1.1)
        Row("200 fetches", 0.4, 4.5, "bare hvac", unit="s", faster=10)
        Row("logins for 1,000 fetches", 1, unit="", limit=1)
    """

    what: str
    """What was done."""
    ours: float
    """What it takes with unvault."""
    theirs: float | None = None
    """What it takes otherwise."""
    beside: str = ""
    """With what."""
    unit: str = attrs.field(default="ms", kw_only=True)
    """Of both; empty for a count."""
    at_most: float | None = attrs.field(default=None, kw_only=True)
    """Bound: how many times theirs ours may be."""
    faster: float | None = attrs.field(default=None, kw_only=True)
    """Bound: how many times ours theirs has to be."""
    limit: float | None = attrs.field(default=None, kw_only=True)
    """Bound: how much ours may be."""
    at_least: float | None = attrs.field(default=None, kw_only=True)
    """Bound: how much ours has to be, where more is better."""

    @property
    def ratio(self) -> float | None:
        """How many times theirs ours is; the other way round where it has to be faster."""
        if not self.theirs:
            return None
        return self.ours / self.theirs if self.faster is None else self.theirs / self.ours

    @property
    def bound(self) -> str:
        """The bound, to be read; empty where there is none."""
        if self.at_most is not None:
            return f"at most {self.at_most:.2f}"
        if self.faster is not None:
            return f"{self.faster:g} times faster"
        if self.at_least is not None:
            return f"at least {_figure(self.at_least, self.unit)}"
        return "" if self.limit is None else f"at most {_figure(self.limit, self.unit)}"

    @property
    def met(self) -> bool | None:
        """Whether the bound is kept; None where there is none."""
        if self.limit is not None:
            return self.ours <= self.limit
        if self.at_least is not None:
            return self.ours >= self.at_least
        ratio = self.ratio
        if ratio is None or not self.bound:
            return None
        return ratio <= self.at_most if self.at_most is not None else ratio >= (self.faster or 0)

    def cells(self) -> tuple[str, ...]:
        """Return its texts, one for each column."""
        theirs = "" if self.theirs is None else _figure(self.theirs, self.unit)
        return (
            self.what,
            _figure(self.ours, self.unit),
            f"{theirs} {self.beside}".strip(),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            self.bound,
            {True: "met", False: "MISSED", None: ""}[self.met],
        )


def as_text(rows: Sequence[Row]) -> str:
    """Return rows as a table for a terminal."""
    lines = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number in _RIGHT else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_markdown(rows: Iterable[Row]) -> str:
    """Return rows as a table for a page."""
    rule = ["---:" if number in _RIGHT else "---" for number in range(len(_HEADINGS))]
    lines = [_HEADINGS, rule, *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Return what kind of machine and Python this is; nothing that names it."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    kind = f"{platform.system()} on {platform.machine()}, {cores} cores"
    return f"{kind}, {platform.python_implementation()} {platform.python_version()}"


def _figure(number: float, unit: str) -> str:
    if not unit:
        return f"{number:,g}"
    digits = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:,.{digits}f} {unit}"
