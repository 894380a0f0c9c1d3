"""Connections whose answers come within the deadline of the work at hand, with all their headers.

A socket's own time-out begins anew with each byte that comes, so that an answer whose headers
trickle would never be over.
"""

from __future__ import annotations

import http.client
import io
import socket
from typing import Any

from urllib3.connection import (  # noqa: TID253  # nothing of the plugin imports this before a sign-in
    HTTPConnection,
    HTTPSConnection,
)
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool  # noqa: TID253
from urllib3.poolmanager import PoolManager  # noqa: TID253

from unvault_azure.deadlines import seconds_left


def in_time(manager: PoolManager) -> PoolManager:
    """Return what makes connections, after it was told to make such ones."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager


class _Reading(io.RawIOBase):
    """What comes on a socket, in the time that is left."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._raw = link.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._link.settimeout(seconds_left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Link:
    """As much of a socket as an answer uses."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self._link))


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(_Link(sock), *args, **options)  # type: ignore[arg-type]  # it is enough


class _Connection(HTTPConnection):
    response_class = _Answer


class _TlsConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
