"""Signs a person in on a page of Entra ID's, which opens in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unvault.errors import InteractionRequired
from unvault.hookspecs import Interaction
from unvault.model import Answers
from unvault_azure._client import Azure
from unvault_azure.connection import ANY_TENANT
from unvault_azure.entra import Asked
from unvault_azure.persons import app_for
from unvault_azure.redirect import Redirect


def sign_in_by_browser(
    azure: Azure,
    answers: Answers,
    person: Interaction,
    asked: Asked,
    *,
    cache: Any,
    user: str | None,
) -> Mapping[str, Any]:
    """Have a person sign in, and return what Entra ID answers: a token, or why there is none.

    Args:
        azure: What asks.
        answers: The credential's.
        person: Who.
        asked: In what circumstances.
        cache: Where MSAL keeps what it gets.
        user: Who signed in the last time, if somebody did.

    Raises:
        CredentialRejected: The port that the page comes back to is taken.
        InteractionRequired: There is no browser, or the person did not sign in in time.
        Unavailable: Entra ID cannot be reached, or does not answer in time.
    """
    port = answers.get("redirect_port")
    realm = azure.connection.tenant or ANY_TENANT
    app = azure.work(lambda: app_for(azure, asked.client, realm, cache), asked)
    with Redirect(None if port is None else int(port)) as redirect:
        flow = app.initiate_auth_code_flow(
            [azure.connection.persons_scope],
            redirect_uri=redirect.address,
            state=redirect.state,
            response_mode="form_post",
            **({"login_hint": user} if user else {"prompt": "select_account"}),
        )
        person.tell("Sign in to Azure on the page that opens in your browser.")
        if not person.open_page(flow["auth_uri"]):
            raise _no_browser(asked)
        person.tell("Waiting for the page …")
        brought = redirect.wait(float(answers.get("wait") or 300))
    if brought is None:
        raise InteractionRequired(
            "nobody signed in on the page in time, or it was closed",
            hint=f"try again: {asked.login}; what the page says, if it says that something is"
            " wrong, is what to do first",
        )
    if "error" in brought:
        return brought
    result: Mapping[str, Any] = azure.work(
        lambda: app.acquire_token_by_auth_code_flow(flow, dict(brought)), asked, once=True
    )
    return result


def _no_browser(asked: Asked) -> InteractionRequired:
    return InteractionRequired(
        "no browser could be opened on this machine",
        hint="set BROWSER, or sign in with the type device_code, for which any browser will do:"
        f" {asked.change} --type device_code",
    )
