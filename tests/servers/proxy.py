"""What stands before a server and makes trouble."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import attrs

from tests.servers.serving import Connection, Seen, Serving, as_json

_NOT_PASSED_ON = {"connection", "content-length", "transfer-encoding", "date"}


@attrs.define
class _Trouble:
    kind: str
    times: int
    where: str
    status: int = 0
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes | Callable[[Seen], bytes] = b""


class Proxy(Serving):
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
        self.milliseconds = 0.0
        """How much later each answer comes."""
        parts = urlsplit(upstream)
        self._upstream = parts.hostname or "", parts.port or 80
        self._troubles: list[_Trouble] = []

    def answer(
        self,
        status: int,
        *,
        times: int = 1,
        where: str = "",
        retry_after: object = None,
        errors: list[str] | None = None,
        body: bytes | Callable[[Seen], bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Answer with a status so many times instead of passing on, and then pass on."""
        headers = dict(headers or {})
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        text = as_json({"errors": errors or []}) if body is None else body
        return self._ask(_Trouble("answer", times, where, status, headers, text))

    def reset(self, *, times: int = 1, where: str = "", done: bool = False) -> Self:
        """Break the connection: before the server hears of it or, where ``done``, afterwards."""
        return self._ask(_Trouble("reset done" if done else "reset", times, where))

    def reset_used(self, *, times: int = 1, where: str = "") -> Self:
        """Break the connection where it is one that was used before, as one that idled too long."""
        return self._ask(_Trouble("reset used", times, where))

    def hang(self, *, times: int = 10**9, where: str = "") -> Self:
        """Take the request and never answer."""
        return self._ask(_Trouble("hang", times, where))

    def calm(self) -> Self:
        """Make no more trouble."""
        with self.lock:
            self._troubles.clear()
        self.milliseconds = 0.0
        return self

    @property
    def logins(self) -> int:
        """How many sign-ins came, of any method; not the look-ups and renewals of a token."""
        with self.lock:
            return sum("/login" in seen.path for seen in self.requests)

    def subject(self, seen: Seen) -> str:
        """Return what ``where`` is looked for in: the path."""
        return seen.path

    def respond(self, seen: Seen, connection: Connection) -> None:
        if self.milliseconds:
            time.sleep(self.milliseconds / 1000)
        trouble = self._next(self.subject(seen), used=connection.served > 0)
        kind = trouble.kind if trouble else ""
        if trouble and kind == "answer":
            body = trouble.body if isinstance(trouble.body, bytes) else trouble.body(seen)
            connection.answer(trouble.status, body, trouble.headers)
        elif kind == "hang":
            self.ended.wait()
        elif kind in {"reset", "reset used"}:
            connection.reset()
        else:
            status, body, headers = self._pass_on(seen, connection)
            if kind == "reset done":
                connection.reset()
            else:
                connection.answer(status, body, headers)

    def _ask(self, trouble: _Trouble) -> Self:
        with self.lock:
            self._troubles.append(trouble)
        return self

    def _next(self, subject: str, *, used: bool) -> _Trouble | None:
        with self.lock:
            for trouble in self._troubles:
                fits = trouble.where in subject and (used or trouble.kind != "reset used")
                if trouble.times > 0 and fits:
                    trouble.times -= 1
                    return trouble
        return None

    def _pass_on(self, seen: Seen, connection: Connection) -> tuple[int, bytes, dict[str, str]]:
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
