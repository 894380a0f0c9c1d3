"""Translates what Google's services answer into unvault's errors.

No text of an answer is shown: it may hold what was sent, or what was asked for. What is known of it
are its code, by the name that gRPC and REST share, its reason, and which of a few known phrases are
in its message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from unvault.errors import (
    AccessDenied,
    CredentialRejected,
    InvalidReference,
    SessionExpired,
    Throttled,
    TimedOut,
    Unavailable,
    UnvaultError,
)

THROTTLED = frozenset({"RESOURCE_EXHAUSTED"})
"""Codes of answers that ask to be asked less often."""

SLOW = frozenset({"DEADLINE_EXCEEDED"})
"""Codes of answers that come too late, or never."""

TRANSIENT = frozenset({"ABORTED", "INTERNAL", "UNAVAILABLE"})
"""Codes of answers after which the same may work in a moment."""

REJECTED = frozenset({"UNAUTHENTICATED"})
"""Codes of answers to a token that is not valid, or not any more."""

DENIED = frozenset({"PERMISSION_DENIED"})
"""Codes of answers to who is known, and may not."""

MISSING = frozenset({"NOT_FOUND"})
"""Codes of answers that say that there is no such thing."""

UNFIT = frozenset({"FAILED_PRECONDITION"})
"""Codes of answers that say that it is there, and not in the state to be read."""

WRONG = frozenset({"INVALID_ARGUMENT", "OUT_OF_RANGE"})
"""Codes of answers to requests that cannot be meant."""

GENERIC = frozenset({"ALREADY_EXISTS", "CANCELLED", "DATA_LOSS", "UNIMPLEMENTED", "UNKNOWN"})
"""Codes of answers that do not fit the question: there is no better word than that it failed."""

CODES = TRANSIENT | THROTTLED | SLOW | REJECTED | DENIED | MISSING | UNFIT | WRONG | GENERIC
"""All codes there are, but that of a success."""

HTTP_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    416: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The code of an HTTP status, where the answer does not say one."""

REASONS = {
    "SERVICE_DISABLED": "off",
    "CONSUMER_INVALID": "no project",
    "RESOURCE_PROJECT_INVALID": "no project",
    "CONSUMER_SUSPENDED": "suspended",
    "BILLING_DISABLED": "no billing",
    "USER_PROJECT_DENIED": "quota project",
    "SECURITY_POLICY_VIOLATED": "perimeter",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "scope",
    "ACCESS_TOKEN_EXPIRED": "expired",
}
"""Reasons of Google's that have a word of their own, by what we call them."""

_PHRASES = {
    "disabled": r"is in DISABLED state",
    "destroyed": r"is in DESTROYED state",
    "version": r"Secret Version \[",
    "perimeter": r"prohibited by organization's policy",
    "off": r"has not been used in project|API is not enabled|it is disabled\. Enable it",
}
"""What a message may say, by what we call it."""


class Refused(Exception):
    """An answer that is no success, with what was understood of it. Its text is not in it.

    Args:
        code: The answer's code, as ``google.rpc.Code`` has it.
        said: What we call what its message and its reasons say.
        after: Seconds to wait before it is tried again, where the answer says so.
    """

    def __init__(self, code: str, said: Iterable[str] = (), after: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.said = frozenset(said)
        self.after = after

    @property
    def may_pass(self) -> bool:
        """Whether the same may work in a moment."""
        return self.code in THROTTLED | SLOW | TRANSIENT


def refused(
    code: str, message: str, reasons: Iterable[str] = (), after: float | None = None
) -> Refused:
    """Return what is understood of an answer.

    Args:
        code: Its code.
        message: Its text, of which only known phrases are looked for.
        reasons: What it says of its reason: texts that may hold one of the known ones.
        after: Seconds to wait, where it says so.
    """
    said = [name for name, pattern in _PHRASES.items() if re.search(pattern, message)]
    told = " ".join(reasons)
    said += [name for reason, name in REASONS.items() if reason in told]
    return Refused(code, said, after)


def outage(refusal: Refused, where: str) -> Unavailable:
    """Return the error for an answer after which the same may work in a moment."""
    if refusal.code in THROTTLED:
        return Throttled(
            f"{where} asks to be asked less often",
            hint="try again in a while, or have the project's quota raised",
        )
    if refusal.code in SLOW:
        return timed_out(where)
    return Unavailable(f"{where} cannot answer now", hint="try again in a while")


def timed_out(where: str) -> TimedOut:
    """Return the error for an answer that did not come in time."""
    return TimedOut(
        f"{where} did not answer in time",
        hint="check the endpoint and the network, or give the credential a longer timeout; where"
        " gRPC cannot pass, the transport rest may",
    )


def rejected(where: str, advice: str, *, renewable: bool) -> UnvaultError:
    """Return the error for an answer to the token, whatever was asked for.

    Args:
        where: Who answered.
        advice: What to do where another token would not help.
        renewable: Whether it might: this one was accepted once, or is an old one.
    """
    if renewable:
        return SessionExpired("the token is not valid any more", hint="sign in again")
    return CredentialRejected(f"{where} does not accept the token", hint=advice)


def denied_for(refusal: Refused, project: str) -> UnvaultError | None:
    """Return the error for what is refused to everybody in a project; None for anything else."""
    named = f"the project {project!r}"
    if "off" in refusal.said:
        return AccessDenied(
            f"the Secret Manager API is not enabled in {named}",
            hint=f"gcloud services enable secretmanager.googleapis.com --project={project}",
        )
    if "no project" in refusal.said:
        return AccessDenied(f"there is no project {project!r}", hint="check the project's id")
    if refusal.said & {"suspended", "no billing"}:
        return AccessDenied(
            f"{named} is suspended, or has no billing account", hint="see to its billing"
        )
    if "quota project" in refusal.said:
        return AccessDenied(
            "the project that requests are counted for may not be used",
            hint="the role roles/serviceusage.serviceUsageConsumer allows it; or check"
            " GOOGLE_CLOUD_QUOTA_PROJECT and quota_project_id in the credentials' file",
        )
    if "perimeter" in refusal.said:
        return AccessDenied(
            f"a service perimeter of VPC Service Controls keeps {named} closed from here",
            hint="ask who runs the perimeter for an access level or an ingress rule",
        )
    if "scope" in refusal.said:
        return AccessDenied(
            "the token has not the scope that Secret Manager wants",
            hint="give the machine or the sign-in the scope"
            " https://www.googleapis.com/auth/cloud-platform",
        )
    return None


def unexpected(refusal: Refused, where: str) -> UnvaultError:
    """Return the error for an answer that does not fit the question."""
    if refusal.code in WRONG:
        return InvalidReference(
            f"{where} refuses what is asked of it; its reason is withheld, as it might hold a"
            " secret",
            hint="check the name and the parameters",
        )
    if refusal.code in DENIED:
        return AccessDenied(f"{where} does not allow it", hint="check the roles")
    return Unavailable(
        f"{where} answered with {refusal.code}; its text is withheld, since it might hold a secret",
        hint="check the endpoint",
    )


def no_answer(where: str) -> Unavailable:
    """Return the error for an answer that no service of Google's would give."""
    return Unavailable(
        f"what answers in place of {where} is something else",
        hint="check the endpoint, and what HTTPS_PROXY names",
    )
