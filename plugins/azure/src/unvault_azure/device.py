"""Signs a person in on any device: with a page to open there, and a code to type in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from unvault.errors import AccessDenied, InteractionRequired
from unvault.hookspecs import Interaction
from unvault_azure._client import Azure
from unvault_azure._errors import no_answer
from unvault_azure.connection import ANY_TENANT
from unvault_azure.entra import Asked, denial_of, entra_error
from unvault_azure.persons import app_for, raise_if_passing

_PENDING, _SLOW_DOWN = "authorization_pending", "slow_down"
_OVER = frozenset({"expired_token", "code_expired"})


def sign_in_by_device(
    azure: Azure, person: Interaction, asked: Asked, cache: Any
) -> Mapping[str, Any]:
    """Have a person sign in, and return what Entra ID answers: a token, or why there is none.

    Args:
        azure: What asks.
        person: Who.
        asked: In what circumstances.
        cache: Where MSAL keeps what it gets.

    Raises:
        InteractionRequired: The person did not do it in time.
        AccessDenied: The person refused.
        Unavailable: Entra ID cannot be reached, or does not answer in time.
    """
    realm = azure.connection.tenant or ANY_TENANT
    app = azure.work(lambda: app_for(azure, asked.client, realm, cache), asked)

    def begin() -> Any:
        flow = app.initiate_device_flow([azure.connection.persons_scope])
        raise_if_passing(flow, asked)
        return flow

    flow = azure.work(begin, asked)
    if "error" in flow:
        raise entra_error(denial_of(flow), asked)
    page, code = flow.get("verification_uri"), flow.get("user_code")
    waits = _waits(flow)
    if waits is None or not str(page).startswith("https://") or not isinstance(code, str):
        raise no_answer(asked.where)
    person.tell(f"Sign in to Azure: open {page} on any device, and type in the code {code}")
    person.open_page(page)
    person.tell("Waiting for the page …")
    flow["interval"], lasts = waits
    return _wait(azure, app, flow, asked, lasts)


def _waits(flow: Mapping[str, Any]) -> tuple[int, float] | None:
    """Return the seconds between two questions, and those that the code is good for."""
    interval, lasts = flow.get("interval", 5), flow.get("expires_in", 900)
    if not isinstance(interval, int) or not isinstance(lasts, int | float):
        return None
    return max(interval, 1), lasts  # with 0, MSAL would ask for ever


def _wait(
    azure: Azure, app: Any, flow: dict[str, Any], asked: Asked, lasts: float
) -> Mapping[str, Any]:
    end = time.monotonic() + lasts
    while time.monotonic() < end:
        result: Mapping[str, Any] = azure.work(lambda: _ask(app, flow, asked), asked)
        error = result.get("error")
        if error in {"authorization_declined", "access_denied"}:
            raise AccessDenied("the sign-in was declined on the page", hint="run the command again")
        if error in _OVER:
            break
        if error not in {_PENDING, _SLOW_DOWN}:  # which makes the interval longer
            return result
        time.sleep(max(0, min(flow["interval"], end - time.monotonic())))
    raise InteractionRequired(
        "the code was not typed in in time", hint=f"try again, and sooner: {asked.login}"
    )


def _ask(app: Any, flow: dict[str, Any], asked: Asked) -> Any:
    # Once: MSAL would wait by itself, where no deadline is kept.
    result = app.acquire_token_by_device_flow(flow, exit_condition=lambda _flow: True)
    if result.get("error") not in {_PENDING, _SLOW_DOWN, *_OVER}:
        raise_if_passing(result, asked)
    return result
