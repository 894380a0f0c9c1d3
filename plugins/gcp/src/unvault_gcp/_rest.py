"""Secret Manager over REST, as its documentation has it: with nothing of gRPC or of the SDK.

The SDK speaks REST, too, but imports all of gRPC for that, and so is no lighter than over gRPC:
whoever chooses REST wants a command that starts soon, or has a network where gRPC cannot pass.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from unvault_gcp._errors import no_answer
from unvault_gcp.asking import Answer, Web, text_of
from unvault_gcp.connection import Connection
from unvault_gcp.reading import Wanted
from unvault_gcp.tokens import Caller
from unvault_gcp.transports import WHERE, Page, Payload

_NO_CHECKSUM = -1
"""What is said in place of one is the checksum of nothing."""


class Rest:
    """Asks over REST; see `unvault_gcp.transports.Transport`.

    Args:
        connection: Where.
        web: Asks.
        caller: Who asks.
    """

    def __init__(self, connection: Connection, web: Web, caller: Caller) -> None:
        self._connection = connection
        self._web = web
        self._headers = caller.headers

    def access(self, secret: Wanted, *, seconds: float) -> Payload:
        """Return what a version holds."""
        answer = self._asked(secret, f"{secret.resource}:access", seconds)
        name, held = text_of(answer, "name"), answer.fields.get("payload")
        if name is None or not isinstance(held, dict):
            raise no_answer(WHERE)
        return Payload(name, _decoded(held), _number(held.get("dataCrc32c")))

    def browse(self, parent: Wanted, text: str, more: str, *, size: int, seconds: float) -> Page:
        """Return a part of the list of secrets whose names hold a text."""
        wanted = {"pageSize": str(size), "pageToken": more, "filter": text and f"name:{text}"}
        query = urlencode({name: value for name, value in wanted.items() if value})
        answer = self._asked(parent, f"{parent.parent}/secrets", seconds, f"?{query}")
        found = answer.fields.get("secrets") or []
        if not isinstance(found, list):
            raise no_answer(WHERE)
        names = [str(each.get("name")) for each in found if isinstance(each, dict)]
        return Page(tuple(names), text_of(answer, "nextPageToken") or "")

    def close(self) -> None:
        """Do nothing: the connections are those of what asks."""

    def _asked(self, secret: Wanted, path: str, seconds: float, query: str = "") -> Answer:
        url = f"{self._connection.address(secret.location)}/v1/{quote(path, safe='/:')}{query}"
        answer = self._web.once(WHERE, "GET", url, seconds=seconds, headers=self._headers)
        if not answer.is_good:
            if not isinstance(answer.fields.get("error"), dict):
                raise no_answer(WHERE)
            raise answer.refusal
        return answer


def _decoded(held: Mapping[str, object]) -> bytes:
    data = held.get("data", "")
    try:
        return base64.b64decode(str(data), validate=True)
    except (binascii.Error, ValueError):
        pass  # raised below, outside: the exception has the value
    raise no_answer(WHERE)


def _number(value: object) -> int | None:
    try:
        return None if value is None else int(str(value))
    except ValueError:
        return _NO_CHECKSUM
