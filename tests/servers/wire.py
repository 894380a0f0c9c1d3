"""Passes connections on as they are, byte by byte, to the port that is meant."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Self

_HANDSHAKE = 0x16
_ALPN = 16
_SECONDS_FOR_A_BEGINNING = 30


class Wire:
    """What listens on 127.0.0.1 and passes on what it is told, whatever that is.

    It reads nothing but the beginning, of which `choose` makes the port that answers. It makes the
    trouble that a network makes: `cut` resets what is open, while it is `silent` it takes
    connections and says nothing, and it can pass on answers byte by byte, or only their beginning.
    Used as a context manager.

    Args:
        choose: Called with the first bytes of a connection: if it is TLS, all of ``ClientHello``.
    """

    def __init__(self, choose: Callable[[bytes], int]) -> None:
        self.silent = False
        """Whether new connections are taken, but nothing is said on them."""
        self.pause = 0.0
        """Seconds before each single byte of the answers on new connections."""
        self.most: int | None = None
        """How many bytes of answers a new connection brings before it is reset."""
        self.connections = 0
        """How many connections there were."""
        self.choose = choose
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()
        self.ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Link)
        self._server.owner = self
        self.port: int = self._server.server_address[1]

    def cut(self) -> None:
        """Reset all open connections."""
        with self.lock:
            for connection in self.open:
                reset(connection)

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


class _Link(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        owner = self.server.owner
        if owner.silent:
            owner.ended.wait()
            return
        with contextlib.suppress(OSError):
            there = "127.0.0.1", owner.choose(beginning(self.request))
            with socket.create_connection(there) as link:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pass_on(self.request, link, say=self._spoiled())

    def _spoiled(self) -> Callable[[bytes], None]:
        """Return what brings an answer to the client, with the trouble that is wanted now."""
        owner, pause, left = self.server.owner, self.server.owner.pause, self.server.owner.most

        def say(said: bytes) -> None:
            nonlocal left
            if left is not None:
                said, left = said[:left], left - len(said)
            for part in [said] if not pause else [said[at : at + 1] for at in range(len(said))]:
                if pause and owner.ended.wait(pause):
                    return
                self.request.sendall(part)
            if left is not None and left <= 0:
                raise ConnectionResetError

        return say


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    owner: Wire

    def handle_error(self, *_: Any) -> None:
        """Say nothing: the client saw what happened."""

    def get_request(self) -> tuple[Any, Any]:
        connection, peer = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.owner.lock:
            self.owner.open.add(connection)
            self.owner.connections += 1
        return connection, peer

    def shutdown_request(self, request: Any) -> None:
        with self.owner.lock:
            self.owner.open.discard(request)
        super().shutdown_request(request)


def pass_on(
    one: socket.socket, other: socket.socket, *, say: Callable[[bytes], None] | None = None
) -> None:
    """Pass on what each side says until one of them ends; a reset is passed on, too.

    Args:
        one: The client.
        other: The server.
        say: Brings the client what the server says.
    """
    say = say or one.sendall
    try:
        while True:
            for ready in select.select([one, other], [], [])[0]:
                said = ready.recv(65536)
                if not said:
                    return
                (other.sendall if ready is one else say)(said)
    except OSError:
        for each in (one, other):
            reset(each)


def reset(connection: socket.socket) -> None:
    """Let the other side see a reset when this one is closed, which is now as far as it can be."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)  # wakes up who waits for it, and that one closes it


def beginning(connection: socket.socket) -> bytes:
    """Return the first bytes of a connection, which stay there to be read: all of a TLS record."""
    end = time.monotonic() + _SECONDS_FOR_A_BEGINNING
    connection.settimeout(_SECONDS_FOR_A_BEGINNING)
    while time.monotonic() < end:
        said = connection.recv(65536, socket.MSG_PEEK)
        wanted = 5
        if len(said) >= 5 and said[0] == _HANDSHAKE:
            wanted += int.from_bytes(said[3:5])
        if not said or len(said) >= wanted:
            break
        time.sleep(0.001)
    connection.settimeout(None)
    return said


def is_tls(said: bytes) -> bool:
    """Whether a connection that begins so speaks TLS."""
    return said[:1] == bytes([_HANDSHAKE])


def protocols(hello: bytes) -> list[bytes]:
    """Return what a ``ClientHello`` offers to speak (ALPN), such as ``h2``."""
    at = 5 + 4 + 2 + 32  # two headers, the version, the random
    for width in (1, 2, 1):  # session id, cipher suites, compression
        at += width + int.from_bytes(hello[at : at + width])
    at += 2
    while at + 4 <= len(hello):
        kind, length = struct.unpack(">HH", hello[at : at + 4])
        at += 4
        if kind == _ALPN:
            return _strings(hello[at + 2 : at + length])
        at += length
    return []


def _strings(listed: bytes) -> list[bytes]:
    found = []
    while listed:
        found.append(listed[1 : 1 + listed[0]])
        listed = listed[1 + listed[0] :]
    return found
