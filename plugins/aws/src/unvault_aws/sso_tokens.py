"""The tokens of SSO sign-ins, in AWS's own cache.

What ``aws sso login`` writes is used, and what is written here is of use to AWS's own programs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from unvault.errors import Unavailable
from unvault.private_file import make_private_folder, replace_private
from unvault_aws._client import Aws, Reply
from unvault_aws._errors import Refused
from unvault_aws.turns import turn

_EARLY = timedelta(minutes=15)
"""How long before its end a token is refreshed, as the AWS SDKs do."""

_MOMENT = timedelta(seconds=5)
"""What is left of a token that is as good as none."""


@attrs.frozen
class Registration:
    """How a program is known to the sign-in service."""

    id: str
    """Its id."""
    secret: str = attrs.field(repr=False)
    """Its secret."""
    expires: datetime
    """When it has to register anew."""


@attrs.frozen
class Token:
    """What somebody signed in by SSO."""

    access: str = attrs.field(repr=False)
    """The token itself."""
    expires: datetime
    """When it ends."""
    refresh: str | None = attrs.field(repr=False)
    """What brings the next one; None where that needs a person."""
    registration: Registration | None
    """Who got it; None where that is not known."""
    start_url: str
    """The portal's page."""
    region: str
    """The portal's region."""


def load(key: str) -> Token | None:
    """Return the token of a session or start URL, valid or not; None where there is none."""
    try:
        found = json.loads(_path(key).read_text(encoding="utf-8"))
        return _read(found) if isinstance(found, dict) else None
    # There is no such file, or none of its kind.
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def usable(aws: Aws, region: str, key: str, token: Token | None) -> Token | None:
    """Return a token that is valid, refreshed where it is about to end; None where there is none.

    Args:
        aws: The SDK.
        region: The portal's region.
        key: What the token is found by.
        token: What is stored.
    """
    if token is None:
        return None
    left = token.expires - datetime.now(UTC)
    if left > _EARLY:
        return token
    return refreshed(aws, region, key, token) or (token if left > _MOMENT else None)


def refreshed(aws: Aws, region: str, key: str, token: Token) -> Token | None:
    """Return the next token, which is stored; None where that needs a person.

    What refreshes a token is good for one time. So whoever else refreshes the same one waits, and
    then finds the next one there.

    Raises:
        Unavailable: The sign-in service cannot be reached, and the token is not valid.
    """
    who = token.registration
    if token.refresh is None or who is None or who.expires <= datetime.now(UTC):
        return _newer(key, token)
    with turn(_path(key).with_suffix(".lock"), aws.connection.timeout):
        return _newer(key, token) or _next(aws, region, key, token, who)


def _newer(key: str, old: Token) -> Token | None:
    """Return a token that is stored by now, and valid; None where there is only the old one."""
    found = load(key)
    if found is None or found.access == old.access:
        return None
    return found if found.expires > datetime.now(UTC) + _MOMENT else None


def _next(aws: Aws, region: str, key: str, token: Token, who: Registration) -> Token | None:
    try:
        reply = aws.ask(
            "sso-oidc",
            "create_token",
            region=region,
            grantType="refresh_token",
            clientId=who.id,
            clientSecret=who.secret,
            refreshToken=token.refresh,
        )
    except Refused:
        return _newer(key, token)  # AWS's own programs do not wait for their turn
    except Unavailable:
        if token.expires > datetime.now(UTC) + _MOMENT:
            return None
        raise
    made = token_of(reply, who, token.start_url, region)
    return None if made is None else store(key, made)


def token_of(reply: Reply, who: Registration, start_url: str, region: str) -> Token | None:
    """Return the token in an answer of the sign-in service; None where there is none."""
    access, seconds = reply.get("accessToken"), reply.get("expiresIn")
    if not isinstance(access, str) or not isinstance(seconds, int):
        return None
    return Token(
        access,
        expires=datetime.now(UTC) + timedelta(seconds=seconds),
        refresh=reply.get("refreshToken"),
        registration=who,
        start_url=start_url,
        region=region,
    )


def store(key: str, token: Token) -> Token:
    """Write a token where AWS's own programs look for it, for its owner's eyes only."""
    told: dict[str, Any] = {
        "startUrl": token.start_url,
        "region": token.region,
        "accessToken": token.access,
        "expiresAt": _written(token.expires),
    }
    if token.registration is not None:
        told |= {
            "clientId": token.registration.id,
            "clientSecret": token.registration.secret,
            "registrationExpiresAt": _written(token.registration.expires),
        }
    if token.refresh is not None:
        told["refreshToken"] = token.refresh
    path = _path(key)
    make_private_folder(path.parent)
    replace_private(path, json.dumps(told).encode())
    return token


def _path(key: str) -> Path:
    name = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
    return Path("~/.aws/sso/cache").expanduser() / f"{name}.json"


def _read(found: Mapping[str, Any]) -> Token:
    registration = None
    if found.get("clientId") and found.get("clientSecret") and found.get("registrationExpiresAt"):
        registration = Registration(
            str(found["clientId"]),
            str(found["clientSecret"]),
            _moment(str(found["registrationExpiresAt"])),
        )
    refresh = found.get("refreshToken")
    return Token(
        _token(found["accessToken"]),
        expires=_moment(str(found["expiresAt"])),
        refresh=None if refresh is None else _token(refresh),
        registration=registration,
        start_url=str(found.get("startUrl") or ""),
        region=str(found.get("region") or ""),
    )


def _token(text: object) -> str:
    """Return a token that can be sent in a header."""
    if not (isinstance(text, str) and re.fullmatch(r"[\x21-\x7e]+", text)):
        raise ValueError("this is no token")
    return text


def _moment(text: str) -> datetime:
    """Read a time, as the programs of AWS write it: older ones wrote ``UTC`` for ``Z``."""
    found = datetime.fromisoformat(text.removesuffix("UTC"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
