"""AWS IAM Identity Center: the portal that gives out roles' keys, and the sign-in (OIDC)."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from tests.servers.aws_account import Account
from tests.servers.serving import Connection, Seen, Serving, as_json

_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_ERRORS = {
    "access_denied": "AccessDeniedException",
    "authorization_pending": "AuthorizationPendingException",
    "expired_token": "ExpiredTokenException",
    "invalid_client": "InvalidClientException",
    "invalid_grant": "InvalidGrantException",
    "invalid_request": "InvalidRequestException",
    "slow_down": "SlowDownException",
    "unsupported_grant_type": "UnsupportedGrantTypeException",
}
_PORTAL = "com.amazonaws.switchboard.portal#"


class _Refused(Exception):
    """Told to the client: a key of `_ERRORS`."""


@attrs.define
class _Client:
    secret: str
    ends: float
    refreshes: bool


@attrs.define
class _Device:
    client: str
    user_code: str
    ends: float
    state: str = "authorization_pending"
    asked: float = 0.0


class Sso(Serving):
    """Both servers at one address: the endpoint of ``sso`` and of ``sso-oidc``.

    A role's keys are minted by the account that the role is of, so that what they may do is real::

        sso.assign(account, account.role(allow("secretsmanager:GetSecretValue"), name="Reader"))
        token = sso.sign_in()  # what AWS's cache of tokens holds
        sso.ahead = 3600  # its clock, an hour later

    `count` says what was asked by path, and `granted` by kind of token.
    """

    def __init__(self) -> None:
        super().__init__()
        self.start_url = "https://invented.awsapps.com/start"
        self.region = "eu-west-1"
        self.ahead = 0.0
        """Seconds that its clock is ahead of the real one."""
        self.token_seconds: float = 3600
        """How long a new access token is valid."""
        self.registration_seconds: float = 90 * 24 * 3600
        self.device_seconds: float = 600
        self.interval = 1
        """Seconds to wait between two questions for the token; who asks earlier must slow down."""
        self.role_seconds = 3600
        """How long a new role's keys are valid."""
        self.approves_visits = False
        """Whether the person who opens the page also allows what it asks."""
        self._roles: dict[tuple[str, str], tuple[Account, str]] = {}
        self._clients: dict[str, _Client] = {}
        self._devices: dict[str, _Device] = {}
        self._tokens: dict[str, float] = {}
        self._refreshing: dict[str, str] = {}

    def now(self) -> float:
        """Return the time on its clock, in seconds since 1970."""
        return time.time() + self.ahead

    def assign(self, account: Account, role: str) -> None:
        """Let the person have a role of an account, by its ARN."""
        self._roles[account.number, role.rpartition("/")[2]] = account, role

    def approve(self, user_code: str | None = None) -> None:
        """Allow what a page asks; of all pages without a code."""
        self._decide("approved", user_code)

    def decline(self, user_code: str | None = None) -> None:
        """Refuse what a page asks; of all pages without a code."""
        self._decide("access_denied", user_code)

    @property
    def user_codes(self) -> list[str]:
        """The codes that were shown to somebody, oldest first."""
        return [device.user_code for device in [*self._devices.values()]]

    def granted(self, grant: str) -> int:
        """Return how often a token was asked for, by ``device_code`` or ``refresh_token``."""
        with self.lock:
            asked = [seen.body for seen in self.requests if seen.path == "/token"]
        return sum(json.loads(body)["grantType"].endswith(grant) for body in asked)

    def sign_in(self, *, refreshes: bool = True) -> dict[str, Any]:
        """Sign in without a browser, and return what the CLI would then keep in its cache."""
        scopes = ["sso:account:access"] if refreshes else []
        made = self._register({"clientName": "test", "clientType": "public", "scopes": scopes})
        answer = self._grant(made["clientId"])
        kept = {
            "startUrl": self.start_url,
            "region": self.region,
            "accessToken": answer["accessToken"],
            "expiresAt": _written(self.now() + answer["expiresIn"]),
            "clientId": made["clientId"],
            "clientSecret": made["clientSecret"],
            "registrationExpiresAt": _written(made["clientSecretExpiresAt"]),
        }
        return kept | ({"refreshToken": answer["refreshToken"]} if refreshes else {})

    def sign_out(self) -> None:
        """Make all tokens invalid, those that refresh too."""
        self._tokens.clear()
        self._refreshing.clear()

    def respond(self, seen: Seen, connection: Connection) -> None:
        path = urlsplit(seen.path).path
        asked = {
            "/client/register": self._register,
            "/device_authorization": self._show_a_code,
            "/token": self._token,
        }.get(path)
        if asked and seen.method == "POST":
            try:
                connection.answer(200, as_json(asked(json.loads(seen.body))))
            except _Refused as refused:
                told = str(refused)
                body = {"error": told, "error_description": f"invented: {told}"}
                status = 401 if told == "invalid_client" else 400
                connection.answer(status, as_json(body), {"x-amzn-ErrorType": _ERRORS[told]})
        elif path == "/device":
            if self.approves_visits:
                self.approve(dict(parse_qsl(urlsplit(seen.path).query))["user_code"])
            connection.answer(200, b"<title>Signed in</title>", {"Content-Type": "text/html"})
        else:
            self._answer_as_portal(path, seen, connection)

    def _register(self, told: dict[str, Any]) -> dict[str, Any]:
        number = f"client-{secrets.token_hex(6)}"
        ends = int(self.now() + self.registration_seconds)
        # AWS gives a token that refreshes to those only who registered for this scope.
        refreshes = "sso:account:access" in told.get("scopes", ())
        made = self._clients[number] = _Client(f"secret-{secrets.token_hex(9)}", ends, refreshes)
        return {
            "clientId": number,
            "clientSecret": made.secret,
            "clientIdIssuedAt": int(self.now()),
            "clientSecretExpiresAt": ends,
        }

    def _show_a_code(self, told: dict[str, Any]) -> dict[str, Any]:
        self._check_client(told)
        if told.get("startUrl") != self.start_url:
            raise _Refused("invalid_request")
        code = secrets.token_hex(9)
        shown = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}".upper()
        self._devices[code] = _Device(told["clientId"], shown, self.now() + self.device_seconds)
        return {
            "deviceCode": code,
            "userCode": shown,
            "verificationUri": f"{self.address}/device",
            "verificationUriComplete": f"{self.address}/device?user_code={shown}",
            "expiresIn": int(self.device_seconds),
            "interval": self.interval,
        }

    def _token(self, told: dict[str, Any]) -> dict[str, Any]:
        self._check_client(told)
        if told["grantType"] == "refresh_token":
            if self._refreshing.pop(told.get("refreshToken", ""), None) != told["clientId"]:
                raise _Refused("invalid_grant")
        elif told["grantType"] == _DEVICE:
            self._check_device(told)
        else:
            raise _Refused("unsupported_grant_type")
        return self._grant(told["clientId"])

    def _check_client(self, told: dict[str, Any]) -> None:
        known = self._clients.get(told.get("clientId", ""))
        if known is None or known.secret != told.get("clientSecret") or known.ends < self.now():
            raise _Refused("invalid_client")

    def _check_device(self, told: dict[str, Any]) -> None:
        device = self._devices.get(told.get("deviceCode", ""))
        if device is None or device.client != told["clientId"]:
            raise _Refused("invalid_grant")
        now, asked = self.now(), device.asked
        device.asked = now
        if device.ends < now:
            raise _Refused("expired_token")
        if device.state == "authorization_pending" and now - asked < self.interval * 0.9:
            raise _Refused("slow_down")
        if device.state != "approved":
            raise _Refused(device.state)
        del self._devices[told["deviceCode"]]

    def _grant(self, client: str) -> dict[str, Any]:
        token = f"sso-access-{secrets.token_hex(16)}"
        self._tokens[token] = self.now() + self.token_seconds
        answer = {
            "accessToken": token,
            "tokenType": "Bearer",
            "expiresIn": int(self.token_seconds),
        }
        if self._clients[client].refreshes:
            answer["refreshToken"] = f"sso-refresh-{secrets.token_hex(16)}"
            self._refreshing[answer["refreshToken"]] = client  # each one is good for one time
        return answer

    def _decide(self, state: str, user_code: str | None) -> None:
        for device in [*self._devices.values()]:
            if user_code in {None, device.user_code}:
                device.state = state

    def _answer_as_portal(self, path: str, seen: Seen, connection: Connection) -> None:
        headers = {name.lower(): value for name, value in seen.headers.items()}
        asked = dict(parse_qsl(urlsplit(seen.path).query))
        if self._tokens.get(headers.get("x-amz-sso_bearer_token", ""), 0) <= self.now():
            error = "UnauthorizedException", "Session token not found or invalid"
            _refuse(connection, 401, *error)
        elif path == "/assignment/accounts":
            numbers = sorted({number for number, _ in self._roles})
            listed = [{"accountId": each, "accountName": f"account {each}"} for each in numbers]
            connection.answer(200, as_json({"accountList": listed}))
        elif path == "/assignment/roles":
            number = asked.get("account_id")
            listed = [
                {"roleName": role, "accountId": each}
                for each, role in self._roles
                if each == number
            ]
            connection.answer(200, as_json({"roleList": listed}))
        elif path == "/federation/credentials":
            self._give_keys(asked, connection)
        else:
            _refuse(connection, 404, "ResourceNotFoundException", "Not found")

    def _give_keys(self, asked: dict[str, str], connection: Connection) -> None:
        known = self._roles.get((asked.get("account_id", ""), asked.get("role_name", "")))
        if known is None:
            _refuse(connection, 403, "ForbiddenException", "No access")
            return
        account, role = known
        keys = account.assume(role, seconds=self.role_seconds, session="person@example.com")
        body = {
            "accessKeyId": keys.access_key,
            "secretAccessKey": keys.secret_key,
            "sessionToken": keys.session_token,
            "expiration": int((keys.expires or 0) * 1000),
        }
        connection.answer(200, as_json({"roleCredentials": body}))


def _refuse(connection: Connection, status: int, code: str, message: str) -> None:
    body = {"message": message, "__type": f"{_PORTAL}{code}"}
    connection.answer(status, as_json(body), {"x-amzn-ErrorType": code})


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
