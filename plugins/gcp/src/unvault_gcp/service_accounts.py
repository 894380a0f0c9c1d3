"""Service accounts: tokens that one signs oneself, with its key, or has by impersonation."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

import attrs

from unvault.errors import CredentialMissing
from unvault_gcp.asking import Web
from unvault_gcp.connection import keeps_secrets
from unvault_gcp.key_files import Content, private_key, text_in
from unvault_gcp.refreshing import IAM, About, Request, refreshed
from unvault_gcp.tokens import SCOPE, Caller

_HOUR = 3600
_OF_A_PROJECT = re.compile(r"[^@]+@([a-z0-9-]+)(?:\.([a-z0-9.-]+))?\.iam\.gserviceaccount\.com")
_PLAIN = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+")
"""An address that means the same to a shell."""

_URL = re.compile(r".*/serviceAccounts/([^/:]+):generateAccessToken")


def by_key(web: Web, key: Content, named: str) -> Caller:
    """Sign a token with a key: Google accepts it in place of one of its own.

    Nobody is asked, so that whether the key is good shows when the token is used.

    Args:
        web: Is not used.
        key: The content of a key file; see `unvault_gcp.key_files.checked`.
        named: What to call it.

    Raises:
        CredentialMissing: The key does not fit together.
    """
    from google.auth.crypt import RSASigner
    from google.oauth2.service_account import Credentials

    email, numbers = str(key["client_email"]), private_key(str(key["private_key"]))
    whose = email if _PLAIN.fullmatch(email) else "EMAIL"
    advice = (
        "see that the key is still there and enabled, and its service account too (gcloud iam"
        f" service-accounts keys list --iam-account={whose}); and that this machine's clock is"
        " right"
    )
    token, expires = refreshed(
        Credentials(
            RSASigner(numbers, key["private_key_id"]),
            email,
            token_uri="",  # which nobody is going to ask
            scopes=[SCOPE],
            always_use_jwt_access=True,
        ),
        Request(web),
        About(named, advice),
    )
    if not _fits(token, numbers):
        raise CredentialMissing(
            f"{named} cannot be used: its private_key is damaged", hint="download a new key"
        )
    return Caller(
        token,
        expires,
        name=email,
        project=str(key["project_id"]),
        quota_project=text_in(key, "quota_project_id"),
        universe=text_in(key, "universe_domain"),
        origin="a service account's key",
        advice=advice,
    )


def _fits(token: str, key: Any) -> bool:
    """Say whether the numbers of a key belong together: they were not checked when it was read."""
    from google.auth.crypt import RSAVerifier

    signed, _, signature = token.rpartition(".")
    verifier = RSAVerifier(key.public_key())
    return bool(verifier.verify(signed.encode(), base64.urlsafe_b64decode(f"{signature}==")))


def by_impersonation(
    web: Web,
    source: Caller,
    email: str,
    *,
    endpoint: str,
    delegates: Sequence[str] = (),
    lifetime: int = _HOUR,
) -> Caller:
    """Have a token of another service account.

    Args:
        web: Asks.
        source: Who may impersonate it.
        email: Which service account.
        endpoint: Address of the IAM Credentials API.
        delegates: Service accounts on the way, by email address.
        lifetime: Seconds that the token is good for.

    Raises:
        AccessDenied: The source may not, or there is no such service account.
        CredentialRejected: The source's token is not accepted, or the lifetime is too long.
    """
    url = f"{endpoint.rstrip('/')}/v1/{_resource(email)}:generateAccessToken"
    whom = [_resource(each) for each in delegates]
    return _impersonated(web, source, email, url, delegates=whom, lifetime=lifetime)


def by_url(
    web: Web, source: Caller, url: str, *, delegates: Sequence[str] = (), lifetime: int = _HOUR
) -> Caller:
    """Have a token of the service account that an address in a configuration file names.

    Args:
        web: Asks.
        source: Who may impersonate it.
        url: Where tokens of the service account are given.
        delegates: Service accounts on the way, by resource name.
        lifetime: Seconds that the token is good for.

    Raises:
        CredentialMissing: It is no such address, or not safe.
        UnvaultError: As for `by_impersonation`.
    """
    found = _URL.fullmatch(url)
    if found is None or not keeps_secrets(url):
        raise CredentialMissing(
            "service_account_impersonation_url in the configuration file is no address of a service"
            " account's token",
            hint="write the file anew",
        )
    email = unquote(found[1])
    return _impersonated(web, source, email, url, delegates=delegates, lifetime=lifetime)


def _impersonated(
    web: Web, source: Caller, email: str, url: str, *, delegates: Sequence[str], lifetime: int
) -> Caller:
    from google.auth.impersonated_credentials import Credentials
    from google.oauth2.credentials import Credentials as OfAToken

    credentials = Credentials(
        OfAToken(source.token, quota_project_id=source.quota_project),  # which asks nobody
        email,
        [SCOPE],
        delegates=[*delegates],
        lifetime=lifetime,
        iam_endpoint_override=url,
    )
    about = About("the token of the source", source.advice, email)
    token, expires = refreshed(credentials, Request(web, elsewhere=IAM), about)
    return attrs.evolve(
        source,
        token=token,
        expires=expires,
        name=email,
        project=_project_of(email) or source.project,
        origin=f"impersonated by means of {source.name or source.origin}",
        advice="see that the service account is enabled, and that this machine's clock is right",
    )


def _project_of(email: str) -> str | None:
    """Return the project that a service account's address names."""
    found = _OF_A_PROJECT.fullmatch(email)
    if found is None:
        return None
    return f"{found[2]}:{found[1]}" if found[2] else found[1]


def _resource(email: str) -> str:
    return f"projects/-/serviceAccounts/{quote(email.strip(), safe='@')}"
