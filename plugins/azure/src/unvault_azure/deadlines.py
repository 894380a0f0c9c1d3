"""How long a piece of work may take, for whatever sends requests on its behalf."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IDLE_SECONDS = 10.0
"""How long anything takes at the most that nobody set a deadline for."""

_LEAST_SECONDS = 0.001

_END: ContextVar[float | None] = ContextVar("unvault-azure-deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Have all that is sent meanwhile, in this context, done within so many seconds."""
    token = _END.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def seconds_left() -> float:
    """Return how many seconds are left; a moment where there is none."""
    end = _END.get()
    if end is None:
        return _IDLE_SECONDS
    return max(end - time.monotonic(), _LEAST_SECONDS)
