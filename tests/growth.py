"""By how much longer something takes for a text that is longer: shown in the soak only."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median
from typing import TypeVar

from unvault.errors import UnvaultError

T = TypeVar("T")

TIMES = 8
"""How many times longer the longer text is."""

MOST = TIMES * 2
"""By how much longer it may take: what is linear does not hit every cache, and on a machine that is
in use it has been 1.61 times as much. A square takes 64."""

_LONG_ENOUGH = 0.005
"""In seconds. Longer ones fill the processor's caches, whose limits look like a square."""

_LARGEST = 1 << 17
_SURELY_A_SQUARE = 50
"""What takes this many times longer is not tried with more: that would take minutes."""


def done(action: Callable[[T], object], given: T) -> None:
    """Do what may be refused by errors of ours only."""
    with suppress(UnvaultError):
        action(given)


def growth(action: Callable[[T], object], make: Callable[[int], T]) -> float:
    """Return how many times longer an action takes for `TIMES` as much: the best of some tries.

    What takes no time at all even for a large text counts as if it had taken a few milliseconds.
    Where memory comes to be got in another way, there is one step: another try is beyond it.

    Args:
        action: What is done; it may raise errors of ours.
        make: Makes what is given to it, of a size.
    """
    gc.collect()
    gc.disable()
    try:
        size = 64
        while _seconds(action, make(size)) < _LONG_ENOUGH and size < _LARGEST:
            size *= 2
        best = float("inf")
        for larger in (size, size, size * TIMES, size * TIMES):
            if best < MOST or (larger > size and best > _SURELY_A_SQUARE):
                break
            best = min(best, _ratio(action, make(larger), make(larger * TIMES)))
        return best
    finally:
        gc.enable()


def _ratio(action: Callable[[T], object], small: T, large: T) -> float:
    pairs = [(_seconds(action, small), _seconds(action, large)) for _ in range(3)]
    return median(more / max(less, _LONG_ENOUGH) for less, more in pairs)


def _seconds(action: Callable[[T], object], given: T) -> float:
    begun = time.process_time()
    done(action, given)
    return time.process_time() - begun
