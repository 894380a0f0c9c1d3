"""What requests are sent with: a token, whose it is, and how it was come by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs

from unvault.errors import CredentialRejected, UnvaultError
from unvault_gcp._errors import no_answer
from unvault_gcp.asking import Answer, seconds_of, token_of
from unvault_gcp.key_files import Seen

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""What tokens are asked for: the one scope that Secret Manager accepts."""


@attrs.frozen
class Token:
    """What a request is sent with."""

    value: str = attrs.field(repr=False)
    """The token itself."""
    expires: datetime
    """When it ends."""


@attrs.frozen
class Caller:
    """Who signed in, and the token for it."""

    token: Token
    """The token."""
    name: str | None = None
    """The email address of the service account, where it is known without asking."""
    project: str | None = None
    """The project that goes with it."""
    quota_project: str | None = None
    """The project that requests are counted for, where that is another one."""
    universe: str | None = None
    """The domain of the cloud it is of, where it is known."""
    origin: str = ""
    """What it is and where it comes from, for a person to read."""
    advice: str = "check the credential"
    """What to do where the token is not accepted."""
    file: Seen | None = None
    """The file that it was read from, where there is one."""


def token_in(answer: Answer, where: str, *, value: str, seconds: str) -> Token:
    """Return the token in an answer.

    Args:
        answer: It.
        where: Who answered.
        value: The field that holds the token.
        seconds: The field that holds for how long it is good.

    Raises:
        Unavailable: There is none in it.
    """
    found, lasts = token_of(answer, value), seconds_of(answer, seconds)
    if found is None or lasts is None:
        raise no_answer(where)
    return Token(found, ends_in(lasts))


def ends_in(seconds: float) -> datetime:
    """Return the time so many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def not_exchanged(answer: Answer, where: str, what: str, advice: str) -> UnvaultError:
    """Return the error for an answer of a token endpoint that is no success.

    Args:
        answer: It.
        where: Who answered.
        what: What was to be exchanged for a token.
        advice: What to do.
    """
    if not answer.fields:
        return no_answer(where)
    known = {
        "invalid_grant": "is not valid, or not any more",
        "invalid_client": "belongs to a client that is not known, or not any more",
        "unauthorized_client": "belongs to a client that may not have a token",
        "invalid_target": "is for an audience that is not there",
        "access_denied": "may not be exchanged",
    }
    why = known.get(answer.oauth_error, "is not accepted")
    return CredentialRejected(f"{what} {why}: {where} refused it", hint=advice)
