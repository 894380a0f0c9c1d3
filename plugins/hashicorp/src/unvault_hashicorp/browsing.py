"""Lists the secrets of KV engines, folder by folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from unvault.errors import AccessDenied
from unvault.model import SecretInfo
from unvault_hashicorp._client import Client, part
from unvault_hashicorp._errors import Refused
from unvault_hashicorp.asking import Place
from unvault_hashicorp.mounts import Mount, Mounts
from unvault_hashicorp.refusals import refusal


def browse(client: Client, mounts: Mounts, prefix: str) -> Iterator[SecretInfo]:
    """Return the secrets whose paths start with a prefix, by path.

    A folder that the token may not list is left out, with a warning, unless it is the first.

    Raises:
        AccessDenied: The token may not list the folder that the prefix is in.
        SessionExpired: The token is not valid any more.
        Unavailable: The server cannot be reached, or cannot answer.
    """
    for mount in sorted(_candidates(client, mounts, prefix), key=lambda each: each.path):
        inside = prefix[len(mount.path) + 1 :]
        folder = inside.rpartition("/")[0]
        required = prefix.startswith(f"{mount.path}/")
        for name in _walk(client, mount, folder, required=required):
            path = f"{mount.path}/{name}"
            if path.startswith(prefix):
                yield SecretInfo(path)


def _candidates(client: Client, mounts: Mounts, prefix: str) -> list[Mount]:
    """Return the KV engines that may hold such paths."""
    namespace = client.connection.namespace
    if "/" in prefix:
        mount = mounts.find(Place(prefix.strip("/"), namespace, namespace))
        if mount is not None and prefix.startswith(f"{mount.path}/"):
            return [mount] if mount.version else []
    visible = [mount for mount in mounts.list(namespace) if mount.version]
    found = [
        mount for mount in visible if f"{mount.path}/".startswith(prefix) or mount.holds(prefix)
    ]
    if not found and ("/" in prefix or not visible):
        raise AccessDenied(
            f"the token may see no KV engine that holds {prefix!r}"
            if prefix
            else "the token may see no KV engine",
            hint="its policies need to list: MOUNT/metadata/* for KV version 2, MOUNT/* for 1",
        )
    return found


def _walk(client: Client, mount: Mount, folder: str, *, required: bool) -> Iterator[str]:
    """Return the names of a folder and of those in it, without the mount."""
    for name in _names(client, mount, folder, required=required):
        path = f"{folder}/{name}" if folder else name
        if name.endswith("/"):
            yield from _walk(client, mount, path.rstrip("/"), required=False)
        else:
            yield path


def _names(client: Client, mount: Mount, folder: str, *, required: bool) -> list[str]:
    base = f"{mount.path}/metadata" if mount.version == 2 else mount.path
    path = f"{base}/{folder}" if folder else base
    try:
        reply = client.read(f"{path}/", client.connection.namespace, list="true")
    except Refused as refused:
        if refused.status == 404:
            return []  # an empty folder is none
        failed = refusal(refused, client, f"{path}/*", "list")
    else:
        keys = part(reply, "data").get("keys") or []
        return sorted(str(key) for key in keys)
    if required or not isinstance(failed, AccessDenied):
        raise failed
    logging.getLogger("unvault.hashicorp").warning("the token may not list %r: left out", path)
    return []
