"""Certificates that applications prove themselves with."""

from __future__ import annotations

import datetime

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

_DAY = datetime.timedelta(days=1)


def _signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "robot")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return made.not_valid_before(now - _DAY).not_valid_after(now + _DAY).sign(key, hashes.SHA256())


@attrs.frozen
class SelfSigned:
    """A certificate with its key."""

    key: rsa.RSAPrivateKey = attrs.field(
        factory=lambda: rsa.generate_private_key(65537, 2048), repr=False
    )
    certificate: x509.Certificate = attrs.field(
        default=attrs.Factory(lambda self: _signed(self.key), takes_self=True)
    )

    def pem(self, password: str = "") -> bytes:
        """Return both as PEM, the key encrypted where there is a password."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _sealed(password)
        )
        return key + self.certificate.public_bytes(serialization.Encoding.PEM)

    def pfx(self, password: str = "") -> bytes:
        """Return both as PKCS #12."""
        return pkcs12.serialize_key_and_certificates(
            b"robot", self.key, self.certificate, None, _sealed(password)
        )


def _sealed(password: str) -> serialization.KeySerializationEncryption:
    if password:
        return serialization.BestAvailableEncryption(password.encode())
    return serialization.NoEncryption()
