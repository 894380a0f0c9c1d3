"""Tokens: what the vault is shown, how long each is good for, and who gets them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import attrs

_EARLY_SECONDS = 300
"""How long before its end a token is replaced, as the SDK does; a third of its life where that is
less."""


_LAST = 253402300799
"""The last second that a calendar knows."""


@attrs.frozen
class Token:
    """What the vault is shown."""

    value: str = attrs.field(repr=False)
    """The token itself."""
    begins: int
    """When it was got, in seconds since 1970."""
    ends: int
    """When it ends, in seconds since 1970."""

    @property
    def expires(self) -> datetime:
        """When it ends."""
        return datetime.fromtimestamp(min(self.ends, _LAST), UTC)

    @property
    def is_good(self) -> bool:
        """Whether it will be valid for a while."""
        early = min(_EARLY_SECONDS, (self.ends - self.begins) / 3)
        return self.ends - time.time() > early

    @property
    def is_alive(self) -> bool:
        """Whether it is valid at all, by this machine's clock."""
        return self.ends > time.time()

    @property
    def claims(self) -> Mapping[str, Any]:
        """What it says about whose it is; nothing where it cannot be read.

        It is for the vault to check, and only shown to a person here.
        """
        try:
            part = self.value.split(".")[1]
            found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except (IndexError, ValueError):
            return {}
        return found if isinstance(found, Mapping) else {}

    @property
    def tenant(self) -> str | None:
        """The tenant that issued it, where it says so."""
        found = self.claims.get("tid")
        return found if isinstance(found, str) else None


class Tokens(Protocol):
    """Who gets tokens for one credential. May be used from several threads."""

    def token(self, tenant: str | None, claims: str | None) -> Token:
        """Return a token that is good for a while.

        Args:
            tenant: The tenant of the vault, where it is known.
            claims: What the vault wants to see in it that it missed in the last one.

        Raises:
            UnvaultError: There is none.
        """

    def replace(self, token: Token) -> None:
        """See to it that the next sign-in has another token: the vault did not accept this one.

        Raises:
            UnvaultError: There is no other one.
        """

    def check(self) -> None:
        """Ask Entra ID whether the sign-in is still good, where that was not just done.

        Raises:
            SessionExpired: It is not, and another one is needed.
        """

    def forget(self) -> None:
        """Let go of the tokens: nobody uses them any more."""


def duration(seconds: float) -> str:
    """Return how long something lasts, in minutes or hours."""
    minutes = max(0, int(seconds // 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
