"""Where tokens come from at Google: the token endpoint, STS, IAM credentials, a metadata server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from tests.servers.gcp_answers import Asked, Refused, Reply
from tests.servers.gcp_identities import CLOUD, IAM, Identities
from tests.servers.serving import Seen, as_json

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCOUNT = re.compile(r"/v1/projects/([^/]+)/serviceAccounts/([^/:]+)[:/](\w+)")
_POOL = re.compile(r"/v1/.*(workloadIdentityPools|workforcePools)/[^/]+/allowedLocations")
_METADATA = "/computeMetadata/v1/"
_FLAVOR = {"Metadata-Flavor": "Google"}


class Tokens:
    """Answers the requests that are about tokens.

    Args:
        identities: Who there is.
        now: Tells the time, in seconds since 1970.
    """

    def __init__(self, identities: Identities, now: Callable[[], float]) -> None:
        self.metadata_account: str | None = None
        """Whose tokens the metadata server gives; without one there is no metadata server."""
        self.metadata_project = ""
        self._identities = identities
        self._now = now

    def what(self, seen: Seen) -> str | None:
        """Return what a request asks for; None where it is about something else."""
        path = urlsplit(seen.path).path
        account = _ACCOUNT.fullmatch(path)
        if account:
            return account[3]
        if _POOL.fullmatch(path):
            return "allowedLocations"
        named = {"/token": "token", "/v1/token": "sts", "/": "metadata"}
        return "metadata" if path.startswith(_METADATA) else named.get(path)

    def reply(self, asked: Asked, seen: Seen) -> Reply:
        """Answer."""
        answers = {
            "token": self._token,
            "sts": self._sts,
            "generateAccessToken": self._generate,
            "allowedLocations": self._locations,
            "metadata": self._metadata,
        }
        if asked.what not in answers:
            raise Refused("NOT_FOUND", f"Method not found: {asked.what}")
        return answers[asked.what](seen)

    def _token(self, seen: Seen) -> Reply:
        form = _form(seen)
        if form.get("grant_type") == _JWT_BEARER:
            try:
                who, scope = self._identities.assertion(form.get("assertion", ""))
            except ValueError as error:
                return _refused(400, "invalid_grant", str(error))
        elif form.get("grant_type") == "refresh_token":
            given = form.get("refresh_token", ""), form.get("client_id", "")
            try:
                found = self._identities.user_of(*given, form.get("client_secret", ""))
            except ValueError as error:
                return _refused(401, "invalid_client", str(error))
            if found is None:
                return _refused(400, "invalid_grant", "Token has been expired or revoked.")
            who, scope = found, form.get("scope") or CLOUD
        else:
            return _refused(400, "unsupported_grant_type", "Invalid grant_type")
        return self._issued(who, scope)

    def _sts(self, seen: Seen) -> Reply:
        form = _form(seen)
        if form.get("grant_type") != _EXCHANGE:
            return _refused(400, "unsupported_grant_type", "Invalid grant_type")
        if form.get("subject_token_type") != "urn:ietf:params:oauth:token-type:jwt":
            return _refused(400, "invalid_request", "Invalid subject_token_type")
        try:
            who = self._identities.member(form.get("audience", ""), form.get("subject_token", ""))
        except LookupError:
            return _refused(400, "invalid_target", "The target service indicated is invalid.")
        except ValueError as error:
            return _refused(400, "invalid_grant", str(error))
        kind = {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
        return self._issued(who, form.get("scope", ""), **kind)

    def _issued(self, who: str, scope: str, **more: str) -> Reply:
        token = self._identities.issue(who, scope.split())
        seconds = int(self._identities.token_seconds)
        told = {"access_token": token, "expires_in": seconds, "token_type": "Bearer"}
        return Reply(200, as_json(told | more))

    def _generate(self, seen: Seen) -> Reply:
        account = _ACCOUNT.fullmatch(urlsplit(seen.path).path)
        assert account
        caller = self._identities.principal(_header(seen, "authorization"), scopes=IAM)
        told = json.loads(seen.body or b"{}")
        chain = [_email(each) for each in told.get("delegates") or ()] + [account[2]]
        for each in chain:
            self._check_chain(caller, each)
            caller = each
        seconds = float(str(told.get("lifetime", "3600s")).rstrip("s"))
        if not 0 < seconds <= 3600:
            message = "The access token lifetime cannot exceed 3600 seconds."
            raise Refused("INVALID_ARGUMENT", message)
        seconds = min(seconds, self._identities.token_seconds)
        token = self._identities.issue(caller, told.get("scope", ()), seconds)
        ends = datetime.fromtimestamp(self._now() + seconds, UTC)
        written = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
        return Reply(200, as_json({"accessToken": token, "expireTime": written}))

    def _check_chain(self, caller: str, account: str) -> None:
        permission = "iam.serviceAccounts.getAccessToken"
        known = self._identities.accounts.get(account)
        may = self._identities.allows(caller, permission, [f"serviceAccounts/{account}"])
        if known is None or not may:
            raise Refused(
                "PERMISSION_DENIED",
                f"Permission '{permission}' denied on resource (or it may not exist).",
                "IAM_PERMISSION_DENIED",
                "iam.googleapis.com",
                {"permission": permission},
            )
        if not known.enabled:
            raise Refused("FAILED_PRECONDITION", f"Service account {account} is disabled.")

    def _locations(self, seen: Seen) -> Reply:
        self._identities.principal(_header(seen, "authorization"), scopes=IAM)
        return Reply(200, as_json({"locations": [], "encodedLocations": "0x0"}))

    def _metadata(self, seen: Seen) -> Reply:
        who = self.metadata_account
        if who is None:
            return Reply(404, b"<html>not found</html>", {"Content-Type": "text/html"})
        if _header(seen, "metadata-flavor") != "Google":
            return Reply(403, b"Missing Metadata-Flavor:Google header.")
        parts = urlsplit(seen.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self._metadata_of(who, parts.path.removeprefix(_METADATA), query)

    def _metadata_of(self, who: str, path: str, query: dict[str, str]) -> Reply:
        text = {
            "/": "computeMetadata/",
            "project/project-id": self.metadata_project,
            "universe/universe-domain": "googleapis.com",
            "instance/service-accounts/default/email": who,
        }
        account = path.removeprefix("instance/service-accounts/").split("/")
        if path in text:
            return Reply(200, text[path].encode(), _FLAVOR | {"Content-Type": "application/text"})
        if account[0] not in {"default", who} or account[-1] not in {"", "token"}:
            return Reply(404, b"not found", _FLAVOR)
        if account[-1] == "":
            told = {"aliases": ["default"], "email": who, "scopes": [CLOUD]}
            return Reply(200, as_json(told), _FLAVOR)
        scopes = query.get("scopes", CLOUD).replace(",", " ")
        return self._issued(who, scopes)._replace(headers=_FLAVOR)


def _form(seen: Seen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}


def _header(seen: Seen, name: str) -> str:
    return next((told for each, told in seen.headers.items() if each.lower() == name), "")


def _refused(status: int, error: str, description: str) -> Reply:
    return Reply(status, as_json({"error": error, "error_description": description}))


def _email(delegate: str) -> str:
    return delegate.removeprefix("projects/-/serviceAccounts/")
