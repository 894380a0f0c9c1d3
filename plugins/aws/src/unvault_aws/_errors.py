"""Translates what AWS answers into unvault's errors.

No text of an answer is shown: it may hold what was sent, or what was asked for. What is known of it
are its code, and which of a few known phrases are in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from unvault.errors import (
    AccessDenied,
    CredentialRejected,
    InvalidReference,
    SessionExpired,
    Throttled,
    Unavailable,
    UnvaultError,
)

THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Codes of answers that ask to be asked less often."""

TRANSIENT = frozenset(
    {
        "IDPCommunicationError",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceError",
        "InternalServiceErrorException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
"""Codes of answers after which the same may work in a moment."""

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
"""Codes of answers to keys that are not valid any more."""

SKEWED = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
"""Codes of answers to who has another time."""

REJECTED = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClient",
        "UnrecognizedClientException",
    }
)
"""Codes of answers to keys that are not valid."""

DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "Forbidden",
        "ForbiddenException",
        "NotAuthorized",
        "OptInRequired",
        "SubscriptionRequiredException",
        "UnauthorizedAccess",
        "UnauthorizedOperation",
    }
)
"""Codes of answers to who is known, and may not."""

UNDECRYPTED = frozenset(
    {
        "DecryptionFailure",
        "EncryptionFailure",
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
    }
)
"""Codes of answers that say that the KMS key cannot be used."""

WRONG = frozenset(
    {
        "InvalidNextTokenException",
        "InvalidParameter",
        "InvalidParameterException",
        "InvalidParameterValue",
        "SerializationException",
        "ValidationError",
        "ValidationException",
    }
)
"""Codes of answers to requests that cannot be meant."""

_PHRASES = {
    "kms": "KMS",
    "deleted": r"marked for deletion|marked deleted|was deleted|scheduled for deletion",
    "no value": "secret value for",
    "skew": r"Signature (?:expired|not yet current)|is now (?:earlier|later) than",
    "same version": "not the same|doesn't match|do not match",
}
"""What a message may say, by what we call it."""


class Refused(Exception):
    """An answer that is no success, with what was understood of it. Its text is not in it.

    Args:
        code: The error's code.
        status: The HTTP status.
        said: The names of the known phrases that are in its message.
        after: Seconds to wait before it is tried again, where the answer says so.
    """

    def __init__(
        self, code: str, status: int, said: Sequence[str] = (), after: float | None = None
    ) -> None:
        super().__init__(f"status {status}")
        self.code = code
        self.status = status
        self.said = frozenset(said)
        self.after = after

    @property
    def is_throttling(self) -> bool:
        """Whether AWS asks to be asked less often."""
        return self.code in THROTTLED or self.status == 429

    @property
    def may_pass(self) -> bool:
        """Whether the same may work in a moment."""
        return self.is_throttling or self.code in TRANSIENT or self.status >= 500

    @property
    def is_skewed(self) -> bool:
        """Whether it is because of the time of this machine."""
        return self.code in SKEWED or (self.code in REJECTED and "skew" in self.said)


def refused(response: Mapping[str, Any]) -> Refused:
    """Return what is understood of the answer in a ``ClientError``."""
    error, told = response.get("Error") or {}, response.get("ResponseMetadata") or {}
    message = str(error.get("Message") or "")
    headers = told.get("HTTPHeaders") or {}
    after = str(headers.get("retry-after") or "")
    return Refused(
        str(error.get("Code") or ""),
        int(told.get("HTTPStatusCode") or 0),
        [name for name, pattern in _PHRASES.items() if re.search(pattern, message)],
        float(after) if re.fullmatch("[0-9]{1,6}", after) else None,
    )


def outage(refusal: Refused, where: str) -> Unavailable:
    """Return the error for an answer after which the same may work in a moment."""
    if refusal.is_throttling:
        return Throttled(
            f"{where} asks to be asked less often",
            hint="try again in a while, or have the account's quota raised",
        )
    return Unavailable(f"{where} cannot answer now", hint="try again in a while")


def rejected(refusal: Refused, where: str, advice: str, *, renewable: bool) -> UnvaultError | None:
    """Return the error for an answer to the keys, whatever was asked for; None for any other.

    Args:
        refusal: The answer.
        where: Who answered.
        advice: What to do where others cannot be had by signing in again.
        renewable: Whether they can.
    """
    if refusal.is_skewed:
        return CredentialRejected(
            f"{where} does not accept the request, because of the time it was signed at",
            hint="set the clock of this machine",
        )
    ended = refusal.code in EXPIRED
    if not ended and refusal.code not in REJECTED:
        return None
    if renewable:
        return SessionExpired("the keys are not valid any more", hint="sign in again")
    if ended:
        return CredentialRejected(f"the keys have expired: {where} refused them", hint=advice)
    return CredentialRejected(
        f"{where} does not accept the keys: they are wrong, inactive, or of another account",
        hint=advice,
    )


def unexpected(refusal: Refused, where: str) -> UnvaultError:
    """Return the error for an answer that does not fit the question."""
    if refusal.code in WRONG:
        return InvalidReference(
            f"{where} refuses what is asked of it; its reason is withheld, as it might hold a"
            " secret",
            hint="check the name and the parameters",
        )
    if refusal.code in DENIED:
        return AccessDenied(f"{where} does not allow it", hint="check the policies")
    return Unavailable(
        f"{where} answered with status {refusal.status}; its text is withheld, since it might hold"
        " a secret",
        hint="check the region and the endpoint",
    )


def no_answer(where: str) -> Unavailable:
    """Return the error for an answer that no service of AWS's would give."""
    return Unavailable(
        f"what answers in place of {where} is something else",
        hint="check the endpoint, and what HTTPS_PROXY names",
    )
