"""Keys in the operating system's keyring, looked up and kept by the library ``keyring``."""

from __future__ import annotations

import base64
import os
from typing import NamedTuple

from unvault.data_key import KEY_BYTES, DataKey, key_from

NOT_INSTALLED = "not installed"
"""Why an answer failed, where the library is missing."""


class KeyringAnswer(NamedTuple):
    """What came of asking the keyring, without what it said: that might hold a key."""

    key: DataKey | None = None
    """The key it holds, if it does."""
    failed: str | None = None
    """Why it did not answer, if it did not."""
    foreign: bool = False
    """Whether it holds something that is no key."""


def in_keyring(service: str, file_id: str) -> KeyringAnswer:
    """Look a key up."""
    try:
        import keyring

        held = keyring.get_password(service, file_id)
    except Exception as error:  # noqa: BLE001  # backends raise what their systems do
        return _failure(error)
    if held is None:
        return KeyringAnswer()
    key = key_from(held)
    return KeyringAnswer(key, foreign=key is None)


def new_in_keyring(service: str, file_id: str) -> KeyringAnswer:
    """Make a key and give it to the keyring. What that keeps has to be looked up."""
    text = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    try:
        import keyring

        keyring.set_password(service, file_id, text)
    except Exception as error:  # noqa: BLE001  # as above
        return _failure(error)
    return KeyringAnswer()


def _failure(error: Exception) -> KeyringAnswer:
    missing = isinstance(error, ImportError) and error.name == "keyring"
    return KeyringAnswer(failed=NOT_INSTALLED if missing else type(error).__name__)
