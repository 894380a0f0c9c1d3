"""Sends what the SDK made: within a deadline, and never more than one should answer.

It is imported when a client is made, since it is built on the SDK's own way of sending.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from typing import Any

# Nothing of the plugin imports this module before a client is made.
from botocore.awsrequest import (  # noqa: TID253
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
    AWSResponse,
)
from botocore.exceptions import (  # noqa: TID253
    ConnectionClosedError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.httpsession import URLLib3Session  # noqa: TID253
from urllib3 import Timeout  # noqa: TID253
from urllib3.connection import HTTPConnection  # noqa: TID253
from urllib3.exceptions import HTTPError  # noqa: TID253
from urllib3.exceptions import ReadTimeoutError as TooSlow  # noqa: TID253

_POOL = 128
"""Connections that are kept open: more than anybody fetches at the same time."""

_ADDRESSES = 64
"""Pools that are found at once; more than the addresses that one session asks."""

_CHUNK = 1 << 16
_LARGEST = 8 << 20
"""How many bytes an answer may have. Twenty secrets of 64 KiB have two million."""

_IDLE_SECONDS = 10.0
"""How long anything takes at the most that nobody set a deadline for."""


class Work:
    """A piece of work, and when it has to be done.

    Args:
        seconds: How long it may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Let all of the time begin now: a person was asked."""
        self.end = time.monotonic() + self._seconds

    def left(self) -> float:
        """Return how many seconds are left; a moment where there is none."""
        return max(self.end - time.monotonic(), 0.001)


_WORK: ContextVar[Work | None] = ContextVar("unvault-aws-work", default=None)


@contextmanager
def at_work(seconds: float) -> Iterator[Work]:
    """Have all that is sent meanwhile, in this context, done within so many seconds."""
    work = Work(seconds)
    token = _WORK.set(work)
    try:
        yield work
    finally:
        _WORK.reset(token)


def current_work() -> Work:
    """Return the piece of work that is under way."""
    return _WORK.get() or Work(_IDLE_SECONDS)


class _WhatIsLeft(Timeout):
    """A timeout that is as long as the piece of work has left."""

    def clone(self) -> Timeout:
        left = current_work().left()
        return Timeout(connect=left, read=left)


class _Read(BytesIO):
    """An answer that was read, as the SDK wants to read it."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


class _OnePacket:
    """A connection that sends head and body of a request together: the other side wakes up once."""

    _held: list[bytes] | None = None

    def request(self, *arguments: Any, **options: Any) -> None:
        self._held = []
        try:
            super().request(*arguments, **options)  # type: ignore[misc]  # a connection's
        finally:
            held, self._held = self._held, None
        self.send(b"".join(held))

    def send(self, data: bytes) -> None:
        if self._held is None:
            super().send(data)  # type: ignore[misc]  # a connection's
        else:
            self._held.append(data)


class _Plain(_OnePacket, AWSHTTPConnection):
    pass


class _Secure(_OnePacket, AWSHTTPSConnection):
    pass


class _PlainPool(AWSHTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(AWSHTTPSConnectionPool):
    ConnectionCls = _Secure


class _Remembering:
    """A manager of pools that finds the pool of an address it was asked for before at once.

    Args:
        manager: The manager.
    """

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._pools: dict[str, Any] = {}

    def connection_from_url(self, url: str) -> Any:
        found = self._pools.get(url)
        if found is None:
            if len(self._pools) >= _ADDRESSES:
                self._pools = {}
            found = self._pools[url] = self._manager.connection_from_url(url)
        return found

    def clear(self) -> None:
        self._pools = {}
        self._manager.clear()


class Sender(URLLib3Session):
    """Sends requests, and reads the answers, within the deadline of the work at hand."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **options,
            max_pool_connections=_POOL,
            socket_options=HTTPConnection.default_socket_options,
        )
        self._pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
        manager: Any = vars(self)["_manager"]
        manager.pool_classes_by_scheme = self._pool_classes_by_scheme
        self._manager = _Remembering(manager)

    def send(self, request: Any) -> AWSResponse:
        """Send a request, and return its answer, which was read to its end."""
        request.stream_output = True  # it is read here
        response = super().send(request)
        response.raw = _Read(_read(response.raw, current_work().end, request.url))
        return response

    def _get_pool_manager_kwargs(self, **extra: Any) -> dict[str, Any]:
        options: dict[str, Any] = super()._get_pool_manager_kwargs(**extra)
        return {**options, "timeout": _WhatIsLeft()}


def _read(raw: Any, end: float, url: str) -> bytes:
    parts: list[bytes] = []
    left = _LARGEST
    failed: HTTPClientError | None = None
    try:
        while raw.length_remaining != 0 and (part := raw.read1(_CHUNK)):
            parts.append(part)
            left -= len(part)
            if left < 0:
                failed = HTTPClientError(error="it is too large")
            elif time.monotonic() > end:
                failed = ReadTimeoutError(endpoint_url=url)
            if failed is not None:
                break
    except TooSlow:
        failed = ReadTimeoutError(endpoint_url=url)
    except HTTPError:
        failed = ConnectionClosedError(endpoint_url=url)
    if failed is not None:
        raw.close()
        raise failed
    raw.release_conn()
    return b"".join(parts)
