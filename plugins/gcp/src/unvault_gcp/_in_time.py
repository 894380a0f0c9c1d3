"""Connections whose answers come in time as a whole, and not only each piece of them.

A socket's timeout is for one piece. A server that sends its headers letter by letter would keep one
waiting for as long as it likes. It is imported with `unvault_gcp._http`.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection  # noqa: TID253  # as in _http
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool  # noqa: TID253


class _Reader(io.RawIOBase):
    """Reads from a socket until its timeout is over, however much came by then."""

    def __init__(self, raw: io.RawIOBase, link: socket.socket) -> None:
        self._raw = raw
        self._link = link
        seconds = link.gettimeout()
        self._end = None if seconds is None else time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("it trickles")
            self._link.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """An answer as the standard library reads it."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock))


class _Plain(HTTPConnection):
    response_class = _Response


class _Secure(HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _PlainPool, "https": _SecurePool}
"""What urllib3 makes its connections with, for each scheme."""
