"""What the tests of ``unvault run`` share: a secret, and programs that tell what befalls them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

VALUE = "Tr0ub4dor&3-canary"
"""What is in ``local/db/main``."""

MASK = "********"

LISTENER = textwrap.dedent("""
    import os, signal, sys

    def heard(number, _frame):
        os.write(1, f"{number}\\n".encode())
        if number == signal.SIGUSR2:
            os._exit(9)

    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, heard)
    os.write(1, b"ready\\n")
    while True:
        signal.pause()
""")
"""A program that says which signals it got, and ends with 9 at SIGUSR2."""


def run_words(*words: str, options: tuple[str, ...] = ("--set", "PW=local/db/main")) -> list[str]:
    """Return the words that run a program with the secret."""
    return [sys.executable, "-m", "unvault_cli", "run", *options, "--", *words]


class Running:
    """A command that runs with pipes, and is still running."""

    def __init__(self, words: list[str], **options: Any) -> None:
        # Whoever runs the tests in the background of a script has made this one ignored.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **options,
            )
        finally:
            signal.signal(signal.SIGINT, before)

    def line(self) -> str:
        """Wait for one line of the output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().rstrip("\n")

    def send(self, number: int) -> None:
        """Send a signal to the command, and to nothing else."""
        os.kill(self.process.pid, number)

    def end(self) -> tuple[int, str, str]:
        """Wait for the end: the exit code, and the rest of the output and the errors."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, (out or b"").decode(), err.decode()

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=60)


def eventually(true: Callable[[], bool], seconds: float = 20) -> bool:
    """Say whether something comes true before long."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(pid: int) -> bool:
    """Say whether there is no such process any more, or only its remains."""
    if sys.platform != "linux":
        return (
            subprocess.run(
                ["ps", "-p", str(pid)], stdout=subprocess.DEVNULL, check=False
            ).returncode
            != 0
        )
    try:
        status = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"
