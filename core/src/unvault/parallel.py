"""Runs several things at the same time, within a bound."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar, copy_context
from typing import TypeVar

_T = TypeVar("_T")

LISTEN_SECONDS = 0.2
"""How often a wait looks whether somebody pressed Ctrl-C: an endless one cannot be interrupted on
Windows, and may miss a signal that arrives just before it begins elsewhere."""

STOP: ContextVar[threading.Event | None] = ContextVar("unvault-stop", default=None)
"""Set when nobody wants any more what the current context is doing."""


class Gate:
    """Opens once, and lets everybody through who waits for it.

    Ctrl-C may interrupt whoever opens it or waits at it, and shuts nobody out. A `threading.Event`
    has a lock inside that stays locked where it is interrupted at the wrong moment.
    """

    __slots__ = ("_lock", "is_open")

    def __init__(self) -> None:
        self.is_open = False
        self._lock = threading.Lock()  # only wakes those who wait; what counts is ``is_open``
        self._lock.acquire()

    def open(self) -> None:
        """Open it; once more does nothing."""
        if not self.is_open:
            self.is_open = True
            with suppress(RuntimeError):  # another thread did the same just now
                self._lock.release()

    def wait(self) -> None:
        """Return when it is open."""
        while not self.is_open:
            if self._lock.acquire(timeout=LISTEN_SECONDS):
                with suppress(RuntimeError):  # as above
                    self._lock.release()  # for the next one


class Stopped(BaseException):
    """Nobody wants the rest any more, so it was not begun."""


def run_side_by_side(
    action: Callable[[_T], None], items: Sequence[_T], *, bound: int, name: str
) -> None:
    """Call an action with every item, in threads, and return when all are done.

    The threads are daemons, unlike those of ``concurrent.futures``: whoever presses Ctrl-C does not
    wait for a vault that does not answer. They see the caller's context variables.

    Args:
        action: What to do; it deals with the errors that are to be expected.
        items: What to do it with.
        bound: How many threads at the most.
        name: What the threads are called.

    Raises:
        KeyboardInterrupt: The wait was interrupted; what has not begun is not begun any more.
        Stopped: The event in `STOP` was set; what had not begun was not begun any more.
        BaseException: What an action raised; what had not begun was not begun any more.
    """
    waiting = _Queue(items)
    threads = [
        threading.Thread(
            target=copy_context().run,  # each has its own: no two threads may be in one
            args=(waiting.drain, action),
            name=f"{name}-{n}",
            daemon=True,
        )
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
    waiting.check()


class _Queue:
    """Hands out items, each once."""

    def __init__(self, items: Iterable[object]) -> None:
        self._items = iter(items)
        self._lock = threading.Lock()
        self._trouble: BaseException | None = None
        self._stop = STOP.get()

    def drain(self, action: Callable[..., None]) -> None:
        """Work until nothing is left, or something goes wrong that nobody expected."""
        try:
            for item in iter(self._next, self):
                action(item)
        except BaseException as error:  # noqa: BLE001  # it is the caller's, not this thread's
            self._trouble = self._trouble or error
            self.empty()

    def empty(self) -> None:
        """Hand out nothing any more."""
        with self._lock:
            self._items = iter(())

    def check(self) -> None:
        """Raise what went wrong."""
        if self._trouble is not None:
            raise self._trouble
        if self._stopped():
            raise Stopped

    def _stopped(self) -> bool:
        return self._stop is not None and self._stop.is_set()

    def _next(self) -> object:
        """Return the next item, or the queue itself when there is none."""
        with self._lock:
            return self if self._stopped() else next(self._items, self)
