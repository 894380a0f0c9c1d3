"""Clients of Google's SDK that ask nobody but the one address that they are made for.

The SDK would make its channel by itself, with credentials of its own to refresh. It is given one
here, since it can neither be told which certificates to trust, nor which proxy to use, nor that a
server has no TLS; and since, with a channel that is not its own, it looks for no credentials.

It is imported when the first call is made: the SDK takes longer to import than all the rest.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc  # noqa: TID253  # nothing of the plugin imports this module before
from google.api_core.exceptions import GoogleAPICallError  # noqa: TID253
from google.auth.exceptions import GoogleAuthError  # noqa: TID253
from google.cloud.secretmanager_v1 import SecretManagerServiceClient  # noqa: TID253
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (  # noqa: TID253
    SecretManagerServiceGrpcTransport,
)

from unvault.errors import Unavailable
from unvault.retries import Again
from unvault_gcp._errors import HTTP_CODES, no_answer, refused
from unvault_gcp._exceptions import grpc_error
from unvault_gcp.asking import USER_AGENT
from unvault_gcp.connection import Connection, bundle, holds_certificates, proxy_of
from unvault_gcp.transports import WHERE

_OWN_PROXY = "grpc_proxy"
"""A variable that counts for gRPC only, and that it reads by itself."""

_TOO_LARGE = "message larger than max"
"""What gRPC itself says of an answer that is larger than any that is expected."""

_OPTIONS = (
    ("grpc.primary_user_agent", USER_AGENT),
    ("grpc.enable_retries", 0),  # who asks does that, within a deadline
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", 8 << 20),
    ("grpc.use_local_subchannel_pool", 1),  # what one session does to its connection harms no other
)


class _Transport(SecretManagerServiceGrpcTransport):
    """Lets the SDK log no calls: at the level DEBUG it would, whole, with tokens and values."""

    def _prep_wrapped_messages(self, client_info: Any) -> None:
        self._logged_channel = self.grpc_channel
        super()._prep_wrapped_messages(client_info)  # type: ignore[no-untyped-call]


def client_at(connection: Connection, location: str | None) -> SecretManagerServiceClient:
    """Return a client without credentials: they go with each call.

    Args:
        connection: Where Secret Manager is.
        location: Of regional secrets; None for global ones.

    Raises:
        Unavailable: The certificates or the proxy cannot be used, or a variable of the SDK's.
    """
    channel = _channel(connection.address(location), connection.ca_file)
    try:
        return SecretManagerServiceClient(
            transport=_Transport(channel=channel),
            client_options={"universe_domain": connection.universe},
        )
    except (GoogleAuthError, ValueError) as error:
        kind = type(error).__name__
    channel.close()
    raise Unavailable(
        f"Google's SDK does not take the environment as it is ({kind})",
        hint="check GOOGLE_API_USE_MTLS_ENDPOINT and GOOGLE_API_USE_CLIENT_CERTIFICATE, or use the"
        " transport rest",
    )


def failure_of(error: Exception, *, proxied: bool) -> Exception:
    """Return what an exception of the SDK's is to us.

    Args:
        error: It.
        proxied: Whether a proxy was asked.
    """
    if not isinstance(error, GoogleAPICallError):  # ValueError, of a channel that was closed
        return Unavailable(
            f"asking {WHERE} failed ({type(error).__name__}); the message is withheld, since it"
            " might hold a secret",
            hint="try again; and check the endpoint",
        )
    code, message = code_of(error), str(error.message or "")
    if code == "UNAVAILABLE":
        failed = grpc_error(message, WHERE, proxied=proxied)
        if failed is not None:
            return Again(failed)
    if _TOO_LARGE in message:
        return no_answer(WHERE)
    return refused(code, message, [str(error.reason)])


def code_of(error: GoogleAPICallError | type[GoogleAPICallError]) -> str:
    """Return the code of the answer that an exception of the SDK's, or a class of them, is."""
    status = error.grpc_status_code
    return (
        str(status.name) if status is not None else HTTP_CODES.get(int(error.code or 0), "UNKNOWN")
    )


def _channel(address: str, ca_file: Path | None) -> Any:
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    target = f"{_host(parts.hostname)}:{parts.port or (443 if secure else 80)}"
    options = (*_OPTIONS, *_proxy_options(proxy_of(address)))
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
        content = known.read_bytes()
    except OSError as error:
        why = error.strerror
    else:
        if holds_certificates(content):
            return content
        why = "it holds none"  # with nothing in it, gRPC would trust those that it comes with
    raise Unavailable(
        f"the file {str(known)!r} with the certificates to trust cannot be used: {why}",
        hint="check the field ca_file, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and SSL_CERT_FILE",
    )


def _proxy_options(proxy: str | None) -> tuple[tuple[str, object], ...]:
    """Return what has gRPC use the proxy that all others use; it reads some variables only.

    Raises:
        Unavailable: It is of a kind that gRPC does not know, and would go past without a word.
    """
    if os.environ.get(_OWN_PROXY):
        return ()
    if proxy is None:
        return (("grpc.enable_http_proxy", 0),)
    if not proxy.lower().startswith("http://"):
        raise Unavailable(
            f"the proxy on the way to {WHERE} is of a kind that gRPC cannot use",
            hint="HTTPS_PROXY, or ALL_PROXY, has to name one with http://; for any other, use the"
            " transport rest",
        )
    return (("grpc.http_proxy", proxy),)
