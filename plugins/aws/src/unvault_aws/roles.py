"""Roles: taken on by means of other keys, or of a token that somebody else issued."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from unvault.errors import (
    AccessDenied,
    AuthenticationError,
    CredentialMissing,
    CredentialRejected,
    UnvaultError,
)
from unvault.model import Answers
from unvault_aws._client import DEFAULT_REGION, Aws, Keys, Reply
from unvault_aws._errors import DENIED, WRONG, Refused, no_answer, rejected, unexpected


def by_role(aws: Aws, answers: Answers, source: Keys) -> Keys:
    """Take on a role by means of other keys.

    Raises:
        AccessDenied: The role does not let them, or there is no such role.
        CredentialRejected: The other keys are not valid.
    """
    parameters = _parameters(answers)
    external = answers.text("external_id")
    if external is not None:
        parameters["ExternalId"] = external
    try:
        reply = aws.ask(
            "sts",
            "assume_role",
            region=aws.region or DEFAULT_REGION,
            keys=source,
            **parameters,
        )
    except Refused as refusal:
        failed = _refused(refusal, str(answers["role_arn"]))
    else:
        return _keys(reply, str(answers["role_arn"]))
    raise failed


def by_web_identity(aws: Aws, answers: Answers) -> Keys:
    """Take on a role by means of the token in a file.

    Raises:
        CredentialMissing: The file cannot be read, or is empty.
        CredentialRejected: The token is not valid, or the role does not trust its issuer.
    """
    role = str(answers["role_arn"])
    token = _read_token(answers)
    try:
        reply = aws.ask(
            "sts",
            "assume_role_with_web_identity",
            region=aws.region or DEFAULT_REGION,
            WebIdentityToken=token,
            **_parameters(answers),
        )
    except Refused as refusal:
        failed = _token_refused(refusal, role)
    else:
        return _keys(reply, role)
    raise failed


def chain_refused(refusal: Refused) -> UnvaultError:
    """Return the error for an answer to what the SDK asks by itself, as a profile says."""
    if refusal.code in DENIED:
        return AccessDenied(
            "the role that the profile or the environment names may not be assumed",
            hint="its trust policy has to name who asks, who needs sts:AssumeRole on it; or else"
            " the issuer of the web identity's token, and what is in it",
        )
    bad = rejected(refusal, "STS", "check the keys that the profile starts from", renewable=False)
    if bad is not None:
        return bad
    return CredentialRejected(
        "what the profile or the environment names gives no keys: AWS refuses it",
        hint="check role_arn, external_id, duration_seconds and the web identity's token",
    )


def _parameters(answers: Answers) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "RoleArn": str(answers["role_arn"]),
        "RoleSessionName": str(answers["session_name"]),
    }
    duration = answers.get("duration")
    if duration is not None:
        parameters["DurationSeconds"] = int(duration)
    return parameters


def _keys(reply: Reply, role: str) -> Keys:
    made = reply.get("Credentials") or {}
    expires = made.get("Expiration")
    if not (made.get("AccessKeyId") and made.get("SecretAccessKey")):
        raise no_answer("STS")
    if not isinstance(expires, datetime):
        expires = datetime.now(UTC)
    return Keys(
        str(made["AccessKeyId"]),
        str(made["SecretAccessKey"]),
        made.get("SessionToken"),
        expires=expires.astimezone(UTC),
        origin=f"of the role {role}",
    )


def _read_token(answers: Answers) -> str:
    path = answers.path("token_file")
    try:
        token = path.read_text(encoding="utf-8").strip() if path else ""
    except (OSError, UnicodeError):
        token = ""
    if not token:
        raise CredentialMissing(
            f"the token file {str(path)!r} cannot be read, or is empty",
            hint="check the field token_file",
        )
    return token


def _refused(refusal: Refused, role: str) -> UnvaultError:
    bad = rejected(refusal, "STS", "check the source credential", renewable=False)
    if bad is not None:
        return bad
    if refusal.code in DENIED:
        return AccessDenied(
            f"the role {role!r} may not be assumed, or is not there",
            hint="the source needs sts:AssumeRole on it, and its trust policy has to name the"
            " source (and the external id, where it asks for one)",
        )
    return _wrong(refusal, role)


def _token_refused(refusal: Refused, role: str) -> UnvaultError:
    if refusal.code in {"ExpiredTokenException", "ExpiredToken"}:
        return CredentialRejected(
            "the token in the token file has expired", hint="have it issued anew"
        )
    if refusal.code in {*DENIED, "InvalidIdentityToken", "IDPRejectedClaim"}:
        return CredentialRejected(
            f"STS does not give keys of the role {role!r} for the token in the token file",
            hint="check the token's issuer, audience and subject against the role's trust policy",
        )
    return rejected(refusal, "STS", "check the role", renewable=False) or _wrong(refusal, role)


def _wrong(refusal: Refused, role: str) -> UnvaultError:
    if refusal.code in WRONG:
        failed: AuthenticationError = CredentialRejected(
            f"STS refuses to give keys of the role {role!r}",
            hint="check the role's ARN, the session name, the external id, and the duration: 900"
            " seconds or more, and no longer than the role allows",
        )
        return failed
    if refusal.code == "RegionDisabledException":
        return CredentialRejected(
            "STS is not enabled in the region", hint="enable it, or use another region"
        )
    return unexpected(refusal, "STS")
