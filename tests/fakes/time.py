"""Time that passes when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from unvault.clock import Clock

START = datetime(2025, 1, 1, tzinfo=UTC)


class Time:
    """Both clocks of the core: ``seconds`` only go forward, ``wall`` may be set; and no chance."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.wall = START
        self.part = 0.0  # what chance says
        self.clock = Clock(
            elapsed=lambda: self.seconds, now=lambda: self.wall, chance=lambda: self.part
        )

    def pass_(self, *, seconds: float = 0, minutes: float = 0) -> None:
        """Let time pass on both clocks."""
        passed = seconds + 60 * minutes
        self.seconds += passed
        self.wall += timedelta(seconds=passed)

    def after(self, *, seconds: float = 0, minutes: float = 0) -> datetime:
        """Return the time of day that will be then."""
        return self.wall + timedelta(seconds=seconds, minutes=minutes)
