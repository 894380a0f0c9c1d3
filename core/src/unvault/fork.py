"""Puts objects right in a child process that was forked.

A fork copies the memory and one thread. What the other threads were doing stays half done in the
child for ever: locks they held stay held, and what they were fetching never comes. Sockets are
shared with the parent. Whoever has such state says how to begin anew.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


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
