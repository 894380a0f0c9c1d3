"""The command on a terminal of its own, as a person meets it."""

from __future__ import annotations

import io
import os
import shlex
import signal
import sys
import time

import pexpect
import pyte

_SIZE = ("COLUMNS", "LINES")  # where a program would take the size from in place of the terminal


class Session:
    """One run of the command, or of a line for the shell, on a terminal of its own."""

    def __init__(self, *arguments: str, line: str | None = None, **environ: str) -> None:
        self._log = io.StringIO()
        command = ["sh", "-c", line] if line else [sys.executable, "-m", "unvault_cli", *arguments]
        self.child = pexpect.spawn(
            command[0],
            command[1:],
            env={**os.environ, "TERM": "xterm", **environ},
            encoding="utf-8",
            timeout=30,
            dimensions=(50, 160),
        )
        self.child.logfile_read = self._log

    @property
    def shown(self) -> str:
        """Everything that the terminal showed so far."""
        return self.log.replace("\r\n", "\n")

    @property
    def log(self) -> str:
        """The same, with its line ends."""
        return self._log.getvalue()

    def answer(self, question: str, line: str) -> None:
        """Wait for a question and type a line."""
        self.child.expect_exact(question)
        self.child.sendline(line)

    def hidden(self, question: str, line: str) -> None:
        """Wait for a question whose answer is not shown, and type it once it is hidden."""
        self.child.expect_exact(question)
        assert self.child.waitnoecho(timeout=30)
        self.child.sendline(line)

    def press(self, question: str, key: str) -> None:
        """Wait for a question and press Ctrl and a key."""
        self.child.expect_exact(question)
        if "not shown" in question:
            assert self.child.waitnoecho(timeout=30)
        self.child.sendcontrol(key)

    def end(self) -> int:
        """Wait for the end and return the exit code, as a shell shows it."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        if self.child.signalstatus == signal.SIGINT:
            return 128 + signal.SIGINT
        assert self.child.exitstatus is not None, self.shown
        return self.child.exitstatus


def command(*arguments: str) -> str:
    """Return what to type into a shell to run the command."""
    return shlex.join([sys.executable, "-m", "unvault_cli", *arguments])


class Screen:
    """What a person sees of a program: a terminal of its own, and the picture it shows.

    Args:
        words: The program and its arguments.
    """

    def __init__(self, *words: str, rows: int = 24, columns: int = 80) -> None:
        self._picture = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._picture)
        self.child = pexpect.spawn(
            words[0],
            [*words[1:]],
            env={
                **{name: text for name, text in os.environ.items() if name not in _SIZE},
                "TERM": "linux",
                "LC_ALL": "C.UTF-8",
            },
            timeout=30,
            dimensions=(rows, columns),
        )

    @property
    def lines(self) -> list[str]:
        """The lines on the screen, without the blanks at their ends."""
        return [line.rstrip() for line in self._picture.display]

    def colours(self) -> list[list[tuple[str, str, bool]]]:
        """Return what each place looks like."""
        rows = range(self._picture.lines)
        columns = range(self._picture.columns)
        shown = self._picture.buffer
        return [
            [(shown[y][x].fg, shown[y][x].bg, shown[y][x].reverse) for x in columns] for y in rows
        ]

    def wait_for(self, text: str) -> None:
        """Wait until a text is on the screen."""
        deadline = time.monotonic() + 30
        while not any(text in line for line in self.lines):
            assert time.monotonic() < deadline, self.lines
            self._take(0.1)

    def settle(self) -> None:
        """Wait until nothing changes any more."""
        while self._take(0.3):
            pass

    def resize(self, rows: int, columns: int) -> None:
        """Make the terminal another size."""
        self._picture.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        while self._take(30):
            pass
        self.child.close()
        assert self.child.exitstatus is not None, self.lines
        return self.child.exitstatus

    def _take(self, seconds: float) -> bool:
        try:
            self._stream.feed(self.child.read_nonblocking(65536, timeout=seconds))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        return True
