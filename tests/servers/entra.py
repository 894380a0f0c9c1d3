"""Microsoft Entra ID: where people and applications sign in to Azure."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers.entra_directory import AZURE_CLI, App, Directory, Person, Tenant
from tests.servers.entra_errors import Refused
from tests.servers.entra_granting import DEVICE, Granting, Presented
from tests.servers.entra_pages import Page
from tests.servers.entra_signing_in import SigningIn, form_of
from tests.servers.entra_tokens import Key, Token, Tokens
from tests.servers.serving import Connection, Seen, as_json
from tests.servers.tls import any_name
from tests.servers.troubled import Troubled

_HOSTS = {
    "login.microsoftonline.com": "login.windows.net",
    "login.partner.microsoftonline.cn": "login.chinacloudapi.cn",
    "login.microsoftonline.us": "login.usgovcloudapi.net",
}
LOGIN_HOSTS = frozenset({*_HOSTS, *_HOSTS.values(), "login.microsoft.com", "sts.windows.net"})
"""The names that it goes by."""
_PAGES = {"authorize", "login", "consent", "device", "logout"}


class Entra(Troubled):
    """The authority of all clouds, over TLS. Behind `tests.servers.azure` it has its real names.

    There are a tenant, ``contoso.example``, and Microsoft's own application, as which
    azure-identity signs in by default. More of all of them is made by the test::

        ann = entra.person("ann")  # signs in with ann.name and ann.password
        app = entra.app("unvault", public=True)
        robot = entra.app("robot")
        secret = robot.new_secret()
        entra.ahead = 3600  # its clock, an hour later
        entra.revoke(ann)  # refresh tokens are over

    What was asked is in `opened` (the pages), `scopes` (of the tokens), `granted` and `count`;
    where tokens were shown is in `presented`, and every secret that it gave out in `issued`.

    Args:
        authority: A CA of trustme.
        key: What tokens are signed with; one of its own by default.
    """

    def __init__(self, authority: Any, key: Key | None = None) -> None:
        super().__init__(any_name(authority))
        self.ahead = 0.0
        """Seconds that its clock is ahead of the real one."""
        self.token_seconds: float = 3600
        """How long a new access token is valid."""
        self.refresh_seconds: float = 90 * 24 * 3600
        self.code_seconds: float = 600
        self.device_seconds: float = 900
        self.interval = 1
        """Seconds to wait between two questions for a device's token; who asks earlier is told."""
        self.device_host = ""
        """Where the page for codes is said to be; where the code was asked for by default."""
        self.refreshes_once = False
        """Whether a refresh token is good for one time. Those of Entra ID stay good."""
        self.sends_all_errors_back = False
        """Whether the application hears even of what is otherwise shown in the browser only."""
        self.opened: list[dict[str, str]] = []
        """The pages for signing in that were opened: what each asked for."""
        self.consents = 0
        """How often somebody was asked, and allowed it."""
        self.scopes: list[list[str]] = []
        """The scopes of each request for a token."""
        self.presented: list[Presented] = []
        self.directory = Directory()
        self.tokens = Tokens(key or Key())
        self.pages = SigningIn(self)
        self._granting = Granting(self)
        self.tenant = self.directory.new_tenant("contoso.example")
        self.cli = self.directory.new_app(
            "Microsoft Azure CLI",
            self.tenant,
            client_id=AZURE_CLI,
            public=True,
            multi_tenant=True,
            first_party=True,
        )

    def now(self) -> float:
        """Return the time on its clock, in seconds since 1970."""
        return time.time() + self.ahead

    def person(self, name: str, tenant: Tenant | None = None, **known: Any) -> Person:
        """Return somebody new, of the first tenant by default."""
        return self.directory.new_person(name, tenant or self.tenant, **known)

    def app(self, name: str, tenant: Tenant | None = None, **known: Any) -> App:
        """Return a new application, of the first tenant by default."""
        return self.directory.new_app(name, tenant or self.tenant, **known)

    def issue(self, subject: Person | App, resource: str, *, app: App | None = None) -> Token:
        """Return an access token, without a request: as the Azure CLI or a platform would have."""
        by = subject if isinstance(subject, App) else (app or self.cli)
        seconds = self.token_seconds
        return self.tokens.access(
            subject, by, subject.tenant, resource, now=self.now(), seconds=seconds
        )

    def revoke(self, subject: Person, *, code: int = 50173) -> None:
        """Let all refresh tokens of somebody be over, with the number of an error.

        Access tokens go on, but for a vault that evaluates continuously.
        """
        for token in self.tokens.of_kind("refresh"):
            if token.subject is subject:
                token.revoked = code

    def granted(self, grant: str) -> int:
        """Return how often a token was asked for, by a part of the grant's name."""
        with self.lock:
            asked = [seen for seen in self.requests if seen.path.endswith("/oauth2/v2.0/token")]
        return sum(grant in form_of(seen.body).get("grant_type", "") for seen in asked)

    @property
    def devices(self) -> list[str]:
        """The codes that were shown to somebody, oldest first."""
        return [device.user_code for device in self.pages.devices.values()]

    @property
    def issued(self) -> list[str]:
        """All that is nobody else's business: tokens, codes, and what people and apps know."""
        known = [*self.tokens.known, *self.pages.codes, *self.pages.devices]
        known += [person.password for person in self.directory.people]
        return known + [each for app in self.directory.apps for each in app.client_secrets]

    def note(self, host: str, seen: Seen) -> None:
        """Remember which tokens a server was shown, by whatever way."""
        shown = seen.headers.get("Authorization", "").removeprefix("Bearer ")
        token = self.tokens.known.get(shown)
        if token is not None:
            self.presented.append(Presented(host, token.kind, seen.path))
            return
        said = unquote("\n".join([seen.path, *seen.headers.values(), seen.body.decode("latin-1")]))
        if any(each in said for each in self.issued):
            self.presented.append(Presented(host, "somewhere", seen.path))

    def reply(self, seen: Seen, connection: Connection) -> tuple[int, bytes, dict[str, str]]:
        headers = {name.lower(): value for name, value in seen.headers.items()}
        host = headers.get("host", "")
        parts = urlsplit(seen.path)
        tenant, _, path = parts.path.strip("/").partition("/")
        page = path.rpartition("/")[2] or tenant
        if page in _PAGES:
            told = dict(parse_qsl(parts.query)) | form_of(seen.body)
            shown = self.pages.answer(seen.method, tenant, page, told, headers.get("cookie", ""))
            return _as_page(shown)
        try:
            found = self._data(tenant, path, form_of(seen.body), host)
        except Refused as refused:
            return refused.status, as_json(refused.body(self.now())), {}
        return (404, b"", {}) if found is None else (200, as_json(found), {})

    def _data(self, tenant: str, path: str, told: dict[str, str], host: str) -> Any:
        if path == "oauth2/v2.0/token":
            return self._granting.token(tenant, told, host)
        if path == "oauth2/v2.0/devicecode":
            return self._granting.device_code(tenant, told, host)
        if path == "discovery/instance":
            return _instances(host)
        if path == "v2.0/.well-known/openid-configuration":
            return self._configuration(tenant, host)
        if path == "discovery/v2.0/keys":
            return {"keys": [self.tokens.key.published()]}
        return None

    def _configuration(self, name: str, host: str) -> dict[str, Any]:
        tenant = self.directory.tenant(name)
        at = f"https://{host}/{tenant.id if tenant else name}"
        return {
            "issuer": f"https://{host}/{tenant.id if tenant else '{tenantid}'}/v2.0",
            "authorization_endpoint": f"{at}/oauth2/v2.0/authorize",
            "token_endpoint": f"{at}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{at}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{at}/oauth2/v2.0/logout",
            "jwks_uri": f"{at}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["pairwise"],
            "tenant_region_scope": None,
            "cloud_instance_name": host.partition(".")[2],
        }


def _instances(host: str) -> dict[str, Any]:
    return {
        "tenant_discovery_endpoint": f"https://{host}/common/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {"preferred_network": name, "preferred_cache": other, "aliases": [name, other]}
            for name, other in _HOSTS.items()
        ],
    }


def _as_page(page: Page) -> tuple[int, bytes, dict[str, str]]:
    return page.status, page.body, dict(page.headers)


__all__ = ["AZURE_CLI", "DEVICE", "LOGIN_HOSTS", "Entra"]
