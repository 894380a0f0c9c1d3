"""What becomes of a vault's answers: secrets, keys' public parts, and entries of lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from unvault.errors import UnvaultError
from unvault.model import SecretInfo
from unvault.secret import Secret
from unvault_azure._errors import disabled, no_answer, too_early, too_late
from unvault_azure.identifiers import KEYS, Wanted

_PUBLIC = ("kid", "kty", "key_ops", "crv", "x", "y", "n", "e")
"""What of a JSON Web Key is nobody's secret."""

_CENTURIES = 10**11
"""Seconds since 1970 that a calendar reaches."""


def secret_of(reply: object, secret: Wanted, where: str) -> Secret:
    """Return the secret in an answer, or a key's public part as a JSON Web Key.

    Args:
        reply: The answer, read as JSON.
        secret: What was asked for.
        where: Who was asked.

    Raises:
        SecretDeleted: It is disabled, not valid yet, or not any more.
        Unavailable: There is none in it: it is no vault that answered.
    """
    found: Mapping[str, Any] = reply if isinstance(reply, Mapping) else {}
    value = _jwk(found.get("key")) if secret.collection == KEYS else found.get("value")
    if not isinstance(value, str):
        raise no_answer(where)
    attributes = _attributes(found)
    ends = _moment(attributes.get("exp"))
    if not secret.any_time:
        failed = _out_of_time(attributes, secret, where)
        if failed is not None:
            raise failed
    identifier = _part(found, "key").get("kid") if secret.collection == KEYS else found.get("id")
    kind = "application/jwk+json" if secret.collection == KEYS else found.get("contentType")
    return Secret(
        value,
        version=_version(identifier),
        created=_moment(attributes.get("created")),
        expires=None if secret.any_time else ends,
        content_type=kind if isinstance(kind, str) and kind else None,
        tags=_tags(found),
    )


def info_of(entry: object, vault: str) -> SecretInfo | None:
    """Return what an entry of a list tells; None where it names no secret.

    Args:
        entry: The entry.
        vault: What references call the vault.
    """
    found: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
    name = _parts(found.get("id"))[:1]
    if not name:
        return None
    attributes = _attributes(found)
    kind = found.get("contentType")
    return SecretInfo(
        f"{vault}/{name[0]}",
        created=_moment(attributes.get("created")),
        content_type=kind if isinstance(kind, str) and kind else None,
        note=_note(attributes),
        tags=_tags(found),
    )


def scheduled_purge(reply: object) -> datetime | None:
    """Return until when a deleted secret can be brought back, as an answer tells it."""
    return _moment(reply.get("scheduledPurgeDate")) if isinstance(reply, Mapping) else None


def _out_of_time(attributes: Mapping[str, Any], secret: Wanted, where: str) -> UnvaultError | None:
    """Return the error for what is not to be used now: the vault hands it out all the same."""
    begins, ends = _moment(attributes.get("nbf")), _moment(attributes.get("exp"))
    now = datetime.now(UTC)
    if attributes.get("enabled") is False:
        return disabled(secret, where)
    if ends is not None and ends <= now:
        return too_late(secret, where, ends)
    if begins is not None and begins > now:
        return too_early(secret, where, begins)
    return None


def _note(attributes: Mapping[str, Any]) -> str | None:
    begins, ends = _moment(attributes.get("nbf")), _moment(attributes.get("exp"))
    now = datetime.now(UTC)
    if attributes.get("enabled") is False:
        return "disabled"
    if ends is not None and ends <= now:
        return "expired"
    return "not valid yet" if begins is not None and begins > now else None


def _jwk(key: object) -> str | None:
    if not isinstance(key, Mapping) or "kty" not in key:
        return None
    return json.dumps({name: key[name] for name in _PUBLIC if name in key}, separators=(",", ":"))


def _attributes(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return _part(found, "attributes")


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inside = found.get(name)
    return inside if isinstance(inside, Mapping) else {}


def _tags(found: Mapping[str, Any]) -> Mapping[str, str]:
    return {str(name): str(text) for name, text in _part(found, "tags").items()}


def _version(identifier: object) -> str | None:
    return next(iter(_parts(identifier)[1:2]), None)


def _parts(identifier: object) -> list[str]:
    """Return the name, and the version where there is one, in a whole identifier."""
    return str(identifier).split("/")[4:] if isinstance(identifier, str) else []


def _moment(seconds: object) -> datetime | None:
    if not isinstance(seconds, int | float) or not 0 <= seconds < _CENTURIES:
        return None
    return datetime.fromtimestamp(seconds, UTC)
