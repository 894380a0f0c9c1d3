"""Ctrl-C at a moment that a test chooses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from types import FrameType


class Interruption:
    """Ctrl-C at one moment: after the n-th call into or out of what fetches, of one thread.

    That is where the interpreter looks for signals: when a function begins, and after each call.

    Args:
        after: How many of these moments pass before.
        files: Those of the modules in which moments count.
    """

    def __init__(self, after: int, files: Collection[str | None]) -> None:
        self.left = after
        self._files = files

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if frame.f_code.co_filename not in self._files or event not in {
            "call",
            "return",
            "c_return",
        }:
            return
        self.left -= 1
        if self.left < 0:
            sys.setprofile(None)
            raise KeyboardInterrupt

    def during(self, action: Callable[[], object]) -> bool:
        """Do something, and say whether it was interrupted."""
        sys.setprofile(self)
        try:
            action()
        except KeyboardInterrupt:
            return True
        finally:
            sys.setprofile(None)
        return False
