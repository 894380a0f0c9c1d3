"""What a secret may be called, how large a value may be, and what kind of value it is."""

from __future__ import annotations

from unvault import names
from unvault.errors import UsageError, WrongFormat
from unvault.secret import Secret

LONGEST_NAME = 1024
"""How many characters a secret's name may have."""

LARGEST_VALUE = 2**20
"""How many bytes a value may have: 1 MiB."""


def check_name(name: str) -> None:
    """Check what a secret is to be called.

    Raises:
        InvalidName: It is empty, too long, not printable, or has white space around it.
    """
    names.check_name(name, what="secret", longest=LONGEST_NAME)


def check_value(name: str, value: bytes) -> None:
    """Check the size of what is to be stored under a name.

    Raises:
        UsageError: It is larger than `LARGEST_VALUE`.
    """
    if len(value) > LARGEST_VALUE:
        raise UsageError(
            f"the value for {names.shortened(name)} is too large: a value has"
            f" {LARGEST_VALUE} bytes (1 MiB) at the most",
            hint="encrypt the data with a key that you keep here instead",
        )


def content_type(value: bytes) -> str:
    """Return a value's media type: JSON where it is an object or a list, or text, or bytes."""
    secret = Secret(value)
    try:
        looks_like_json = secret.text().lstrip().startswith(("{", "["))
    except WrongFormat:
        return "application/octet-stream"
    try:
        if looks_like_json:
            secret.json()
            return "application/json"
    except WrongFormat:
        pass  # a text that happens to start with a bracket
    return "text/plain"
