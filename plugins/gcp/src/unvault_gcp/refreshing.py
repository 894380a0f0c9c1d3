"""Has google-auth come by tokens: in time, by way of our own requests, and with our own errors.

google-auth knows how each type of credential has its token. What it does not do is done here: it
would try for as long as it likes, follow whatever redirect, say nothing of who did not answer, and
put whole answers into its exceptions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from unvault.errors import AccessDenied, CredentialRejected, UnvaultError
from unvault.retries import Retries
from unvault_gcp._errors import (
    DENIED,
    MISSING,
    REJECTED,
    WRONG,
    no_answer,
    timed_out,
    unexpected,
)
from unvault_gcp._exceptions import auth_error
from unvault_gcp.asking import Answer, Web

TOKENS = "the token endpoint"
STS = "the Security Token Service"
IAM = "the IAM Credentials API"
PLACE = "the place of the token to exchange"
_LONGEST = timedelta(days=1000)


class Request:
    """Sends what google-auth asks, all of it within the time that one sign-in may take.

    It remembers who was asked last, and what the answer was: an error is made from that.

    Args:
        web: Asks.
        places: Who is at which address, for a person.
        elsewhere: Who is at any other.
        directly: Whether no proxy is on the way.
    """

    def __init__(
        self,
        web: Web,
        places: Mapping[str, str] | None = None,
        *,
        elsewhere: str = PLACE,
        directly: bool = False,
    ) -> None:
        self._web = web
        self._places = places or {}
        self._directly = directly
        self.where = self._elsewhere = elsewhere
        self.answer: Answer | None = None

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # google-auth's: there is one for the whole
    ) -> Answer:
        """Return an answer; one after which it may work is waited for.

        Raises:
            Unavailable: There is none, or the service cannot answer now.
        """
        self.where, self.answer = self._places.get(url, self._elsewhere), None
        left = self._web.ends - time.monotonic()
        if left <= 0:
            raise timed_out(self.where)
        options: dict[str, Any] = {"headers": headers or {}, "directly": self._directly}
        options["body"] = body.encode() if isinstance(body, str) else body
        self.answer = Retries(left).call(
            lambda seconds: self._web.once(self.where, method, url, seconds=seconds, **options)
        )
        return self.answer


@attrs.frozen
class About:
    """What an error says of a sign-in that was refused."""

    what: str
    """What was to be exchanged for a token."""
    advice: str
    """What to do where it is not accepted."""
    email: str = ""
    """The service account that was to be impersonated, where there is one."""
    place: str = PLACE
    """Where what was to be exchanged is read."""


def refreshed(credentials: Any, request: Request, about: About) -> tuple[str, datetime]:
    """Have a credential of google-auth's get its token, and return it and when it ends.

    Args:
        credentials: It.
        request: Sends what it asks.
        about: What to say where that is refused.

    Raises:
        CredentialMissing: It cannot be used.
        CredentialRejected: Who gives tokens refused.
        AccessDenied: The service account may not be impersonated.
        Unavailable: Who gives tokens cannot be reached, or does not answer in time.
    """
    try:
        credentials.refresh(request)
    except UnvaultError:
        raise
    except Exception as error:  # noqa: BLE001  # google-auth's, and those of what it reads
        failed = _failure(error, request, about)
    else:
        token, ends = credentials.token, credentials.expiry
        if _is_token(token) and ends is not None and _is_soon(ends.replace(tzinfo=UTC)):
            return token, ends.replace(tzinfo=UTC)
        failed = no_answer(request.where)
    raise failed


def _is_token(value: object) -> bool:
    """Say whether a value can be sent as a token."""
    return isinstance(value, str) and re.fullmatch("[!-~]+", value) is not None


def _is_soon(ends: datetime) -> bool:
    """Say whether a time can be the end of a token: one that lasts longer is not meant so."""
    now = datetime.now(UTC)
    return now < ends < now + _LONGEST


def _failure(error: Exception, request: Request, about: About) -> UnvaultError:
    """Return the error for what google-auth raised: by what was answered, not by what it says."""
    answer, where = request.answer, request.where
    if answer is None or (answer.is_good and where == PLACE):
        return auth_error(error, about.place)
    if answer.is_good or not (answer.fields or where == PLACE):
        return no_answer(where)
    if where == IAM and isinstance(answer.fields.get("error"), dict):
        return _not_impersonated(answer, about)
    if where == PLACE:
        return CredentialRejected(
            f"{PLACE} answered with status {answer.status}",
            hint="check credential_source in the configuration file",
        )
    return no_answer(where) if where == IAM else _not_exchanged(answer, where, about)


_OAUTH = {
    "invalid_grant": "is not valid, or not any more",
    "invalid_client": "belongs to a client that is not known, or not any more",
    "unauthorized_client": "belongs to a client that may not have a token",
    "invalid_target": "is for an audience that is not there",
    "access_denied": "may not be exchanged",
}
"""What errors of OAuth's say of what was to be exchanged."""


def _not_exchanged(answer: Answer, where: str, about: About) -> UnvaultError:
    why = _OAUTH.get(answer.oauth_error, "is not accepted")
    return CredentialRejected(f"{about.what} {why}: {where} refused it", hint=about.advice)


def _not_impersonated(answer: Answer, about: About) -> UnvaultError:
    refusal, email = answer.refusal, about.email
    if refusal.code in REJECTED:
        return CredentialRejected(
            f"{IAM} does not accept the token of the source", hint=about.advice
        )
    if "off" in refusal.said:
        return AccessDenied(
            f"{IAM} is not enabled in the project of the source",
            hint="gcloud services enable iamcredentials.googleapis.com",
        )
    if refusal.code in DENIED | MISSING:
        return AccessDenied(
            f"the service account {email!r} may not be impersonated, or is not there",
            hint="the source, or the last delegate, needs the role"
            " roles/iam.serviceAccountTokenCreator on it; each delegate on the next one",
        )
    if refusal.code in WRONG:
        return CredentialRejected(
            f"{IAM} refuses to give a token of {email!r}",
            hint="check the service account, the delegates, and the lifetime: up to 3600 seconds,"
            " unless the organization allows more",
        )
    return unexpected(refusal, IAM)
