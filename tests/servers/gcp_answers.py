"""How Google's services refuse, and what was asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import attrs
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tests.servers.serving import as_json

_HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "DATA_LOSS": 500,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class Asked(NamedTuple):
    """One request as it was understood."""

    transport: str
    """``grpc`` or ``rest``."""
    what: str
    """The method, such as ``AccessSecretVersion``, or ``token``, ``sts``, ``metadata`` …"""
    name: str
    """What it was about: a resource's name, or a path."""
    host: str
    """The host that the client believes it talks to."""
    headers: Mapping[str, str] = MappingProxyType({})
    """What came with it; the names in small letters."""

    @property
    def subject(self) -> str:
        """What `Gcp.fail` and its like look for ``where`` in."""
        return f"{self.transport} {self.what} {self.name}"


class Reply(NamedTuple):
    """An answer over HTTP."""

    status: int
    body: bytes
    headers: dict[str, str] = {}  # noqa: RUF012  # never changed


@attrs.define
class Refused(Exception):
    """What a service answers in place of what it was asked for.

    Args:
        code: Such as ``PERMISSION_DENIED``.
        message: What it says.
        reason: As in ``google.rpc.ErrorInfo``.
        domain: Whose reason that is.
        about: What the reason is about.
    """

    code: str
    message: str
    reason: str = ""
    domain: str = "googleapis.com"
    about: dict[str, str] = attrs.field(factory=dict)

    @property
    def status(self) -> int:
        """The status that HTTP has for it."""
        return _HTTP[self.code]

    def as_json(self) -> bytes:
        """Return the body of an answer over HTTP."""
        error: dict[str, Any] = {"code": self.status, "message": self.message, "status": self.code}
        if self.reason:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            told = {"reason": self.reason, "domain": self.domain, "metadata": self.about}
            error["details"] = [{"@type": kind, **told}]
        return as_json({"error": error})

    def as_status(self) -> status_pb2.Status:
        """Return what gRPC sends along."""
        made = status_pb2.Status(code=code_pb2.Code.Value(self.code), message=self.message)
        if self.reason:
            told = error_details_pb2.ErrorInfo(
                reason=self.reason, domain=self.domain, metadata=self.about
            )
            packed = any_pb2.Any()
            packed.Pack(told)
            made.details.append(packed)
        return made


def denied(permission: str, resource: str) -> Refused:
    """Return how somebody is refused who lacks a permission."""
    return Refused(
        "PERMISSION_DENIED",
        f"Permission '{permission}' denied for resource '{resource}' (or it may not exist).",
        "IAM_PERMISSION_DENIED",
        "iam.googleapis.com",
        {"permission": permission, "resource": resource},
    )


def unauthenticated(reason: str) -> Refused:
    """Return how somebody is refused whom the service does not know."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    if reason == "CREDENTIALS_MISSING":
        message = (
            "Request is missing required authentication credential. Expected OAuth 2 access token, "
            "login cookie or other valid authentication credential. See "
            "https://developers.google.com/identity/sign-in/web/devconsole-project."
        )
    return Refused("UNAUTHENTICATED", message, reason, "googleapis.com", {})
