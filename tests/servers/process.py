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
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_FOLDERS_OF_ITS_OWN = ("PATH", "TMPDIR", "LANG", "SYSTEMROOT")


def start_process(
    command: Sequence[object],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a server that ends when this process does, however that happens.

    Linux counts the end of the thread that calls this, too: call it in one that lasts.

    Args:
        command: The program and its arguments.
        folder: Where it runs, where its home is, and where it writes ``output.log``.
        environment: What it has besides a search path; nothing else comes from ours.
        keep: File descriptors of ours that it has, too.
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
            pass_fds=keep,
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


def outlives_its_starter(program: str) -> bool:
    """Whether a server goes on when the process that started it is killed.

    Args:
        program: What that process runs; it leaves the process id in ``pid``.
    """
    text = f"{program}\nprint(pid, flush=True)\nimport time; time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        os.kill(pid, 0)
        starter.kill()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return True


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
