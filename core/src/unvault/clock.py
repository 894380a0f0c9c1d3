"""The two clocks the core reads, and chance, as one object that a test can replace."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import final

import attrs


def clock_id(platform: str) -> int | None:
    """Return the system's clock that never goes back and goes on while the machine sleeps.

    ``time.monotonic`` stands still during sleep on Linux and on macOS, and would keep a secret past
    its time. On Windows it goes on.

    Args:
        platform: As `sys.platform` says it.

    Returns:
        The clock for `time.clock_gettime`; None where `time.monotonic` is as good as there is.
    """
    # On macOS it is this one that goes on, and Python's monotonic clock is another.
    name = "CLOCK_MONOTONIC" if platform == "darwin" else "CLOCK_BOOTTIME"
    known: int | None = getattr(time, name, None)
    return known


def _sleepless() -> Callable[[], float]:
    known = clock_id(sys.platform)
    return time.monotonic if known is None else partial(time.clock_gettime, known)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _chance() -> float:
    """Return a number from 0 up to 1. Not with ``random``, which takes long to import."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


@final
@attrs.frozen
class Clock:
    """Tells how much time has passed, and what time it is.

    Another clock is made by giving functions, not by a subclass, whose methods would go unheard::

        seconds = 0.0
        clock = Clock(elapsed=lambda: seconds, now=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    """

    elapsed: Callable[[], float] = attrs.field(factory=_sleepless)
    """Seconds since some fixed moment; never goes back."""
    now: Callable[[], datetime] = _utc_now
    """The time of day, with a time zone; it may be set, and so jump."""
    chance: Callable[[], float] = _chance
    """A number from 0 up to 1, another one each time: it spreads over time what many would do at
    the same moment. ``lambda: 0.0`` switches that off."""

    def __init_subclass__(cls) -> None:
        """Refuse a subclass.

        Raises:
            TypeError: Always.
        """
        raise TypeError("Clock has no subclasses: give it functions, Clock(elapsed=..., now=...)")

    def deadline(self, moment: datetime) -> float:
        """Return what `elapsed` will say at a time of day, as far as can be known now."""
        return self.elapsed() + (moment - self.now()).total_seconds()
