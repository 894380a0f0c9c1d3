"""What a server says to what it does not do."""

from __future__ import annotations

from typing import Any


class NotAnswered(Exception):
    """The server's answer is no success."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
