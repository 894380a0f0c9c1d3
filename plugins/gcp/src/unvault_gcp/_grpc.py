"""Secret Manager over gRPC, by Google's SDK: one client for each address, made when it is needed.

The token goes with each call, and not into the channel: one that cannot be had is no concern of
gRPC's, which would say that the server cannot be reached. Of the SDK's own patience nothing is
used: it would try for a minute.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from unvault_gcp._errors import SLOW, Refused, no_answer
from unvault_gcp.connection import Connection, proxy_of
from unvault_gcp.reading import Wanted
from unvault_gcp.tokens import Caller
from unvault_gcp.transports import WHERE, Page, Payload

_VERBOSITY = "GRPC_VERBOSITY"


class Grpc:
    """Asks over gRPC; see `unvault_gcp.transports.Transport`. Several threads may use it.

    Args:
        connection: Where.
        caller: Who asks.
    """

    def __init__(self, connection: Connection, caller: Caller) -> None:
        self._connection = connection
        self._metadata = (*caller.headers.items(),)
        self._opened: dict[str | None, Any] = {}
        self._lock = threading.Lock()

    def access(self, secret: Wanted, *, seconds: float) -> Payload:
        """Return what a version holds."""
        reply = self._called(
            lambda client, **how: client.access_secret_version(name=secret.resource, **how),
            secret.location,
            seconds,
        )
        plain = type(reply).pb(reply)  # the message itself, which is read much faster
        if not plain.HasField("payload"):
            raise no_answer(WHERE)
        held = plain.payload
        checksum = held.data_crc32c if held.HasField("data_crc32c") else None
        return Payload(plain.name, held.data, checksum)

    def browse(self, parent: Wanted, text: str, more: str, *, size: int, seconds: float) -> Page:
        """Return a part of the list of secrets whose names hold a text."""
        request = {
            "parent": parent.parent,
            "page_size": size,
            "page_token": more,
            "filter": f"name:{text}" if text else "",
        }
        reply = self._called(
            lambda client, **how: client.list_secrets(request, **how), parent.location, seconds
        )
        return Page(tuple(each.name for each in reply.secrets), reply.next_page_token)

    def close(self) -> None:
        """Close the channels."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for each in opened.values():
            each.transport.close()

    def _called(self, call: Callable[..., Any], location: str | None, seconds: float) -> Any:
        client = self._client(location)
        try:
            return call(client, retry=None, timeout=seconds, metadata=self._metadata)
        except Exception as error:  # noqa: BLE001  # the SDK's, and ValueError of a closed channel
            from unvault_gcp._sdk import failure_of

            proxy = proxy_of(self._connection.address(location))
            failed = failure_of(error, proxied=proxy is not None)
        if isinstance(failed, Refused) and failed.code in SLOW:
            self._forget(location, client)
        raise failed

    def _forget(self, location: str | None, client: Any) -> None:
        """Use another channel from now on: this one's connection may be dead without knowing it.

        Calls that others wait for go on: it is closed when the last one is done.
        """
        with self._lock:
            if self._opened.get(location) is client:
                del self._opened[location]

    def _client(self, location: str | None) -> Any:
        found = self._opened.get(location)
        if found is None:
            with self._lock:  # or each of many threads would have a connection of its own
                found = self._opened.get(location)
                if found is None:
                    found = self._opened[location] = self._made(location)
        return found

    def _made(self, location: str | None) -> Any:
        _import_quietly()
        from unvault_gcp._sdk import client_at

        return client_at(self._connection, location)


def _import_quietly() -> None:
    """Import gRPC. It prints to stderr what it also says in errors, unless told so when imported.

    The environment is as it was afterwards: programs that are started may want to hear of it.
    """
    if "grpc" in sys.modules or _VERBOSITY in os.environ:
        return
    os.environ[_VERBOSITY] = "NONE"
    try:
        import grpc  # noqa: F401  # for what it does when it is imported
    finally:
        os.environ.pop(_VERBOSITY, None)
