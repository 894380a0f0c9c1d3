"""A signed-in server: reads KV engines and any other path, and browses KV engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from unvault.model import SecretInfo, SecretRequest
from unvault.secret import Secret
from unvault_hashicorp import browsing, kv, logical
from unvault_hashicorp._client import Client
from unvault_hashicorp.mounts import Mounts


class Vault:
    """What a session's hooks use.

    Args:
        client: The server, with a token.
        expires: When the token ends, with a time zone; what it leased ends with it.
    """

    def __init__(self, client: Client, expires: datetime | None) -> None:
        self._client = client
        self._mounts = Mounts(client)
        self._expires = expires

    def fetch(self, request: SecretRequest) -> Secret:
        """Return a secret.

        Raises:
            UnvaultError: See `unvault_hashicorp.plugin.fetch_secret`.
        """
        if request.get("engine") == "logical":
            return logical.read(self._client, request, self._expires)
        return kv.read(self._client, self._mounts, request)

    def browse(self, prefix: str) -> Iterator[SecretInfo]:
        """Return the KV secrets whose paths start with a prefix."""
        return browsing.browse(self._client, self._mounts, prefix)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
