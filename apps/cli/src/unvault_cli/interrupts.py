"""Ctrl-C, the same at every moment: the process ends of it, as a shell expects, without a word."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STOPPED = 130
"""Exit code after Ctrl-C, as a shell shows it; also where a question was not answered."""


def end_at_once() -> None:
    """Let Ctrl-C end this process: for while there is nothing to close or to remove.

    Where whoever started the process has it ignored, or code that embeds the command handles it,
    that stays.

    Raises:
        KeyboardInterrupt: It came before.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _handle_by(signal.SIG_DFL)


@contextmanager
def raised() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt meanwhile, so that what is open is closed and removed."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_DFL:
        yield
        return
    sys.unraisablehook = _unraisable
    _handle_by(signal.default_int_handler)
    try:
        yield
    finally:
        end_at_once()


def end_by_signal() -> None:
    """Let the KeyboardInterrupt that is on its way out end this process by the signal, silently.

    The interpreter does so when it gets there, after all that is to be done at its end.
    """
    end_at_once()
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    sys.excepthook = lambda *_: None


def _handle_by(handler: signal.Handlers | object) -> None:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]
        return
    # One that comes between the look for an earlier one and the change would be lost.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    """End at once where Ctrl-C met code that nothing can be raised from, such as a destructor."""
    if found.exc_type is KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        os._exit(STOPPED)  # the first process of a container does not end of a signal
    sys.__unraisablehook__(found)
