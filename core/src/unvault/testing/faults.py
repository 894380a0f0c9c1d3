"""A server between a provider and its vault, which makes faults happen when a test says so."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

_SECONDS = 30.0
"""How long anything is waited for at most."""

_TELLING = re.compile(r"token|auth|secret|cookie|key", re.IGNORECASE)
"""Headers of requests that hold what a provider signs in with."""

_PLAIN = re.compile(r"(?:bearer|basic)\s+", re.IGNORECASE)

_NOT_PASSED_ON = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "date"})


class Fault(StrEnum):
    """What becomes of the requests."""

    NONE = "none"
    """They are handed to the vault, and its answers back."""
    SILENT = "silent"
    """They are accepted, and never answered."""
    BUSY = "busy"
    """429: too many requests."""
    FAILING = "failing"
    """500, with an answer that repeats what was asked, token and all."""
    NONSENSE = "nonsense"
    """200, and what is said is not what a vault says."""


class FaultyVault:
    """Stands for the vault at an address: what is asked of it is handed on, or goes wrong.

    Args:
        address: The vault's real address.
        canary: What a failing vault's answers hold.
        keeps_host: Whether the vault is told the name that was asked, in place of its own.
    """

    def __init__(self, address: str, canary: str, *, keeps_host: bool = False) -> None:
        self.keeps_host = keeps_host
        self.real = urlsplit(address)
        self.canary = canary
        self.fault = Fault.NONE
        self.tokens: set[str] = set()
        self.over = threading.Event()
        handler = type("Handler", (_Handler,), {"faulty": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}{self.real.path}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="unvault-faults", daemon=True
        )
        self._thread.start()
        self._closed = False

    def close(self) -> None:
        """Stop answering: the address cannot be reached any more."""
        if self._closed:
            return
        self._closed = True
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join(_SECONDS)


class _Server(ThreadingHTTPServer):
    """Keeps its connections, so that they can be ended with it."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection."""
        self._open.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a connection that ends is what the tests are about."""

    def hang_up(self) -> None:
        """End all connections."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faulty: ClassVar[FaultyVault]

    def handle_one_request(self) -> None:
        """Answer one request, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self._body()
        self._note_tokens()
        answer = getattr(self, f"_{self.faulty.fault}")
        answer(body)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0] or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _note_tokens(self) -> None:
        for name, value in self.headers.items():
            if _TELLING.search(name):
                self.faulty.tokens.add(_PLAIN.sub("", value))

    def _none(self, body: bytes) -> None:
        real = self.faulty.real
        secure = real.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(real.hostname or "", real.port, timeout=_SECONDS)
        sent = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in {*_NOT_PASSED_ON, "content-length"}
        }
        if self.faulty.keeps_host:
            sent["Host"] = self.headers.get("Host", "")
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body or None, sent)
            found = connection.getresponse()
            self._answer(found.status, found.read(), dict(found.getheaders()))

    def _silent(self, body: bytes) -> None:
        self.faulty.over.wait(_SECONDS)
        self.close_connection = True

    def _busy(self, body: bytes) -> None:
        said = json.dumps({"errors": ["too many requests"]}).encode()
        self._answer(429, said, {"Content-Type": "application/json", "Retry-After": "1"})

    def _failing(self, body: bytes) -> None:
        asked = [self.path, *self.headers.values(), body.decode(errors="replace")]
        said = json.dumps({"errors": [self.faulty.canary, *asked], "message": asked})
        self._answer(500, said.encode(), {"Content-Type": "application/json"})

    def _nonsense(self, body: bytes) -> None:
        said = f"<html><title>Welcome</title>{self.faulty.canary}</html>"
        self._answer(200, said.encode(), {"Content-Type": "text/html"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {*_NOT_PASSED_ON, "content-length"}:
                self.send_header(name, value)
        # The answer to HEAD tells the length of a body that is not sent.
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
