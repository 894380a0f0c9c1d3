"""The trouble that a test asks Google's services to make."""

from __future__ import annotations

import threading
from typing import Self

import attrs

from tests.servers.gcp_answers import Asked

ALWAYS = 10**9


@attrs.define
class Fault:
    """What happens in place of an answer, or to it."""

    kind: str
    """``fail``, ``hang``, ``reset``, ``spoil`` or ``answer``."""
    where: str
    times: int
    code: str = ""
    message: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = attrs.field(factory=dict)


class Faults:
    """Faults in the order in which they were asked for, each for so many of the next requests.

    ``where`` is a part of `Asked.subject`: ``AccessSecretVersion``, ``grpc``, ``token``, or some
    secret's name; `ALWAYS` is as many times as there are requests.
    """

    def __init__(self) -> None:
        self.milliseconds = 0.0
        """How much later each answer comes."""
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def fail(self, code: str, message: str = "", *, where: str = "", times: int = 1) -> Self:
        """Refuse with a code such as ``UNAVAILABLE``; HTTP gets the status that stands for it."""
        return self._ask(Fault("fail", where, times, code, message))

    def hang(self, *, where: str = "", times: int = ALWAYS) -> Self:
        """Take requests and never answer."""
        return self._ask(Fault("hang", where, times))

    def reset(self, *, where: str = "", times: int = 1) -> Self:
        """Break all connections that are open in place of an answer."""
        return self._ask(Fault("reset", where, times))

    def spoil(self, *, where: str = "AccessSecretVersion", times: int = 1) -> Self:
        """Send payloads whose checksum is wrong."""
        return self._ask(Fault("spoil", where, times))

    def answer_http(
        self,
        status: int,
        body: bytes = b"",
        *,
        where: str = "rest",
        times: int = 1,
        headers: dict[str, str] | None = None,
    ) -> Self:
        """Answer requests over HTTP with this, as something in between would."""
        return self._ask(
            Fault("answer", where, times, status=status, body=body, headers=headers or {})
        )

    def garble(self, body: bytes, *, where: str = "grpc", times: int = 1) -> Self:
        """Answer over gRPC with bytes that need not be a message."""
        return self._ask(Fault("answer", where, times, body=body))

    def calm(self) -> Self:
        """Make no more trouble."""
        with self._lock:
            self._faults.clear()
        self.milliseconds = 0.0
        return self

    def fault(self, asked: Asked) -> Fault | None:
        """Return the fault that is meant for a request, if there is one; it is used up by that."""
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and fault.where in asked.subject:
                    fault.times -= 1
                    return fault
        return None

    def _ask(self, fault: Fault) -> Self:
        with self._lock:
            self._faults.append(fault)
        return self
