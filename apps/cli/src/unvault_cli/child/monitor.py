"""Looks after a program on a terminal of its own: a process between it and ours. POSIX only.

A program can only be stopped by Ctrl-Z where its parent is in the same session and in another
group: otherwise the system takes its group for one that nobody would continue. So the session of
the inner terminal is led by a process that does nothing but wait.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Iterator, Mapping

from unvault_cli.child.starting import Program, become_or_tell, begin
from unvault_cli.child.terminal import Terminal

_NUMBER = struct.Struct("=i")


class Direct:
    """A program that is our own child.

    Args:
        pid: Its process's id.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def changes(self) -> Iterator[int]:
        """Yield what became of it since this was asked last, as ``waitpid`` tells it."""
        while True:
            pid, status = os.waitpid(self._pid, os.WNOHANG | os.WUNTRACED)
            if not pid:
                return
            yield status

    def send(self, number: int) -> None:
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._pid, number)

    def hang_up(self) -> None:
        """Tell it alone: the system has told our group, which it is in."""
        self.send(signal.SIGHUP)

    def let_go(self) -> None:
        """Do nothing: nobody stands between."""

    def resume(self) -> None:
        """Let it go on."""
        self.send(signal.SIGCONT)


class Monitored:
    """A program on a terminal of its own, with the process that looks after it.

    Args:
        monitor: That process's id.
        news: Where that process tells what becomes of the program.
        held: What that process is told by, when it closes, that it is not needed any more.
    """

    def __init__(self, monitor: int, news: int, held: int) -> None:
        self._monitor = monitor
        self._news = news
        self._held = held
        self._pid = self._next() or 0
        os.set_blocking(news, False)

    def changes(self) -> Iterator[int]:
        """Yield what became of it since this was asked last, as ``waitpid`` tells it."""
        while True:
            try:
                status = self._next()
            except BlockingIOError:
                return
            yield signal.SIGHUP if status is None else status  # the process between is gone

    def send(self, number: int) -> None:
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._pid, number)

    def resume(self) -> None:
        """Let it go on, and what it started in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGCONT)

    def hang_up(self) -> None:
        """Tell it, and what it started in its group, that the terminal is gone: as the system."""
        for number in (signal.SIGHUP, signal.SIGCONT):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)

    def let_go(self) -> None:
        """Wait until the process between has ended: it must not touch the terminal after us."""
        os.close(self._held)
        os.waitpid(self._monitor, 0)

    def _next(self) -> int | None:
        found = os.read(self._news, _NUMBER.size)
        return int(_NUMBER.unpack(found)[0]) if found else None


def begin_monitored(
    program: Program, places: Mapping[int, int], terminal: Terminal, failure: int
) -> Monitored:
    """Start a program on the inner end of a terminal.

    Args:
        program: The program.
        places: What is to be its standard input, output and error.
        terminal: The terminal.
        failure: Gets the number of the error if the program cannot be started.
    """
    news, telling = os.pipe()
    leash, held = os.pipe()  # the other end is held until this process ends
    monitor = _Monitor(terminal, telling, leash, os.getpid())
    pid = begin(lambda: monitor.run(program, places, failure))
    os.close(telling)
    os.close(leash)
    return Monitored(pid, news, held)


class _Monitor:
    """The process between. It never returns from `run`."""

    def __init__(self, terminal: Terminal, telling: int, leash: int, above: int) -> None:
        self._terminal = terminal
        self._inside = terminal.inside
        self._telling = telling
        self._leash = leash
        self._above = above

    def run(self, program: Program, places: Mapping[int, int], failure: int) -> None:
        os.setsid()
        fcntl.ioctl(self._inside, termios.TIOCSCTTY, 0)
        pid = begin(lambda: self._become(program, places, failure))
        self._tell(pid)
        self._let_go()
        while True:
            if signal.sigwait({signal.SIGCHLD, signal.SIGHUP}) == signal.SIGHUP:
                self._hear()
            found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            while found:
                if not os.WIFSTOPPED(status):
                    self._end(status)
                    return
                self._tell(status)
                found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)

    def _become(self, program: Program, places: Mapping[int, int], failure: int) -> None:
        os.setpgid(0, 0)
        os.tcsetpgrp(self._inside, os.getpid())
        become_or_tell(program, places, failure)

    def _let_go(self) -> None:
        """Close all that is not needed: others wait for our output or the outer end to close."""
        kept = sorted({self._inside, self._telling, self._leash, *self._terminal.outer()})
        position = 0
        for descriptor in kept:
            if position < descriptor:  # closerange(0, 0) closes everything
                os.closerange(position, descriptor)
            position = descriptor + 1
        os.closerange(position, os.sysconf("SC_OPEN_MAX"))

    def _tell(self, number: int) -> None:
        try:
            os.write(self._telling, _NUMBER.pack(number))
            os.kill(self._above, signal.SIGCHLD)
        except OSError:
            self._leave()

    def _hear(self) -> None:
        """Find out why the terminal hung up: usually because the process above was killed."""
        os.set_blocking(self._leash, False)
        try:
            gone = not os.read(self._leash, 1)
        except BlockingIOError:
            gone = False
        os.set_blocking(self._leash, True)
        if gone:
            self._leave()

    def _end(self, status: int) -> None:
        """Tell the end, and stay until that was heard and all output was read."""
        # Or the system would hang up on what the program left running when we end.
        with contextlib.suppress(OSError):
            os.tcsetpgrp(self._inside, os.getpgrp())
        os.close(self._inside)
        self._tell(status)
        os.read(self._leash, 1)
        self._leave()

    def _leave(self) -> None:
        self._terminal.put_back()
        os._exit(0)
