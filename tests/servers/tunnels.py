"""A proxy that makes tunnels to servers of the test's, and to nobody else."""

from __future__ import annotations

import contextlib
import select
import socket
from urllib.parse import urlsplit

from tests.servers.serving import Connection, Seen, Serving


class Tunnels(Serving):
    """What ``HTTPS_PROXY`` names.

    An SDK needs no endpoint of the test's, then: it asks for the host that it would really ask.
    Who answers for a host is for `port_of` to say.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hosts: list[str] = []
        """The hosts that were asked for, in order."""
        self.refused: list[str] = []
        """Those of them that nobody answered for."""

    def port_of(self, host: str) -> int | None:
        """Return the port of 127.0.0.1 that tunnels to a host lead to; None where they may not."""
        raise NotImplementedError

    def pass_on(self, host: str, seen: Seen, connection: Connection) -> bool:
        """Answer a request for a host that needs no tunnel; return whether anybody does."""
        return False

    def respond(self, seen: Seen, connection: Connection) -> None:
        tunnel = seen.method == "CONNECT"
        host = urlsplit(f"//{seen.path}" if tunnel else seen.path).hostname or ""
        port = self.port_of(host) if tunnel else None
        with self.lock:
            self.hosts.append(host)
        if not tunnel and self.pass_on(host, seen, connection):
            return
        connection.close_connection = True
        if port is None:
            with self.lock:
                self.refused.append(host)
            connection.answer(403, headers={"Connection": "close"})
            return
        connection.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.wfile.flush()
        there = ("127.0.0.1", port)
        with contextlib.suppress(OSError), socket.create_connection(there) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _pass(connection.connection, link)


def _pass(one: socket.socket, other: socket.socket) -> None:
    """Pass on what each side says until one of them ends."""
    while True:
        for ready in select.select([one, other], [], [])[0]:
            said = ready.recv(65536)
            if not said:
                return
            (other if ready is one else one).sendall(said)
