"""Tries again what failed for the moment: with growing pauses, and inside a deadline.

For providers whose SDK does not do it well by itself::

    retries = Retries(seconds=10)


    def attempt(seconds_left):
        try:
            return client.read(path, timeout=seconds_left)
        except ServerBusy as error:
            raise Again(Throttled("the vault is busy"), after=error.retry_after) from None


    value = retries.call(attempt)
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from math import inf
from typing import TypeVar

from unvault.clock import Clock
from unvault.errors import Unavailable, UnvaultError

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_DISCOURAGED_SECONDS = 1.0
"""How long after one piece of work gave up the others do not try again either."""

_T = TypeVar("_T")


class Again(Exception):
    """What an attempt raises when the same may work in a moment.

    Args:
        error: What is raised when there is no time or no try left.
        after: Seconds to wait at the least, where the vault said so.
    """

    def __init__(self, error: UnvaultError, *, after: float | None = None) -> None:
        super().__init__(error.code)
        self.error = error
        self.after = after


class Retries:
    """The patience of one session: how long a piece of work may take, and how often it is tried.

    Several threads may share it. While a vault is down, the first piece of work that runs out of
    tries or time discourages the others for a second: they try once, for a tenth of the time, so
    that two hundred fetches do not wait one after another.

    Args:
        seconds: How long one piece of work may take, all attempts and pauses included.
        tries: How often it is attempted at most.
        clock: What tells the time.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        seconds: float,
        *,
        tries: int = 6,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.seconds = seconds
        self._tries = tries
        self._elapsed = (clock or Clock()).elapsed
        self._sleep = sleep
        self._gave_up: float | None = None

    def call(self, attempt: Callable[[float], _T]) -> _T:
        """Do a piece of work, and do it again while it raises `Again`.

        Args:
            attempt: Is given the seconds that are left, to be the timeout of what it does.

        Raises:
            UnvaultError: What the last `Again` held, or anything else the attempt raised.
        """
        deadline = self._elapsed() + self.seconds
        pauses = iter(self._pauses())
        while True:
            try:
                result = attempt(self._left(deadline))
            except Unavailable:
                self._gave_up = self._elapsed()
                raise
            except Again as again:
                pause = max(next(pauses, inf), again.after or 0)
                if self._discouraged() or self._elapsed() + pause >= deadline:
                    self._gave_up = self._elapsed()
                    raise again.error from again.__cause__
            else:
                self._gave_up = None
                return result
            self._sleep(pause)

    def _pauses(self) -> list[float]:
        """Return how long to wait between attempts, in seconds."""
        steps = [_FIRST_PAUSE_SECONDS * 2**step for step in range(self._tries - 1)]
        # No secret: only so that those who failed together do not come back together.
        parts = [random.uniform(0.5, 1) for _ in steps]  # noqa: S311
        waits = [min(step, _LONGEST_PAUSE_SECONDS) for step in steps]
        return [wait * part for wait, part in zip(waits, parts, strict=True)]

    def _left(self, deadline: float) -> float:
        left = deadline - self._elapsed()
        return max(min(left, self.seconds / 10) if self._discouraged() else left, 0.001)

    def _discouraged(self) -> bool:
        gave_up = self._gave_up
        return gave_up is not None and self._elapsed() < gave_up + _DISCOURAGED_SECONDS
