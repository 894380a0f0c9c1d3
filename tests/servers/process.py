"""Servers that are processes of their own, and end with this one."""

from __future__ import annotations

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_FOLDERS_OF_ITS_OWN = ("PATH", "TMPDIR", "LANG", "SYSTEMROOT")


def start_process(
    command: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that ends when this process does, however that happens.

    Args:
        command: The program and its arguments.
        folder: Where it runs, where its home is, and where it writes ``output.log``.
        environment: What it has besides a search path; nothing else comes from ours.
    """
    kept = {name: os.environ[name] for name in _FOLDERS_OF_ITS_OWN if name in os.environ}
    with (folder / "output.log").open("ab") as output:
        return subprocess.Popen(
            [*map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env={**kept, "HOME": str(folder), **(environment or {})},
            preexec_fn=_end_with_me(),  # noqa: PLW1509  # it only makes one system call
        )


def end_process(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """End a server, and wait until it has."""
    process.send_signal(how)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(number: int) -> list[int]:
    """Return so many ports of 127.0.0.1 that nobody listens at."""
    found = [socket.socket() for _ in range(number)]
    try:
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]
    finally:
        for each in found:
            each.close()


class Link:
    """A kept connection to a server on 127.0.0.1, for the test's own requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None

    def send(
        self, port: int, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Ask, and return the status and the body; a second time where the connection broke."""
        with self._lock:
            if self._connection is not None and self._connection.port != port:
                self._close()
            for again in (True, False):
                if self._connection is None:
                    self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                try:
                    self._connection.request(method, path, body, dict(headers))
                    reply = self._connection.getresponse()
                    return reply.status, reply.read()
                except (OSError, http.client.HTTPException):
                    self._close()
                    if not again:
                        raise
        raise AssertionError

    def close(self) -> None:
        """Close the connection; the next request makes another."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _end_with_me() -> Callable[[], object] | None:
    """Return what makes a child process end when this one does, however that happens."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
