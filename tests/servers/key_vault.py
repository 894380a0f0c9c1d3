"""Azure Key Vault: any number of vaults, each by the name that it is asked by."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt

from tests.servers.entra import Entra
from tests.servers.entra_directory import Tenant
from tests.servers.entra_tokens import Token
from tests.servers.key_vault_content import Vault, Version
from tests.servers.serving import Connection, Seen, as_json
from tests.servers.tls import any_name
from tests.servers.troubled import Troubled

_SINGULAR = {"secrets": "secret", "keys": "key"}
_AUTHORITIES = {
    "vault.azure.net": "login.microsoftonline.com",
    "vault.azure.cn": "login.partner.microsoftonline.cn",
    "vault.usgovcloudapi.net": "login.microsoftonline.us",
}
Answer = tuple[int, bytes, dict[str, str]]


class KeyVaults(Troubled):
    """The vaults of all clouds, over TLS. Behind `tests.servers.azure` they have their real names.

    ::

        vault = vaults.new("app")  # https://app.vault.azure.net, of the first tenant
        vault.allow(ann).put("api-key", "canary-1", tags={"team": "a"})
        vaults.throttle(times=2, retry_after=1)
        vaults.redirect("https://thief.example.com/")
        vaults.hang(where="app.vault.azure.net/secrets/slow")

    ``where`` is a part of the host and path, as in ``app.vault.azure.net/secrets/api-key``. Each
    request is shown to `Entra.note`, so that it is known where a token came.

    Args:
        authority: A CA of trustme.
        entra: Whose tokens they take.
    """

    def __init__(self, authority: Any, entra: Entra) -> None:
        super().__init__(any_name(authority))
        self._entra = entra
        self.known: dict[str, Vault] = {}
        """By host."""
        self.challenge = ""
        """What asks for a token, in place of what should."""

    def new(
        self, name: str, tenant: Tenant | None = None, domain: str = "vault.azure.net"
    ) -> Vault:
        """Return a vault, of the first tenant by default."""
        host = f"{name}.{domain}"
        self.known[host] = made = Vault(host, tenant or self._entra.tenant)
        return made

    def throttle(self, *, times: int = 1, retry_after: object = 1, where: str = "") -> None:
        """Refuse the next requests because there were too many."""
        said = "Request was not processed because too many requests were received. Reason: "
        body = _error("Throttled", f"{said}VaultRequestTypeLimitReached")
        self.answer(429, times=times, where=where, retry_after=retry_after, body=body)

    def be_unavailable(self, *, times: int = 1, where: str = "") -> None:
        """Answer the next requests that the service has a problem."""
        body = _error("ServiceUnavailable", "The service is temporarily unavailable.")
        self.answer(503, times=times, where=where, body=body)

    def redirect(self, to: str, *, status: int = 307, times: int = 10**9, where: str = "") -> None:
        """Send whoever shows a token elsewhere; whoever shows none is asked for one as ever."""
        self.answer(status, times=times, where=f"token {where}", body=b"", headers={"Location": to})

    def subject(self, seen: Seen) -> str:
        headers = _lowered(seen)
        shown = "token " if headers.get("authorization") else ""
        return f"{shown}{_host(headers)}{seen.path}"

    def respond(self, seen: Seen, connection: Connection) -> None:
        self._entra.note(_host(_lowered(seen)), seen)
        super().respond(seen, connection)

    def reply(self, seen: Seen, connection: Connection) -> Answer:
        headers = _lowered(seen)
        vault = self.known.get(_host(headers))
        if vault is None:
            return 404, _error("VaultNotFound", "There is no vault of this name."), {}
        token, problem = self._token(vault, headers.get("authorization", ""))
        if token is None:
            return 401, _error("Unauthorized", problem), self._challenge(vault)
        if vault.newer_than is not None and token.issued < vault.newer_than:
            return 401, _error("Unauthorized", "AKV10000: [TokenRevoked]"), self._claims(vault)
        if vault.behind_firewall:
            said = "Client address is not authorized and caller is not a trusted service."
            return 403, _error("Forbidden", said, "ForbiddenByFirewall"), {}
        return self._do(vault, token, seen)

    def _do(self, vault: Vault, token: Token, seen: Seen) -> Answer:
        """Answer a request whose token is good."""
        parts = urlsplit(seen.path)
        collection, *rest = unquote(parts.path).strip("/").split("/")
        kind = {"deletedsecrets": "secrets", "deletedkeys": "keys"}.get(collection, collection)
        if seen.method != "GET" or kind not in _SINGULAR:
            return 404, _error("NotFound", "There is no such operation."), {}
        asked = dict(parse_qsl(parts.query))
        if "api-version" not in asked:
            return 400, _error("BadParameter", "The api-version query parameter is required."), {}
        action = "list" if not rest or rest[-1] == "versions" else "get"
        if f"{kind}/{action}" not in vault.allowed.get(token.subject.oid, ()):
            return 403, _denied(vault, token, kind, action), {}
        if action == "list":
            return _list(vault, kind, rest[0] if rest else "", asked)
        if kind != collection:
            return _get_deleted(vault, kind, rest[0])
        return self._get(vault, kind, *rest)

    def _get(self, vault: Vault, kind: str, name: str, number: str = "") -> Answer:
        version = vault.found(kind, name, number)
        if version is None:
            return 404, _missing(kind, name), {}
        # The public part of a key that is disabled can be read all the same.
        if kind == "secrets" and (refused := self._unfit(vault, version)):
            return 403, refused, {}
        return 200, as_json(vault.shown(kind, name, version)), {}

    def _unfit(self, vault: Vault, version: Version) -> bytes | None:
        now = self._entra.now()
        said = "Operation get is not allowed on a"
        if not version.enabled:
            return _error("Forbidden", f"{said} disabled secret.", "SecretDisabled")
        if vault.keeps_dates and (version.starts or 0) > now:
            return _error("Forbidden", f"{said} secret that is not valid yet.", "SecretNotYetValid")
        if vault.keeps_dates and version.ends is not None and version.ends <= now:
            return _error("Forbidden", f"{said}n expired secret.", "SecretExpired")
        return None

    def _token(self, vault: Vault, shown: str) -> tuple[Token | None, str]:
        """Return the token that was shown, if it is a good one, or what is wrong."""
        kind, _, text = shown.partition(" ")
        if kind != "Bearer" or not text:
            return None, "AKV10000: Request is missing a Bearer or PoP token."
        try:
            claims = self._entra.tokens.key.read(text)
        except jwt.PyJWTError:
            return None, "AKV10000: Error validating token: signature."
        issuer = f"https://sts.windows.net/{vault.tenant.id}/"
        if claims["iss"] != issuer:
            found = f"Expected one of {issuer}, found {claims['iss']}."
            return None, f"AKV10032: Invalid issuer. {found}"
        if claims["aud"] != vault.resource:
            found = f"Expected {vault.resource}, found: {claims['aud']}."
            return None, f"AKV10022: Invalid audience. {found}"
        if claims["exp"] <= self._entra.now():
            return None, "AKV10000: [TokenExpired] Error validating token: it is expired."
        return self._entra.tokens.known[text], ""

    def _challenge(self, vault: Vault) -> dict[str, str]:
        told = f'Bearer authorization="{_authority(vault)}", resource="{vault.resource}"'
        return {"WWW-Authenticate": self.challenge or told}

    def _claims(self, vault: Vault) -> dict[str, str]:
        wanted = {"essential": True, "value": str(int(vault.newer_than or 0))}
        text = json.dumps({"access_token": {"nbf": wanted}})
        claims = base64.b64encode(text.encode()).decode()
        told = f'Bearer authorization="{_authority(vault)}", resource="{vault.resource}"'
        return {"WWW-Authenticate": f'{told}, error="insufficient_claims", claims="{claims}"'}


def _authority(vault: Vault) -> str:
    host = _AUTHORITIES.get(vault.host.partition(".")[2], "login.microsoftonline.com")
    return f"https://{host}/{vault.tenant.id}"


def _list(vault: Vault, kind: str, name: str, asked: dict[str, str]) -> Answer:
    found = [*vault.lists(kind, name)]
    start = int(asked.get("$skiptoken", 0))
    end = start + min(int(asked.get("maxresults", 25)), vault.page_size)
    told: dict[str, Any] = {"value": found[start:end], "nextLink": None}
    if end < len(found):
        path = f"{kind}/{name}/versions" if name else kind
        at = vault.next_at or f"{vault.address}:443/{path}"
        told["nextLink"] = f"{at}?{urlencode({**asked, '$skiptoken': end})}"
    return 200, as_json(told), {}


def _get_deleted(vault: Vault, kind: str, name: str) -> Answer:
    moment = vault.deleted[kind].get(name)
    if moment is None:
        return 404, _missing(kind, name), {}
    told = vault.listed(kind, name, vault.objects[kind][name][-1])
    told["recoveryId"] = f"{vault.address}/deleted{kind}/{name}"
    ends = int(moment) + 90 * 24 * 3600
    told |= {"deletedDate": int(moment), "scheduledPurgeDate": ends}
    return 200, as_json(told), {}


def _missing(kind: str, name: str) -> bytes:
    what = _SINGULAR[kind]
    said = (
        f"A {what} with (name/id) {name} was not found in this key vault. If you recently deleted "
        f"this {what} you may be able to recover it using the correct recovery command."
    )
    return _error(f"{what.title()}NotFound", said)


def _denied(vault: Vault, token: Token, kind: str, action: str) -> bytes:
    who = f"appid={token.app.client_id};oid={token.subject.oid};iss={token.tenant.id}"
    if vault.by_roles:
        said = (
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
            "assignments or role definitions were changed recently, please observe propagation "
            f"time.\r\nCaller: {who}\r\nAction: 'Microsoft.KeyVault/vaults/{kind}/{action}/action'"
            f"\r\nAssignment: (not found)\r\nVault: {vault.name};location=westeurope\r\n"
        )
        return _error("Forbidden", said, "ForbiddenByRbac")
    said = (
        f"The user, group or application '{who}' does not have {kind} {action} permission on key "
        f"vault '{vault.name};location=westeurope'."
    )
    return _error("Forbidden", said, "AccessDenied")


def _error(code: str, message: str, inner: str = "") -> bytes:
    told: dict[str, Any] = {"code": code, "message": message}
    return as_json({"error": told | ({"innererror": {"code": inner}} if inner else {})})


def _lowered(seen: Seen) -> dict[str, str]:
    return {name.lower(): value for name, value in seen.headers.items()}


def _host(headers: dict[str, str]) -> str:
    return headers.get("host", "").partition(":")[0]
