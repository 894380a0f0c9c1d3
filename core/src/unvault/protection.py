"""Envelope encryption: a data key seals the rows, and a protection wraps the data key.

Changing the protection wraps the data key anew and leaves what it sealed untouched.

No frame that raises an error holds a key or a passphrase: tools that report errors may show a
frame's variables.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import attrs

from unvault.data_key import (
    KEY_BYTES,
    DataKey,
    Record,
    damaged_record,
    decoded,
    key_from,
    unwrapped,
    wrapped_record,
)
from unvault.directories import Directories
from unvault.errors import StoreLocked, StoreUnreadable
from unvault.keyring_entries import NOT_INSTALLED, KeyringAnswer, in_keyring, new_in_keyring
from unvault.os_errors import reason, way_out
from unvault.private_file import (
    NotPrivate,
    create_private,
    how_to_make_private,
    read_private,
    settle,
)

__all__ = [
    "KEY_FILE",
    "AskPassphrase",
    "DataKey",
    "KeyFile",
    "Passphrase",
    "Protection",
    "Record",
    "SystemKeyring",
    "protections",
]

KEY_FILE = "unvault.key"
"""The key file's name, in the configuration folder."""

_KEY_FILE_MARK = b"unvault-key-1:"

_LARGEST_COST = 2**19
"""Of scrypt: 512 MiB of memory. OpenSSL refuses more, and a forged file may ask for it."""

AskPassphrase = Callable[[str], str]
"""Asks for a passphrase, given what it is for; raises `StoreLocked` if nobody answers."""


class Protection(Protocol):
    """One way to keep a data key."""

    @property
    def name(self) -> str:
        """What it is called in a record and on the command line."""

    @property
    def explanation(self) -> str:
        """One sentence: what it protects against, and what not."""

    @property
    def asks(self) -> bool:
        """Whether `wrap` asks a person: then it is called while nobody waits for the file."""

    def wrap(self, key: DataKey, file_id: str) -> Record:
        """Wrap the data key of a file, with something that is kept for good by the time it returns.

        Other files may need what wraps it, and so may copies of this one: it is never replaced.
        """

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
    asks: bool = False
    explanation: str = (
        "other users of this machine cannot read what is stored, nor can whoever gets a copy of it "
        "without the key file; a program that runs as you can"
    )

    def wrap(self, key: DataKey, file_id: str) -> Record:
        """Wrap with the key in the file, which is made where it is missing."""
        try:
            if not self.path.exists():
                create_private(self.path, _fresh_key_file())
            else:
                settle(self.path.parent)  # another process may be about to
        except OSError as error:
            raise StoreUnreadable(
                f"the key file {self.path} cannot be made: {reason(error, self.path)}",
                hint=way_out(error),
            ) from error
        return wrapped_record(self.name, key.wrapped_by(self._read(), self.name, file_id))

    def unwrap(self, record: Record, file_id: str) -> DataKey:
        """Unwrap with the key in the file."""
        return unwrapped(self._read(), record, self.name, file_id, f"the key in {self.path}")

    def _read(self) -> DataKey:
        try:
            key = _key_in(read_private(self.path))
        except FileNotFoundError:
            raise StoreLocked(
                f"the key file {self.path} is missing, and nothing else opens what is stored",
                hint="restore the file from a backup",
            ) from None
        except NotPrivate as error:
            raise StoreUnreadable(
                f"the key file {self.path} {error.strerror}, so it is not used",
                hint=f"make it yours alone: {how_to_make_private(self.path, error.strerror)}",
            ) from None
        except OSError as error:
            raise StoreUnreadable(
                f"the key file {self.path} cannot be read: {reason(error, self.path)}",
                hint=way_out(error) or "see to it that it is a file that you may read",
            ) from error
        if key is None:
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
    asks: bool = True
    explanation: str = (
        "without the passphrase nobody can read what is stored, not even from a full copy of the "
        "disk; a program that runs as you while the passphrase is in use still can"
    )

    def wrap(self, key: DataKey, file_id: str) -> Record:
        """Wrap with a new salt."""
        salt = os.urandom(16)
        wrapped = key.wrapped_by(self._key("new passphrase", salt, self.cost), self.name, file_id)
        text = base64.b64encode(salt).decode()
        return {**wrapped_record(self.name, wrapped), "salt": text, "cost": self.cost}

    def unwrap(self, record: Record, file_id: str) -> DataKey:
        """Unwrap; a wrong passphrase is noticed."""
        salt, cost = record.get("salt"), record.get("cost")
        if not isinstance(salt, str) or not isinstance(cost, int):
            raise damaged_record()
        key = self._key("passphrase", decoded(salt), cost)
        return unwrapped(key, record, self.name, file_id, "the passphrase")

    def _key(self, what: str, salt: bytes, cost: int) -> DataKey:
        """Ask for the passphrase, and return its key."""
        if not 2 <= cost <= _LARGEST_COST or cost & (cost - 1):
            raise StoreUnreadable("the stored cost of the passphrase is out of range")
        key = _derived(self.ask(what), salt, cost)
        if isinstance(key, str):
            raise StoreLocked(key)
        return key


@attrs.frozen
class SystemKeyring:
    """A random key in the operating system's keyring; needs ``unvault[keyring]``."""

    service: str = "unvault"
    """Under which service the keyring files it; the file's id is the user name."""
    name: str = "keyring"
    asks: bool = False
    explanation: str = (
        "what is stored can be read only while the operating system's keyring is unlocked; a "
        "program that runs as you then can"
    )

    def wrap(self, key: DataKey, file_id: str) -> Record:
        """Wrap with the key in the keyring, which is made where it is missing."""
        held = self._checked(in_keyring(self.service, file_id), file_id)
        if held is None:
            self._checked(new_in_keyring(self.service, file_id), file_id)
            # What it keeps is what counts: some backends keep nothing, and say nothing.
            held = self._checked(in_keyring(self.service, file_id), file_id)
        if held is None:
            raise StoreLocked(
                "the operating system's keyring does not keep what it is given",
                hint="choose another protection: unvault credentials protect key-file",
            )
        return wrapped_record(self.name, key.wrapped_by(held, self.name, file_id))

    def unwrap(self, record: Record, file_id: str) -> DataKey:
        """Unwrap with the key in the keyring."""
        held = self._checked(in_keyring(self.service, file_id), file_id)
        if held is None:
            raise self._missing(file_id)
        return unwrapped(held, record, self.name, file_id, "the key in the keyring")

    def _checked(self, answer: KeyringAnswer, file_id: str) -> DataKey | None:
        if answer.failed == NOT_INSTALLED:
            raise StoreLocked(
                "the keyring library is not installed", hint='pip install "unvault[keyring]"'
            )
        if answer.failed:
            raise StoreLocked(
                f"the operating system's keyring does not answer: {answer.failed}",
                hint="unlock it, or choose another: unvault credentials protect key-file",
            )
        if answer.foreign:
            raise StoreLocked(
                "what the operating system's keyring holds is not a key of unvault",
                hint=f"restore it: service {self.service!r}, user {file_id!r}",
            )
        return answer.key

    def _missing(self, file_id: str) -> StoreLocked:
        return StoreLocked(
            "the operating system's keyring does not hold the key",
            hint=f"unlock or restore it: service {self.service!r}, user {file_id!r}",
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


def _fresh_key_file() -> bytes:
    return _KEY_FILE_MARK + base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"


def _key_in(content: bytes) -> DataKey | None:
    """Return the key in a key file's content; None where it is no key file's."""
    mark, text = content[: len(_KEY_FILE_MARK)], content[len(_KEY_FILE_MARK) :].strip()
    return key_from(text) if mark == _KEY_FILE_MARK else None


def _derived(passphrase: str, salt: bytes, cost: int) -> DataKey | str:
    """Return the key of a passphrase, or why there is none."""
    import hashlib

    if not passphrase:
        return "the passphrase is empty"
    # A terminal in another encoding gives lone surrogates, which the strict codec would show.
    secret = passphrase.encode(errors="surrogatepass")
    room = 256 * cost * 8 + 2**14
    try:
        return DataKey(
            hashlib.scrypt(secret, salt=salt, n=cost, r=8, p=1, maxmem=room, dklen=KEY_BYTES)
        )
    except (MemoryError, OverflowError, ValueError):
        return f"the passphrase's key cannot be computed: it takes {cost // 1024} MiB of memory"
