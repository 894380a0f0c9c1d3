"""What a server was asked, by its audit log."""

from __future__ import annotations

import fnmatch
import json
from pathlib import Path
from typing import NamedTuple


class Asked(NamedTuple):
    """One request of the audit log; not those of the root token, which are the test's own."""

    operation: str
    """``read``, ``update``, ``list`` …: what the server makes of the HTTP method."""
    path: str
    """Behind ``/v1/``, without the namespace."""
    namespace: str
    """Without a slash at its end; empty for the root namespace."""


class Watch:
    """What a server is asked from now on, by its audit log."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._start = log.stat().st_size if log.exists() else 0

    def requests(self) -> list[Asked]:
        """Return the requests so far, in order."""
        with self._log.open("rb") as log:
            log.seek(self._start)
            return [asked for line in log if (asked := _asked(line))]

    def count(self, path: str = "*", operation: str | None = None) -> int:
        """Return how many requests came for paths that match a pattern of `fnmatch`."""
        return sum(
            fnmatch.fnmatchcase(asked.path, path) and operation in {None, asked.operation}
            for asked in self.requests()
        )

    @property
    def logins(self) -> int:
        """How many sign-ins came, of any method."""
        return self.count("auth/*/login*")


def _asked(line: bytes) -> Asked | None:
    """Return what a line of the audit log says was asked."""
    if b'"type":"request"' not in line:
        return None
    entry = json.loads(line)
    if "root" in entry.get("auth", {}).get("policies", ()):
        return None
    request = entry["request"]
    namespace = request.get("namespace", {}).get("path", "").strip("/")
    path = request["path"]
    return Asked(request["operation"], path.removeprefix(f"{namespace}/"), namespace)
