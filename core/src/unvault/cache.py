"""Values in memory, for a while: least recently used leaves first, one fetch in flight per key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import NamedTuple

import attrs

from unvault.clock import Clock
from unvault.errors import Unavailable, UnvaultError
from unvault.flights import Flight, Flights
from unvault.fork import renew_after_fork
from unvault.forms import Answer
from unvault.kept import Entry, Kept
from unvault.outages import Outages, warn_of_stale
from unvault.secret import Secret

MAX_ENTRIES = 1_000
"""How many values a cache holds at the most, unless told otherwise."""

JITTER = 0.1
"""By which part of its time, at the most, a value is kept shorter, unless told otherwise: those
that were fetched together by a whole fleet do not end together."""


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
    failures: int = 0
    """How many fetches failed."""


class SecretCache:
    """Keeps values in memory only.

    Args:
        minutes: For how long a value is kept; 0 keeps none. A function is asked when needed first,
            and again after what is stored was changed by another process.
        max_entries: How many at the most.
        jitter: By which part of that time, at the most, a value is kept shorter: by chance, drawn
            once for each value.
        stale_minutes: How much longer a value is there to be used where the vault cannot be
            reached; 0 to 720. Such a value says that it is `Secret.stale`.
        clock: What tells the time; that of the `Unvault` it is given to where None.

    Raises:
        ValueError: One of them is out of range.
    """

    def __init__(
        self,
        *,
        minutes: float | Callable[[], float] = 30,
        max_entries: int = MAX_ENTRIES,
        jitter: float = JITTER,
        stale_minutes: float = 0,
        clock: Clock | None = None,
    ) -> None:
        self._own_clock = clock is not None
        clock = clock or Clock()
        self.kept = Kept(
            max_entries=max_entries, jitter=jitter, stale_minutes=stale_minutes, clock=clock
        )
        self._ask = minutes if callable(minutes) else None
        self._unasked: object = self._ask  # something while the function is to be asked
        if not callable(minutes):
            self.kept.minutes = minutes
        self._flights = Flights()
        self._outages = Outages(_vault_of, clock)
        self._lock = threading.Lock()
        self._epoch = 0
        self._misses = 0
        self._failures = 0
        renew_after_fork(self)

    @property
    def max_entries(self) -> int:
        """How many values are kept at the most."""
        return self.kept.max_entries

    @property
    def minutes(self) -> float:
        """For how long a value is kept, in minutes. A change holds for what is kept already."""
        unasked = self._unasked
        if unasked is not None and self._ask is not None:
            self._keep_for(self._ask())
            if self._unasked is unasked:  # nobody wants it asked anew meanwhile
                self._unasked = None
        return self.kept.minutes

    @minutes.setter
    def minutes(self, minutes: float) -> None:
        self._keep_for(minutes)
        self._unasked = None

    def ask_again(self) -> None:
        """Have the function that tells the minutes asked again, where there is one."""
        self._unasked = self._ask and object()

    @property
    def clock(self) -> Clock:
        """What tells the time."""
        return self.kept.clock

    def adopt(self, clock: Clock) -> None:
        """Tell the time by a clock, unless one was given; for before any value is kept."""
        if not self._own_clock:
            self.kept.clock = self._outages.clock = clock
            self._own_clock = True

    def after_fork(self) -> None:
        """Forget the fetches under way: they are the parent's, and never land here."""
        self._lock = threading.Lock()
        self._flights = Flights()
        self._outages.after_fork()

    @property
    def epoch(self) -> int:
        """Grows whenever values are dropped before their time."""
        return self._epoch

    @property
    def failures(self) -> int:
        """How many fetches failed: it has grown before anybody learns of a failure."""
        return self._failures

    def statistics(self) -> CacheStatistics:
        """Return what the cache has been doing."""
        with self._lock:
            return CacheStatistics(len(self.kept), self.kept.hits, self._misses, self._failures)

    def get(self, key: Hashable) -> Secret | None:
        """Return the value, if it is kept and still good."""
        with self._lock:
            entry = self._good(key)
            if entry is not None:
                return self.kept.use(entry)
            self._misses += 1
            return None

    def keep_part(self, key: Hashable, whole: Secret, words: str, part: Secret) -> Entry | None:
        """Keep what was taken out of a value, for as long as that is kept itself.

        Returns:
            The value's entry; None where the value is not kept, or not any more.
        """
        with self._lock:
            entry = self._good(key)
            if entry is None or entry.secret is not whole:
                return None
            if len(entry.parts) >= self.max_entries:
                entry.parts = {}
            entry.parts[words] = part
            return entry

    def stand_in(self, entry: Entry, words: str) -> Secret | None:
        """Return what was taken out of a value whose time is over, while its vault is down.

        None where the value is gone, or the vault has to be asked.
        """
        with self._lock:
            now = self.clock.elapsed()
            part = entry.parts.get(words)
            if self.kept.find(entry.key, now) is not entry or part is None:
                return None
            if not self._outages.hold(entry.key, now):
                return None
            is_news = self._outages.is_news(entry.key)
        if is_news:
            warn_of_stale(words)
        return part.as_stale()

    def tell_of_stale(self, key: Hashable, reference: str) -> None:
        """Say in the log that a value is stale: once in each outage of its vault."""
        with self._lock:
            is_news = self._outages.is_news(key)
        if is_news:
            warn_of_stale(reference)

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
            own = Flight(key)
            try:
                found = self.claim(own, fresh=fresh)
                if found is own:
                    return self._lead(own, fetch, fresh=fresh)
            finally:
                self.abandon(own)
            secret = found if isinstance(found, Secret) else found.wait()
            if secret is not None:
                return secret

    def claim(self, own: Flight, *, fresh: bool = False) -> Secret | Flight:
        """Return the value, or the flight that will bring it.

        Args:
            own: The caller's flight. Where it is returned, the caller has to fly it, and `land` it;
                he must `abandon` it whatever happens: Ctrl-C may interrupt him anywhere.
            fresh: As for `fetch`.
        """
        key = own.key
        _ = self.minutes  # asked for now: it may read a file, which may fail or take a while
        with self._lock:
            if fresh:
                self._flights.take_off(own)
                return own
            now = self.clock.elapsed()
            entry = self.kept.find(key, now)
            if entry is not None and now < entry.end and (good := self.kept.use(entry)):
                return good
            self._misses += 1
            if entry is not None and entry.secret is not None and self._outages.hold(key, now):
                return entry.secret.as_stale()
            under_way = self._flights.to(key)
            if under_way is not None:
                return under_way
            self._flights.take_off(own)
            if entry is not None:
                self._outages.probed_by(own)
            return own

    def land(self, flight: Flight, outcome: Secret | BaseException) -> None:
        """End a flight: keep its value, and wake everybody who waits for it."""
        try:
            with self._lock:
                self._flights.land(flight)
                if isinstance(outcome, Exception):
                    self._failures += 1
                elif isinstance(outcome, Secret) and flight.wanted:
                    self.kept.put(flight.key, outcome, flight.number)
                if self.kept.stale_minutes:
                    self._stand_in_for(flight, outcome)
        finally:
            flight.outcome = outcome
            flight.landed.open()
        flight.ended = True

    def abandon(self, flight: Flight) -> None:
        """Let nobody wait for a flight that was interrupted; one that has landed stays as it is."""
        if flight.number and not flight.ended:
            outcome = flight.outcome
            self.land(flight, KeyboardInterrupt() if outcome is None else outcome)

    def forget(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Drop the values whose keys are not wanted any more, and those on their way."""
        with self._lock:
            self._epoch += 1
            self._flights.divert(unwanted)
            self.kept.drop(unwanted)

    def clear(self) -> int:
        """Drop all values, those on their way too, and return how many there were."""
        with self._lock:
            return self._clear()

    def _clear(self) -> int:
        count = len(self.kept)
        self._epoch += 1
        self._flights.divert(_every)
        self.kept.drop(_every)
        self._outages.clear()
        return count

    def _keep_for(self, minutes: float) -> None:
        with self._lock:
            self.kept.minutes = minutes
            if not minutes:
                self._clear()

    def _stand_in_for(self, flight: Flight, outcome: Secret | BaseException) -> None:
        """Let a value whose time is over be had in place of an error: only if the vault is down."""
        self._outages.landed(flight, outcome)
        now = self.clock.elapsed()
        entry = self.kept.find(flight.key, now)
        if entry is None or entry.secret is None or not isinstance(outcome, UnvaultError):
            return
        is_good = now < entry.end
        if isinstance(outcome, Unavailable):
            flight.stand_in = entry.secret if is_good else entry.secret.as_stale()
        elif not is_good:
            self.kept.drop(lambda key: key == flight.key)

    def _lead(self, flight: Flight, fetch: Callable[[], Secret], *, fresh: bool) -> Secret:
        try:
            secret = fetch()
        except BaseException as error:
            self.land(flight, error)
            if flight.stand_in is not None and not fresh:
                return flight.stand_in
            raise
        self.land(flight, secret)
        return secret

    def _good(self, key: Hashable) -> Entry | None:
        now = self.clock.elapsed()
        entry = self.kept.find(key, now)
        return entry if entry is not None and now < entry.end else None


def _every(_key: Hashable) -> bool:
    return True


def _vault_of(key: Hashable) -> Hashable:
    """Return what fails together: all that is fetched with one credential."""
    return (key.provider, key.credential) if isinstance(key, CacheKey) else key
