"""Takes every signal that is sent to this process, to hand it on. POSIX only."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NamedTuple

_ALL = frozenset(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
_FAULTS = frozenset({
    signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTRAP,
    signal.SIGSYS,
})  # fmt: skip
"""What the system sends to a process that did wrong: it must end that process as ever."""

_TO_ALL = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH})
"""What a terminal sends: to all processes in its foreground, and so to a program that is there."""

_FROM_KERNEL = 0x80  # SI_KERNEL of Linux


class Signal(NamedTuple):
    """A signal that came."""

    number: int
    """Which one; 0 where none came in time."""
    shared: bool
    """Whether the terminal sent it, and so to the other processes of our group as well."""


class Signals:
    """Blocks all signals and hands them out, one after the other. One for each process."""

    def __init__(self) -> None:
        self.before = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)
        self._take_from_other_threads()

    def next(self, seconds: float | None = None) -> Signal:
        """Wait for the next signal.

        Args:
            seconds: How long to wait at most, where the platform can; None is for ever.
        """
        if not hasattr(signal, "sigwaitinfo"):
            # Who sent it is not known. What a terminal may have sent it has sent to all.
            number = int(signal.sigwait(_ALL))
            return Signal(number, shared=number in _TO_ALL and _in_foreground())
        if seconds is None:
            found: signal.struct_siginfo | None = signal.sigwaitinfo(_ALL)
        else:
            found = signal.sigtimedwait(_ALL, seconds)
        if found is None:
            return Signal(0, shared=False)
        shared = found.si_code == _FROM_KERNEL and found.si_signo in _TO_ALL
        return Signal(found.si_signo, shared=shared)

    def early(self) -> Iterator[int]:
        """Yield what came already: before there was a program that a terminal could reach."""
        while came := signal.sigpending() & _ALL - {signal.SIGCHLD}:
            yield int(signal.sigwait(came))

    def stop(self, number: int, *, group: bool) -> None:
        """Stop this process by a signal, and return when it goes on.

        In a group that no shell looks after the system lets nobody stop: then it returns at once.

        Args:
            number: The signal.
            group: Stop all processes of our group, as a terminal would.
        """
        if number != signal.SIGSTOP:
            signal.signal(number, signal.SIG_DFL)
        if group:
            os.killpg(os.getpgrp(), number)
        else:
            os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})  # here it stops
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        if number != signal.SIGSTOP:
            signal.signal(number, _nothing)
        if signal.SIGCONT in signal.sigpending():
            signal.sigwait({signal.SIGCONT})

    def release(self) -> None:
        """Let signals do to this process what they do by default.

        What came for the program, and came too late, is dropped.
        """
        while late := signal.sigpending() & _ALL:
            signal.sigwait(late)
        for number in _ALL - _FAULTS:
            if signal.getsignal(number) is _nothing:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.before)

    def _take_from_other_threads(self) -> None:
        """Hand what other threads get to this one: an SDK's may have begun before all was blocked.

        In a thread that does not block it, a signal would otherwise end the process.
        """
        for number in _ALL - _FAULTS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                signal.signal(number, _nothing)
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        thread = threading.Thread(
            target=_hand_over, args=(woken, threading.get_ident()), daemon=True
        )
        thread.start()


def tell_others(number: int) -> None:
    """Send a signal to the other processes of our group.

    A terminal would have sent it to them as well, when its key was pressed.
    """
    before = signal.getsignal(number)
    signal.signal(number, signal.SIG_IGN)
    os.killpg(os.getpgrp(), number)
    signal.signal(number, signal.SIG_DFL if before is None else before)


def _hand_over(woken: int, waiting: int) -> None:
    while True:
        for number in os.read(woken, 64):
            signal.pthread_kill(waiting, number)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Stand in for a signal's default, which would end the process."""


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
