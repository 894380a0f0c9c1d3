"""What a reference asks of a server: where, in which namespace, and in which words of the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from unvault.errors import CredentialMissing, InvalidReference
from unvault.model import SecretRequest
from unvault_hashicorp.connection import Connection, check_namespace

_CENTURY_SECONDS = 100 * 365 * 86400


@attrs.frozen
class Place:
    """A path in a namespace, as it is asked for."""

    path: str
    """Without slashes at its ends."""
    namespace: str
    """Which namespace it is in; empty for the root namespace."""
    header: str
    """What the header names; empty where the path names the namespace."""

    def asked(self, path: str | None = None) -> str:
        """Return the path as the API has to be asked for it."""
        inside = self.path if path is None else path
        return inside if self.header == self.namespace else f"{self.namespace}/{inside}"


def place_of(request: SecretRequest, connection: Connection) -> Place:
    """Return where a request points to."""
    own = request.get("namespace")
    namespace = (connection.namespace if own is None else str(own)).strip("/")
    if own is not None:
        try:
            check_namespace(namespace)
        except CredentialMissing as error:
            raise InvalidReference(error.message, hint="check the parameter namespace") from None
    in_header = request.get("namespace_header") is not False
    return Place(request.path.strip("/"), namespace, namespace if in_header else "")


def version_of(request: SecretRequest) -> int | None:
    """Return the version that is asked for; None for the newest.

    Raises:
        InvalidReference: It is none.
    """
    version = request.get("version")
    if version is None:
        return None
    if int(version) < 1:
        raise InvalidReference("versions count from 1", hint="leave out version for the newest")
    return int(version)


def body_of(request: SecretRequest) -> Mapping[str, Any] | None:
    """Return what is to be sent to a logical path; None where it is only read.

    Raises:
        InvalidReference: It is no JSON object.
    """
    text = request.get("data")
    if text is None:
        return None
    try:
        body = json.loads(str(text))
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise InvalidReference(
            "the parameter 'data' is no JSON object",
            hint='such as {"common_name": "app.example.com"}, percent-encoded',
        )
    return body


def end_of_lease(reply: Mapping[str, Any]) -> datetime | None:
    """Return when what was just answered stops being valid; None where it does not."""
    return _in(reply.get("lease_duration"))


def _in(seconds: object) -> datetime | None:
    """Return the moment that comes in so many seconds; what is too far off never comes."""
    if not isinstance(seconds, int) or not 0 < seconds < _CENTURY_SECONDS:
        return None
    return datetime.now(UTC) + timedelta(seconds=seconds)


def end_of_data(data: Mapping[str, Any]) -> datetime | None:
    """Return when dynamic data says that it stops being valid; None where it says nothing.

    Certificates have ``expiration``, in seconds since 1970; tokens of clouds ``expires_at_seconds``
    or ``token_ttl``; static roles, whose password is changed from time to time, and OIDC tokens
    ``ttl``, in seconds from now.
    """
    ends = [_in(data.get(name)) for name in ("ttl", "token_ttl")]
    for name in ("expiration", "expires_at_seconds"):
        seconds = data.get(name)
        if isinstance(seconds, int) and 0 < seconds < 50 * _CENTURY_SECONDS:
            ends.append(datetime.fromtimestamp(seconds, UTC))
    return min((end for end in ends if end is not None), default=None)


def as_json(fields: Mapping[str, Any]) -> str:
    """Return a secret's fields as JSON text."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
