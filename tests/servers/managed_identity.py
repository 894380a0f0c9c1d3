"""The identity that a machine or an app in Azure has: the metadata service, and App Service."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.servers.entra import Entra
from tests.servers.entra_directory import App
from tests.servers.serving import Connection, Seen, as_json
from tests.servers.troubled import Troubled

METADATA_HOST = "169.254.169.254"
"""Where a virtual machine asks."""


class ManagedIdentity(Troubled):
    """Both of them, over HTTP. No identity is there before it is given::

        azure.identity.give(azure.entra.app("machine"))
        environment = azure.identity.for_app_service  # IDENTITY_ENDPOINT, IDENTITY_HEADER

    Args:
        entra: Whose tokens it gives out.
    """

    def __init__(self, entra: Entra) -> None:
        super().__init__()
        self._entra = entra
        self.given: list[App] = []
        """The identity of the system, and then those of users, who are named by a client id."""
        self.header = secrets.token_hex(16)
        """What App Service wants to be told."""

    def give(self, *apps: App) -> None:
        """Give the machine these identities."""
        self.given += apps

    @property
    def for_app_service(self) -> dict[str, str]:
        """Variables that App Service sets."""
        at = f"{self.address}/msi/token"
        return {"IDENTITY_ENDPOINT": at, "IDENTITY_HEADER": self.header}

    def reply(self, seen: Seen, connection: Connection) -> tuple[int, bytes, dict[str, str]]:
        headers = {name.lower(): value for name, value in seen.headers.items()}
        parts = urlsplit(seen.path)
        asked = dict(parse_qsl(parts.query))
        if parts.path == "/metadata/identity/oauth2/token":
            return self._answer(asked, allowed=headers.get("metadata") == "true")
        if parts.path == "/msi/token":
            told = headers.get("x-identity-header")
            return self._answer(asked, allowed=told == self.header)
        return 404, b"", {}

    def _answer(self, asked: dict[str, str], *, allowed: bool) -> tuple[int, bytes, dict[str, str]]:
        if not allowed:
            return 400, _error("bad_request", "Required metadata header not specified"), {}
        named = asked.get("client_id") or asked.get("mi_res_id") or asked.get("object_id")
        for app in self.given:
            if named in {None, app.client_id, app.oid}:
                return 200, as_json(self._token(app, asked.get("resource", "").rstrip("/"))), {}
        return 400, _error("invalid_request", "Identity not found"), {}

    def _token(self, app: App, resource: str) -> dict[str, Any]:
        token = self._entra.issue(app, resource)
        seconds = int(token.ends - token.issued)
        return {
            "access_token": token.text,
            "client_id": app.client_id,
            "expires_in": str(seconds),
            "ext_expires_in": str(seconds),
            "expires_on": str(int(token.ends)),
            "not_before": str(int(token.issued)),
            "resource": resource,
            "token_type": "Bearer",
        }


def _error(error: str, description: str) -> bytes:
    return as_json({"error": error, "error_description": description})
