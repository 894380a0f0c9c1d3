"""Data keys: they seal what is stored, and are wrapped by another key themselves.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce for every sealing. What a sealed text
belongs to is authenticated with it, so that it opens in its own place and in no other.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping

from unvault.errors import StoreLocked, StoreUnreadable
from unvault.fork import no_fork_meanwhile

KEY_BYTES = 32
_NONCE_BYTES = 12


class DataKey:
    """Seals and opens, and never shows itself.

    Args:
        key: 32 bytes; a new random key by default.

    Raises:
        ValueError: The key has another length.
    """

    __slots__ = ("_cipher", "_key")

    def __init__(self, key: bytes | None = None) -> None:
        with no_fork_meanwhile():  # a module half imported would stay so in the child
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._key = os.urandom(KEY_BYTES) if key is None else key
        if len(self._key) != KEY_BYTES:  # AES takes shorter keys, and would be a weaker cipher
            raise ValueError(f"a data key has {KEY_BYTES} bytes")
        self._cipher = AESGCM(self._key)

    def seal(self, plain: bytes, *place: str) -> bytes:
        """Encrypt, bound to a place: the names that say where the result belongs."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, _bound(place))

    def open(self, sealed: bytes, *place: str) -> bytes:
        """Decrypt what was sealed for the same place.

        Raises:
            StoreUnreadable: It was changed, or moved here from another place.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(place))
        except (InvalidTag, TypeError, ValueError):  # a changed file may hold text, or nothing
            raise StoreUnreadable(
                "a stored entry does not decrypt: it was changed or moved",
                hint="restore the file from a backup, or remove the entry and add it again",
            ) from None

    def wrapped_by(self, wrapping: DataKey, *place: str) -> bytes:
        """Return this key, sealed with another."""
        return wrapping.seal(self._key, *place)


def key_from(text: str | bytes) -> DataKey | None:
    """Return the key that was written in Base64; None where it is none."""
    try:
        return DataKey(base64.b64decode(text, validate=True))
    except ValueError:
        return None


Record = Mapping[str, str | int]
"""A wrapped data key and what is needed, besides the secret, to unwrap it."""


def wrapped_record(name: str, wrapped: bytes) -> dict[str, str | int]:
    """Return the record of a protection that needs nothing but the wrapped key."""
    return {"protection": name, "wrapped": base64.b64encode(wrapped).decode()}


def unwrapped(wrapping: DataKey, record: Record, name: str, file_id: str, what: str) -> DataKey:
    """Return the data key of a record, unwrapped with another key.

    Raises:
        StoreLocked: It is the wrong key; ``what`` says in words which one it was.
    """
    wrapped = decoded(str(record.get("wrapped", "?")))
    try:
        return DataKey(wrapping.open(wrapped, name, file_id))
    except StoreUnreadable:
        pass  # it is the key that is wrong, which the error below says
    raise StoreLocked(f"{what} does not open what is stored", hint="check that it is the right one")


def decoded(text: str) -> bytes:
    """Return the bytes of a part of a record.

    Raises:
        StoreUnreadable: It is not what a protection wrote.
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise damaged_record() from None


def damaged_record() -> StoreUnreadable:
    """Return the error for a record that no protection wrote."""
    return StoreUnreadable(
        "the wrapped key of the file is damaged", hint="restore the file from a backup"
    )


def _bound(place: tuple[str, ...]) -> bytes:
    """Return a place as bytes, so that no two places are the same bytes."""
    return b"".join(len(name.encode()).to_bytes(4) + name.encode() for name in place)
