"""Reads the KV engines, version 1 and 2.

See https://developer.hashicorp.com/vault/api-docs/secret/kv for both.
"""

from __future__ import annotations

from datetime import UTC, datetime

import attrs

from unvault.errors import (
    AccessDenied,
    InvalidReference,
    SecretDeleted,
    SecretDestroyed,
    SecretNotFound,
    UnvaultError,
    VersionNotFound,
)
from unvault.model import SecretRequest
from unvault.secret import Secret
from unvault_hashicorp._client import Client, Reply, part
from unvault_hashicorp._errors import Refused, no_vault
from unvault_hashicorp.asking import Place, as_json, end_of_lease, place_of, version_of
from unvault_hashicorp.mounts import Mount, Mounts, no_namespace
from unvault_hashicorp.refusals import refusal

JSON = "application/json"


def read(client: Client, mounts: Mounts, request: SecretRequest) -> Secret:
    """Return the fields of a KV secret, as JSON.

    Raises:
        SecretNotFound: There is none; its subclasses are more precise.
        InvalidReference: The path is in no KV engine, or the engine keeps no versions.
        AccessDenied: The token's policies do not allow it.
        SessionExpired: The token is not valid any more.
        Unavailable: The server cannot be reached, or cannot answer.
    """
    place, version = place_of(request, client.connection), version_of(request)
    wanted = None if request.get("kv") is None else int(request.get("kv") or 0)
    mount = _mount(mounts, place, wanted)
    try:
        return _read(client, place, mount, version)
    except (SecretNotFound, AccessDenied):
        if not mounts.is_old(place):
            raise
        now = _mount(mounts, place, wanted, anew=True)
        if now == mount:
            raise
    return _read(client, place, now, version)  # upgraded meanwhile, or mounted elsewhere


def _read(client: Client, place: Place, mount: Mount, version: int | None) -> Secret:
    if mount.version != 1:
        return _read_v2(client, place, mount, version)
    if version is not None:
        raise InvalidReference(
            f"{place.path!r} is in an engine of KV version 1, which keeps no versions",
            hint="leave out version",
        )
    return _read_v1(client, place)


def _mount(mounts: Mounts, place: Place, wanted: int | None, *, anew: bool = False) -> Mount:
    """Return the engine that a path is in: the one that was found, or what the path looks like."""
    first, _, rest = place.path.partition("/")
    if not rest:
        raise InvalidReference(
            f"{place.path!r} names a mount, and no secret in it", hint="such as secret/app/db"
        )
    if wanted == 1:
        return Mount(first, "kv", 1)  # a path of version 1 is the same wherever its mount ends
    found = mounts.find(place, anew=anew)
    if found is None:
        return Mount(first, "kv", wanted or 2, guessed=True)
    if wanted is None and found.version is None:
        raise InvalidReference(
            f"{found.path!r} is a {found.kind} engine, and no KV engine",
            hint="engine=logical reads it",
        )
    return attrs.evolve(found, version=wanted or found.version)


def _read_v1(client: Client, place: Place) -> Secret:
    try:
        reply = client.read(place.asked(), place.header)
    except Refused as refused:
        failed = _missing(place, refused) if refused.status == 404 else None
        failed = failed or refusal(refused, client, place.asked())
    else:
        data = reply.get("data")
        if not isinstance(data, dict):
            raise no_vault(client.address)
        return Secret(as_json(data), expires=end_of_lease(reply), content_type=JSON)
    raise failed


def _read_v2(client: Client, place: Place, mount: Mount, version: int | None) -> Secret:
    path = place.asked(_data_path(place, mount))
    try:
        params = {} if version is None else {"version": version}
        data = client.read(path, place.header, **params).get("data")
    except Refused as refused:
        if refused.status != 404:
            raise _refused(refused, client, place, mount) from None
        failed = _gone(place, refused) or _missing(place, refused)
        if version is not None and type(failed) is SecretNotFound:
            failed = _no_version(client, place, path, version) or failed
    else:
        if not isinstance(data, dict) or "data" not in data:
            raise no_vault(client.address)
        told = part(data, "metadata")
        return Secret(
            as_json(part(data, "data")),
            version=str(told["version"]) if "version" in told else None,
            created=_moment(told.get("created_time")),
            expires=_moment(told.get("deletion_time")),
            content_type=JSON,
        )
    if type(failed) is SecretNotFound and _data_path(place, mount) != place.path:
        failed.hint = _hint(place, mount)
    raise failed


def _data_path(place: Place, mount: Mount) -> str:
    return f"{mount.path}/data/{place.path[len(mount.path) + 1 :]}"


def _refused(refused: Refused, client: Client, place: Place, mount: Mount) -> UnvaultError:
    failed = refusal(refused, client, place.asked(_data_path(place, mount)))
    if isinstance(failed, AccessDenied) and _api_words(place, mount):
        failed.hint = _hint(place, mount)
    if mount.guessed and isinstance(failed, AccessDenied):
        return AccessDenied(
            f"the token may not read {place.path!r}, nor know where its engine is mounted",
            hint="its policies need to read the secret: MOUNT/data/PATH for KV version 2,"
            " MOUNT/PATH for version 1",
        )
    return failed


def _gone(place: Place, refused: Refused) -> UnvaultError | None:
    """Return the error for a version that was deleted or destroyed; None for any other."""
    told = part(part(refused.body, "data"), "metadata")
    which = f"version {told.get('version')} of {place.path!r}"
    if told.get("destroyed"):
        return SecretDestroyed(
            f"{which} is destroyed: nobody can bring it back", hint="name another version"
        )
    if told.get("deletion_time"):
        return SecretDeleted(
            f"{which} is deleted",
            hint="name another version, or bring it back: bao kv undelete, or vault kv undelete",
        )
    return None


def _missing(place: Place, refused: Refused) -> UnvaultError:
    if refused.says("namespace not found"):
        return no_namespace(place.namespace)
    if refused.says("no handler for route", "route entry not found"):
        return SecretNotFound(
            f"no secrets engine is mounted where {place.path!r} points to",
            hint="check the mount, which the path begins with, and the namespace",
        )
    return SecretNotFound(f"there is no secret {place.path!r}", hint="check the path")


def _no_version(client: Client, place: Place, path: str, version: int) -> UnvaultError | None:
    """Return the error for a version that never was, where the secret is there; else None."""
    try:
        reply: Reply = client.read(path, place.header)
    except Refused as refused:
        if refused.status != 404 or _gone(place, refused) is None:
            return None
        reply = refused.body
    told = part(part(reply, "data"), "metadata")
    return VersionNotFound(
        f"{place.path!r} has no version {version}; the newest is {told.get('version')}",
        hint="name another one, or none for the newest",
    )


def _api_words(place: Place, mount: Mount) -> bool:
    """Say whether a path begins as those of the API do, where none of that is written."""
    return place.path.startswith((f"{mount.path}/data/", f"{mount.path}/metadata/"))


def _hint(place: Place, mount: Mount) -> str:
    if _api_words(place, mount):
        return "leave out data/ or metadata/ behind the mount: it is added by itself"
    return "check the path, the mount it begins with, and the namespace"


def _moment(text: object) -> datetime | None:
    """Read a time as the server writes it (RFC 3339); None where there is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
