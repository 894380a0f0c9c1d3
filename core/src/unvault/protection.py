"""Envelope encryption: a data key seals the rows, and a protection wraps the data key.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce for every sealing. What a sealed text
belongs to is authenticated with it, so that it opens in its own place and in no other. Changing
the protection wraps the data key anew and leaves what it sealed untouched.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import attrs

from unvault.directories import Directories
from unvault.errors import StoreLocked, StoreUnreadable
from unvault.private_file import create_private, others_can_read

KEY_FILE = "unvault.key"
"""The key file's name, in the configuration folder."""

KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_FILE_MARK = b"unvault-key-1:"

AskPassphrase = Callable[[str], str]
"""Asks for a passphrase, given what it is for; raises `InteractionRequired` if nobody answers."""


class DataKey:
    """Seals and opens, and never shows itself.

    Args:
        key: 32 bytes; a new random key by default.
    """

    __slots__ = ("_cipher", "_key")

    def __init__(self, key: bytes | None = None) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._key = os.urandom(KEY_BYTES) if key is None else key
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
        except (InvalidTag, ValueError):
            raise StoreUnreadable(
                "a stored entry does not decrypt: it was changed or moved",
                hint="restore the file from a backup, or remove the entry and add it again",
            ) from None

    def wrapped_by(self, wrapping: DataKey, *place: str) -> bytes:
        """Return this key, sealed with another."""
        return wrapping.seal(self._key, *place)


Record = Mapping[str, str | int]
"""A wrapped data key and what is needed, besides the secret, to unwrap it."""


class Protection(Protocol):
    """One way to keep a data key."""

    @property
    def name(self) -> str:
        """What it is called in a record and on the command line."""

    @property
    def explanation(self) -> str:
        """One sentence: what it protects against, and what not."""

    def wrap(self, key: DataKey, file_id: str) -> Record:
        """Wrap the data key of a file."""

    def unwrap(self, record: Record, file_id: str) -> DataKey:
        """Unwrap it again.

        Raises:
            StoreLocked: What opens it is missing or wrong.
        """


@attrs.frozen
class KeyFile:
    """A random key in a file that only its owner can read."""

    path: Path
    """Where the key is; made by the first `wrap`."""
    name: str = "key-file"
    explanation: str = (
        "other users of this machine cannot read what is stored, nor can whoever gets a copy of it "
        "without the key file; a program that runs as you can"
    )

    def wrap(self, key: DataKey, file_id: str) -> Record:
        """Wrap with the key in the file, which is made where it is missing."""
        try:
            if not self.path.exists():
                fresh = _KEY_FILE_MARK + base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"
                create_private(self.path, fresh)
        except OSError as error:
            raise StoreUnreadable(
                f"the key file {self.path} cannot be made: {error.strerror}"
            ) from error
        return wrapped_record(self.name, key.wrapped_by(self._read(), self.name, file_id))

    def unwrap(self, record: Record, file_id: str) -> DataKey:
        """Unwrap with the key in the file."""
        return unwrapped(self._read(), record, self.name, file_id, f"the key in {self.path}")

    def _read(self) -> DataKey:
        try:
            if others_can_read(self.path):
                raise StoreUnreadable(
                    f"the key file {self.path} can be read by others, so it is not used",
                    hint=f"make it yours alone: chmod 600 {self.path}",
                )
            content = self.path.read_bytes()
        except FileNotFoundError:
            raise StoreLocked(
                f"the key file {self.path} is missing, and nothing else opens what is stored",
                hint="restore the file from a backup",
            ) from None
        except OSError as error:
            raise StoreUnreadable(
                f"the key file {self.path} cannot be read: {error.strerror}"
            ) from error
        return DataKey(self._decoded(content))

    def _decoded(self, content: bytes) -> bytes:
        mark, text = content[: len(_KEY_FILE_MARK)], content[len(_KEY_FILE_MARK) :].strip()
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if mark != _KEY_FILE_MARK or len(key) != KEY_BYTES:
            raise StoreUnreadable(
                f"{self.path} is not a key file of unvault, or it is damaged",
                hint="restore the file from a backup",
            )
        return key


@attrs.frozen
class Passphrase:
    """A key derived from a passphrase, by scrypt (RFC 7914)."""

    ask: AskPassphrase = attrs.field(repr=False)
    """Asks for the passphrase, once for each process."""
    cost: int = 2**17
    """scrypt's N: 128 MiB of memory and some 0.4 s for each guess."""
    name: str = "passphrase"
    explanation: str = (
        "without the passphrase nobody can read what is stored, not even from a full copy of the "
        "disk; a program that runs as you while the passphrase is in use still can"
    )

    def wrap(self, key: DataKey, file_id: str) -> Record:
        """Wrap with a new salt."""
        salt = base64.b64encode(os.urandom(16)).decode()
        derived = self._derive(self.ask("new passphrase"), salt, self.cost)
        wrapped = key.wrapped_by(derived, self.name, file_id)
        return {**wrapped_record(self.name, wrapped), "salt": salt, "cost": self.cost}

    def unwrap(self, record: Record, file_id: str) -> DataKey:
        """Unwrap; a wrong passphrase is noticed."""
        salt, cost = record.get("salt"), record.get("cost")
        if not isinstance(salt, str) or not isinstance(cost, int):
            raise _damaged()
        derived = self._derive(self.ask("passphrase"), salt, cost)
        return unwrapped(derived, record, self.name, file_id, "the passphrase")

    def _derive(self, passphrase: str, salt: str, cost: int) -> DataKey:
        import hashlib

        if not passphrase:
            raise StoreLocked("the passphrase is empty")
        if not 2 <= cost <= 2**22 or cost & (cost - 1):
            raise StoreUnreadable("the stored cost of the passphrase is out of range")
        # A terminal in another encoding gives lone surrogates, which the strict codec would show.
        secret = passphrase.encode(errors="surrogatepass")
        room = 256 * cost * 8 + 2**14
        return DataKey(
            hashlib.scrypt(
                secret, salt=_decoded(salt), n=cost, r=8, p=1, maxmem=room, dklen=KEY_BYTES
            )
        )


@attrs.frozen
class SystemKeyring:
    """A random key in the operating system's keyring; needs ``unvault[keyring]``."""

    service: str = "unvault"
    """Under which service the keyring files it; the file's id is the user name."""
    name: str = "keyring"
    explanation: str = (
        "what is stored can be read only while the operating system's keyring is unlocked; a "
        "program that runs as you then can"
    )

    def wrap(self, key: DataKey, file_id: str) -> Record:
        """Wrap with the key in the keyring, which is made where it is missing."""
        held = self._call("get_password", file_id)
        if held is None:
            held = base64.b64encode(os.urandom(KEY_BYTES)).decode()
            self._call("set_password", file_id, held)
        wrapping = self._key(held, file_id)
        return wrapped_record(self.name, key.wrapped_by(wrapping, self.name, file_id))

    def unwrap(self, record: Record, file_id: str) -> DataKey:
        """Unwrap with the key in the keyring."""
        held = self._call("get_password", file_id)
        if held is None:
            raise StoreLocked(
                "the operating system's keyring does not hold the key",
                hint=f"unlock or restore it: service {self.service!r}, user {file_id!r}",
            )
        wrapping = self._key(held, file_id)
        return unwrapped(wrapping, record, self.name, file_id, "the key in the keyring")

    def _key(self, held: str, file_id: str) -> DataKey:
        try:
            return DataKey(base64.b64decode(held, validate=True))
        except ValueError:
            pass  # raised below, outside: what it holds may be somebody's password
        raise StoreLocked(
            "what the operating system's keyring holds is not a key of unvault",
            hint=f"restore it: service {self.service!r}, user {file_id!r}",
        )

    def _call(self, function: str, *arguments: str) -> str | None:
        try:
            import keyring
        except ImportError:
            raise StoreLocked(
                "the keyring library is not installed",
                hint='pip install "unvault[keyring]"',
            ) from None
        try:
            answer: str | None = getattr(keyring, function)(self.service, *arguments)
        except Exception as error:  # noqa: BLE001  # backends raise what their systems do
            why = type(error).__name__
        else:
            return answer
        raise StoreLocked(  # outside the handler: what a backend says might hold the key
            f"the operating system's keyring does not answer: {why}",
            hint="unlock it, or choose another: unvault credentials protect key-file",
        )


def protections(
    directories: Directories, ask: AskPassphrase
) -> tuple[KeyFile, Passphrase, SystemKeyring]:
    """Return the ways to keep a data key; the first, a key file, works everywhere.

    Args:
        directories: The key file lies in the configuration folder.
        ask: Asks for a passphrase.
    """
    return KeyFile(directories.config / KEY_FILE), Passphrase(ask), SystemKeyring()


def _bound(place: tuple[str, ...]) -> bytes:
    """Return a place as bytes, so that no two places are the same bytes."""
    return b"".join(len(name.encode()).to_bytes(4) + name.encode() for name in place)


def wrapped_record(name: str, wrapped: bytes) -> dict[str, str | int]:
    """Return the record of a protection that needs nothing but the wrapped key."""
    return {"protection": name, "wrapped": base64.b64encode(wrapped).decode()}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _damaged() from None


def _damaged() -> StoreUnreadable:
    return StoreUnreadable(
        "the wrapped key of the file is damaged", hint="restore the file from a backup"
    )


def unwrapped(wrapping: DataKey, record: Record, name: str, file_id: str, what: str) -> DataKey:
    """Return the data key of a record, unwrapped with another key.

    Raises:
        StoreLocked: It is the wrong key; ``what`` says in words which one it was.
    """
    wrapped = _decoded(str(record.get("wrapped", "?")))
    try:
        return DataKey(wrapping.open(wrapped, name, file_id))
    except StoreUnreadable:
        pass  # it is the key that is wrong, which the error below says
    raise StoreLocked(f"{what} does not open what is stored", hint="check that it is the right one")
