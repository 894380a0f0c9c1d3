"""Puts objects right in a child process that was forked.

A fork copies the memory and one thread. What the other threads were doing stays half done in the
child for ever: locks they held stay held, and what they were fetching never comes. Sockets are
shared with the parent. Whoever has such state says how to begin anew. Where that cannot be done,
since the state is a library's, the fork waits until no thread is inside that library.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakSet

PATIENCE = 5.0
"""How many seconds a fork, or the end of the process, waits for other threads. Then it goes on: a
thread that waits for the one that forks would never be done."""


class Renewable(Protocol):
    """Something with state that a forked child must not inherit."""

    def after_fork(self) -> None:
        """Begin anew: called in the child, by its only thread, before anything else runs."""


class _Registry:
    """The objects to put right, for as long as somebody else keeps them."""

    def __init__(self) -> None:
        self._objects: WeakSet[Renewable] = WeakSet()
        self._heard = False

    def add(self, renewable: Renewable) -> None:
        """Note an object; ask to be told of forks when it is the first."""
        self._objects.add(renewable)
        _GATE.hear()  # while there is one thread, as a rule
        if not self._heard and hasattr(os, "register_at_fork"):  # Windows has no fork
            self._heard = True  # two threads may both get here: renewing twice does no harm
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        for renewable in list(self._objects):
            renewable.after_fork()


_REGISTRY = _Registry()  # the process has one list of what to do after a fork, and so have we


def renew_after_fork(renewable: Renewable) -> None:
    """Have an object's ``after_fork`` called in every child that is forked from now on.

    The object is not kept alive by this. Its method replaces locks and forgets what other threads
    were doing; it must neither wait nor raise, and not rely on the order of the objects.

    Args:
        renewable: The object; it is hashable, and weak references to it are possible.
    """
    _REGISTRY.add(renewable)


class _Gate:
    """Keeps forks apart from what other threads are doing meanwhile."""

    def __init__(self) -> None:
        self._heard = False
        self._begin({})

    def _begin(self, inside: dict[int, int]) -> None:
        self._inside = inside
        self._forking: list[int] = []
        # It can be taken again by the thread that has it: a signal may come at any moment.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def hear(self) -> None:
        """Ask to be told of forks and of the end. One that is under way then waits for nobody."""
        with self._lock:  # a condition's own `with` may keep it, interrupted by Ctrl-C
            if self._heard:
                return
            self._heard = True
            atexit.register(self._at_the_end)
            if not hasattr(os, "register_at_fork"):  # Windows has no fork
                return
            os.register_at_fork(
                before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child
            )

    def enter(self) -> None:
        """Note that this thread is inside; wait for a fork that is under way."""
        self.hear()
        me = threading.get_ident()
        with self._lock:
            if me not in self._inside:
                self._changed.wait_for(lambda: {*self._forking} <= {me}, PATIENCE)
            self._inside[me] = self._inside.get(me, 0) + 1

    def leave(self) -> None:
        """Note that this thread is outside again."""
        me = threading.get_ident()
        with self._lock:
            self._inside[me] -= 1
            if not self._inside[me]:
                del self._inside[me]
                self._changed.notify_all()

    def _before(self) -> None:
        me = threading.get_ident()
        self._changed.acquire()
        self._forking.append(me)
        self._changed.wait_for(lambda: self._inside.keys() <= {me}, PATIENCE)

    def _at_the_end(self) -> None:
        """Let other threads come out before the process ends, and none in any more.

        Python stops threads wherever they are then, which aborts the process where that is in a
        library written in C++ or Rust, such as one that is being imported.
        """
        me = threading.get_ident()
        with self._lock:
            self._forking.append(me)
            self._changed.wait_for(lambda: self._inside.keys() <= {me}, PATIENCE)

    def _in_parent(self) -> None:
        me = threading.get_ident()
        if me not in self._forking:
            return  # it was under way when we asked to be told
        self._forking.remove(me)
        self._changed.notify_all()
        self._changed.release()

    def _in_child(self) -> None:
        me = threading.get_ident()
        self._begin({me: self._inside[me]} if me in self._inside else {})


_GATE = _Gate()  # one for the process, as forks are the process's


@contextmanager
def no_fork_meanwhile() -> Iterator[None]:
    """Keep other threads from forking while the block runs: they wait, `PATIENCE` at the most.

    So does the end of the process.

    For calls into a library that would be stuck in the child if it were copied in the middle, and
    for imports: a module that is half imported stays so, and whoever needs it waits for ever. The
    thread itself may fork in the block.
    """
    _GATE.enter()
    try:
        yield
    finally:
        _GATE.leave()
