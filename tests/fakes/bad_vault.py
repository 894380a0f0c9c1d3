"""A vault over HTTP, in memory: what the providers of the contract suite's own tests talk to."""

from __future__ import annotations

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Versions = list[bytes | None]


class VaultServer:
    """A vault with accounts: each has a token, and secrets with their versions."""

    def __init__(self) -> None:
        self.accounts: dict[str, dict[str, Versions]] = {}
        self.denied: set[str] = set()
        self.sessions: dict[str, str] = {}
        handler = type("Handler", (_Handler,), {"vault": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def put(self, token: str, path: str, value: bytes) -> None:
        """Store a new version."""
        self.accounts.setdefault(token, {}).setdefault(path, []).append(value)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, session: str, path: str, asked: dict[str, str]) -> tuple[int, Any]:
        """Return a status, and what is said."""
        if path == "/login":
            token = asked.get("token", "")
            if token not in self.accounts:
                return 401, "the token is not good"
            session = secrets.token_hex(16)
            self.sessions[session] = token
            return 200, session
        if session not in self.sessions:
            return 401, "no session"
        held = self.accounts[self.sessions[session]]
        if path == "/list":
            return 200, [name for name in sorted(held) if any(v is not None for v in held[name])]
        return self._read(held, asked.get("name", ""), asked.get("version"))

    def _read(self, held: dict[str, Versions], name: str, version: str | None) -> tuple[int, Any]:
        if name in self.denied:
            return 403, "not yours"
        versions = held.get(name)
        if versions is None:
            return 404, "secret"
        number = len(versions) if version is None else int(version)
        if not 1 <= number <= len(versions):
            return 404, "version"
        value = versions[number - 1]
        if value is None:
            return 410, "deleted"
        return 200, {"value": value.hex(), "version": str(number)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # as many as there are threads in a test, and more


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    vault: VaultServer

    def do_GET(self) -> None:  # the name http.server looks for
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        asked["token"] = self.headers.get("X-Token", "")
        status, said = self.vault.answer(self.headers.get("X-Session", ""), parts.path, asked)
        body = json.dumps(said).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
