"""Keys that a program gives: the one that ``credential_process`` in a profile names."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

from unvault.errors import CredentialMissing, UnvaultError
from unvault_aws._configuration import no_keys_from_program
from unvault_aws._exceptions import KINDS

_SECONDS = 60.0
"""How long it may take: it may ask a person."""


def load(ask: Callable[[], Any]) -> Any:
    """Return what the SDK gets from the program; None where there is none.

    Args:
        ask: Has the SDK run it.

    Raises:
        CredentialRejected: What it prints are no keys.
        Exception: What the SDK has a word for; `sdk_error` knows it.
    """
    try:
        return ask()
    except Exception as error:  # of the SDK's, of json's, of dateutil's …
        known = isinstance(error, UnvaultError | OSError) or type(error).__name__ in KINDS
        if known:
            raise
    raise no_keys_from_program("what it prints, or how it is written in the profile, is wrong")


class Impatient(subprocess.Popen[bytes]):
    """A program that is ended when it takes too long."""

    def communicate(
        self, input: bytes | None = None, timeout: float | None = None
    ) -> tuple[bytes, bytes]:
        """Wait for its end and return what it wrote."""
        try:
            return super().communicate(input, timeout or _SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            super().communicate()
        raise CredentialMissing(
            f"what credential_process names was not done in {_SECONDS:.0f} seconds",
            hint="run it by itself, to see what it waits for",
        )
