"""What Entra ID says when it refuses: the numbers (AADSTS) and texts of its documentation."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, NamedTuple


class _Kind(NamedTuple):
    status: int
    error: str
    text: str
    suberror: str = ""


_NO_CONSENT = (
    "The user or administrator has not consented to use the application with ID '{app}' named "
    "'{name}'. Send an interactive authorization request for this user and resource."
)
_NOT_HERE = (
    "User account '{user}' from identity provider 'https://sts.windows.net/{home}/' does not exist "
    "in tenant '{tenant}' and cannot access the application '{app}'({name}) in that tenant. The "
    "account needs to be added as an external user in the tenant first. Sign out and sign in again "
    "with a different Azure Active Directory user account."
)
_MFA = (
    "Due to a configuration change made by your administrator, or because you moved to a new "
    "location, you must use multi-factor authentication to access '{resource}'."
)
_KINDS = {
    16000: _Kind(400, "interaction_required", "Sign in again: '{user}' is not signed in here."),
    50011: _Kind(
        400,
        "invalid_request",
        "The redirect URI '{uri}' specified in the request does not match the redirect URIs "
        "configured for the application '{app}'.",
    ),
    50020: _Kind(400, "invalid_grant", _NOT_HERE),
    50027: _Kind(401, "invalid_client", "JWT token is invalid or malformed."),
    50034: _Kind(400, "invalid_grant", "The user account {user} does not exist in the directory."),
    50057: _Kind(400, "invalid_grant", "The user account is disabled."),
    50058: _Kind(400, "login_required", "A silent sign-in request was sent but no user is there."),
    50076: _Kind(400, "invalid_grant", _MFA, "basic_action"),
    50126: _Kind(
        400,
        "invalid_grant",
        "Error validating credentials due to invalid username or password.",
    ),
    50173: _Kind(
        400,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The "
        "user might have changed or reset their password.",
        "bad_token",
    ),
    50194: _Kind(
        400,
        "invalid_request",
        "Application '{app}'({name}) is not configured as a multi-tenant application. Usage of the "
        "/common endpoint is not supported for such apps.",
    ),
    53003: _Kind(
        400,
        "invalid_grant",
        "Access has been blocked by Conditional Access policies. The access policy does not allow "
        "token issuance.",
        "message_only",
    ),
    54005: _Kind(
        400,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use "
        "an existing refresh token.",
    ),
    65001: _Kind(400, "invalid_grant", _NO_CONSENT, "consent_required"),
    65004: _Kind(400, "access_denied", "User declined to consent to access the app."),
    70000: _Kind(400, "invalid_grant", "The provided value for the '{field}' is not valid."),
    70003: _Kind(400, "unsupported_grant_type", "The app requested an unsupported grant type."),
    70008: _Kind(
        400,
        "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity. Send a "
        "new interactive authorization request for this user and resource.",
    ),
    70011: _Kind(400, "invalid_scope", "The provided value for the input 'scope' is not valid."),
    70016: _Kind(
        400,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    700003: _Kind(400, "slow_down", "OAuth 2.0 device flow error. Polling is too frequent."),
    70018: _Kind(400, "invalid_grant", "Bad verification code received from the client."),
    70020: _Kind(
        400,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This device code "
        "has expired.",
    ),
    70043: _Kind(
        400,
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by "
        "conditional access.",
        "bad_token",
    ),
    90002: _Kind(
        400,
        "invalid_tenant",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may "
        "happen if there are no active subscriptions for the tenant.",
    ),
    90014: _Kind(400, "invalid_request", "The required field '{field}' is missing."),
    90094: _Kind(400, "access_denied", "An administrator has to consent to '{name}'."),
    500011: _Kind(
        400,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}. This "
        "can happen if the application has not been installed by the administrator of the tenant "
        "or consented to by any user in the tenant. You might have sent your authentication "
        "request to the wrong tenant.",
    ),
    501481: _Kind(
        400,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization "
        "request.",
    ),
    700016: _Kind(
        400,
        "unauthorized_client",
        "Application with identifier '{app}' was not found in the directory '{tenant}'. This can "
        "happen if the application has not been installed by the administrator of the tenant or "
        "consented to by any user in the tenant. You may have sent your authentication request to "
        "the wrong tenant.",
    ),
    700024: _Kind(401, "invalid_client", "Client assertion is not within its valid time range."),
    700027: _Kind(
        401,
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on "
        "application. [Reason - {why}]",
    ),
    700213: _Kind(
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion subject '{subject}'. "
        "Check your federated identity credential Subject, Audience and Issuer against the "
        "presented assertion.",
    ),
    1002012: _Kind(
        400,
        "invalid_scope",
        "The provided value for scope {resource} is not valid. Client credential flows must have a "
        "scope value with /.default suffixed to the resource identifier (application ID URI).",
    ),
    7000215: _Kind(
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client "
        "secret value, not the client secret ID, for a secret added to app '{app}'.",
    ),
    7000218: _Kind(
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or "
        "'client_secret'.",
    ),
    7000222: _Kind(
        401, "invalid_client", "The provided client secret keys for app '{app}' are expired."
    ),
    9002346: _Kind(
        400,
        "invalid_request",
        "The declined sign-in: the person at the verification page chose not to go on.",
    ),
}
_DECLINED = {9002346: "authorization_declined"}


class Refused(Exception):
    """Entra's no, by its number, with what its text names."""

    def __init__(self, code: int, **named: Any) -> None:
        super().__init__(f"AADSTS{code}")
        self.code = code
        self.kind = _KINDS[code]
        self.named = named

    @property
    def status(self) -> int:
        """Of the answer."""
        return self.kind.status

    @property
    def error(self) -> str:
        """What OAuth calls it."""
        return _DECLINED.get(self.code, self.kind.error)

    def description(self, moment: float) -> str:
        """Return what is said in ``error_description``, at a time of the server's clock."""
        known = ("app", "name", "tenant", "user", "home", "resource", "field", "why", "uri")
        named = {**dict.fromkeys(known, "?"), **self.named}
        text = self.kind.text.format(**named)
        traced = f"Trace ID: {uuid.uuid4()} Correlation ID: {uuid.uuid4()}"
        return f"AADSTS{self.code}: {text} {traced} Timestamp: {_written(moment)}"

    def body(self, moment: float) -> dict[str, Any]:
        """Return what is answered in JSON, at a time of the server's clock."""
        told = {
            "error": self.error,
            "error_description": self.description(moment),
            "error_codes": [self.code],
            "timestamp": _written(moment),
            "trace_id": str(uuid.uuid4()),
            "correlation_id": str(uuid.uuid4()),
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        return told | ({"suberror": self.kind.suberror} if self.kind.suberror else {})


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
