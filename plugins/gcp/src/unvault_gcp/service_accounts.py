"""Service accounts: tokens that one signs oneself, with its key, or has by impersonation."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import attrs

from unvault.errors import AccessDenied, CredentialMissing, CredentialRejected, UnvaultError
from unvault_gcp._errors import DENIED, MISSING, REJECTED, WRONG, no_answer, unexpected
from unvault_gcp.asking import Answer, Web, text_of, token_of
from unvault_gcp.connection import keeps_secrets
from unvault_gcp.key_files import Content, private_key, text_in
from unvault_gcp.tokens import SCOPE, Caller, Token, ends_in

IAM = "the IAM Credentials API"
_SECONDS = 3600
_OF_A_PROJECT = re.compile(r"[^@]+@([a-z0-9-]+)(?:\.([a-z0-9.-]+))?\.iam\.gserviceaccount\.com")


def by_key(key: Content, named: str) -> Caller:
    """Sign a token with a key: Google accepts it in place of one of its own.

    Nobody is asked, so that whether the key is good shows when the token is used.

    Args:
        key: The content of a key file; see `unvault_gcp.key_files.checked`.
        named: What to call it.

    Raises:
        CredentialMissing: The key does not fit together.
    """
    now = int(time.time())
    email = str(key["client_email"])
    head = {"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]}
    claims = {"iss": email, "sub": email, "scope": SCOPE, "iat": now, "exp": now + _SECONDS}
    signed = _signed(f"{_encoded(head)}.{_encoded(claims)}", str(key["private_key"]), named)
    return Caller(
        Token(signed, ends_in(_SECONDS)),
        name=email,
        project=str(key["project_id"]),
        quota_project=text_in(key, "quota_project_id"),
        universe=text_in(key, "universe_domain"),
        origin="a service account's key",
        advice="see that the key is still there and enabled, and its service account too (gcloud"
        " iam service-accounts keys list); and that this machine's clock is right",
    )


def by_impersonation(
    web: Web,
    source: Caller,
    email: str,
    *,
    endpoint: str,
    delegates: Sequence[str] = (),
    lifetime: int = _SECONDS,
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
    wanted = _request([_resource(each) for each in delegates], lifetime)
    return _impersonated(web, source, email, url, wanted)


def by_url(
    web: Web, source: Caller, url: str, *, delegates: Sequence[str] = (), lifetime: int = _SECONDS
) -> Caller:
    """Have a token of the service account that an address of a configuration file names.

    Raises:
        CredentialMissing: The address names none, or is not safe.
        UnvaultError: As for `by_impersonation`.
    """
    found = re.search(r"/serviceAccounts/([^/:]+):generateAccessToken$", url)
    if found is None or not keeps_secrets(url):
        raise CredentialMissing(
            "service_account_impersonation_url in the configuration file is no address of a service"
            " account's token",
            hint="write the file anew",
        )
    return _impersonated(web, source, found[1], url, _request(delegates, lifetime))


def _request(delegates: Sequence[str], lifetime: int) -> Mapping[str, object]:
    return {"delegates": [*delegates], "scope": [SCOPE], "lifetime": f"{lifetime}s"}


def _impersonated(
    web: Web, source: Caller, email: str, url: str, wanted: Mapping[str, object]
) -> Caller:
    answer = web.ask(IAM, "POST", url, headers=authorization(source), content=wanted)
    if not answer.is_good:
        raise _refused(answer, source, email)
    return attrs.evolve(
        source,
        token=_token(answer),
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


def authorization(caller: Caller) -> Mapping[str, str]:
    """Return the headers that say who asks."""
    known = {"Authorization": f"Bearer {caller.token.value}"}
    if caller.quota_project:
        known["X-Goog-User-Project"] = caller.quota_project
    return known


def _resource(email: str) -> str:
    return f"projects/-/serviceAccounts/{quote(email.strip(), safe='@')}"


def _token(answer: Answer) -> Token:
    value, time_ = token_of(answer, "accessToken"), text_of(answer, "expireTime")
    # Ten digits after the point are possible, and not everywhere understood.
    moment = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", time_ or "")
    if value is not None and moment is not None:
        with contextlib.suppress(ValueError):  # there is no such day
            return Token(value, datetime.fromisoformat(moment[0]).replace(tzinfo=UTC))
    raise no_answer(IAM)


def _refused(answer: Answer, source: Caller, email: str) -> UnvaultError:
    if not isinstance(answer.fields.get("error"), dict):
        return no_answer(IAM)
    refusal = answer.refusal
    if refusal.code in REJECTED:
        return CredentialRejected(
            f"{IAM} does not accept the token of the source", hint=source.advice
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


def _signed(text: str, pem: str, named: str) -> str:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    key = private_key(pem)
    try:
        signature: bytes = key.sign(text.encode(), PKCS1v15(), SHA256())
        # The key's numbers were not checked: this shows that they belong together.
        key.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        pass
    else:
        return f"{text}.{_base64(signature)}"
    raise CredentialMissing(
        f"{named} cannot be used: its private_key is damaged", hint="download a new key"
    )


def _encoded(part: Mapping[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
