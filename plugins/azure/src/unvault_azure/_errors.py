"""Translates what a vault answers into unvault's errors.

No text of an answer is shown: it may hold what was asked for, and with which token. What is known
of it are its codes, and which of a few known phrases are in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from unvault.errors import (
    AccessDenied,
    CredentialRejected,
    InvalidReference,
    SecretDeleted,
    SecretNotFound,
    SessionExpired,
    Throttled,
    Unavailable,
    UnvaultError,
    VersionNotFound,
)
from unvault_azure.identifiers import KEYS, Wanted

_PHRASES = {
    "issuer": r"AKV10032|[Ii]nvalid issuer",
    "audience": r"AKV10022|[Ii]nvalid audience",
    "firewall": r"[Cc]lient address is not authorized|not a trusted service",
    "private": r"[Pp]ublic network access is disabled|private link",
    "rbac": r"[Cc]aller is not authorized to perform action|Assignment: ",
}
"""What a message may say, by what we call it."""

_FIREWALL = frozenset({"ForbiddenByFirewall", "ForbiddenByConnection"})
_DISABLED = frozenset({"SecretDisabled", "KeyDisabled", "CertificateDisabled"})
_TOO_EARLY = frozenset({"SecretNotYetValid", "KeyNotYetValid"})
_TOO_LATE = frozenset({"SecretExpired", "KeyExpired"})

_ALL_THE_SAME = "; or, to read it all the same, add the parameter any_time=true"
"""What helps where the vault itself hands it out."""


class Refused(Exception):
    """An answer that is no success, with what was understood of it. Its text is not in it.

    Args:
        status: The HTTP status.
        code: The error's code.
        inner: The code within, which is more precise.
        said: The names of the known phrases that are in its message.
        after: Seconds to wait before it is tried again, where the answer says so.
    """

    def __init__(
        self,
        status: int,
        code: str = "",
        inner: str = "",
        said: Sequence[str] = (),
        after: float | None = None,
    ) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.code = code
        self.inner = inner
        self.said = frozenset(said)
        self.after = after

    @property
    def may_pass(self) -> bool:
        """Whether the same may work in a moment."""
        return self.status in {408, 429} or self.status >= 500


def refused(status: int, headers: Mapping[str, str], body: object) -> Refused:
    """Return what is understood of an answer that is no success.

    Args:
        status: The HTTP status.
        headers: Of the answer.
        body: Of the answer, read as JSON; None where it is none.
    """
    error = _part(body, "error")
    message = str(error.get("message") or "")[:4000]
    return Refused(
        status,
        _word(error.get("code")),
        _word(_part(error, "innererror").get("code")),
        [name for name, pattern in _PHRASES.items() if re.search(pattern, message)],
        seconds_of(headers),
    )


def seconds_of(headers: Mapping[str, str]) -> float | None:
    """Return how long an answer says that one should wait."""
    after = headers.get("Retry-After") or ""
    return float(after) if re.fullmatch("[0-9]{1,6}", after) else None


def outage(refusal: Refused, where: str) -> Unavailable:
    """Return the error for an answer after which the same may work in a moment."""
    if refusal.status == 429:
        return Throttled(
            f"{where} asks to be asked less often",
            hint="try again in a while; a vault answers some thousand requests in ten seconds",
        )
    return Unavailable(f"{where} cannot answer now (status {refusal.status})", hint="try again")


def rejected(refusal: Refused, where: str, advice: str) -> UnvaultError | None:
    """Return the error for an answer that is about the token; None for any other.

    Args:
        refusal: The answer.
        where: Who gave it.
        advice: What to do where no other token helps.
    """
    if refusal.status != 401:
        return None
    if "issuer" in refusal.said:
        return CredentialRejected(
            f"{where} belongs to another tenant than the credential, or to another cloud",
            hint="account, application and vault have to belong to one organization: check the"
            " fields tenant_id and cloud",
        )
    if "audience" in refusal.said:
        return CredentialRejected(
            f"{where} does not accept tokens for vaults of this cloud",
            hint="check the field cloud",
        )
    return SessionExpired(f"{where} does not accept the token any more", hint=advice)


def refusal_of(refusal: Refused, secret: Wanted, where: str) -> UnvaultError:
    """Return the error for an answer that is no success, and not about the token."""
    if refusal.status == 404:
        return missing(secret, where)
    if refusal.status == 403:
        return _forbidden(refusal, secret, where)
    if refusal.status == 400:
        return InvalidReference(
            f"{where} does not understand what is asked of it: {secret.path}", hint="check the path"
        )
    return unexpected(refusal, where)


def missing(secret: Wanted, where: str) -> SecretNotFound:
    """Return the error for where there is no such secret, or no such version of it."""
    if secret.version:
        return VersionNotFound(
            f"there is no version {secret.version!r} of {secret.what} in {where}, or nothing of"
            " that name",
            hint="leave out the version for the newest one",
        )
    return SecretNotFound(
        f"{secret.what} is not in {where}", hint=f"check the name: {_az(secret, 'list')}"
    )


def deleted(secret: Wanted, where: str, until: datetime | None) -> SecretDeleted:
    """Return the error for where it was deleted, and can be brought back for a while."""
    end = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    return SecretDeleted(
        f"{secret.what} was deleted from {where}; it can be brought back{end}",
        hint=f"{_az(secret, 'recover')} --name {secret.name}",
    )


def disabled(secret: Wanted, where: str) -> SecretDeleted:
    """Return the error for where it is there, and was switched off."""
    named = f"--name {secret.name}" + (f" --version {secret.version}" if secret.version else "")
    which = "this version of " if secret.version else ""
    return SecretDeleted(
        f"{which}{secret.what} in {where} is disabled",
        hint=f"enable it: {_az(secret, 'set-attributes')} {named} --enabled true; or name a version"
        " that is enabled",
    )


def too_early(secret: Wanted, where: str, begins: datetime | None) -> SecretDeleted:
    """Return the error for where it is not valid yet; None where the vault itself refuses it."""
    when = f" until {begins:%Y-%m-%d %H:%M:%S} UTC" if begins else " yet"
    return SecretDeleted(
        f"{secret.what} in {where} is not valid{when}",
        hint="name an older version" + _ALL_THE_SAME * bool(begins),
    )


def too_late(secret: Wanted, where: str, ended: datetime | None) -> SecretDeleted:
    """Return the error for where it is not valid any more; None as for `too_early`."""
    when = f" at {ended:%Y-%m-%d %H:%M:%S} UTC" if ended else ""
    return SecretDeleted(
        f"{secret.what} in {where} expired{when}",
        hint="have it renewed" + _ALL_THE_SAME * bool(ended),
    )


def unexpected(refusal: Refused, where: str) -> UnvaultError:
    """Return the error for an answer that nobody expected."""
    if 300 <= refusal.status < 400:
        return Unavailable(
            f"{where} sends us elsewhere (status {refusal.status}), and a token is not sent there",
            hint="check the vault's address, and what is between here and there",
        )
    code = refusal.inner or refusal.code
    return Unavailable(
        f"{where} gave an answer that is not understood (status {refusal.status}"
        + (f", {code})" if code else ")"),
        hint="check the vault's address",
    )


def no_answer(where: str) -> Unavailable:
    """Return the error for an answer that is none of a vault's, or of Entra ID's."""
    return Unavailable(
        f"{where} gave an answer that is none of its kind",
        hint="check the address, and what is between here and there, such as a proxy",
    )


def _forbidden(refusal: Refused, secret: Wanted, where: str) -> UnvaultError:
    if refusal.inner in _DISABLED:
        return disabled(secret, where)
    if refusal.inner in _TOO_EARLY:
        return too_early(secret, where, None)
    if refusal.inner in _TOO_LATE:
        return too_late(secret, where, None)
    return denied(refusal, where, f"read {secret.what} in")


def denied(refusal: Refused, where: str, doing: str) -> AccessDenied:
    """Return the error for where who is known may not do something.

    Args:
        refusal: The answer.
        where: Who gave it.
        doing: What may not be done there.
    """
    if refusal.inner in _FIREWALL or not refusal.said.isdisjoint({"firewall", "private"}):
        return AccessDenied(
            f"{where} does not let in requests from this network",
            hint="allow the address in the vault's networking, or use its private endpoint",
        )
    if refusal.inner == "ForbiddenByRbac" or "rbac" in refusal.said:
        hint = (
            "ask for the role Key Vault Secrets User (for keys: Key Vault Crypto User); a new one"
        )
        hint += " takes some minutes to count"
    else:
        hint = "ask for the permission in an access policy of the vault, or for the role Key Vault"
        hint += " Secrets User (for keys: Key Vault Crypto User)"
    return AccessDenied(f"who signed in may not {doing} {where}", hint=hint)


def _az(secret: Wanted, doing: str) -> str:
    """Return the beginning of a command of the Azure CLI's, which does something in a vault."""
    kind = "key" if secret.collection == KEYS else "secret"
    return f"az keyvault {kind} {doing} --vault-name {secret.host.partition('.')[0]}"


def _part(found: object, name: str) -> Mapping[str, Any]:
    inside = found.get(name) if isinstance(found, Mapping) else None
    return inside if isinstance(inside, Mapping) else {}


def _word(found: object) -> str:
    return found if isinstance(found, str) and re.fullmatch("[A-Za-z]{1,60}", found) else ""
