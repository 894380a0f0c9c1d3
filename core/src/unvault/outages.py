"""Vaults that cannot be reached, as far as a cache knows: when one is tried again, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from unvault.clock import Clock
from unvault.errors import Unavailable, UnvaultError
from unvault.flights import Flight
from unvault.secret import Secret

PAUSE_SECONDS = 5.0
"""How long a vault that could not be reached is left alone at the least, where a value stands in;
up to twice as long, so that many processes do not come back together."""


class _Outage:
    """One vault that cannot be reached.

    Args:
        retry_at: When it is to be tried again.
    """

    __slots__ = ("probe", "retry_at", "told")

    def __init__(self, retry_at: float) -> None:
        self.retry_at = retry_at
        self.probe: Flight | None = None  # who is trying it for all
        self.told: set[Hashable] = set()  # whose values were said to be stale


class Outages:
    """The vaults that cannot be reached. Called with the cache's lock.

    Args:
        scope: What fails together: it says which vault a key is fetched from.
        clock: What tells the time.
    """

    def __init__(self, scope: Callable[[Hashable], Hashable], clock: Clock) -> None:
        self.clock = clock
        self._scope = scope
        self._known: dict[Hashable, _Outage] = {}

    def hold(self, key: Hashable, now: float) -> bool:
        """Say whether to leave the vault alone: it failed just now, or somebody is trying it."""
        outage = self._known.get(self._scope(key))
        return outage is not None and (outage.probe is not None or now < outage.retry_at)

    def probed_by(self, flight: Flight) -> None:
        """Note who tries for all, where the vault is one that could not be reached."""
        outage = self._known.get(self._scope(flight.key))
        if outage is not None:
            outage.probe = flight

    def landed(self, flight: Flight, outcome: Secret | BaseException) -> None:
        """Note what came of a fetch: an answer of whatever kind ends an outage."""
        scope = self._scope(flight.key)
        outage = self._known.get(scope)
        if isinstance(outcome, Unavailable):
            if outage is None:
                outage = self._known[scope] = _Outage(0.0)
            outage.retry_at = self.clock.elapsed() + PAUSE_SECONDS * (1.0 + self.clock.chance())
        elif isinstance(outcome, Secret | UnvaultError):
            self._known.pop(scope, None)
        if outage is not None and outage.probe is flight:
            outage.probe = None

    def is_news(self, key: Hashable) -> bool:
        """Say, once in each outage, that a key's value is stale."""
        outage = self._known.get(self._scope(key))
        if outage is None or key in outage.told:
            return False
        outage.told.add(key)
        return True

    def clear(self) -> None:
        """Forget all of them."""
        self._known = {}

    def after_fork(self) -> None:
        """Let somebody else try: who did so is the parent's."""
        for outage in self._known.values():
            outage.probe = None


def warn_of_stale(reference: str) -> None:
    """Say in the log that a value stands in for one that cannot be had."""
    import logging

    logging.getLogger("unvault").warning(
        "%s: its vault cannot be reached; a cached value whose time is over is used instead",
        reference,
    )
