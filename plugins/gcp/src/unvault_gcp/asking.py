"""Questions over HTTP whose answers are JSON: each asked once, and answered in time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from unvault.retries import Again
from unvault_gcp import __version__
from unvault_gcp._errors import CODES, HTTP_CODES, Refused, outage, refused
from unvault_gcp._exceptions import http_error
from unvault_gcp.connection import Connection

if TYPE_CHECKING:
    from unvault_gcp._http import Reply, Sender

USER_AGENT = f"unvault/{__version__}"

_PASSING = frozenset({"internal_failure", "server_error", "temporarily_unavailable"})
"""Errors of OAuth's after which the same may work in a moment, whatever the status is."""

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a small answer may be a large one
    "User-Agent": USER_AGENT,
}


@attrs.frozen
class Answer:
    """What was answered."""

    status: int
    """The HTTP status."""
    fields: Mapping[str, Any] = attrs.field(repr=False)
    """The JSON object that its body is; empty where it is none."""
    text: str = attrs.field(repr=False)
    """Its body as text; empty where it is none."""
    headers: Mapping[str, str]
    """Its headers."""

    @property
    def data(self) -> bytes:
        """Its body, as google-auth wants it."""
        return self.text.encode()

    @property
    def is_good(self) -> bool:
        """Whether it is a success."""
        return self.status == 200

    @property
    def refusal(self) -> Refused:
        """What is understood of one that is no success."""
        error = self.fields.get("error")
        told: Mapping[str, Any] = error if isinstance(error, dict) else {}
        code, details = told.get("status"), told.get("details")
        if not isinstance(code, str) or code not in CODES:
            code = HTTP_CODES.get(self.status, "UNKNOWN")
        if {self.oauth_error, str(self.fields.get("error_description"))} & _PASSING:
            code = "UNAVAILABLE"
        listed = details if isinstance(details, list) else []
        reasons = [str(each.get("reason")) for each in listed if isinstance(each, dict)]
        after = str(self.headers.get("Retry-After") or "")
        return refused(
            code,
            str(told.get("message") or ""),
            reasons,
            float(after) if re.fullmatch("[0-9]{1,6}", after) else None,
        )

    @property
    def oauth_error(self) -> str:
        """The code of an error of OAuth's; empty where there is none."""
        error = self.fields.get("error")
        known = isinstance(error, str) and re.fullmatch("[a-z_]{1,60}", error)
        return str(error) if known else ""


class Web:
    """Asks over HTTP, for one credential; several threads may use it.

    Args:
        connection: What to trust, and how patient to be.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.ends = time.monotonic() + connection.timeout
        """When a sign-in has to be done, as `time.monotonic` has it: with all that it asks."""
        self._made: Sender | None = None

    def once(
        self,
        where: str,
        method: str,
        url: str,
        *,
        seconds: float,
        headers: Mapping[str, str],
        body: bytes | None = None,
        directly: bool = False,
    ) -> Answer:
        """Return an answer that comes in time, whatever it says.

        Args:
            where: Who is asked, for a person.
            method: The HTTP method.
            url: The whole address.
            seconds: Until it has to be there.
            headers: More than those of all requests.
            body: What to send.
            directly: By no proxy.

        Raises:
            Again: There may be another answer in a moment.
            Unavailable: There is none.
        """
        whole = {**_HEADERS, **headers}
        try:
            reply = self._sender.send(
                method, url, seconds=seconds, headers=whole, body=body, directly=directly
            )
        except Exception as error:  # noqa: BLE001  # urllib3's, the system's, TLS's
            failed, again = http_error(error, where)
        else:
            return _passed_on(_answer(reply), where)
        raise Again(failed) if again else failed

    def close(self) -> None:
        """Close the connections; it can be used again afterwards."""
        if self._made is not None:
            self._made.close()

    @property
    def _sender(self) -> Sender:
        from unvault_gcp._http import Sender

        if self._made is None:
            self._made = Sender(self.connection)
        return self._made


def _passed_on(answer: Answer, where: str) -> Answer:
    refusal = None if answer.is_good else answer.refusal
    if refusal is not None and refusal.may_pass:
        raise Again(outage(refusal, where), after=refusal.after)
    return answer


def _answer(reply: Reply) -> Answer:
    try:
        text = reply.body.decode()
        found = json.loads(text)
    except (UnicodeError, ValueError, RecursionError):
        found = None
    return Answer(
        reply.status,
        found if isinstance(found, dict) else {},
        reply.body.decode(errors="replace"),
        reply.headers,
    )


def text_of(answer: Answer, name: str) -> str | None:
    """Return a field of an answer that is text and not empty; None where there is none."""
    value = answer.fields.get(name)
    return value if isinstance(value, str) and value else None
