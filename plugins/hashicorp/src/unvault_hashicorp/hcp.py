"""HCP Vault Secrets: a service principal's token, and static secrets.

HashiCorp ended the service on 2026-07-01; another server may speak its API (version 2023-11-28).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from unvault.errors import (
    AccessDenied,
    CredentialRejected,
    InvalidReference,
    NotSupported,
    SecretNotFound,
    SessionExpired,
    UnvaultError,
    VersionNotFound,
)
from unvault.model import Answers, Credential, SecretInfo, SecretRequest, Session
from unvault.retries import Retries
from unvault.secret import Secret
from unvault_hashicorp._client import checked, part, unexpected
from unvault_hashicorp._errors import Refused, again_or_not, lost, no_vault
from unvault_hashicorp._http import Pool
from unvault_hashicorp.asking import version_of
from unvault_hashicorp.connection import Connection, check_token

_API = "secrets/2023-11-28"
_PARTS = "ORGANIZATION/PROJECT/APP/SECRET"


def sign_in(credential: Credential) -> Session:
    """Get a token for a service principal.

    Raises:
        CredentialRejected: The principal is not known, or its secret is wrong.
        Unavailable: The service cannot be reached, or cannot answer.
    """
    answers = credential.answers
    portal = Web(str(answers["auth_address"]), answers)
    try:
        reply = portal.ask(
            "post",
            "oauth2/token",
            data={
                "client_id": answers["client_id"],
                "client_secret": answers["client_secret"],
                "grant_type": "client_credentials",
                "audience": answers["audience"],
            },
        )
    except Refused as refused:
        if refused.status not in {400, 401, 403}:
            raise unexpected(refused, portal.address) from None
        raise CredentialRejected(
            f"{portal.address} refused the service principal{_oauth_reason(refused)}",
            hint="check client_id, client_secret and audience",
        ) from None
    finally:
        portal.close()
    token, seconds = reply.get("access_token"), reply.get("expires_in")
    if not isinstance(token, str):
        raise no_vault(portal.address)
    check_token(token)
    lasts = seconds if isinstance(seconds, int) and 0 < seconds < 2**31 else None
    expires = datetime.now(UTC) + timedelta(seconds=lasts) if lasts else None
    api = Web(str(answers["api_address"]), answers, token=token)
    return Session(
        client=Hcp(api, answers),
        identity=f"service principal {answers['client_id']} at {api.address}",
        expires=expires,
        details={
            "token": f"{lasts} s left, not renewable" if lasts else "does not say when it ends"
        },
    )


class Web:
    """One of the service's addresses.

    Args:
        address: The address.
        answers: The credential's, for CA and timeout.
        token: What is sent as bearer token.
    """

    def __init__(self, address: str, answers: Answers, token: str = "") -> None:
        self.address = address.rstrip("/")
        ca, timeout = answers.path("ca_file"), int(answers.get("timeout") or 10)
        self._session = Pool(Connection(self.address, ca=str(ca) if ca else None, timeout=timeout))
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._retries = Retries(timeout)

    def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Return the JSON object of an answer.

        Raises:
            Refused: It is no success.
            Unavailable: There is none, or it says that the service cannot answer now.
        """

        def attempt(seconds: float) -> dict[str, Any]:
            try:
                response = self._session.request(
                    method,
                    f"{self.address}/{path}",
                    timeout=seconds,
                    **options,
                )
                reply = response.json()
            except Refused as refused:
                error = again_or_not(refused, self.address, once=False)
                if error is None:
                    raise
                failed: UnvaultError = error
            except (OSError, ValueError, RecursionError) as error:
                failed = lost(error, self.address, once=False)
            else:
                if isinstance(reply, dict):
                    return reply
                failed = no_vault(self.address)
            raise failed from None

        return self._retries.call(attempt)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class Hcp:
    """What a session's hooks use.

    Args:
        web: The service, with a token.
        answers: The credential's, which may name the organization and the project.
    """

    def __init__(self, web: Web, answers: Answers) -> None:
        self._web = web
        self._owner = (answers.text("organization_id"), answers.text("project_id"))

    def fetch(self, request: SecretRequest) -> Secret:
        """Return a static secret.

        Raises:
            UnvaultError: See `unvault_hashicorp.plugin.fetch_secret`.
        """
        version = version_of(request)
        organization, project, app, name = self._parts(request)
        checked(f"{organization}/{project}")
        owner = f"organizations/{_quoted(organization)}/projects/{_quoted(project)}"
        which = f"{_quoted(name)}/versions/{version}" if version else _quoted(name)
        path = f"{_API}/{owner}/apps/{_quoted(app)}/secrets/{which}:open"
        try:
            reply = self._web.ask("get", path)
        except Refused as refused:
            raise self._failed(refused, f"{app}/{name}", version) from None
        static = part(reply if version else part(reply, "secret"), "static_version")
        value = static.get("value")
        if not isinstance(value, str):
            raise SecretNotFound(
                f"{app}/{name} has no static value", hint="dynamic and rotating ones are not read"
            )
        return Secret(value, version=str(static.get("version") or version or "") or None)

    def browse(self, prefix: str) -> Iterator[SecretInfo]:
        """Refuse: the service's listing is not supported."""
        raise NotSupported(
            f"secrets of HCP cannot be listed{f' ({prefix})' if prefix else ''}",
            hint="name the secret: ORGANIZATION/PROJECT/APP/SECRET",
        )

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    def _parts(self, request: SecretRequest) -> tuple[str, str, str, str]:
        foreign = [name for name in ("kv", "namespace", "data") if request.get(name) is not None]
        foreign += ["engine"] if request.get("engine") == "logical" else []
        if foreign:
            raise InvalidReference(
                f"the parameter {foreign[0]!r} is for a Vault server, and this is HCP",
                hint="leave it out",
            )
        parts = request.path.strip("/").split("/")
        organization, project = self._owner
        if all(parts):
            checked(request.path)
        if len(parts) == 2 and all(parts) and organization and project:
            return organization, project, parts[0], parts[1]
        if len(parts) == 4 and all(parts):
            return parts[0], parts[1], parts[2], parts[3]
        raise InvalidReference(
            f"{request.path!r} is no path of HCP: it has to be {_PARTS}",
            hint="APP/SECRET is enough where the credential has organization_id and project_id",
        )

    def _failed(self, refused: Refused, which: str, version: int | None) -> UnvaultError:
        if refused.status == 401:
            return SessionExpired("the token is not valid any more", hint="sign in anew")
        if refused.status == 403:
            return AccessDenied(
                f"the service principal may not read {which!r}",
                hint="give it a role that may read the app's secrets",
            )
        if refused.status == 404 and version:
            return VersionNotFound(
                f"there is no version {version} of {which!r}, or no such secret",
                hint="check the path, and leave out version for the newest",
            )
        if refused.status == 404:
            return SecretNotFound(f"there is no secret {which!r}", hint="check the path's parts")
        if refused.status == 400:
            return InvalidReference(f"the service cannot read {which!r}", hint="check its parts")
        return unexpected(refused, self._web.address)


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _oauth_reason(refused: Refused) -> str:
    """Return the error's name (RFC 6749, section 5.2), which is one of a few words."""
    known = ("invalid_client", "invalid_request", "unauthorized_client", "invalid_scope")
    named = refused.body.get("error") if isinstance(refused.body, dict) else None
    return f": {named}" if named in (*known, "access_denied", "invalid_grant") else ""
