"""Hands on what a program prints, its secrets masked: a thread for each stream."""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from unvault_cli.problems import FileProblem

CHUNK = 1 << 18
"""How many bytes are read at a time."""

QUIET_SECONDS = 0.02
"""How long a terminal is quiet before it is shown what may yet turn out to be a secret's start."""

_DRAIN_QUIET_SECONDS = 0.1
_DRAIN_SECONDS = 2.0
"""After the program's end: how long to wait for more of what it started, and how long in all."""

_GONE = frozenset({errno.EPIPE, errno.EIO, errno.ECONNRESET, errno.ENXIO})


class Masker(Protocol):
    """What takes the secrets out of a stream: an `unvault.masking.StreamMasker` or its like."""

    @property
    def pending(self) -> int:
        """How many bytes wait for what comes after them."""

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be handed on with one more piece."""

    def release(self) -> bytes:
        """Return what a person may wait for."""

    def flush(self) -> bytes:
        """Return the rest."""


class Stream:
    """What goes from a program to one place. Its thread ends when the program has closed it.

    Args:
        source: Where it comes from; it is closed here.
        target: Where it goes.
        masker: Takes the secrets out.
        live: Whether a person watches the target, so that a question shows before its answer.
    """

    def __init__(self, source: int, target: int, masker: Masker, *, live: bool = False) -> None:
        self.failure: BaseException | None = None
        self._source = source
        self._target = target
        self._masker = masker
        self._live = live
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until all is handed on."""
        while self._thread.is_alive():
            self._thread.join(1.0)  # an endless wait would not hear Ctrl-C on every platform

    def _run(self) -> None:
        try:
            self._hand_on()
        except BaseException as error:  # noqa: BLE001  # told by who joins: see `settle`
            self.failure = error
        finally:
            os.close(self._source)  # now the program learns that nobody reads any more

    def _hand_on(self) -> None:
        while chunk := self._read():
            self._write(self._masker.feed(chunk))
        self._write(self._masker.flush())

    def _read(self) -> bytes:
        return os.read(self._source, CHUNK)

    def _write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            try:
                view = view[os.write(self._target, view) :]
            except BlockingIOError:  # somebody made it so; it is theirs as well, and stays so
                select.select([], [self._target], [])


class PolledStream(Stream):
    """One that notices that the program has ended, though others may hold its output open.

    Args:
        source: As for `Stream`.
        target: As for `Stream`.
        masker: As for `Stream`.
        live: As for `Stream`.
        ended: Becomes readable when the program has ended.
    """

    def __init__(
        self, source: int, target: int, masker: Masker, *, live: bool = False, ended: int
    ) -> None:
        super().__init__(source, target, masker, live=live)
        self._ended = ended
        self._deadline: float | None = None
        self._released = False
        self._poll = select.poll()
        self._poll.register(source, select.POLLIN)
        self._poll.register(ended, select.POLLIN)

    def _read(self) -> bytes:
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll(self._timeout())}
            if self._ended in ready:
                self._poll.unregister(self._ended)
                self._deadline = time.monotonic() + _DRAIN_SECONDS
            if self._source in ready:
                return self._read_now()
            if not ready:
                if self._deadline is not None:
                    return b""
                self._write(self._masker.release())
                self._released = True

    def _read_now(self) -> bytes:
        if self._deadline is not None and time.monotonic() > self._deadline:
            return b""
        self._released = False
        try:
            return os.read(self._source, CHUNK)
        except OSError as error:
            if error.errno == errno.EIO:  # how the end of a pseudo-terminal shows on Linux
                return b""
            raise

    def _timeout(self) -> float | None:
        """Return how many milliseconds to wait for more."""
        if self._deadline is not None:
            return _DRAIN_QUIET_SECONDS * 1000
        if self._live and self._masker.pending and not self._released:
            return QUIET_SECONDS * 1000
        return None


def settle(streams: Sequence[Stream]) -> None:
    """Wait for all streams.

    Raises:
        FileProblem: One could not be written, for another reason than that its reader is gone.
        BaseException: What went wrong otherwise.
    """
    for stream in streams:
        stream.join()
    for stream in streams:
        failure = stream.failure
        if isinstance(failure, OSError):
            if failure.errno not in _GONE:
                why = failure.strerror or type(failure).__name__
                raise FileProblem(f"cannot hand on what the command prints: {why}")
        elif failure is not None:
            raise failure
