"""JSON Web Tokens, signed."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


class Issuer:
    """Signs tokens with a key of its own (ES256)."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """The key to verify them with, as PEM."""
        return (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def issue(self, *, seconds: float = 600, **claims: Any) -> str:
        """Return a token with these claims that is valid for so long, or was valid until then."""
        now = int(time.time())
        number = secrets.token_hex(8)  # no two are the same
        whole = {
            "iat": now - 3600,
            "nbf": now - 3600,
            "exp": int(now + seconds),
            "jti": number,
            **claims,
        }
        head = _encoded(json.dumps({"alg": "ES256", "typ": "JWT"}).encode())
        text = f"{head}.{_encoded(json.dumps(whole).encode())}"
        signature = self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return f"{text}.{_encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
