"""Asks a cache as whoever fetches does."""

from __future__ import annotations

from collections.abc import Hashable

from unvault.cache import SecretCache
from unvault.flights import Flight
from unvault.secret import Secret


def claim(
    cache: SecretCache, key: Hashable, *, fresh: bool = False
) -> tuple[Secret | Flight, bool]:
    """Return the value, or the flight that will bring it, and whether the caller has to fly it."""
    own = Flight(key)
    found = cache.claim(own, fresh=fresh)
    return found, found is own
