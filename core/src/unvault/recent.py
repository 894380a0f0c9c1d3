"""What references led to lately: the short cut that makes a hit cost next to nothing."""

from __future__ import annotations

from collections.abc import Hashable

from unvault.cache import SecretCache
from unvault.kept import Entry
from unvault.secret import Secret
from unvault.store_watch import StoreWatch


class Recent:
    """From the text of a reference to its value, without reading the text.

    A hit takes no lock: it reads one dictionary, the clock, and an entry that is emptied when its
    value is dropped.

    Args:
        cache: Where the values are kept.
        watch: Tells whether another process changed what the texts may mean.
    """

    def __init__(self, cache: SecretCache, watch: StoreWatch) -> None:
        self._cache = cache
        self._kept = cache.kept
        self._elapsed = cache.clock.elapsed
        self._now = cache.clock.now
        self._watch = watch
        self.era: Hashable = object()
        """Another one whenever what texts led to is forgotten."""
        self.page: dict[str, Entry] = {}
        """What texts led to in this era. Whoever began before a change writes on an old page."""

    def get(self, text: str) -> Secret | None:
        """Return the value a text led to the last time, while it is good or may stand in."""
        entry = self.page.get(text)
        if entry is None:
            return None
        now = self._elapsed()
        if now >= self._watch.due and self.look(now):
            return None
        if now < entry.end and (entry.expires is None or self._now() < entry.expires):
            secret = entry.parts.get(text)
            if secret is not None:
                kept = self._kept
                kept.uses = entry.used = kept.uses + 1
                return secret
        return self._cache.stand_in(entry, text)

    def look(self, now: float) -> bool:
        """Forget what texts led to if the store was changed from outside; say whether it was."""
        if now < self._watch.due or not self._watch.changed(now):
            return False
        self.forget()
        return True

    def note(self, page: dict[str, Entry], text: str, entry: Entry | None) -> None:
        """Note where a text led; ``page`` is that of when its meaning was looked up."""
        if entry is None:
            return
        if len(page) >= self._cache.max_entries:
            page.clear()
        page[text] = entry

    def forget(self) -> None:
        """Forget what texts led to: something else may be meant from now on."""
        self.page = {}
        self.era = object()
