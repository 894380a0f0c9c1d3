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
import threading
import time
from collections.abc import Callable
from math import inf
from typing import TypeVar

from unvault.clock import Clock
from unvault.errors import TimedOut, Unavailable, UnvaultError

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
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

    Several threads may share it. When a piece of work runs out of tries or time, the others are
    discouraged until one gets through: they try once, for a tenth of the time, so that two hundred
    fetches do not wait one after another behind a vault that is down. One of them at a time has
    all its time and tries, when as much time has gone by: a vault that is slow, and not down any
    more, is used again.

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
        self._lock = threading.Lock()
        self._gave_up: float | None = None
        self._probing = False

    def call(self, attempt: Callable[[float], _T]) -> _T:
        """Do a piece of work, and do it again while it raises `Again`.

        Args:
            attempt: Is given the seconds that are left, to be the timeout of what it does.

        Raises:
            UnvaultError: What the last `Again` held, or anything else the attempt raised; but for
                a `TimedOut` after an `Again`, for which only the rest of the time was left.
        """
        probes = self._begin()
        patient = probes is not None
        reached = False
        try:
            result = self._try(attempt, patient=patient)
            reached = True
        except Unavailable:
            raise
        except Exception:  # an answer, if not the one that was hoped for
            reached = True
            raise
        finally:
            self._end(reached=reached, patient=patient, probes=bool(probes))
        return result

    def _try(self, attempt: Callable[[float], _T], *, patient: bool) -> _T:
        deadline = self._elapsed() + (self.seconds if patient else self.seconds / 10)
        pauses = iter(self._pauses() if patient else ())
        last: Again | None = None
        while True:
            try:
                return attempt(max(deadline - self._elapsed(), 0.001))
            except Again as again:
                last = again
                pause = max(next(pauses, inf), again.after or 0)
                if self._elapsed() + pause >= deadline:
                    break
            except TimedOut:
                if last is None:
                    raise
                break  # what was said before says more than that the rest was too short
            self._sleep(pause)
        raise last.error from last.__cause__  # outside: what it was made from may hold an answer

    def _begin(self) -> bool | None:
        """Say whether a piece of work is the one that tries for all; None where it is hurried."""
        with self._lock:
            if self._gave_up is None:
                return False
            if self._probing or self._elapsed() < self._gave_up + self.seconds:
                return None
            self._probing = True
            return True

    def _end(self, *, reached: bool, patient: bool, probes: bool) -> None:
        with self._lock:
            if probes:
                self._probing = False
            if reached:
                self._gave_up = None
            elif patient:  # who was hurried has proved nothing
                self._gave_up = self._elapsed()

    def _pauses(self) -> list[float]:
        """Return how long to wait between attempts, in seconds."""
        steps = [_FIRST_PAUSE_SECONDS * 2**step for step in range(self._tries - 1)]
        # No secret: only so that those who failed together do not come back together.
        parts = [random.uniform(0.5, 1) for _ in steps]  # noqa: S311
        waits = [min(step, _LONGEST_PAUSE_SECONDS) for step in steps]
        return [wait * part for wait, part in zip(waits, parts, strict=True)]
