"""Waits on this machine for the page of a sign-in to come back."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from unvault.errors import CredentialRejected

_LISTEN_SECONDS = 0.05
"""How often the port looks whether it is to be closed, and a wait whether it is over."""

_LONGEST = 1 << 16
"""How many bytes the page may send."""

_PATIENCE_SECONDS = 5.0
"""How long a single connection may take."""

_DONE = "You are signed in. This page can be closed."
_FAILED = "The sign-in did not work. The program that began it says why. This page can be closed."

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Connection": "close",
}


class Redirect:
    """A port of this machine that the page of a sign-in comes back to.

    It answers as soon as it is entered, so that a browser may be one that this program waits for,
    and each connection by itself: browsers open some that they never use.

    Args:
        port: Which; None for any that is free.

    Raises:
        CredentialRejected: The port is taken, or must not be used.
    """

    def __init__(self, port: int | None) -> None:
        self.state = secrets.token_urlsafe(16)
        """What a page has to bring to be the right one."""
        try:
            self._server = _Server(("127.0.0.1", port or 0), _Handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or "there is no such port"
        else:
            self._server.state = self.state
            return
        raise CredentialRejected(
            f"the page of the sign-in cannot come back to port {port} of this machine: {why}",
            hint="close the program that uses the port, or change the field redirect_port",
        )

    @property
    def address(self) -> str:
        """Where the page has to come back to."""
        return f"http://localhost:{self._server.server_address[1]}"

    def wait(self, seconds: float) -> Mapping[str, str] | None:
        """Return what the page brought; None where it did not come in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._server.came.wait(_LISTEN_SECONDS):
            pass  # in pieces: on Windows, Ctrl-C waits for the end of each
        return self._server.brought

    def __enter__(self) -> Self:
        """Begin to answer."""
        threading.Thread(
            target=self._server.serve_forever, args=(_LISTEN_SECONDS,), daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # it waits for no connection that nothing comes on
    allow_reuse_address = False  # on Windows, another program could have the port as well
    state = ""
    brought: Mapping[str, str] | None = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.came = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who broke the connection may come again."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Take what is in the address."""
        self._take(urlsplit(self.path).query)

    def do_POST(self) -> None:
        """Take what is in the form."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LONGEST:
            self._answer(400, _FAILED)
            return
        self._take(self.rfile.read(int(length)).decode("ascii", "replace"))

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def version_string(self) -> str:
        """Say nothing of what this is."""
        return "unvault"

    def _take(self, form: str) -> None:
        """Take what a page brings, if it is the page of this sign-in: others may come, too."""
        brought = dict(parse_qsl(form, keep_blank_values=True))
        if brought.get("state") != self.server.state or not ({"code", "error"} & brought.keys()):
            self._answer(404, "There is nothing here.")
            return
        self._answer(200, _DONE if "code" in brought else _FAILED)
        if not self.server.came.is_set():  # the first one counts
            self.server.brought = brought
            self.server.came.set()

    def _answer(self, status: int, text: str) -> None:
        body = f"<!doctype html><title>unvault</title><p>{text}</p>".encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
