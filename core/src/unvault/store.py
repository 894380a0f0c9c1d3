"""What the core needs of a place that keeps credentials and settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from unvault.forms import Answer
from unvault.model import Credential
from unvault.protection import Protection

Protections = Sequence[Protection] | Callable[[], Sequence[Protection]]
"""Ways to keep a data key, or what tells them when something is opened."""

LONGEST_NAME = 255
"""How many characters a credential's name may have."""


@attrs.frozen
class StoredCredential:
    """What can be told of a stored credential without opening it."""

    name: str
    """What references call it."""
    provider: str
    """Id of the provider it is for."""
    type: str | None
    """Name of its type; None after signing out."""
    id: str
    """Never changes, whatever the name."""
    revision: int
    """Grows with every change."""
    created: datetime
    """When it was added."""
    updated: datetime
    """When it was changed last."""


class CredentialStore(Protocol):
    """What the core needs of a store. An embedding application may bring its own."""

    def list(self) -> Sequence[StoredCredential]:
        """Return what is stored, by name, without opening it."""

    def find(self, name: str) -> StoredCredential | None:
        """Return what can be told of a credential, by its name or its id, without opening it."""

    def get(self, name: str) -> Credential | None:
        """Return a credential by its name or its id; a name goes before an id."""

    def add(self, name: str, provider: str, type: str, answers: Mapping[str, Answer]) -> Credential:
        """Store a new credential. Raises `InvalidName` where the name is taken."""

    def replace(self, name: str, type: str | None, answers: Mapping[str, Answer]) -> Credential:
        """Give a credential new answers; a type of None and no answers sign it out."""

    def keep(self, credential: Credential, kept: Mapping[str, Answer]) -> None:
        """Keep what a sign-in renewed, unless the credential has changed since."""

    def rename(self, name: str, new: str) -> Credential:
        """Give a credential another name. Raises `InvalidName` where that is taken."""

    def remove(self, name: str) -> None:
        """Forget a credential."""

    def settings(self) -> Mapping[str, object]:
        """Return all settings."""

    def change_setting(self, name: str, value: object) -> None:
        """Change a setting; None takes it back to its default."""

    def protection(self) -> Protection | None:
        """Return how what is stored is protected; None before the first write."""

    def protect(self, name: str) -> None:
        """Protect what is stored in another way."""
