"""Workload identity federation: another's token is exchanged for one of Google's.

google-auth reads that token, wherever it is: in a file, at an address, from AWS, from a program. It
believes what a configuration file says, so that this is checked here: no token goes to an address
that others can listen to.
"""

from __future__ import annotations

from typing import Any

from unvault.errors import CredentialMissing
from unvault_gcp.asking import Web
from unvault_gcp.connection import keeps_secrets
from unvault_gcp.forms import DEFAULT_UNIVERSE
from unvault_gcp.key_files import Content, text_in
from unvault_gcp.refreshing import PLACE, STS, About, Request, refreshed
from unvault_gcp.service_accounts import by_url
from unvault_gcp.tokens import SCOPE, Caller

_ADVICE = "write it anew: gcloud iam workload-identity-pools create-cred-config"


def by_federation(web: Web, content: Content, named: str) -> Caller:
    """Have a token in exchange for that of somebody else's.

    Args:
        web: Asks.
        content: Of a file of the type ``external_account``.
        named: What to call it.

    Raises:
        CredentialMissing: The file is not complete, or what it names cannot be read.
        CredentialRejected: The token is not accepted.
        AccessDenied: The service account that it names may not be impersonated.
    """
    _check(content, named)
    universe = text_in(content, "universe_domain") or DEFAULT_UNIVERSE
    url = content.get("token_url") or f"https://sts.{universe}/v1/token"
    if not isinstance(url, str) or not keeps_secrets(url):
        raise _unusable(named, "its token_url is not https")
    credentials = _credentials({**content, "token_url": url}, named)
    file = text_in(content["credential_source"], "file")
    about = About(
        "the token to exchange",
        "have it issued anew; check its issuer, audience and subject against the pool's provider"
        " and its attribute condition",
        place=f"the file {file!r} with the token to exchange" if file else PLACE,
    )
    token, expires = refreshed(credentials, Request(web, {url: STS}), about)
    caller = Caller(
        token,
        expires,
        project=credentials.project_number,
        quota_project=text_in(content, "quota_project_id"),
        universe=text_in(content, "universe_domain"),
        origin=f"workload identity federation with {content['audience']}",
        advice="see that the pool and its provider are enabled",
    )
    target = content.get("service_account_impersonation_url")
    return by_url(web, caller, str(target), lifetime=_lifetime(content)) if target else caller


def _lifetime(content: Content) -> int:
    told = content.get("service_account_impersonation")
    seconds = told.get("token_lifetime_seconds") if isinstance(told, dict) else None
    return seconds if isinstance(seconds, int) else 3600


def _check(content: Content, named: str) -> None:
    wrong = [
        f"it has no {name}"
        for name in ("audience", "subject_token_type")
        if not isinstance(content.get(name), str) or not content[name]
    ]
    if content.get("type") != "external_account":
        wrong.append("it is not of the type 'external_account'")
    source = content.get("credential_source")
    if not isinstance(source, dict):
        wrong.append("it has no credential_source")
    elif not _is_supported(source):
        wrong.append("its credential_source is none of those that are supported")
    if wrong:
        raise _unusable(named, "; ".join(wrong))


def _is_supported(source: Content) -> bool:
    known = any(text_in(source, name) for name in ("file", "url", "environment_id"))
    return known or isinstance(source.get("executable"), dict)


def _credentials(content: Content, named: str) -> Any:
    from google.auth import aws, identity_pool, pluggable

    source = content["credential_source"]
    kind: Any = identity_pool
    if "environment_id" in source:
        kind = aws
    elif "executable" in source:
        kind = pluggable
    try:
        # Impersonated is afterwards, so that an error says which of the two it was.
        plain = {**content, "service_account_impersonation_url": None}
        return kind.Credentials.from_info(plain, scopes=[SCOPE])
    except Exception:  # noqa: BLE001  # of whatever the file has in place of the right
        failed = _unusable(named, "its parts do not fit together")
    raise failed


def _unusable(named: str, why: str) -> CredentialMissing:
    return CredentialMissing(f"{named} cannot be used: {why}", hint=_ADVICE)
