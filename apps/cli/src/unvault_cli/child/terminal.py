"""The terminal a person sits at, and the one inside that the program gets. POSIX only."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import termios
import threading
import time
from typing import Any

_ENDING = {signal.SIGINT: termios.VINTR, signal.SIGQUIT: termios.VQUIT}
"""By signal, the key that sends it: to all processes in a terminal's foreground."""

_PAUSE_SECONDS = 0.05
"""How long to wait where the terminal is another one's at the moment."""


class Terminal:
    """The person's terminal: as it was while we do not have it, and raw while the program does.

    Raw means that every key goes to the program's own terminal, and is understood there.

    Args:
        keyboard: The terminal, to read from; None where there is none.
        screen: The terminal, to write to.
    """

    def __init__(self, keyboard: int | None, screen: int) -> None:
        self._keyboard = keyboard
        self._screen = screen
        self._before: list[Any] = termios.tcgetattr(screen if keyboard is None else keyboard)
        self.raw = raw(self._before)
        self._raw = False
        self._listening = threading.Event()
        self._asked: set[int] = set()
        self.inside, self.outside = _pair(self._before, screen)

    @property
    def away(self) -> bool:
        """Whether there is a keyboard that belongs to somebody else at the moment."""
        return self._keyboard is not None and not self._raw

    @property
    def ends_lines(self) -> bool:
        """Whether the terminal puts a carriage return before each line feed: while not raw."""
        both = termios.OPOST | termios.ONLCR
        return not self._raw and self._before[1] & both == both

    @property
    def gone(self) -> bool:
        """Whether the terminal was closed: its window, or the connection to it."""
        try:
            termios.tcgetattr(self._screen)
        except termios.error:
            return True
        return False

    def attach(self) -> None:
        """Make the terminal raw, if it is ours: not in the background. `listen` is to follow."""
        if self._keyboard is None or not _ours(self._keyboard):
            return
        with contextlib.suppress(termios.error):  # it is gone
            now = termios.tcgetattr(self._keyboard)
            if now != self.raw:
                self._before = now
            # Not TCSAFLUSH: what was typed while the program was being started is meant for it.
            termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self.raw)
            self.resize()
            self._raw = True

    def listen(self) -> None:
        """Let the keys go to the program, where the terminal is raw.

        A program that is stopped must be let go on before: what stops it would be lost otherwise.
        """
        if self._raw:
            self._listening.set()

    def detach(self) -> None:
        """Give the terminal back as it was."""
        if self._keyboard is None or not self._raw:
            return
        self._listening.clear()
        put_back(self._keyboard, self.raw, self._before)
        self._raw = False

    def put_back(self) -> None:
        """Give the terminal back, where another process had it and is gone."""
        if self._keyboard is not None:
            put_back(self._keyboard, self.raw, self._before)

    def outer(self) -> tuple[int, ...]:
        """Return what `put_back` needs to stay open."""
        return () if self._keyboard is None else (self._keyboard,)

    def asked(self, number: int) -> bool:
        """Return whether a person has typed the key for a signal, since the program began."""
        return number in self._asked

    def resize(self) -> None:
        """Give the inner terminal the size of the outer one; the system tells its programs."""
        copy_size(self._screen, self.outside)

    def start_typing(self) -> None:
        """Begin to hand on what is typed."""
        if self._keyboard is not None:
            threading.Thread(target=self._type, args=(self._keyboard,), daemon=True).start()

    def _type(self, keyboard: int) -> None:
        while True:
            self._listening.wait()
            try:
                typed = os.read(keyboard, 4096)
            except OSError as error:
                if error.errno not in (errno.EIO, errno.EAGAIN):
                    return
                time.sleep(_PAUSE_SECONDS)  # in the background for the moment
                continue
            if not typed:
                return
            self._listening.wait()  # it was read in the middle of a change
            self._note(typed)
            try:
                while typed:
                    typed = typed[os.write(self.outside, typed) :]
            except OSError:
                return  # the program has ended

    def _note(self, typed: bytes) -> None:
        """Take note of the keys that end a program.

        Also where the program's terminal is raw, as it is while one of ours runs there in turn.
        """
        keys = self.raw[6]
        self._asked |= {number for number, key in _ENDING.items() if keys[key] in typed}


def raw(settings: list[Any]) -> list[Any]:
    """Return a terminal's settings with all that it does by itself turned off."""
    iflag, oflag, cflag, lflag, *speeds, keys = settings
    iflag &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    cflag = cflag & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    keys = [*keys]
    keys[termios.VMIN], keys[termios.VTIME] = 1, 0
    return [iflag, oflag & ~termios.OPOST, cflag, lflag, *speeds, keys]


def put_back(terminal: int, ours: list[Any], before: list[Any]) -> None:
    """Give a terminal its settings back, unless somebody has changed ours meanwhile."""
    with contextlib.suppress(termios.error):  # it is gone
        if termios.tcgetattr(terminal) == ours:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def copy_size(source: int, target: int) -> None:
    """Give one terminal the size of another."""
    with contextlib.suppress(OSError):  # it is gone
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(target, termios.TIOCSWINSZ, size)


def inner_for(screen: int) -> tuple[int, int]:
    """Return a terminal for the errors alone of a program that stays at the person's own one.

    Returns:
        Its inner end, which looks like ``screen``, and the outer one. It leaves line ends to
        ``screen``.
    """
    settings = termios.tcgetattr(screen)
    settings[1] &= ~termios.OPOST
    return _pair(settings, screen)


def controlling() -> int | None:
    """Return the terminal that this process is controlled by, opened; None where there is none."""
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None


def _pair(settings: list[Any], screen: int) -> tuple[int, int]:
    outside, inside = os.openpty()
    termios.tcsetattr(inside, termios.TCSANOW, settings)
    copy_size(screen, outside)
    return inside, outside


def _ours(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError as error:
        return error.errno == errno.ENOTTY  # it controls nobody: no shell takes turns with us
