"""Workload identity federation: another's token is exchanged for one of Google's.

A token in a file or at an address is read here. How to come by one otherwise (from AWS, from a
program) is left to google-auth, which knows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from unvault.errors import CredentialMissing, CredentialRejected, UnvaultError
from unvault.retries import Again
from unvault_gcp._exceptions import auth_error
from unvault_gcp.asking import Web
from unvault_gcp.connection import keeps_secrets
from unvault_gcp.forms import DEFAULT_UNIVERSE
from unvault_gcp.key_files import Content, text_in
from unvault_gcp.service_accounts import by_url
from unvault_gcp.tokens import SCOPE, Caller, not_exchanged, token_in
from unvault_gcp.users import client_of

_STS = "the Security Token Service"
_PLACE = "the place of the token to exchange"
_LARGEST = 1 << 20
_KIND = "urn:ietf:params:oauth:token-type:access_token"
_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_ADVICE = "write it anew: gcloud iam workload-identity-pools create-cred-config"
_POOL = re.compile(r"//iam\.[a-z0-9.-]+/projects/([0-9]+)/")


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
    audience, kind = _checked(content, named)
    universe = text_in(content, "universe_domain") or DEFAULT_UNIVERSE
    url = content.get("token_url") or f"https://sts.{universe}/v1/token"
    if not isinstance(url, str) or not keeps_secrets(url):
        raise _unusable(named, "its token_url is not https")
    form = {
        "grant_type": _GRANT,
        "audience": audience,
        "scope": SCOPE,
        "requested_token_type": _KIND,
        "subject_token_type": kind,
        "subject_token": _subject_token(web, content, named),
        **_options(content),
    }
    answer = web.ask(_STS, "POST", url, form=form, headers=client_of(content))
    if not answer.is_good:
        raise not_exchanged(
            answer,
            _STS,
            "the token to exchange",
            "have it issued anew; check its issuer, audience and subject against the pool's"
            " provider and its attribute condition",
        )
    pool = _POOL.match(audience)
    caller = Caller(
        token_in(answer, _STS, value="access_token", seconds="expires_in"),
        project=pool[1] if pool else None,
        quota_project=text_in(content, "quota_project_id"),
        universe=text_in(content, "universe_domain"),
        origin=f"workload identity federation with {audience}",
        advice="see that the pool and its provider are enabled",
    )
    target = content.get("service_account_impersonation_url")
    if not target:
        return caller
    told = content.get("service_account_impersonation")
    seconds = told.get("token_lifetime_seconds") if isinstance(told, dict) else None
    return by_url(web, caller, str(target), lifetime=seconds if isinstance(seconds, int) else 3600)


def _checked(content: Content, named: str) -> tuple[str, str]:
    texts = [
        name
        for name in ("audience", "subject_token_type")
        if not isinstance(content.get(name), str) or not content[name]
    ]
    wrong = [f"it has no {name}" for name in texts]
    if content.get("type") != "external_account":
        wrong.append("it is not of the type 'external_account'")
    if not isinstance(content.get("credential_source"), dict):
        wrong.append("it has no credential_source")
    if wrong:
        raise _unusable(named, "; ".join(wrong))
    return content["audience"], content["subject_token_type"]


def _options(content: Content) -> Mapping[str, str]:
    project = content.get("workforce_pool_user_project")
    if not project or content.get("client_id"):
        return {}
    return {"options": json.dumps({"userProject": project})}


def _subject_token(web: Web, content: Content, named: str) -> str:
    source = content["credential_source"]
    if isinstance(source.get("file"), str):
        text = _in_file(source["file"])
    elif isinstance(source.get("url"), str) and "environment_id" not in source:
        text = _at(web, source)
    else:
        return _from_elsewhere(web, content, named)
    token = _picked(text, source)
    if not token:
        raise CredentialMissing(
            "there is no token to exchange where the configuration file says",
            hint="check credential_source in the file, and what it names",
        )
    return token


def _in_file(name: str) -> str:
    try:
        with Path(name).open(encoding="utf-8") as file:
            return file.read(_LARGEST)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
    raise CredentialMissing(
        f"the file {name!r} with the token to exchange cannot be read: {why}",
        hint="check credential_source in the configuration file",
    )


def _at(web: Web, source: Mapping[str, Any]) -> str:
    headers = source.get("headers")
    known = {str(name): str(value) for name, value in (headers or {}).items()}
    answer = web.ask(_PLACE, "GET", source["url"], headers=known)
    if answer.is_good:
        return answer.text
    raise CredentialRejected(
        f"{_PLACE} answered with status {answer.status}",
        hint="check credential_source in the configuration file",
    )


def _picked(text: str, source: Mapping[str, Any]) -> str | None:
    """Return the token in a text: all of it, or a field of the JSON that it is."""
    form = source.get("format")
    if not isinstance(form, dict) or form.get("type") != "json":
        return text.strip()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    value = found.get(form.get("subject_token_field_name")) if isinstance(found, dict) else None
    return value if isinstance(value, str) else None


def _from_elsewhere(web: Web, content: Content, named: str) -> str:
    """Have google-auth find the token, and send its requests through us."""
    try:
        made = _sdk_credentials(content)
        if made is None:
            raise _unusable(named, "its credential_source is none of those that are supported")
        token = made.retrieve_subject_token(_Request(web))
    except UnvaultError:
        raise
    except Again as again:
        failed = again.error
    except Exception as error:  # noqa: BLE001  # google-auth's, and those of what it reads
        failed = auth_error(error, _PLACE)
    else:
        return str(token)
    raise failed


def _sdk_credentials(content: Content) -> Any:
    source, options = content["credential_source"], {"scopes": [SCOPE]}
    if "executable" in source:
        from google.auth import pluggable

        program: Any = pluggable.Credentials
        return program.from_info(dict(content), **options)
    if "environment_id" in source:
        from google.auth import aws

        machine: Any = aws.Credentials
        return machine.from_info(dict(content), **options)
    return None


@attrs.frozen
class _Reply:
    status: int
    headers: Mapping[str, str]
    data: bytes = attrs.field(repr=False)


class _Request:
    """Sends what google-auth asks, as it wants it sent.

    Args:
        web: Asks.
    """

    def __init__(self, web: Web) -> None:
        self._web = web

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> _Reply:
        sent = body.encode() if isinstance(body, str) else body
        seconds = min(timeout or self._web.connection.timeout, self._web.connection.timeout)
        reply = self._web.reply(_PLACE, method, url, headers or {}, sent, seconds=seconds)
        return _Reply(reply.status, reply.headers, reply.body)


def _unusable(named: str, why: str) -> CredentialMissing:
    return CredentialMissing(f"{named} cannot be used: {why}", hint=_ADVICE)
