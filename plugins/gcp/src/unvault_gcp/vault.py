"""Secret Manager with a token: reads secrets, and lists them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from unvault.errors import AccessDenied, Unavailable
from unvault.model import SecretInfo, SecretRequest
from unvault.retries import Again, Retries
from unvault.secret import Secret
from unvault_gcp._errors import (
    DENIED,
    REJECTED,
    Refused,
    denied_for,
    no_answer,
    outage,
    rejected,
    unexpected,
)
from unvault_gcp.asking import Web
from unvault_gcp.connection import Connection
from unvault_gcp.forms import REST
from unvault_gcp.reading import Wanted, is_of, listed, refusal_of, wanted
from unvault_gcp.tokens import Caller
from unvault_gcp.transports import WHERE, Page, Payload, Transport

_PAGE = 1000
_YOUNG_SECONDS = 10.0
"""For how long a token that was never accepted counts as new: another would fare no better."""

_T = TypeVar("_T")


class Vault:
    """What a session's hooks use.

    Args:
        connection: Where Secret Manager is asked, and over what.
        web: Asks over HTTP.
        caller: Who asks.
    """

    def __init__(self, connection: Connection, web: Web, caller: Caller) -> None:
        self.connection = connection
        self.web = web
        self.caller = caller
        self.project = connection.project or caller.project
        """The project of secrets that are named by their bare name."""
        self._retries = Retries(connection.timeout)
        self._transport = _transport(connection, web, caller)
        self._opened = time.monotonic()
        self._accepted = False

    def fetch(self, request: SecretRequest) -> Secret:
        """Return a secret.

        Raises:
            UnvaultError: See `unvault_gcp.plugin.fetch_secret`.
        """
        secret = wanted(request, self.project)
        for _ in range(2):
            payload = self._accessed(secret)
            if not is_of(payload.resource, secret):
                raise no_answer(WHERE)
            if _is_whole(payload):
                return Secret(payload.data, version=payload.resource.rpartition("/")[2])
        raise Unavailable(
            f"the secret {secret.secret!r} arrived damaged, and the second time too: its checksum"
            " (CRC32C) is another one",
            hint="try again in a while; where that does not help, find out what is on the way, or"
            " add the secret's version anew",
        )

    def browse(self, prefix: str) -> Iterator[SecretInfo]:
        """Return the secrets of a project whose names start with a prefix.

        Raises:
            UnvaultError: See `unvault_gcp.plugin.list_secrets`.
        """
        place, start = listed(prefix, self.project)
        name = prefix.removeprefix(start) if prefix.startswith(start) else ""
        text = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else ""
        paths = (f"{start}{resource.rpartition('/')[2]}" for resource in self._names(place, text))
        yield from (SecretInfo(path) for path in sorted(paths) if path.startswith(prefix))

    def _names(self, place: Wanted, text: str) -> Iterator[str]:
        more, page = "", self.page(place, text)
        yield from page.names
        while page.more:
            if page.more == more:  # it would go on for ever
                raise no_answer(WHERE)
            more, page = page.more, self.page(place, text, page.more)
            yield from page.names

    def page(self, place: Wanted, text: str, more: str = "", *, size: int = _PAGE) -> Page:
        """Return a part of the list of secrets whose names hold a text.

        Args:
            place: The project and location to list.
            text: The text; empty for all secrets.
            more: What the part is asked for with; empty for the first one.
            size: How many there may be in it.

        Raises:
            AccessDenied: It is not allowed.
            UnvaultError: As for a fetch.
        """
        try:
            return self._work(
                lambda seconds: self._transport.browse(
                    place, text, more, size=size, seconds=seconds
                )
            )
        except Refused as refusal:
            known = denied_for(refusal, place.project) if refusal.code in DENIED else None
            failed = known or (
                AccessDenied(
                    f"the secrets of the project {place.project!r} may not be listed, or there is"
                    " no such project",
                    hint="the role roles/secretmanager.viewer on the project allows it (the"
                    " permission secretmanager.secrets.list)",
                )
                if refusal.code in DENIED
                else unexpected(refusal, WHERE)
            )
        raise failed

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        self.web.close()

    def _accessed(self, secret: Wanted) -> Payload:
        try:
            return self._work(lambda seconds: self._transport.access(secret, seconds=seconds))
        except Refused as refusal:
            failed = refusal_of(refusal, secret)
        raise failed

    def _work(self, action: Callable[[float], _T]) -> _T:
        """Ask, again where that may help, and in time.

        Raises:
            Refused: The answer is no success, and not about the token.
            UnvaultError: There is none, or it is about the token.
        """

        def attempt(seconds: float) -> _T:
            try:
                found = action(seconds)
            except Refused as refusal:
                refused = refusal
            else:
                self._accepted = True
                return found
            if refused.may_pass:
                raise Again(outage(refused, WHERE), after=refused.after)
            if refused.code in REJECTED:
                raise self._rejected()
            self._accepted = True
            raise refused

        return self._retries.call(attempt)

    def _rejected(self) -> Exception:
        """Return the error for a token that is not accepted.

        Another one may be where this one was once, is an old one, or has its file changed.
        """
        old = time.monotonic() - self._opened > _YOUNG_SECONDS
        file = self.caller.file
        other = self._accepted or old or (file is not None and file.changed)
        return rejected(WHERE, self.caller.advice, renewable=other)


def _transport(connection: Connection, web: Web, caller: Caller) -> Transport:
    if connection.transport == REST:
        from unvault_gcp._rest import Rest

        return Rest(connection, web, caller)
    from unvault_gcp._grpc import Grpc

    return Grpc(connection, caller)


def _is_whole(payload: Payload) -> bool:
    import google_crc32c

    if payload.checksum is None:
        return True
    whole: bool = google_crc32c.value(payload.data) == payload.checksum
    return whole
