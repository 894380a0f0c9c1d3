"""What stands before a server and makes trouble."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from tests.servers.serving import Connection, Seen, as_json
from tests.servers.troubled import Troubled

_NOT_PASSED_ON = {"connection", "content-length", "transfer-encoding", "date"}


class Proxy(Troubled):
    """A reverse proxy that passes on what comes, but for the trouble that was asked for.

    ``requests`` holds what came, with its headers; `count` counts by a part of the path. The
    troubles come in the order in which they were asked for, each for the requests whose path holds
    ``where``::

        with Proxy(server.address) as proxy:
            proxy.answer(429, times=2, retry_after=1)
            proxy.reset(where="/login", done=True)  # the server did it, the answer is lost

    Args:
        upstream: Address of the server; ``http`` only.
        tls: With it, the proxy speaks TLS.
    """

    keeps_host = False
    """Whether the server is told the name that the client used, and not its own."""

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        parts = urlsplit(upstream)
        self._upstream = parts.hostname or "", parts.port or 80

    @property
    def logins(self) -> int:
        """How many sign-ins came, of any method; not the look-ups and renewals of a token."""
        with self.lock:
            return sum("/login" in seen.path for seen in self.requests)

    def reply(self, seen: Seen, connection: Connection) -> tuple[int, bytes, dict[str, str]]:
        left_out = _NOT_PASSED_ON if self.keeps_host else {*_NOT_PASSED_ON, "host"}
        headers = {k: v for k, v in seen.headers.items() if k.lower() not in left_out}
        for again in (True, False):
            try:
                link = self._link(connection)
                link.request(seen.method, seen.path, seen.body or None, headers)
                reply = link.getresponse()
                body = reply.read()
            except (OSError, http.client.HTTPException):
                connection.end()
                if again:  # a kept connection that the server had closed
                    continue
                return 502, as_json({"errors": []}), {}
            kept = {k: v for k, v in reply.getheaders() if k.lower() not in _NOT_PASSED_ON}
            return reply.status, body, kept
        raise AssertionError

    def _link(self, connection: Connection) -> Any:
        """Return the connection to the server that belongs to one of a client's."""
        if connection.link is None:
            link = http.client.HTTPConnection(*self._upstream, timeout=30)
            connection.link = link
            link.connect()
            link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection.link
