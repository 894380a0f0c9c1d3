"""Credential files of Google's: read, and each thing that is wrong with them named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from unvault.errors import CredentialMissing
from unvault.model import Answers

_LARGEST = 1 << 20
_WANTED = ("project_id", "private_key_id", "private_key", "client_email")

Content = Mapping[str, Any]
"""What is in a file."""


@attrs.frozen
class Seen:
    """A file, as it was when it was read."""

    path: Path
    """Where it is."""
    digest: bytes | None = attrs.field(repr=False)
    """What changes with its content; None for a pipe, which gives its content only once."""

    @classmethod
    def now(cls, path: Path) -> Seen:
        """Return it as it is now: to be called before it is read."""
        return cls(path, None if _is_stream(path) else _digest(path))

    @property
    def changed(self) -> bool:
        """Whether it is another one by now."""
        return self.digest is not None and _digest(self.path) != self.digest


def _is_stream(path: Path) -> bool:
    try:
        return path.exists() and not path.is_file()
    except (OSError, ValueError):
        return False


def _digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(_start(path)).digest()
    except (OSError, ValueError):
        return b""


def _start(path: Path) -> bytes:
    """Return a file's content or, where it is larger than any that is expected, its start."""
    with path.open("rb") as file:
        return file.read(_LARGEST + 1)


def read(path: Path, advice: str) -> Content:
    """Return the JSON object in a file.

    Args:
        path: Where it is.
        advice: What to check where it cannot be used.

    Raises:
        CredentialMissing: It cannot be read, or is no JSON object.
    """
    try:
        content = _start(path)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "there is no such file"
    else:
        if len(content) > _LARGEST:
            raise _unusable(f"the file {str(path)!r}", ["it is too large"], advice)
        return parsed(content, f"the file {str(path)!r}", advice)
    raise CredentialMissing(f"the file {str(path)!r} cannot be read: {why}", hint=advice)


def parsed(content: bytes, named: str, advice: str) -> Content:
    """Return the JSON object that a content is.

    Raises:
        CredentialMissing: It is none.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
        why = "it is no JSON"
    else:
        why = "it is no JSON object"
    if not isinstance(found, dict):
        raise _unusable(named, [why], advice)
    return found


def text_in(content: Content, name: str) -> str | None:
    """Return a text that a file holds; None where it holds none, or an empty one."""
    value = content.get(name)
    return value if isinstance(value, str) and value else None


def key_of(answers: Answers) -> tuple[Content, str]:
    """Return the service account's key that a credential has, and what to call it.

    Raises:
        CredentialMissing: There is none, or several things are wrong with it: all are named.
    """
    path, key = answers.path("key_file"), answers.text("key")
    if path is not None and key is not None:
        raise CredentialMissing(
            "both a key file and a key are given",
            hint="give one of the fields key_file and key: nobody can tell which one is meant",
        )
    if path is None and key is None:
        raise CredentialMissing(
            "there is neither a key file nor a key",
            hint="give the credential the field key_file, or the file's content: --field-file"
            " key=FILE",
        )
    if path is not None:
        named, advice = f"the key file {str(path)!r}", "check the field key_file"
        return checked(read(path, advice), named, advice), named
    named, advice = "the key", "give the whole content of the key file: --field-file key=FILE"
    return checked(parsed(str(key).encode(errors="replace"), named, advice), named, advice), named


def checked(content: Content, named: str, advice: str) -> Content:
    """Return a service account's key whose parts are all there, and can be used.

    Raises:
        CredentialMissing: They are not; each thing that is wrong is named.
    """
    kind = content.get("type")
    wrong = []
    if kind != "service_account":
        known = isinstance(kind, str) and kind.isidentifier() and len(kind) < 50
        told = f"of the type {kind!r}" if known else "of no known type"
        wrong.append(f"it is {told}, and not 'service_account'")
        if kind in {"authorized_user", "impersonated_service_account"}:
            advice = "use a credential of the type adc for such a file"
        elif kind == "external_account":
            advice = "use a credential of the type workload_identity for such a file"
    for name in _WANTED:
        value = content.get(name)
        if name not in content:
            wrong.append(f"it has no {name}")
        elif not isinstance(value, str) or not value.strip():
            wrong.append(f"its {name} is empty or no text")
        elif name == "private_key" and private_key(value) is None:
            wrong.append("its private_key is no RSA key in PEM")
        elif name == "client_email" and "@" not in value:
            wrong.append("its client_email is no email address")
    if wrong:
        raise _unusable(named, wrong, advice)
    return content


def private_key(pem: str) -> Any:
    """Return the RSA key that a PEM holds; None where it holds none.

    Its numbers are not checked against each other, which would take longer than all the rest of
    signing in: whoever signs with it verifies the signature.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(
            pem.encode(errors="replace"), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (TypeError, ValueError, UnsupportedAlgorithm):  # the first one: it wants a password
        return None
    return found if isinstance(found, RSAPrivateKey) else None


def _unusable(named: str, wrong: list[str], advice: str) -> CredentialMissing:
    return CredentialMissing(f"{named} cannot be used: {'; '.join(wrong)}", hint=advice)
