"""Service accounts, and the keys that they sign with."""

from __future__ import annotations

import base64
import json
import secrets
from functools import cache
from pathlib import Path
from typing import Any

import attrs
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@attrs.define(eq=False)
class ServiceAccount:
    """A service account, and the keys that it can sign with.

    `key_file` writes what Google lets one download.
    """

    email: str
    project: str
    token_uri: str
    universe: str
    enabled: bool = True
    keys: dict[str, Any] = attrs.field(factory=dict)
    """The public keys, by their ids."""
    number: str = attrs.field(factory=lambda: str(secrets.randbelow(10**20) + 10**20))

    def __str__(self) -> str:
        return self.email

    def key(self, **changes: Any) -> dict[str, Any]:
        """Make a key and return what its file holds, with these members changed."""
        made = secrets.token_hex(20)
        self.keys[made] = _rsa(0).public_key()
        return {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": made,
            "private_key": private_key(),
            "client_email": self.email,
            "client_id": self.number,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": self.token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "universe_domain": self.universe,
        } | changes

    def key_file(self, path: Path, **changes: Any) -> Path:
        """Make a key and write its file, for its owner only; members are left out by None."""
        made = {name: told for name, told in self.key(**changes).items() if told is not None}
        path.write_text(json.dumps(made))
        path.chmod(0o600)
        return path

    def revoke_keys(self) -> None:
        """Delete all keys."""
        self.keys.clear()


def private_key(number: int = 0) -> str:
    """Return a private key: number 0 is that of all service accounts, others are nobody's."""
    return (
        _rsa(number)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


@cache
def _rsa(number: int) -> rsa.RSAPrivateKey:
    """Return one key in each process for each number: to make one takes a while."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def split(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Return a token's header and claims, what is signed, and the signature."""
    try:
        text, _, signature = token.rpartition(".")
        head, claims = (json.loads(_decoded(part)) for part in text.split("."))
        return head, claims, text.encode(), _decoded(signature)
    except ValueError:
        raise ValueError("Invalid JWT.") from None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
