"""People: tokens by means of what ``gcloud auth application-default login`` left."""

from __future__ import annotations

from typing import Any

from unvault.errors import CredentialMissing
from unvault_gcp.asking import Web
from unvault_gcp.connection import keeps_secrets
from unvault_gcp.forms import DEFAULT_UNIVERSE
from unvault_gcp.key_files import Content, text_in
from unvault_gcp.refreshing import TOKENS, About, Request, refreshed
from unvault_gcp.tokens import Caller

_ADVICE = "sign in again: gcloud auth application-default login"
_CLIENT = ("client_id", "client_secret", "refresh_token")


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
    from google.oauth2.credentials import Credentials

    parts = _parts(content, named, *_CLIENT)
    universe = text_in(content, "universe_domain") or DEFAULT_UNIVERSE
    # What google-auth makes of such a file asks Google's own address, whatever the file says.
    url = _safe(content.get("token_uri") or f"https://oauth2.{universe}/token", named)
    return _caller(web, Credentials(None, token_uri=url, **parts), content, named)


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
    from google.auth.external_account_authorized_user import Credentials

    parts = _parts(content, named, *_CLIENT, "token_url")
    _safe(parts["token_url"], named)
    return _caller(web, Credentials(**parts), content, named)


def _parts(content: Content, named: str, *names: str) -> dict[str, str]:
    missing = [name for name in names if not isinstance(content.get(name), str)]
    if missing:
        raise CredentialMissing(
            f"{named} cannot be used: it has no {' and no '.join(missing)}", hint=_ADVICE
        )
    return {name: content[name] for name in names}


def _safe(url: object, named: str) -> str:
    if isinstance(url, str) and keeps_secrets(url):
        return url
    raise CredentialMissing(
        f"{named} cannot be used: the address that it names for tokens is not https", hint=_ADVICE
    )


def _caller(web: Web, credentials: Any, content: Content, named: str) -> Caller:
    about = About(f"the sign-in of {named}", _ADVICE)
    token, expires = refreshed(credentials, Request(web, elsewhere=TOKENS), about)
    return Caller(
        token,
        expires,
        name=text_in(content, "account"),
        quota_project=text_in(content, "quota_project_id"),
        universe=text_in(content, "universe_domain"),
        origin="a person's sign-in",
        advice=_ADVICE,
    )
