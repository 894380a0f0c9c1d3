"""IAM Identity Center (SSO): from a profile, by a token, to the keys of a role."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    InteractionRequired,
    UnvaultError,
)
from unvault.hookspecs import Interaction
from unvault_aws import sso_tokens
from unvault_aws._client import Aws, Keys
from unvault_aws._errors import DENIED, Refused, no_answer, unexpected
from unvault_aws.sso_device import sign_in_with_device
from unvault_aws.sso_tokens import Token

_UNAUTHORIZED = "UnauthorizedException"


@attrs.frozen
class Portal:
    """Where and as what a profile signs in by SSO."""

    profile: str
    """The profile's name."""
    start_url: str
    """The portal's page."""
    region: str
    """The portal's region."""
    account: str
    """The account's id."""
    role: str
    """The role's name."""
    session: str | None
    """The name of the SSO session; None for a profile of the older kind."""
    scopes: tuple[str, ...]
    """What the sign-in is for."""

    @property
    def key(self) -> str:
        """What the token is found by."""
        return self.session or self.start_url


def is_meant(profile: Mapping[str, Any]) -> bool:
    """Say whether a profile says how to sign in by SSO."""
    return "role_arn" not in profile and any(
        name in profile for name in ("sso_session", "sso_start_url", "sso_account_id")
    )


def portal_of(config: Mapping[str, Any], profile: Mapping[str, Any], name: str) -> Portal:
    """Return what a profile says of signing in by SSO.

    Args:
        config: All of the config file.
        profile: The profile.
        name: Its name.

    Raises:
        CredentialMissing: It does not say everything, or contradicts its session.
    """
    session = profile.get("sso_session")
    told = dict(profile)
    if session is not None:
        told |= _session(config, str(session), profile, name)
    missing = [
        each
        for each in ("sso_start_url", "sso_region", "sso_account_id", "sso_role_name")
        if not told.get(each)
    ]
    if missing:
        raise CredentialMissing(
            f"the section {name!r} does not say all that signing in by SSO takes:"
            f" {', '.join(missing)} is missing",
            hint="add it to the config file: aws configure sso",
        )
    scopes = str(told.get("sso_registration_scopes") or "sso:account:access")
    return Portal(
        name,
        start_url=str(told["sso_start_url"]),
        region=str(told["sso_region"]),
        account=str(told["sso_account_id"]),
        role=str(told["sso_role_name"]),
        session=None if session is None else str(session),
        scopes=tuple(scope.strip() for scope in scopes.split(",") if scope.strip()),
    )


def keys_of(aws: Aws, portal: Portal, person: Interaction | None, how: str) -> Keys:
    """Return the keys of the role that a profile names.

    By a token that is there and valid, or was refreshed; or else somebody signs in.

    Args:
        aws: The SDK.
        portal: Where, and as what.
        person: Who may be asked; None where nobody can.
        how: The commands with which somebody can sign in.

    Raises:
        InteractionRequired: Somebody has to sign in, and nobody can be asked.
        AccessDenied: Who signed in does not have the role.
        Unavailable: The portal cannot be reached, or does not answer in time.
    """
    stored = sso_tokens.load(portal.key)
    token = sso_tokens.usable(aws, portal.region, portal.key, stored)
    if token is not None:
        keys = _role_keys(aws, portal, token)
        if keys is None and token is stored:  # it was revoked
            token = sso_tokens.refreshed(aws, portal.region, portal.key, token)
            keys = _role_keys(aws, portal, token) if token else None
        if keys is not None:
            return keys
    if person is None:
        raise InteractionRequired(
            f"nobody is signed in by SSO for the section {portal.profile!r}, and nobody can be"
            " asked to",
            hint=how,
        )
    token = sign_in_with_device(aws, portal, person, stored)
    keys = _role_keys(aws, portal, token)
    if keys is None:
        raise InteractionRequired(
            f"the SSO portal does not accept the sign-in for the section {portal.profile!r}",
            hint=f"sign in again: {how}",
        )
    return keys


def _session(
    config: Mapping[str, Any], session: str, profile: Mapping[str, Any], name: str
) -> Mapping[str, Any]:
    if not re.fullmatch("[A-Za-z0-9_-]+", session):
        raise CredentialMissing(
            f"the section {name!r} names an SSO session {session!r}, and such a name has letters,"
            " digits, - and _ only",
            hint="rename it in the config file",
        )
    sessions: Mapping[str, Mapping[str, Any]] = config.get("sso_sessions", {})
    if session not in sessions:
        raise CredentialMissing(
            f"the section {name!r} names an SSO session {session!r} that is not there",
            hint=f"add a section [sso-session {session}] to the config file: aws configure"
            " sso-session",
        )
    found = sessions[session]
    differ = [key for key in found if key in profile and profile[key] != found[key]]
    if differ:
        raise CredentialMissing(
            f"the section {name!r} and its SSO session {session!r} contradict each other in"
            f" {', '.join(differ)}",
            hint="take it out of one of them",
        )
    return found


def _role_keys(aws: Aws, portal: Portal, token: Token) -> Keys | None:
    """Return the keys of the role; None where the portal does not know the token."""
    try:
        reply = aws.ask(
            "sso",
            "get_role_credentials",
            region=portal.region,
            roleName=portal.role,
            accountId=portal.account,
            accessToken=token.access,
        )
    except Refused as refusal:
        if refusal.code == _UNAUTHORIZED or refusal.status == 401:
            return None
        failed = _refused(refusal, portal)
    else:
        return _keys(reply.get("roleCredentials") or {}, portal)
    raise failed


def _keys(made: Mapping[str, Any], portal: Portal) -> Keys:
    ends = made.get("expiration")
    if not (made.get("accessKeyId") and made.get("secretAccessKey") and isinstance(ends, int)):
        raise no_answer("the SSO portal")
    return Keys(
        str(made["accessKeyId"]),
        str(made["secretAccessKey"]),
        made.get("sessionToken"),
        expires=datetime.fromtimestamp(ends / 1000, UTC),
        origin=f"of the role {portal.role} in the account {portal.account}, by SSO",
    )


def _refused(refusal: Refused, portal: Portal) -> UnvaultError:
    if refusal.code in {*DENIED, "ResourceNotFoundException"}:
        return AccessDenied(
            f"who signed in by SSO does not have the role {portal.role!r} in the account"
            f" {portal.account}",
            hint="check sso_role_name and sso_account_id in the config file, or ask for the role",
        )
    return unexpected(refusal, "the SSO portal")
