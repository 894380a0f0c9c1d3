"""Values in memory, for a while: least recently used leaves first, one fetch in flight per key."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

import attrs

from unvault.clock import Clock
from unvault.fork import renew_after_fork
from unvault.forms import Answer
from unvault.parallel import LISTEN_SECONDS
from unvault.secret import Secret

MAX_ENTRIES = 1_000
"""How many values a cache holds at the most, unless told otherwise."""


class CacheKey(NamedTuple):
    """Everything that can change the answer.

    The answers of a credential (endpoint, region, namespace, account …) are in it through the
    credential's id and revision: they cannot change without the revision.
    """

    provider: str
    credential: str
    """The credential's id."""
    revision: int
    path: str
    parameters: tuple[tuple[str, Answer], ...]


@attrs.frozen
class CacheStatistics:
    """What a cache has been doing."""

    entries: int
    """How many values it holds now."""
    hits: int
    """How many questions it answered."""
    misses: int
    """How many it could not."""


class Flight:
    """One fetch under way, and everybody who waits for it.

    Args:
        key: What is being fetched.
        number: Counts take-offs; a newer value is never replaced by an older one.
    """

    __slots__ = ("key", "landed", "number", "outcome", "wanted")

    def __init__(self, key: Hashable, number: int) -> None:
        self.key = key
        self.number = number
        self.wanted = True  # its value is to be kept: it was not dropped on its way
        self.landed = threading.Event()  # set when there is an outcome
        self.outcome: Secret | BaseException | None = None  # the secret, or why there is none

    def wait(self) -> Secret | None:
        """Wait for the outcome; None where whoever fetched was interrupted.

        Raises:
            Exception: A copy of what the fetch raised, so that no two callers share a traceback.
        """
        while not self.landed.wait(LISTEN_SECONDS):
            pass
        if isinstance(self.outcome, Exception):
            raise copy.copy(self.outcome)
        return self.outcome if isinstance(self.outcome, Secret) else None


class _Entry(NamedTuple):
    secret: Secret
    stored: float
    """When, on the clock that only goes forward."""
    until: float
    """When the value itself ends."""
    number: int
    parts: dict[str, Secret]
    """What was taken out of the value, by the words that ask for it: gone when the value is."""


class SecretCache:
    """Keeps values in memory only.

    Args:
        minutes: For how long a value is kept; 0 keeps none. A function is asked once, when needed.
        max_entries: How many at the most.
        clock: What tells the time; that of the `Unvault` it is given to where None.

    Raises:
        ValueError: The minutes are negative.
    """

    def __init__(
        self,
        *,
        minutes: float | Callable[[], float] = 30,
        max_entries: int = MAX_ENTRIES,
        clock: Clock | None = None,
    ) -> None:
        self.max_entries = max_entries
        self._own_clock = clock is not None
        self._clock = clock or Clock()
        self._minutes = minutes if callable(minutes) else _checked(minutes)
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._flights: dict[Hashable, Flight] = {}
        self._in_the_air: set[Flight] = set()  # those too that a fresh one took the place of
        self._lock = threading.Lock()
        self._epoch = 0
        self._takeoffs = 0
        self._hits = 0
        self._misses = 0
        renew_after_fork(self)

    @property
    def minutes(self) -> float:
        """For how long a value is kept, in minutes. A change holds for what is kept already."""
        if callable(self._minutes):
            self._minutes = _checked(self._minutes())
        return self._minutes

    @minutes.setter
    def minutes(self, minutes: float) -> None:
        self._minutes = _checked(minutes)
        if not minutes:
            self.clear()

    def adopt(self, clock: Clock) -> None:
        """Tell the time by a clock, unless one was given; for before any value is kept."""
        if not self._own_clock:
            self._clock, self._own_clock = clock, True

    def after_fork(self) -> None:
        """Forget the fetches under way: they are the parent's, and never land here."""
        self._lock = threading.Lock()
        self._flights = {}
        self._in_the_air = set()

    @property
    def epoch(self) -> int:
        """Grows whenever values are dropped before their time."""
        return self._epoch

    def statistics(self) -> CacheStatistics:
        """Return what the cache has been doing."""
        with self._lock:
            return CacheStatistics(len(self._entries), self._hits, self._misses)

    def get(self, key: Hashable) -> Secret | None:
        """Return the value, if it is kept and still good."""
        with self._lock:
            return self._look_up(key)

    def part(self, key: Hashable, words: str) -> Secret | None:
        """Return what was taken out of a value, while the value is kept and still good."""
        with self._lock:
            entry = self._good(key)
            part = None if entry is None else entry.parts.get(words)
            self._hits += part is not None
            return part

    def keep_part(self, key: Hashable, whole: Secret, words: str, part: Secret) -> None:
        """Keep what was taken out of a value, for as long as that is kept itself."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.secret is whole:
                entry.parts[words] = part

    def fetch(self, key: Hashable, fetch: Callable[[], Secret], *, fresh: bool = False) -> Secret:
        """Return the value, fetched if need be: once, however many ask at the same time.

        Args:
            key: What is asked for.
            fetch: Fetches it.
            fresh: Fetch even if it is kept, and do not join a fetch that is under way.

        Raises:
            Exception: Whatever ``fetch`` raised; errors are not kept.
        """
        while True:
            found = self.claim(key, fresh=fresh)
            if isinstance(found, Secret):
                return found
            flight, leads = found
            if leads:
                return self._lead(flight, fetch)
            secret = flight.wait()
            if secret is not None:
                return secret

    def claim(self, key: Hashable, *, fresh: bool = False) -> Secret | tuple[Flight, bool]:
        """Return the value, or the flight that will bring it and whether the caller has to fly.

        Who is told to fly must call `land`, whatever happens.
        """
        _ = self.minutes  # asked for now: it may read a file, which may fail or take a while
        with self._lock:
            secret = None if fresh else self._look_up(key)
            if secret is not None:
                return secret
            under_way = self._flights.get(key)
            if under_way is not None and not fresh:
                return under_way, False
            self._takeoffs += 1
            flight = Flight(key, self._takeoffs)
            self._flights[key] = flight
            self._in_the_air.add(flight)
            return flight, True

    def land(self, flight: Flight, outcome: Secret | BaseException) -> None:
        """End a flight: keep its value, and wake everybody who waits for it."""
        try:
            with self._lock:
                if self._flights.get(flight.key) is flight:
                    del self._flights[flight.key]
                self._in_the_air.discard(flight)
                if isinstance(outcome, Secret) and flight.wanted:
                    self._keep(flight, outcome)
        finally:
            flight.outcome = outcome
            flight.landed.set()

    def forget(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Drop the values whose keys are not wanted any more, and those on their way."""
        with self._lock:
            self._epoch += 1
            self._divert(unwanted)
            for key in [key for key in self._entries if unwanted(key)]:
                del self._entries[key]

    def clear(self) -> int:
        """Drop all values, those on their way too, and return how many there were."""
        with self._lock:
            count = len(self._entries)
            self._epoch += 1
            self._divert(lambda _key: True)
            self._entries.clear()
            return count

    def _divert(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Let nobody join these flights any more, and keep none of their values."""
        for flight in self._in_the_air:
            if unwanted(flight.key):
                flight.wanted = False
                self._flights.pop(flight.key, None)

    def _lead(self, flight: Flight, fetch: Callable[[], Secret]) -> Secret:
        try:
            secret = fetch()
        except BaseException as error:
            self.land(flight, error)
            raise
        self.land(flight, secret)
        return secret

    def _look_up(self, key: Hashable) -> Secret | None:
        entry = self._good(key)
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        return entry.secret

    def _good(self, key: Hashable) -> _Entry | None:
        """Return an entry that has not ended, as the one used last; drop one that has."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock.elapsed()
        if now - entry.stored < self.minutes * 60.0 and now < entry.until:
            self._entries.move_to_end(key)
            return entry
        del self._entries[key]
        return None

    def _keep(self, flight: Flight, secret: Secret) -> None:
        older = self._entries.get(flight.key)
        now = self._clock.elapsed()
        until = float("inf") if secret.expires is None else self._clock.deadline(secret.expires)
        if not self.minutes or until <= now or (older and older.number > flight.number):
            return
        self._entries[flight.key] = _Entry(secret, now, until, flight.number, {})
        self._entries.move_to_end(flight.key)
        while len(self._entries) > self.max_entries:
            self._entries.popitem(last=False)


def _checked(minutes: float) -> float:
    if not minutes >= 0:  # "not a number" is neither
        raise ValueError(f"a value cannot be kept for {minutes} minutes")
    return minutes
