"""What a reference asks of Secrets Manager, and what becomes of the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from unvault.errors import (
    AccessDenied,
    InvalidReference,
    SecretDeleted,
    SecretNotFound,
    UnvaultError,
    VersionNotFound,
)
from unvault.model import SecretRequest
from unvault.secret import Secret
from unvault_aws._errors import DENIED, UNDECRYPTED, WRONG, Refused, no_answer, unexpected

_ARN = re.compile(r"arn:[a-z0-9-]+:secretsmanager:([a-z0-9-]{1,63}):[0-9]{12}:secret:[\x21-\x7e]+")
_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")
_LONGEST = 2048


@attrs.frozen
class Wanted:
    """A secret, as Secrets Manager is asked for it."""

    id: str
    """Its name or ARN."""
    region: str | None
    """The ARN's region; None for a name."""
    version_id: str | None
    """Which version, by its id."""
    version_stage: str | None
    """Which version, by its label."""

    def is_at(self, arn: str) -> bool:
        """Say whether an ARN is the one it was named by, which may lack six characters."""
        return (
            arn == self.id or re.fullmatch("-[A-Za-z0-9]{6}", arn.removeprefix(self.id)) is not None
        )

    @property
    def fits_a_batch(self) -> bool:
        """Whether it can be asked for with others: a batch knows no versions."""
        plain = self.version_id is None and self.version_stage is None
        return plain and (self.region is not None or _NAME.fullmatch(self.id) is not None)

    @property
    def parameters(self) -> dict[str, str]:
        """What it is asked for with."""
        named = {
            "SecretId": self.id,
            "VersionId": self.version_id,
            "VersionStage": self.version_stage,
        }
        return {name: value for name, value in named.items() if value is not None}

    @property
    def version(self) -> str:
        """The version, for a person."""
        told = [
            f"version {self.version_id!r}" if self.version_id else "",
            f"version with the label {self.version_stage!r}" if self.version_stage else "",
        ]
        return " and ".join(filter(None, told)) or "current version"


def wanted(request: SecretRequest) -> Wanted:
    """Return what a request asks of Secrets Manager.

    Raises:
        InvalidReference: It is longer than anything there is, or looks like an ARN and is none.
    """
    path, region = request.path, None
    if path.startswith("arn:"):
        found = _ARN.fullmatch(path)
        if found is None:
            raise InvalidReference(
                "the path begins like an ARN, and is none of a secret",
                hint="arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME",
            )
        region = found[1]
    if len(path) > _LONGEST:
        raise InvalidReference("the path is longer than any name or ARN", hint="check it")
    stage, version = request.get("version_stage"), request.get("version_id")
    return Wanted(
        path,
        region,
        version_id=None if version is None else str(version),
        version_stage=None if stage is None else str(stage),
    )


def secret_of(reply: Mapping[str, Any], secret: Wanted) -> Secret:
    """Return the secret in an answer.

    Args:
        reply: The answer.
        secret: What was asked for.

    Raises:
        SecretNotFound: It is another one, whose ARN only begins like the one that was asked for.
        Unavailable: There is none in it: it is not Secrets Manager that answered.
    """
    arn = reply.get("ARN")
    if secret.region is not None and isinstance(arn, str) and not secret.is_at(arn):
        raise SecretNotFound(
            f"there is no secret {secret.id!r}, only one whose ARN begins like that",
            hint="name it by its whole ARN",
        )
    value = reply.get("SecretString")
    if value is None:
        value = reply.get("SecretBinary")
    if not isinstance(value, str | bytes):
        raise no_answer("Secrets Manager")
    created = reply.get("CreatedDate")
    version = reply.get("VersionId")
    return Secret(
        value,
        version=version if isinstance(version, str) else None,
        created=created.astimezone(UTC) if isinstance(created, datetime) else None,
    )


def next_page(reply: Mapping[str, Any], page: str | None) -> str | None:
    """Return the token of the page behind the one in an answer; None where it was the last.

    Args:
        reply: The answer.
        page: What it was asked for with.

    Raises:
        Unavailable: It leads to itself, and so to no end.
    """
    more = reply.get("NextToken") or None
    if more is not None and more == page:
        raise no_answer("Secrets Manager")
    return None if more is None else str(more)


def refusal_of(refusal: Refused, secret: Wanted, region: str) -> UnvaultError:
    """Return the error for an answer that is no success, and not about the keys.

    Args:
        refusal: The answer.
        secret: What was asked for.
        region: Where.
    """
    named = f"{secret.id!r}"
    if refusal.code == "ResourceNotFoundException":
        return _missing(refusal, secret, region)
    if refusal.code in UNDECRYPTED or (refusal.code in DENIED and "kms" in refusal.said):
        return AccessDenied(
            f"the secret {named} cannot be decrypted: its KMS key may not be used, or is disabled",
            hint="allow kms:Decrypt on the key, in its key policy too; and see that it is enabled",
        )
    if refusal.code in DENIED:
        return AccessDenied(
            f"the keys may not read the secret {named}",
            hint=f'a policy has to allow "secretsmanager:GetSecretValue" on {_resource(secret)}; a'
            " secret of another account needs a policy of its own, too",
        )
    if refusal.code == "InvalidRequestException" and "deleted" in refusal.said:
        return SecretDeleted(
            f"the secret {named} is scheduled for deletion",
            hint="bring it back, while there is time: aws secretsmanager restore-secret",
        )
    if refusal.code in {*WRONG, "InvalidRequestException"}:
        return InvalidReference(
            f"Secrets Manager cannot read {named}: it does not accept the name, or what is said of"
            " its version",
            hint="check the name; version_id and version_stage have to mean the same version",
        )
    return unexpected(refusal, f"Secrets Manager in {region}")


def _missing(refusal: Refused, secret: Wanted, region: str) -> UnvaultError:
    if secret.version_id or secret.version_stage:
        return VersionNotFound(
            f"there is no {secret.version} of the secret {secret.id!r} in {region}"
            + ("" if "no value" in refusal.said else ", or no such secret"),
            hint="leave out version_id and version_stage for the current version; aws"
            " secretsmanager list-secret-version-ids lists them all",
        )
    if "no value" in refusal.said:
        return SecretNotFound(
            f"the secret {secret.id!r} has no value yet", hint="give it one, or name a version_id"
        )
    if secret.region:
        return SecretNotFound(f"there is no secret {secret.id!r}", hint="check the ARN")
    return SecretNotFound(
        f"there is no secret {secret.id!r} in {region}",
        hint="check the name and the credential's region; a secret of another account needs its"
        " whole ARN",
    )


def _resource(secret: Wanted) -> str:
    if secret.region is None:
        return f"its ARN, such as arn:aws:secretsmanager:*:*:secret:{secret.id}-??????"
    whole = re.search(r"-[A-Za-z0-9]{6}$", secret.id)
    return secret.id if whole else f"{secret.id}-??????"
