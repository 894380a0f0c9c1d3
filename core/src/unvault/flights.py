"""Fetches under way: one for each key, and everybody who waits for it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable

from unvault.parallel import Gate
from unvault.secret import Secret


class Flight:
    """One fetch under way, and everybody who waits for it.

    Args:
        key: What is being fetched.
    """

    __slots__ = ("ended", "key", "landed", "number", "outcome", "stand_in", "wanted")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.number = 0  # counts take-offs: a newer value is never replaced by an older one
        self.ended = False  # it was put away as a whole: its landing was not interrupted
        self.wanted = True  # its value is to be kept: it was not dropped on its way
        self.landed = Gate()  # open when there is an outcome
        self.outcome: Secret | BaseException | None = None  # the secret, or why there is none
        self.stand_in: Secret | None = None  # what may be had in place of an error

    def wait(self, *, fresh: bool = False) -> Secret | None:
        """Wait for the outcome; None where whoever fetched was interrupted.

        Args:
            fresh: Take no value that only stands in for one that could not be had.

        Raises:
            Exception: A copy of what the fetch raised, so that no two callers share a traceback.
        """
        self.landed.wait()
        if isinstance(self.outcome, Exception):
            if self.stand_in is not None and not fresh:
                return self.stand_in
            raise copy.copy(self.outcome)
        return self.outcome if isinstance(self.outcome, Secret) else None


class Flights:
    """All flights of a cache. Called with the cache's lock."""

    def __init__(self) -> None:
        self._by_key: dict[Hashable, Flight] = {}
        self._in_the_air: set[Flight] = set()  # those too that a fresh one took the place of
        self._take_offs = 0

    def __len__(self) -> int:
        """Return how many have not landed."""
        return len(self._in_the_air)

    def to(self, key: Hashable) -> Flight | None:
        """Return the flight that may be joined by whoever wants a key's value."""
        return self._by_key.get(key)

    def take_off(self, flight: Flight) -> None:
        """Begin a flight that whoever comes later joins; one that is under way gets no more."""
        self._take_offs += 1
        flight.number = self._take_offs  # first: by this, who is interrupted knows that it began
        self._by_key[flight.key] = flight
        self._in_the_air.add(flight)

    def land(self, flight: Flight) -> None:
        """End a flight: whoever comes later begins another."""
        if self._by_key.get(flight.key) is flight:
            del self._by_key[flight.key]
        self._in_the_air.discard(flight)

    def divert(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Let nobody join these flights any more, and have none of their values kept."""
        for flight in self._in_the_air:
            if unwanted(flight.key):
                flight.wanted = False
                self._by_key.pop(flight.key, None)
