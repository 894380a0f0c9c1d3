"""People: tokens by means of what ``gcloud auth application-default login`` left."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from unvault.errors import CredentialMissing
from unvault_gcp.asking import Web
from unvault_gcp.connection import keeps_secrets
from unvault_gcp.forms import DEFAULT_UNIVERSE
from unvault_gcp.key_files import Content, text_in
from unvault_gcp.tokens import Caller, not_exchanged, token_in

_ADVICE = "sign in again: gcloud auth application-default login"


def by_refresh_token(web: Web, content: Content, named: str) -> Caller:
    """Have a token of a person who signed in with Google.

    Args:
        web: Asks.
        content: Of a file of the type ``authorized_user``.
        named: What to call it.

    Raises:
        CredentialMissing: The file is not complete.
        CredentialRejected: The person was signed out, or has to sign in again.
    """
    client, secret, refresh = _parts(content, named, "client_id", "client_secret", "refresh_token")
    universe = text_in(content, "universe_domain") or DEFAULT_UNIVERSE
    url = content.get("token_uri") or f"https://oauth2.{universe}/token"
    form = {"client_id": client, "client_secret": secret, "refresh_token": refresh}
    return _exchanged(web, url, content, named, form={"grant_type": "refresh_token", **form})


def by_workforce_token(web: Web, content: Content, named: str) -> Caller:
    """Have a token of a person who signed in with an organization's own provider.

    Args:
        web: Asks.
        content: Of a file of the type ``external_account_authorized_user``.
        named: What to call it.

    Raises:
        CredentialMissing: The file is not complete.
        CredentialRejected: The person was signed out, or has to sign in again.
    """
    refresh, url = _parts(content, named, "refresh_token", "token_url")
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    return _exchanged(web, url, content, named, form=form, headers=client_of(content))


def client_of(content: Content) -> Mapping[str, str]:
    """Return the headers by which a file's client names itself; none where it has none."""
    client, secret = text_in(content, "client_id"), text_in(content, "client_secret")
    if client is None:
        return {}
    pair = f"{quote(client)}:{quote(secret or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _parts(content: Content, named: str, *names: str) -> list[str]:
    missing = [name for name in names if not isinstance(content.get(name), str)]
    if missing:
        raise CredentialMissing(
            f"{named} cannot be used: it has no {' and no '.join(missing)}", hint=_ADVICE
        )
    return [content[name] for name in names]


def _exchanged(web: Web, url: object, content: Content, named: str, **options: Any) -> Caller:
    if not isinstance(url, str) or not keeps_secrets(url):
        raise CredentialMissing(
            f"{named} cannot be used: the address that it names for tokens is not https",
            hint=_ADVICE,
        )
    where = "the token endpoint"
    answer = web.ask(where, "POST", url, **options)
    if not answer.is_good:
        raise not_exchanged(answer, where, f"the sign-in of {named}", _ADVICE)
    return Caller(
        token_in(answer, where, value="access_token", seconds="expires_in"),
        name=text_in(content, "account"),
        quota_project=text_in(content, "quota_project_id"),
        universe=text_in(content, "universe_domain"),
        origin="a person's sign-in",
        advice=_ADVICE,
    )
