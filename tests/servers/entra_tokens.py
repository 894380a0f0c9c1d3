"""The tokens of Entra ID: signed ones, and those that only it can read."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

import attrs
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.servers.entra_directory import App, Person, Tenant

_ISSUER = "https://sts.windows.net/{}/"


@attrs.frozen
class Key:
    """What tokens are signed with (RS256). It takes a moment to make: one does for many servers."""

    private: rsa.RSAPrivateKey = attrs.field(
        factory=lambda: rsa.generate_private_key(65537, 2048), repr=False
    )
    id: str = attrs.field(factory=lambda: secrets.token_urlsafe(20))

    def sign(self, claims: dict[str, Any]) -> str:
        """Return a token with these claims."""
        return jwt.encode(claims, self.private, "RS256", headers={"kid": self.id, "x5t": self.id})

    def read(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that was signed with this key, whatever its time.

        Raises:
            jwt.PyJWTError: It was not.
        """
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        options["verify_aud"] = False
        claims: dict[str, Any] = jwt.decode(
            token, self.private.public_key(), ["RS256"], options=options
        )
        return claims

    def published(self) -> dict[str, Any]:
        """Return what is told of it in the list of keys."""
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.id, "x5t": self.id, "use": "sig", "alg": "RS256"}


@attrs.define(eq=False)
class Token:
    """What was issued, and for whom."""

    kind: str
    """``access``, ``refresh`` or ``id``."""
    text: str = attrs.field(repr=False)
    subject: Person | App
    app: App
    tenant: Tenant
    resource: str
    issued: float
    ends: float
    claims: str = ""
    """The claims that were asked for with it."""
    revoked: int = 0
    """The number of the error that it meets from now on."""


class Tokens:
    """All that were ever issued, by their text.

    Args:
        key: What they are signed with.
    """

    def __init__(self, key: Key) -> None:
        self.key = key
        self.known: dict[str, Token] = {}

    def of_kind(self, kind: str) -> list[Token]:
        """Return those of a kind, oldest first."""
        return [each for each in [*self.known.values()] if each.kind == kind]

    def access(
        self,
        subject: Person | App,
        app: App,
        tenant: Tenant,
        resource: str,
        *,
        now: float,
        seconds: float,
        scope: str = "",
        claims: str = "",
    ) -> Token:
        """Return a token for a resource."""
        told: dict[str, Any] = {
            "aud": resource,
            "iss": _ISSUER.format(tenant.id),
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + seconds),
            "appid": app.client_id,
            "tid": tenant.id,
            "oid": subject.oid,
            "sub": subject.oid,
            "uti": secrets.token_urlsafe(12),
            "ver": "1.0",
        }
        if isinstance(subject, Person):
            told |= {"upn": subject.name, "unique_name": subject.name, "scp": scope}
        else:
            told |= {"idtyp": "app", "appidacr": "1"}
        if "CP1" in claims:
            told["xms_cc"] = ["CP1"]
        text = self.key.sign(told)
        return self._keep(
            Token("access", text, subject, app, tenant, resource, now, now + seconds, claims)
        )

    def refresh(
        self, person: Person, app: App, tenant: Tenant, resource: str, *, now: float, seconds: float
    ) -> Token:
        """Return a token that others can be had for."""
        text = f"1.{secrets.token_urlsafe(24)}.{secrets.token_urlsafe(96)}"
        return self._keep(Token("refresh", text, person, app, tenant, resource, now, now + seconds))

    def identity(
        self, person: Person, app: App, tenant: Tenant, *, now: float, nonce: str, host: str
    ) -> Token:
        """Return a token that says who signed in."""
        told: dict[str, Any] = {
            "aud": app.client_id,
            "iss": f"https://{host}/{tenant.id}/v2.0",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + 3600),
            "name": person.name.partition("@")[0].title(),
            "preferred_username": person.name,
            "oid": person.oid,
            "sub": str(uuid.uuid5(uuid.UUID(person.oid), app.client_id)),
            "tid": tenant.id,
            "uti": secrets.token_urlsafe(12),
            "ver": "2.0",
        }
        if nonce:
            told["nonce"] = nonce
        text = self.key.sign(told)
        return self._keep(Token("id", text, person, app, tenant, "", now, now + 3600))

    def _keep(self, token: Token) -> Token:
        self.known[token.text] = token
        return token
