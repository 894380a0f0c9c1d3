"""What a way to ask Secret Manager does, and what it brings."""

from __future__ import annotations

from typing import Protocol

import attrs

from unvault_gcp.reading import Wanted

WHERE = "Secret Manager"
"""Who is asked, for a person."""


@attrs.frozen
class Payload:
    """What a version holds."""

    resource: str
    """The version's resource name, with its number."""
    data: bytes = attrs.field(repr=False)
    """The secret's value."""
    checksum: int | None = None
    """The value's CRC32C, as Secret Manager says it."""


@attrs.frozen
class Page:
    """A part of a list."""

    names: tuple[str, ...]
    """Resource names of secrets."""
    more: str
    """What the next part is asked for with; empty where there is none."""


class Transport(Protocol):
    """How Secret Manager is asked. What it raises is `Again`, `Refused` or an `UnvaultError`."""

    def access(self, secret: Wanted, *, seconds: float) -> Payload:
        """Return what a version holds."""

    def browse(self, parent: Wanted, text: str, more: str, *, size: int, seconds: float) -> Page:
        """Return a part of the list of secrets whose names hold a text."""

    def close(self) -> None:
        """Close the connections."""
