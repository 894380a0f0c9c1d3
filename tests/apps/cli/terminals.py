"""The command on a terminal of its own, as a person meets it."""

from __future__ import annotations

import io
import os
import sys

import pexpect


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
        return self._log.getvalue().replace("\r\n", "\n")

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
        """Wait for the end and return the exit code."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus is not None, self.shown
        return self.child.exitstatus
