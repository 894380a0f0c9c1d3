"""HCP Vault Secrets: the endpoint for tokens, and the API of the secrets."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import parse_qs, unquote

import attrs

from tests.servers.serving import Connection, Seen, Serving, as_json

_API = re.compile(
    r"/secrets/2023-11-28/organizations/([^/]+)/projects/([^/]+)/apps/([^/]+)"
    r"/secrets(?:/([^/:]+)(?:/versions/([^/:]+))?:open)?"
)


@attrs.define
class _Kept:
    versions: list[str]
    kind: str = "kv"


class Hcp(Serving):
    """Both of HCP's servers at one address: give it as ``api_address`` and as ``auth_address``.

    ``answer_next`` lets the next API requests fail; `logins` and `count` say what was asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.principals: dict[str, str] = {}
        """Secrets of the service principals, by client id."""
        self.seconds: float = 3600
        """How long a new token is valid."""
        self.audience = "https://api.hashicorp.cloud"
        self.organization, self.project = "org-1", "proj-1"
        self.answer_next: list[tuple[int, bytes, dict[str, str]]] = []
        self.forbidden: set[str] = set()
        """Apps that nobody may read."""
        self._apps: dict[str, dict[str, _Kept]] = {}
        self._tokens: dict[str, float] = {}

    @property
    def logins(self) -> int:
        """How many tokens were asked for."""
        return self.count("/oauth2/token")

    def put(self, app: str, name: str, *values: str, kind: str = "kv") -> str:
        """Keep a secret with these versions, and return its path in three parts."""
        self._apps.setdefault(app, {})[name] = _Kept([*values], kind)
        return f"{self.organization}/{self.project}/{app}/{name}"

    def fail(
        self, status: int, message: str = "", *, times: int = 1, retry_after: object = None
    ) -> None:
        """Let the next requests to the API fail."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        answer = (status, _error({429: 8, 503: 14}.get(status, 13), message), headers)
        self.answer_next += [answer] * times

    def revoke(self) -> None:
        """Make all tokens invalid."""
        self._tokens.clear()

    def respond(self, seen: Seen, connection: Connection) -> None:
        if seen.path == "/oauth2/token":
            connection.answer(*self._sign_in(seen))
            return
        if self.answer_next:
            connection.answer(*self.answer_next.pop(0))
            return
        connection.answer(*self._open(seen))

    def _sign_in(self, seen: Seen) -> tuple[int, bytes]:
        form = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        if form.get("grant_type") != "client_credentials":
            return 400, as_json({"error": "unsupported_grant_type"})
        if form.get("audience") != self.audience:
            return 403, as_json({"error": "access_denied", "error_description": "audience"})
        known = self.principals.get(form.get("client_id", ""))
        if known is None or known != form.get("client_secret"):
            told = f"Client authentication failed for {form.get('client_id')}"
            return 401, as_json({"error": "invalid_client", "error_description": told})
        with self.lock:
            token = f"hcp-token-{len(self._tokens)}-{time.monotonic_ns()}"
            self._tokens[token] = time.monotonic() + self.seconds
        body = {"access_token": token, "expires_in": int(self.seconds), "token_type": "Bearer"}
        return 200, as_json(body)

    def _open(self, seen: Seen) -> tuple[int, bytes]:
        token = seen.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0) < time.monotonic():
            return 401, _error(16, "Unauthorized")
        matched = _API.fullmatch(unquote(seen.path.partition("?")[0]))
        if matched is None:
            return 404, _error(5, "Not Found")
        organization, project, app, name, version = matched.groups()
        if (organization, project) != (self.organization, self.project) or app in self.forbidden:
            return 403, _error(7, "permission denied")
        kept = self._apps.get(app, {}).get(name or "")
        if name is None:
            return 200, as_json({"secrets": [{"name": each} for each in self._apps.get(app, {})]})
        if kept is None:
            return 404, _error(5, f"secret {name} not found")
        return _opened(name, kept, version)


def _opened(name: str, kept: _Kept, version: str | None) -> tuple[int, bytes]:
    number = len(kept.versions) if version is None else int(version)
    if not 1 <= number <= len(kept.versions):
        return 404, _error(5, "version not found")
    value: dict[str, Any] = {
        "version": number,
        "value": kept.versions[number - 1],
        "created_at": f"2025-01-0{number}T00:00:00Z",
    }
    if version is not None:
        return 200, as_json({"static_version": value})
    return 200, as_json({"secret": {"name": name, "type": kept.kind, "static_version": value}})


def _error(code: int, message: str) -> bytes:
    return as_json({"code": code, "message": message, "details": []})
