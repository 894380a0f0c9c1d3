"""Signs a person in by SSO: a page to open, a code to compare, and a wait until it is confirmed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from unvault.errors import AccessDenied, InteractionRequired, UnvaultError
from unvault.hookspecs import Interaction
from unvault_aws import sso_tokens
from unvault_aws._client import Aws, Reply
from unvault_aws._errors import DENIED, Refused, no_answer, unexpected
from unvault_aws.sso_tokens import Registration, Token

if TYPE_CHECKING:
    from unvault_aws.sso import Portal

_WHERE = "the SSO sign-in service"
_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER_SECONDS = 5
_PENDING, _SLOW_DOWN = "AuthorizationPendingException", "SlowDownException"
_OVER = frozenset({"ExpiredTokenException", "InvalidGrantException"})
_FORGOTTEN = frozenset({"InvalidClientException", "UnauthorizedClientException"})


def sign_in_with_device(aws: Aws, portal: Portal, person: Interaction, old: Token | None) -> Token:
    """Have a person sign in, and return the token, which is stored.

    Args:
        aws: The SDK.
        portal: Where, and as what.
        person: Who.
        old: An earlier token, whose registration may still be good.

    Raises:
        InteractionRequired: The person did not confirm it in time.
        AccessDenied: The person refused.
        Unavailable: The service cannot be reached, or does not answer in time.
    """
    who = old.registration if old is not None else None
    if who is None or who.expires <= datetime.now(UTC):
        who = _register(aws, portal)
    started = _start(aws, portal, who)
    if started is None:  # the service has forgotten the registration
        who = _register(aws, portal)
        started = _start(aws, portal, who)
    if started is None:
        raise no_answer(_WHERE)
    _show(person, started)
    reply = _wait(aws, portal, who, started)
    token = sso_tokens.token_of(reply, who, portal.start_url, portal.region)
    if token is None:
        raise no_answer(_WHERE)
    return sso_tokens.store(portal.key, token)


def _register(aws: Aws, portal: Portal) -> Registration:
    # Without scopes for a profile of the older kind: its tokens are not refreshed.
    scopes: dict[str, Any] = {"scopes": [*portal.scopes]} if portal.session else {}
    try:
        reply = aws.ask(
            "sso-oidc",
            "register_client",
            region=portal.region,
            clientName="unvault",
            clientType="public",
            **scopes,
        )
    except Refused as refusal:
        failed: UnvaultError = unexpected(refusal, _WHERE)
    else:
        ends = reply.get("clientSecretExpiresAt")
        if reply.get("clientId") and reply.get("clientSecret") and isinstance(ends, int):
            expires = datetime.fromtimestamp(ends, UTC)
            return Registration(str(reply["clientId"]), str(reply["clientSecret"]), expires)
        failed = no_answer(_WHERE)
    raise failed


def _start(aws: Aws, portal: Portal, who: Registration) -> Reply | None:
    try:
        reply = aws.ask(
            "sso-oidc",
            "start_device_authorization",
            region=portal.region,
            clientId=who.id,
            clientSecret=who.secret,
            startUrl=portal.start_url,
        )
    except Refused as refusal:
        if refusal.code in _FORGOTTEN:
            return None
        failed: UnvaultError = unexpected(refusal, _WHERE)
    else:
        if all(isinstance(reply.get(name), str) for name in ("deviceCode", "userCode")):
            return reply
        failed = no_answer(_WHERE)
    raise failed


def _show(person: Interaction, started: Reply) -> None:
    page = started.get("verificationUriComplete") or started.get("verificationUri")
    person.tell(
        "Sign in by SSO: confirm in your browser that the page shows this code:"
        f" {started['userCode']}"
    )
    if isinstance(page, str):
        person.open_page(page)
    person.tell("Waiting for the page …")


def _wait(aws: Aws, portal: Portal, who: Registration, started: Reply) -> Reply:
    seconds = float(started.get("interval") or 5)
    end = time.monotonic() + float(started.get("expiresIn") or 600)
    while time.monotonic() < end:
        try:
            return aws.ask(
                "sso-oidc",
                "create_token",
                region=portal.region,
                grantType=_GRANT,
                clientId=who.id,
                clientSecret=who.secret,
                deviceCode=str(started["deviceCode"]),
            )
        except Refused as refusal:
            if refusal.code in _OVER:
                break
            if refusal.code == _SLOW_DOWN:
                seconds += _SLOWER_SECONDS
            elif refusal.code != _PENDING:
                failed = _refused(refusal)
                raise failed from None
        time.sleep(seconds)
    raise InteractionRequired(
        "the page was not confirmed in time", hint="run the command again, and confirm it sooner"
    )


def _refused(refusal: Refused) -> UnvaultError:
    if refusal.code in DENIED:
        return AccessDenied("the sign-in was refused on the page", hint="run the command again")
    return unexpected(refusal, _WHERE)
