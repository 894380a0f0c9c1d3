"""The endpoint for tokens: what somebody has to show, and what is given for it."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import attrs
import jwt
from cryptography.hazmat.primitives import hashes

from tests.servers.entra_directory import App, Federated, Person, Tenant, placed, resource_of
from tests.servers.entra_errors import Refused
from tests.servers.entra_signing_in import Device
from tests.servers.entra_tokens import Token
from tests.servers.serving import as_json

if TYPE_CHECKING:
    from tests.servers.entra import Entra

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_ASSERTED = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_UNTIMED: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}


class Granting:
    """Gives out tokens.

    Args:
        entra: The server that it is part of.
    """

    def __init__(self, entra: Entra) -> None:
        self._entra = entra

    def device_code(self, name: str, told: dict[str, str], host: str) -> dict[str, Any]:
        """Return a code to show, for a device that waits."""
        entra = self._entra
        tenant = entra.directory.tenant(name)
        app = entra.directory.app(told.get("client_id", ""), tenant)
        code = secrets.token_urlsafe(32)
        shown = secrets.token_hex(5).upper()[:9]
        ends = entra.now() + entra.device_seconds
        device = Device(app, tenant, told.get("scope", ""), shown, ends)
        entra.pages.devices[code] = device
        page = f"https://{entra.device_host or host}/device"
        said = f"To sign in, use a web browser to open the page {page} and enter the code {shown}"
        return {
            "user_code": shown,
            "device_code": code,
            "verification_uri": page,
            "expires_in": int(entra.device_seconds),
            "interval": entra.interval,
            "message": f"{said} to authenticate.",
        }

    def token(self, name: str, told: dict[str, str], host: str) -> dict[str, Any]:
        """Return what is given for what was shown."""
        entra = self._entra
        entra.scopes.append(told.get("scope", "").split())
        tenant = entra.directory.tenant(name)
        app = entra.directory.app(told.get("client_id", ""), tenant)
        grant = told.get("grant_type", "")
        if grant == "client_credentials":
            self._prove(app, told, host, name)
            return self._for_itself(app, tenant or app.tenant, told)
        if not app.public:
            self._prove(app, told, host, name)
        if grant == "authorization_code":
            return self._for_code(app, told, host)
        if grant == "refresh_token":
            return self._refreshed(app, tenant, told, host)
        if grant == DEVICE:
            return self._for_device(app, told, host)
        raise Refused(70003)

    def _for_itself(self, app: App, tenant: Tenant, told: dict[str, str]) -> dict[str, Any]:
        scope = told.get("scope", "")
        if not scope.endswith("/.default"):
            raise Refused(1002012, resource=scope)
        resource = resource_of(scope, tenant)
        made = self._access(app, app, tenant, resource, told)
        seconds = int(made.ends - made.issued)
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": made.text,
        }

    def _for_code(self, app: App, told: dict[str, str], host: str) -> dict[str, Any]:
        code = self._entra.pages.codes.get(told.get("code", ""))
        if code is None or code.flow.app is not app:
            raise Refused(70000, field="code")
        if code.redeemed:
            raise Refused(54005)
        if code.ends < self._entra.now():
            raise Refused(70008)
        code.redeemed = True  # whatever comes of it
        flow = code.flow
        if told.get("redirect_uri") != flow.asked["redirect_uri"]:
            raise Refused(50011, uri=told.get("redirect_uri"), app=app.client_id)
        hashed = hashlib.sha256(told.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if challenge != flow.asked["code_challenge"]:
            raise Refused(501481)
        assert flow.person is not None
        tenant = placed(flow.person, flow.tenant, app)
        told = {**told, "scope": told.get("scope") or flow.asked.get("scope", "")}
        nonce = flow.asked.get("nonce", "")
        return self._for_person(flow.person, app, tenant, told, host, nonce=nonce)

    def _for_device(self, app: App, told: dict[str, str], host: str) -> dict[str, Any]:
        device = self._entra.pages.devices.get(told.get("device_code", ""))
        if device is None or device.app is not app or device.state == "used":
            raise Refused(70018)
        now, asked = self._entra.now(), device.asked
        device.asked = now
        if device.ends < now:
            raise Refused(70020)
        if device.state == "declined":
            raise Refused(9002346)
        if device.person is None:
            raise Refused(700003 if now - asked < self._entra.interval * 0.8 else 70016)
        device.state = "used"
        tenant = placed(device.person, device.tenant, app)
        told = {**told, "scope": device.scope}
        return self._for_person(device.person, app, tenant, told, host)

    def _refreshed(
        self, app: App, tenant: Tenant | None, told: dict[str, str], host: str
    ) -> dict[str, Any]:
        shown = self._entra.tokens.known.get(told.get("refresh_token", ""))
        if shown is None or shown.kind != "refresh" or shown.app is not app:
            raise Refused(70000, field="refresh_token")
        if shown.revoked:
            raise Refused(shown.revoked)
        if shown.ends < self._entra.now():
            raise Refused(70008)
        person = shown.subject
        assert isinstance(person, Person)
        _stands(person)
        made = self._for_person(person, app, placed(person, tenant, app), told, host)
        if self._entra.refreshes_once:
            shown.revoked = 70000
        return made

    def _for_person(
        self,
        person: Person,
        app: App,
        tenant: Tenant,
        told: dict[str, str],
        host: str,
        *,
        nonce: str = "",
    ) -> dict[str, Any]:
        entra, now = self._entra, self._entra.now()
        resource = resource_of(told.get("scope", ""), tenant)
        if not app.first_party and (app.client_id, resource) not in person.consents:
            raise Refused(65001, app=app.client_id, name=app.name)
        access = self._access(person, app, tenant, resource, told)
        seconds = int(access.ends - access.issued)
        named = {"uid": person.oid, "utid": person.tenant.id}
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": f"{resource}/user_impersonation {resource}/.default",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": access.text,
            "client_info": base64.urlsafe_b64encode(as_json(named)).rstrip(b"=").decode(),
        }
        asked = told.get("scope", "").split()
        if "offline_access" in asked:
            lasts = entra.refresh_seconds
            made = entra.tokens.refresh(person, app, tenant, resource, now=now, seconds=lasts)
            answer["refresh_token"] = made.text
            if app.first_party:
                answer["foci"] = "1"
        if "openid" in asked:
            made = entra.tokens.identity(person, app, tenant, now=now, nonce=nonce, host=host)
            answer["id_token"] = made.text
        return answer

    def _access(
        self, subject: Person | App, app: App, tenant: Tenant, resource: str, told: dict[str, str]
    ) -> Token:
        return self._entra.tokens.access(
            subject,
            app,
            tenant,
            resource,
            now=self._entra.now(),
            seconds=self._entra.token_seconds,
            scope="user_impersonation",
            claims=told.get("claims", ""),
        )

    def _prove(self, app: App, told: dict[str, str], host: str, name: str) -> None:
        """Look at what an application proves itself with."""
        secret, assertion = told.get("client_secret"), told.get("client_assertion")
        if secret is not None:
            if secret not in app.client_secrets:
                raise Refused(7000215, app=app.client_id)
            if app.client_secrets[secret] < self._entra.now():
                raise Refused(7000222, app=app.client_id)
        elif assertion and told.get("client_assertion_type") == _ASSERTED:
            try:
                claims = jwt.decode(assertion, options={"verify_signature": False})
            except jwt.PyJWTError:
                raise Refused(50027) from None
            if claims.get("iss") == app.client_id:
                claims = _signed_by_certificate(app, assertion, f"https://{host}/{name}")
            else:
                claims = _signed_by_others(app, assertion, claims)
            if not claims.get("nbf", 0) - 300 <= self._entra.now() < claims["exp"]:
                raise Refused(700024)
        else:
            raise Refused(7000218)


def _stands(person: Person) -> None:
    """Look whether a person may go on without a page."""
    if person.disabled:
        raise Refused(50057)
    if person.blocked:
        raise Refused(53003)
    if person.needs_mfa:
        raise Refused(50076, resource="cfa8b339-82a2-471a-a3c9-0fc0be7a4093")


def _signed_by_certificate(app: App, assertion: str, authority: str) -> dict[str, Any]:
    head = jwt.get_unverified_header(assertion)
    kind: hashes.HashAlgorithm = hashes.SHA256() if "x5t#S256" in head else hashes.SHA1()  # noqa: S303  # the field's own
    thumbprint = head.get("x5t#S256", head.get("x5t", ""))
    named = base64.urlsafe_b64decode(thumbprint + "==")
    certificate = app.thumbprints(kind).get(named)
    if certificate is None:
        raise Refused(700027, why="The key was not found.")
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion,
            certificate.public_key(),  # type: ignore[arg-type]
            ["RS256", "PS256"],
            audience=f"{authority}/oauth2/v2.0/token",
            options=_UNTIMED,
        )
    except jwt.PyJWTError as error:
        raise Refused(700027, why=f"{error}.") from None
    return claims


def _signed_by_others(app: App, assertion: str, claims: dict[str, Any]) -> dict[str, Any]:
    subject = str(claims.get("sub"))
    for trust in app.federated:
        if _fits(trust, claims):
            try:
                read: dict[str, Any] = jwt.decode(
                    assertion,
                    trust.public_key,
                    ["ES256", "RS256"],
                    audience=trust.audience,
                    options=_UNTIMED,
                )
            except jwt.PyJWTError:
                break
            return read
    raise Refused(700213, subject=subject)


def _fits(trust: Federated, claims: dict[str, Any]) -> bool:
    return (claims.get("iss"), claims.get("sub")) == (trust.issuer, trust.subject)


@attrs.frozen
class Presented:
    """A token that somebody was shown."""

    host: str
    kind: str
    """``access``, ``refresh``, ``id``, ``code`` or ``password``."""
    path: str
