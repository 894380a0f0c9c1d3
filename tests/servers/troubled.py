"""A server that makes trouble when it is asked to."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from typing import Self

import attrs

from tests.servers.serving import Connection, Seen, Serving, as_json


@attrs.define
class _Trouble:
    kind: str
    times: int
    where: str
    status: int = 0
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes | Callable[[Seen], bytes] = b""


class Troubled(Serving):
    """A server that answers as it would, but for the trouble that was asked for.

    The troubles come in the order in which they were asked for, each for the requests whose
    `subject` holds ``where``::

        server.answer(429, times=2, retry_after=1)
        server.reset(where="/login", done=True)  # the server did it, the answer is lost
        server.milliseconds = 20
    """

    milliseconds = 0.0
    """How much later each answer comes."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self._troubles: list[_Trouble] = []

    def reply(self, seen: Seen, connection: Connection) -> tuple[int, bytes, dict[str, str]]:
        """Return the answer to a request without trouble: status, body and headers."""
        raise NotImplementedError

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
            status, body, headers = self.reply(seen, connection)
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
