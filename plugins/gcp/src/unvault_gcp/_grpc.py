"""Secret Manager over gRPC: one channel for each address, made when it is needed first.

The token goes with each call, and not into the channel: one that cannot be had is no concern of
gRPC's, which would say that the server cannot be reached.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlsplit

import attrs

from unvault.errors import Unavailable
from unvault.retries import Again
from unvault_gcp._errors import SLOW, Refused, no_answer, refused
from unvault_gcp._exceptions import grpc_error
from unvault_gcp.asking import USER_AGENT
from unvault_gcp.connection import Connection, bundle, proxy_of
from unvault_gcp.reading import Wanted
from unvault_gcp.service_accounts import authorization
from unvault_gcp.tokens import Caller
from unvault_gcp.transports import WHERE, Page, Payload

_SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
_VERBOSITY = "GRPC_VERBOSITY"
_OWN_PROXY = "grpc_proxy"
"""A variable that counts for gRPC only, and that it reads by itself."""

_LARGEST = 8 << 20
_TOO_LARGE = "message larger than max"
"""What gRPC itself says of an answer that is larger than any that is expected."""

_OPTIONS = (
    ("grpc.primary_user_agent", USER_AGENT),
    ("grpc.enable_retries", 0),  # who asks does that, within a deadline
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", _LARGEST),
    ("grpc.use_local_subchannel_pool", 1),  # what one session does to its connection harms no other
)


@attrs.frozen
class _Methods:
    """A channel, and the methods that are called through it."""

    channel: Any
    access: Any
    browse: Any
    proxied: bool


class Grpc:
    """Asks over gRPC; see `unvault_gcp.transports.Transport`. Several threads may use it.

    Args:
        connection: Where.
        caller: Who asks.
    """

    def __init__(self, connection: Connection, caller: Caller) -> None:
        self._connection = connection
        known = authorization(caller).items()
        self._metadata = tuple((name.lower(), value) for name, value in known)
        self._opened: dict[str | None, _Methods] = {}
        self._lock = threading.Lock()

    def access(self, secret: Wanted, *, seconds: float) -> Payload:
        """Return what a version holds."""
        request = _messages()["AccessSecretVersionRequest"](name=secret.resource)
        about = f"name={secret.resource}"
        reply = self._called("access", request, about, secret.location, seconds=seconds)
        held = reply.payload
        if not reply.HasField("payload"):
            raise no_answer(WHERE)
        checksum = held.data_crc32c if held.HasField("data_crc32c") else None
        return Payload(reply.name, held.data, checksum)

    def browse(self, parent: Wanted, text: str, more: str, *, size: int, seconds: float) -> Page:
        """Return a part of the list of secrets whose names hold a text."""
        request = _messages()["ListSecretsRequest"](
            parent=parent.parent,
            page_size=size,
            page_token=more,
            filter=f"name:{text}" if text else "",
        )
        about = f"parent={parent.parent}"
        reply = self._called("browse", request, about, parent.location, seconds=seconds)
        return Page(tuple(each.name for each in reply.secrets), reply.next_page_token)

    def close(self) -> None:
        """Close the channels."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for methods in opened.values():
            methods.channel.close()

    def _called(
        self, name: str, request: Any, about: str, location: str | None, *, seconds: float
    ) -> Any:
        methods = self._methods(location)
        routing = ("x-goog-request-params", quote(about, safe="=/"))
        try:
            return getattr(methods, name)(
                request, timeout=seconds, metadata=(*self._metadata, routing)
            )
        except Exception as error:  # noqa: BLE001  # gRPC's, and ValueError of a closed channel
            failed = _failure(error, proxied=methods.proxied)
        if isinstance(failed, Refused) and failed.code in SLOW:
            self._forget(location, methods)
        raise failed

    def _forget(self, location: str | None, methods: _Methods) -> None:
        """Use another channel from now on: this one's connection may be dead without knowing it.

        Calls that others wait for go on: it is closed when the last one is done.
        """
        with self._lock:
            if self._opened.get(location) is methods:
                del self._opened[location]

    def _methods(self, location: str | None) -> _Methods:
        found = self._opened.get(location)
        if found is None:
            with self._lock:  # or each of many threads would have a connection of its own
                found = self._opened.get(location)
                if found is None:
                    found = self._opened[location] = self._made(location)
        return found

    def _made(self, location: str | None) -> _Methods:
        address = self._connection.address(location)
        proxy = proxy_of(address)
        channel = _channel(address, self._connection.ca_file, proxy)
        classes = _messages()

        def method(name: str, request: str, response: str) -> Any:
            return channel.unary_unary(
                f"/{_SERVICE}/{name}",
                request_serializer=classes[request].SerializeToString,
                response_deserializer=classes[response].FromString,
            )

        return _Methods(
            channel,
            method(
                "AccessSecretVersion", "AccessSecretVersionRequest", "AccessSecretVersionResponse"
            ),
            method("ListSecrets", "ListSecretsRequest", "ListSecretsResponse"),
            proxied=proxy is not None,
        )


def _messages() -> dict[str, Any]:
    from unvault_gcp._messages import CLASSES

    return CLASSES


def _channel(address: str, ca_file: Path | None, proxy: str | None) -> Any:
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    target = f"{_host(parts.hostname)}:{parts.port or (443 if secure else 80)}"
    options = (*_OPTIONS, *_proxy_options(proxy))
    with _quiet() as grpc:
        if not secure:
            return grpc.insecure_channel(target, options=options)
        trusted = grpc.ssl_channel_credentials(root_certificates=_trusted(ca_file))
        return grpc.secure_channel(target, trusted, options=options)


def _host(name: str | None) -> str:
    return f"[{name}]" if name and ":" in name else name or ""


def _trusted(ca_file: Path | None) -> bytes | None:
    """Return the certificates to trust; None for those that gRPC comes with."""
    # gRPC would read this variable by itself: once in a process, whatever it is later on.
    named = os.environ.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") or bundle()
    known = ca_file or (Path(named) if named else None)
    if known is None:
        return None
    try:
        return known.read_bytes()
    except OSError as error:
        why = error.strerror
    raise Unavailable(
        f"the file {str(known)!r} with the certificates to trust cannot be read: {why}",
        hint="check the field ca_file, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and SSL_CERT_FILE",
    )


def _proxy_options(proxy: str | None) -> tuple[tuple[str, object], ...]:
    """Return what has gRPC use the proxy that all others use; it reads some variables only."""
    if os.environ.get(_OWN_PROXY):
        return ()
    return (("grpc.enable_http_proxy", 0),) if proxy is None else (("grpc.http_proxy", proxy),)


@contextmanager
def _quiet() -> Iterator[ModuleType]:
    """Yield gRPC. It prints to stderr what it also says in errors, unless told so when imported.

    The environment is as it was afterwards: programs that are started may want to hear of it.
    """
    tell = "grpc" not in sys.modules and _VERBOSITY not in os.environ
    if tell:
        os.environ[_VERBOSITY] = "NONE"
    try:
        import grpc
    finally:
        if tell:
            os.environ.pop(_VERBOSITY, None)
    yield grpc


def _failure(error: Exception, *, proxied: bool) -> Exception:
    """Return what an exception of gRPC's is to us."""
    code = getattr(error, "code", None)
    if code is None:
        return Unavailable(
            f"asking {WHERE} failed ({type(error).__name__}); the message is withheld, since it"
            " might hold a secret",
            hint="try again; and check the endpoint",
        )
    name, details = str(code().name), str(error.details() or "")  # type: ignore[attr-defined]
    if name == "UNAVAILABLE":
        failed = grpc_error(details, WHERE, proxied=proxied)
        if failed is not None:
            return Again(failed)
    if _TOO_LARGE in details:
        return no_answer(WHERE)
    return refused(name, details, _reasons(error))


def _reasons(error: Any) -> list[str]:
    """Return what the answer says of its reason: packed, and read for known words only."""
    return [
        (value if isinstance(value, bytes) else str(value).encode()).decode("latin-1")
        for name, value in error.trailing_metadata() or ()
        if name == "grpc-status-details-bin"
    ]
