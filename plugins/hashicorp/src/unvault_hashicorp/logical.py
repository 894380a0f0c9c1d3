"""Reads any path as it is: dynamic secrets, whose lease bounds how long they are cached."""

from __future__ import annotations

from datetime import UTC, datetime

from unvault.errors import InvalidReference, SecretNotFound
from unvault.model import SecretRequest
from unvault.secret import Secret
from unvault_hashicorp._client import Client, Reply
from unvault_hashicorp._errors import Refused
from unvault_hashicorp.asking import as_json, body_of, end_of_lease, place_of, version_of
from unvault_hashicorp.mounts import Mounts, no_namespace
from unvault_hashicorp.refusals import refusal


def read(
    client: Client, mounts: Mounts, request: SecretRequest, token_ends: datetime | None
) -> Secret:
    """Return the data that a path answers with, as JSON.

    Args:
        client: The server.
        mounts: Not asked: the path is taken as it is.
        request: What is wanted; with ``data`` it is written to, not read.
        token_ends: When the token ends, which takes its leases with it.

    Raises:
        SecretNotFound: There is nothing.
        UnvaultError: As for KV engines.
    """
    if version_of(request) is not None or request.get("kv") is not None:
        raise InvalidReference(
            "version and kv are for KV engines, and engine=logical reads any path as it is",
            hint="leave out either",
        )
    place, body = place_of(request, client.connection), body_of(request)
    path = place.asked()
    try:
        if body is None:
            reply = client.read(path, place.header)
        else:
            reply = client.write(path, place.header, body)
    except Refused as refused:
        if refused.says("namespace not found"):
            raise no_namespace(place.namespace) from None
        if refused.status != 404:
            how = "read" if body is None else "update"
            raise refusal(refused, client, path, how) from None
    else:
        data = reply.get("data")
        if isinstance(data, dict):
            end = _end(reply, data, token_ends)
            return Secret(as_json(data), expires=end, content_type="application/json")
    raise SecretNotFound(
        f"there is nothing at {place.path!r}", hint="check the path, its mount and the namespace"
    )


def _end(reply: Reply, data: Reply, token_ends: datetime | None) -> datetime | None:
    """Return when a value stops being valid: its lease, its own word, and its token count."""
    lease = end_of_lease(reply)
    ends = [] if lease is None else [lease]
    if reply.get("lease_id") and token_ends is not None:
        ends.append(token_ends)
    expiration = data.get("expiration")  # of a certificate, in seconds since 1970
    if isinstance(expiration, int) and 0 < expiration < 2**40:
        ends.append(datetime.fromtimestamp(expiration, UTC))
    return min(ends, default=None)
