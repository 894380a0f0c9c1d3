"""The trouble that a test asks Google's services to make."""

from __future__ import annotations

import threading

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
    """Faults in the order in which they were asked for, each for the requests it is meant for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def ask(self, fault: Fault) -> None:
        """Make this one, too."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Make no more."""
        with self._lock:
            self._faults.clear()

    def next(self, asked: Asked) -> Fault | None:
        """Return the fault that is meant for a request, if there is one."""
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and fault.where in asked.subject:
                    fault.times -= 1
                    return fault
        return None
