"""Reads any path as it is: dynamic secrets, whose lease bounds how long they are cached."""

from __future__ import annotations

from datetime import UTC, datetime

from unvault.errors import InvalidReference, NotSupported, SecretNotFound
from unvault.model import SecretRequest
from unvault.secret import Secret
from unvault_hashicorp._client import Client, Reply
from unvault_hashicorp._errors import Refused
from unvault_hashicorp.asking import (
    as_json,
    body_of,
    end_of_data,
    end_of_lease,
    place_of,
    version_of,
)
from unvault_hashicorp.mounts import no_namespace
from unvault_hashicorp.refusals import refusal


def read(client: Client, request: SecretRequest, token_ends: datetime | None) -> Secret:
    """Return the data that a path answers with, as JSON.

    Args:
        client: The server.
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
        if body is not None:
            raise NotSupported(
                f"what was asked of {place.path!r} was done, and answered without data",
                hint="an answer that signs in, or is wrapped, is not supported",
            )
    raise SecretNotFound(
        f"there is nothing at {place.path!r}", hint="check the path, its mount and the namespace"
    )


def _end(reply: Reply, data: Reply, token_ends: datetime | None) -> datetime:
    """Return when a value stops being valid: its lease, its own word, and its token count.

    What says nothing of it may be another one the next time, as a one-time password is: it is
    not used again.
    """
    ends = [end for end in (end_of_lease(reply), end_of_data(data)) if end is not None]
    if not ends:
        return datetime.now(UTC)
    if reply.get("lease_id") and token_ends is not None:
        ends.append(token_ends)
    return min(ends)
