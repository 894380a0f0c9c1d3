"""The keys of a container's role (ECS, EKS), and what is wrong where there are none.

The SDK asks for them; of what it says then, only the kind of the error is known and a status.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from unvault.checking import check_answer
from unvault.errors import CredentialMissing, CredentialRejected, Unavailable, UnvaultError
from unvault.forms import Field, Kind
from unvault_aws._exceptions import KINDS, sdk_error

_RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105  # the variable's name
_TOKEN_FILE = f"{_TOKEN}_FILE"
_ECS = "169.254.170.2"
_ADDRESS = Field("address", kind=Kind.URL)


def load(ask: Callable[[], Any]) -> Any:
    """Return what the SDK finds for a container; None where this is none.

    Args:
        ask: Has the SDK look.

    Raises:
        CredentialMissing: A variable of the container's cannot be meant.
        CredentialRejected: Who gives out the keys refuses.
        Unavailable: It cannot be reached, or is something else.
    """
    try:
        return ask()
    except Exception as error:  # noqa: BLE001  # the SDK's have no common parent
        caught = error
    failed = _wrong_variable() or _no_connection(caught) or _wrong_token(caught)
    failed = failed or _refusal(str(caught))
    del caught  # what it says may be shown with this frame
    raise failed


def _variable() -> str:
    return _RELATIVE if _RELATIVE in os.environ else _FULL


def _wrong_variable() -> UnvaultError | None:
    """Return the error for a variable that cannot be meant, whatever the SDK made of it."""
    variable = _variable()
    told = os.environ.get(variable, "")
    if variable == _RELATIVE and not told.startswith("/"):
        return CredentialMissing(
            f"what the variable {variable} says has to begin with /",
            hint=f"set it as ECS does, or unset it; a whole address goes into {_FULL}",
        )
    try:
        if variable == _FULL:
            check_answer(_ADDRESS, told)
    except ValueError as problem:
        return CredentialMissing(
            f"what the variable {variable} says {problem}", hint="correct it, or unset it"
        )
    return None


def _wrong_token(error: Exception) -> UnvaultError | None:
    path = os.environ.get(_TOKEN_FILE)
    if isinstance(error, OSError | UnicodeError):
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        return CredentialMissing(
            f"the file that {_TOKEN_FILE} names, {path!r}, cannot be read: {reason}",
            hint="have the token put there, or unset the variable",
        )
    if not isinstance(error, ValueError):
        return None
    if "header" in str(error):
        which = _TOKEN if path is None else f"the file that {_TOKEN_FILE} names"
        return CredentialMissing(
            f"the token in {which} cannot be sent: it has a line end",
            hint="take the line end away: the token has to be all there is",
        )
    return CredentialMissing(
        f"{_named()} is no host that keys are asked of without https",
        hint="name an address with https://, of this machine, or of AWS's own for containers",
    )


def _no_connection(error: Exception) -> UnvaultError | None:
    """Return the error for what has a word of its own, such as a certificate nobody trusts."""
    name = type(error).__name__
    known = name in KINDS and name != "CredentialRetrievalError"
    return sdk_error(error, _named())[0] if known else None


def _refusal(said: str) -> UnvaultError:
    status = re.search(r"Received non 200 response ([0-9]{3}) ", said)
    if status and status[1].startswith("4"):
        return CredentialRejected(
            f"{_named()} gives no keys: it answered with status {status[1]}",
            hint=f"check that the container has a role, and {_TOKEN_FILE} or {_TOKEN}",
        )
    if status:
        return Unavailable(
            f"{_named()} cannot give keys now: it answered with status {status[1]}",
            hint="try again in a while",
        )
    if "Received error" in said:
        return Unavailable(
            f"{_named()} cannot be reached",
            hint=f"check {_variable()}, and that this runs in the container that it was made for;"
            " elsewhere, unset it",
        )
    return Unavailable(
        f"{_named()} is something else than a source of keys", hint=f"check {_variable()}"
    )


def _named() -> str:
    """Return how messages call who is asked: the path and what follows it may be secret."""
    variable = _variable()
    if variable == _RELATIVE:
        return f"what {variable} names, {_ECS},"
    parts = urlsplit(os.environ[variable])
    return f"what {variable} names, {parts.netloc},"
