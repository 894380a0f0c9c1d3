"""The values a cache keeps: each for its time, and the least recently used leaves first."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from math import inf

from unvault.clock import Clock
from unvault.secret import Secret

LONGEST_STALE_MINUTES = 720
"""How much longer than its time, at the most, a value may stand in for one that cannot be had."""

_SWEEP_SECONDS = 60.0
"""How often values whose time is over are looked for, where nobody asks for them any more."""


class Entry:
    """A value, and what was taken out of it, by the words that ask for it.

    Once it is dropped it is empty, so that whoever holds it holds no value: what is looked at
    without the lock is ``end`` first, and then ``parts``.

    Args:
        key: What the value is kept by.
        secret: The value.
        number: That of its flight.
        stored: When, on the clock that only goes forward.
        until: When the value itself ends, on that clock.
        share: How much of the configured time it is kept: 1 or a little less.
    """

    __slots__ = (
        "end",
        "expires",
        "key",
        "last",
        "number",
        "parts",
        "secret",
        "share",
        "stored",
        "until",
        "used",
    )

    def __init__(
        self,
        key: Hashable,
        secret: Secret,
        *,
        number: int,
        stored: float,
        until: float,
        share: float,
    ) -> None:
        self.key = key
        self.secret: Secret | None = secret
        self.parts: dict[str, Secret] = {}
        self.number = number
        self.stored = stored
        self.until = until
        self.expires: datetime | None = secret.expires  # the same, by the time of day
        self.share = share
        self.end = -inf  # when its time is over
        self.last = -inf  # until when it may stand in for a value that cannot be had
        self.used = 0  # grows with each use of any entry

    def empty(self) -> None:
        """Let go of the value, and of all that was taken out of it."""
        self.end = self.last = -inf
        self.secret = None
        self.parts = {}


class Kept:
    """Values by key. Called with the cache's lock, except where hits are counted.

    Args:
        max_entries: How many at the most.
        jitter: By which part of the time, at the most, a value is kept shorter.
        stale_minutes: How much longer a value may stand in for one that cannot be had.
        clock: What tells the time.

    Raises:
        ValueError: One of them is out of range.
    """

    def __init__(
        self, *, max_entries: int, jitter: float, stale_minutes: float, clock: Clock
    ) -> None:
        if max_entries < 0:
            raise ValueError(f"a cache cannot hold {max_entries} values")
        if not 0 <= jitter < 1:
            raise ValueError(f"the jitter is a part of the time, 0 to less than 1, not {jitter}")
        if not 0 <= stale_minutes <= LONGEST_STALE_MINUTES:
            raise ValueError(
                f"a value may stand in for 0 to {LONGEST_STALE_MINUTES} minutes,"
                f" not for {stale_minutes}"
            )
        self.max_entries = max_entries
        self.stale_minutes = stale_minutes
        self.clock = clock
        # Counts what is kept and what is used; a hit adds one without a lock. Where threads run at
        # the very same time (a free-threaded build), one may get lost: then a figure is one less,
        # and two entries count as used equally lately.
        self.uses = 0
        self._jitter = jitter
        self._minutes = 0.0
        self._stored = 0
        self._entries: dict[Hashable, Entry] = {}
        self._leaving: list[tuple[int, Entry]] = []  # who is next; used since: still at the end
        self._sweep_at = -inf

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._entries)

    @property
    def hits(self) -> int:
        """How often a value was used."""
        return self.uses - self._stored

    @property
    def minutes(self) -> float:
        """For how long a value is kept. A change holds for what is kept already."""
        return self._minutes

    @minutes.setter
    def minutes(self, minutes: float) -> None:
        if not minutes >= 0:  # "not a number" is neither
            raise ValueError(f"a value cannot be kept for {minutes} minutes")
        self._minutes = minutes
        for entry in self._entries.values():
            self._time(entry)

    def find(self, key: Hashable, now: float) -> Entry | None:
        """Return a value's entry, if it may be used or may stand in; what may neither is dropped.

        Args:
            key: The key.
            now: The time; up to the entry's ``end`` it is good.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now < entry.last and not self._expired(entry):
            return entry
        self._drop(entry)
        return None

    def use(self, entry: Entry) -> Secret | None:
        """Return an entry's value, as the one used last."""
        self.uses = entry.used = self.uses + 1
        return entry.secret

    def put(self, key: Hashable, secret: Secret, number: int) -> None:
        """Keep a value, unless it has ended or a newer one is there."""
        now = self.clock.elapsed()
        until = inf if secret.expires is None else self.clock.deadline(secret.expires)
        older = self._entries.get(key)
        if older is not None:
            if older.number > number:
                return
            self._drop(older)
        if not self._minutes or until <= now:
            return
        share = 1.0 - self._jitter * self.clock.chance()
        entry = Entry(key, secret, number=number, stored=now, until=until, share=share)
        self._time(entry)
        self._entries[key] = entry
        self._stored += 1
        self.uses = entry.used = self.uses + 1
        self._sweep(now)
        self._make_room()

    def drop(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Drop the values whose keys are not wanted any more."""
        for entry in [entry for key, entry in self._entries.items() if unwanted(key)]:
            self._drop(entry)

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.key]
        entry.empty()

    def _time(self, entry: Entry) -> None:
        """Say until when an entry is good, and until when it may stand in."""
        entry.end = min(entry.stored + self._minutes * 60.0 * entry.share, entry.until)
        entry.last = min(entry.end + self.stale_minutes * 60.0, entry.until)

    def _expired(self, entry: Entry) -> bool:
        """Say whether a value has ended by the time of day, which may have been set since."""
        return entry.expires is not None and self.clock.now() >= entry.expires

    def _sweep(self, now: float) -> None:
        """Drop what is over, now and then: no value stays because nobody asks for it."""
        if now < self._sweep_at:
            return
        self._sweep_at = now + _SWEEP_SECONDS
        for entry in [*self._entries.values()]:
            if now >= entry.last:
                self._drop(entry)

    def _make_room(self) -> None:
        """Drop the least recently used: sorted at times, instead of at each hit."""
        while len(self._entries) > self.max_entries:
            if not self._leaving:
                by_use = [(entry.used, entry) for entry in self._entries.values()]
                self._leaving = sorted(by_use, key=lambda each: each[0], reverse=True)
            used, entry = self._leaving.pop()
            if self._entries.get(entry.key) is entry and entry.used == used:
                self._drop(entry)
