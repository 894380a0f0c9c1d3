"""Who there is at Google, how they prove it, and what they may do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.servers.gcp_accounts import ServiceAccount, split
from tests.servers.gcp_answers import Refused, unauthenticated
from tests.servers.tokens import Issuer

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
IAM = frozenset({CLOUD, "https://www.googleapis.com/auth/iam"})
"""The scopes with which one may ask for another account's tokens."""
_FOR_ALL = frozenset({CLOUD})
_SKEW = 300
"""Seconds by which a client's clock may be wrong."""
_LONGEST = 3600
ROLES = {
    "secretAccessor": ["secretmanager.versions.access"],
    "viewer": [
        f"secretmanager.{each}"
        for each in ("secrets.get", "secrets.list", "versions.get", "versions.list")
    ],
    "serviceAccountTokenCreator": ["iam.serviceAccounts.getAccessToken"],
    "workloadIdentityUser": ["iam.serviceAccounts.getAccessToken"],
}


@attrs.frozen
class _Token:
    principal: str
    ends: float
    scopes: frozenset[str]


@attrs.frozen
class _User:
    email: str
    client: str
    secret: str


@attrs.frozen
class _Federation:
    pool: str
    issuer: str
    public_key: Any
    audience: str


class Identities:
    """Service accounts, users and workload identity pools, their tokens and their permissions.

    Args:
        now: Tells the time, in seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.token_seconds: float = 3600
        """How long a new access token is valid."""
        self.token_uris: set[str] = {"https://oauth2.googleapis.com/token"}
        """The token endpoint's addresses, which assertions have to be meant for."""
        self.universes = {"googleapis.com"}
        self.issued: list[str] = []
        """For whom tokens were issued, in order."""
        self.accounts: dict[str, ServiceAccount] = {}
        self._now = now
        self._users: dict[str, _User] = {}
        self._federations: dict[str, _Federation] = {}
        self._tokens: dict[str, _Token] = {}
        self._grants: set[tuple[str, str, str]] = set()

    # ---------------------------------------------------------------------- what a test does

    def grant(self, who: object, on: str, role: str) -> None:
        """Let somebody do on a resource what a role lets one do."""
        self._grants |= {(str(who), each, on) for each in ROLES[role]}

    def take_away(self, who: object, on: str) -> None:
        """Let somebody do nothing on a resource any more."""
        self._grants = {each for each in self._grants if (each[0], each[2]) != (str(who), on)}

    def user(self, email: str) -> dict[str, Any]:
        """Return what the file of somebody's application default credentials holds."""
        token = f"1//invented-{secrets.token_hex(16)}"
        client, secret = f"{secrets.token_hex(6)}.apps.googleusercontent.com", secrets.token_hex(12)
        self._users[token] = _User(email, client, secret)
        return {
            "type": "authorized_user",
            "client_id": client,
            "client_secret": secret,
            "refresh_token": token,
            "universe_domain": "googleapis.com",
        }

    def sign_out(self, email: str) -> None:
        """Make somebody's refresh tokens invalid."""
        self._users = {token: user for token, user in self._users.items() if user.email != email}

    def federate(self, pool: str, issuer: Issuer, url: str, audience: str) -> None:
        """Let in whom an issuer vouches for, as a member of a pool."""
        public_key = serialization.load_pem_public_key(issuer.public_key.encode())
        self._federations[f"//iam.googleapis.com/{pool}/providers/issuer"] = _Federation(
            pool, url, public_key, audience
        )

    def forget_tokens(self) -> None:
        """Make all tokens invalid."""
        self._tokens.clear()

    # ------------------------------------------------------------------------ who somebody is

    def allows(self, who: str, permission: str, resources: Sequence[str]) -> bool:
        """Whether somebody has a permission on one of these."""
        return any((who, permission, each) in self._grants for each in resources)

    def issue(self, who: str, scopes: Iterable[str], seconds: float | None = None) -> str:
        """Return a new access token."""
        token = f"ya29.invented-{secrets.token_hex(24)}"
        ends = self._now() + (self.token_seconds if seconds is None else seconds)
        self._tokens[token] = _Token(who, ends, frozenset(scopes))
        self.issued.append(who)
        return token

    def principal(self, authorization: str, *, scopes: frozenset[str] = _FOR_ALL) -> str:
        """Return who sent a header, by an access token or a JWT signed by themselves.

        Args:
            authorization: The header.
            scopes: Of which a token has to have one.
        """
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer" or not token:
            raise unauthenticated("CREDENTIALS_MISSING")
        if token.count(".") == 2:
            return self._self_signed(token, scopes)
        known = self._tokens.get(token)
        if known is None:
            raise unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        if known.ends <= self._now():
            raise unauthenticated("ACCESS_TOKEN_EXPIRED")
        _require(known.scopes, scopes)
        account = self.accounts.get(known.principal)
        if account is not None and not account.enabled:
            raise unauthenticated("ACCOUNT_STATE_INVALID")
        return known.principal

    def _self_signed(self, token: str, scopes: frozenset[str]) -> str:
        try:
            claims = self._signed_by_account(token)
            self._check_times(claims)
        except ValueError:
            raise unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED") from None
        if "aud" in claims:
            hosts = [f"https://secretmanager.{each}" for each in self.universes]
            hosts += [f"https://iamcredentials.{each}" for each in self.universes]
            if str(claims["aud"]).rstrip("/") not in hosts:
                raise unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        else:
            _require(frozenset(str(claims.get("scope", "")).split()), scopes)
        return str(claims["iss"])

    def assertion(self, token: str) -> tuple[str, str]:
        """Return whose assertion for the token endpoint this is, and the scopes that it asks for.

        Raises:
            ValueError: It is not what it should be, in the words of the service.
        """
        claims = self._signed_by_account(token)
        if claims.get("aud") not in self.token_uris:
            raise ValueError("Invalid JWT: Failed audience check.")
        self._check_times(claims)
        if not claims.get("scope"):
            raise ValueError("Invalid OAuth scope or ID token audience provided.")
        return str(claims["iss"]), str(claims["scope"])

    def user_of(self, refresh_token: str, client: str, secret: str) -> str | None:
        """Return whose refresh token this is.

        Raises:
            ValueError: The client is another one.
        """
        user = self._users.get(refresh_token)
        if user is not None and (user.client, user.secret) != (client, secret):
            raise ValueError("The provided client secret is invalid.")
        return user.email if user else None

    def member(self, audience: str, token: str) -> str:
        """Return who of a pool has a token of its issuer's.

        Raises:
            LookupError: There is no such pool.
            ValueError: The token is not what it should be, in the words of the service.
        """
        known = self._federations[audience]
        _, claims, text, signature = split(token)
        half = len(signature) // 2
        r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
        try:
            known.public_key.verify(encode_dss_signature(r, s), text, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise ValueError("The signature of the ID token is invalid.") from None
        if claims.get("iss") != known.issuer:
            raise ValueError("The issuer in ID Token does not match the expected one.")
        if claims.get("aud") != known.audience:
            raise ValueError("The audience in ID Token does not match the expected audience.")
        if claims.get("exp", 0) <= self._now():
            raise ValueError("The ID token is expired.")
        return f"principal://iam.googleapis.com/{known.pool}/subject/{claims['sub']}"

    def _signed_by_account(self, token: str) -> dict[str, Any]:
        head, claims, text, signature = split(token)
        account = self.accounts.get(str(claims.get("iss")))
        if account is None or not account.enabled:
            raise ValueError("Invalid grant: account not found")
        key = account.keys.get(head.get("kid", ""))
        if key is None or head.get("alg") != "RS256":
            raise ValueError("Invalid JWT Signature.")
        try:
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise ValueError("Invalid JWT Signature.") from None
        if claims.get("sub", account.email) != account.email:
            raise ValueError("Client is unauthorized to retrieve access tokens using this method.")
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        start, end, now = claims.get("iat", 0), claims.get("exp", 0), self._now()
        if not (start - _SKEW <= now < end + _SKEW and end - start <= _LONGEST):
            raise ValueError(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                "timeframe. Check your iat and exp values in the JWT claim."
            )


def _require(there: frozenset[str], wanted: frozenset[str]) -> None:
    if not there & wanted:
        message = "Request had insufficient authentication scopes."
        raise Refused("PERMISSION_DENIED", message, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
