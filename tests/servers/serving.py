"""A threaded HTTP server that ends with its test."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


class Seen(NamedTuple):
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Connection(BaseHTTPRequestHandler):
    """One connection, kept alive, on which each answer is one packet and waits for nothing."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server
    link: Any = None
    """What else has to be closed with it."""
    served = 0
    """How many requests came on it before."""

    def handle_one_request(self) -> None:
        # Whatever the other side does to the connection is no failure of this one.
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def finish(self) -> None:
        self.end()
        with contextlib.suppress(OSError):
            super().finish()

    def end(self) -> None:
        """Close what belongs to it."""
        link, self.link = self.link, None
        if link is not None:
            link.close()

    def do_GET(self) -> None:
        self._take()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_LIST = do_CONNECT = do_GET  # noqa: N815  # methods' names

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Send an answer."""
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def reset(self) -> None:
        """Break the connection so that the other side sees a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen = Seen(self.command, self.path, dict(self.headers.items()), body)
        self.server.owner.take(seen, self)
        self.served += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    owner: Serving

    def handle_error(self, *_: Any) -> None:
        """Say nothing: the client saw what happened."""

    def get_request(self) -> tuple[Any, Any]:
        connection, peer = super().get_request()
        with self.owner.lock:
            self.owner.open.add(connection)
            self.owner.connections += 1
        return connection, peer

    def shutdown_request(self, request: Any) -> None:
        with self.owner.lock:
            self.owner.open.discard(request)
        super().shutdown_request(request)


class Serving:
    """What listens on 127.0.0.1 and notes each request, while it is used as a context manager.

    Args:
        tls: With it, the server speaks TLS.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Seen] = []
        self.connections = 0
        """How many connections there were."""
        self.lock = threading.Lock()
        self.open: set[Any] = set()
        self.ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Connection)
        self._server.owner = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket,
                server_side=True,
                do_handshake_on_connect=False,  # in the connection's thread
            )
        self.port = self._server.server_address[1]
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def count(self, path: str = "", method: str | None = None) -> int:
        """Return how many requests came whose path holds these words."""
        with self.lock:
            return sum(
                path in seen.path and method in {None, seen.method} for seen in self.requests
            )

    def forget(self) -> None:
        """Forget the requests so far."""
        with self.lock:
            self.requests.clear()

    def take(self, seen: Seen, connection: Connection) -> None:
        """Note a request and answer it."""
        with self.lock:
            self.requests.append(seen)
        self.respond(seen, connection)

    def respond(self, seen: Seen, connection: Connection) -> None:
        """Answer a request."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self.cut()

    def cut(self) -> None:
        """End all open connections."""
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def as_json(body: object) -> bytes:
    """Return a body."""
    return json.dumps(body).encode()
