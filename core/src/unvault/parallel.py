"""Runs several things at the same time, within a bound."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

_T = TypeVar("_T")

LISTEN_SECONDS = 0.2
"""How often a wait looks whether somebody pressed Ctrl-C: an endless one cannot be interrupted on
Windows, and may miss a signal that arrives just before it begins elsewhere."""


def run_side_by_side(
    action: Callable[[_T], None], items: Sequence[_T], *, bound: int, name: str
) -> None:
    """Call an action with every item, in threads, and return when all are done.

    The threads are daemons, unlike those of ``concurrent.futures``: whoever presses Ctrl-C does not
    wait for a vault that does not answer.

    Args:
        action: What to do; it deals with its own errors.
        items: What to do it with.
        bound: How many threads at the most.
        name: What the threads are called.

    Raises:
        KeyboardInterrupt: The wait was interrupted; what has not begun is not begun any more.
    """
    waiting = _Queue(items)
    threads = [
        threading.Thread(target=waiting.drain, args=(action,), name=f"{name}-{n}", daemon=True)
        for n in range(min(bound, len(items)))
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(LISTEN_SECONDS)
    except BaseException:
        waiting.empty()
        raise


class _Queue:
    """Hands out items, each once."""

    def __init__(self, items: Iterable[object]) -> None:
        self._items = iter(items)
        self._lock = threading.Lock()

    def drain(self, action: Callable[..., None]) -> None:
        """Work until nothing is left."""
        for item in iter(self._next, self):
            action(item)

    def empty(self) -> None:
        """Hand out nothing any more."""
        with self._lock:
            self._items = iter(())

    def _next(self) -> object:
        """Return the next item, or the queue itself when there is none."""
        with self._lock:
            return next(self._items, self)
