"""The two clocks the core reads, as one object that a test can replace."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import final

import attrs


def _boot_time() -> Callable[[], float]:
    """Return the clock that never goes back and goes on while the machine sleeps.

    ``time.monotonic`` stands still during sleep on Linux, and would keep a secret past its time.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    if boot is None:
        return time.monotonic
    return partial(time.clock_gettime, boot)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@final
@attrs.frozen
class Clock:
    """Tells how much time has passed, and what time it is.

    Another clock is made by giving functions, not by a subclass, whose methods would go unheard::

        seconds = 0.0
        clock = Clock(elapsed=lambda: seconds, now=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    """

    elapsed: Callable[[], float] = attrs.field(factory=_boot_time)
    """Seconds since some fixed moment; never goes back."""
    now: Callable[[], datetime] = _utc_now
    """The time of day, with a time zone; it may be set, and so jump."""

    def __init_subclass__(cls) -> None:
        """Refuse a subclass.

        Raises:
            TypeError: Always.
        """
        raise TypeError("Clock has no subclasses: give it functions, Clock(elapsed=..., now=...)")

    def deadline(self, moment: datetime) -> float:
        """Return what `elapsed` will say at a time of day, as far as can be known now."""
        return self.elapsed() + (moment - self.now()).total_seconds()
