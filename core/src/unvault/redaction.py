"""`Redactor`: keeps the values of now, and masks them in texts and streams."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unvault.clock import Clock
from unvault.fork import renew_after_fork
from unvault.masking import StreamMasker
from unvault.matching import Matcher
from unvault.secret import MASK, Secret
from unvault.spellings import LEAST, Spelling, spellings

if TYPE_CHECKING:
    from unvault.aio import AsyncUnvault
    from unvault.client import Unvault

_SHORT = 4096  # bytes: a text that is looked through before it is masked


class _Value:
    """A value that is live until a moment, and its spellings, found out when first needed."""

    __slots__ = ("_spellings", "_value", "until")

    def __init__(self, value: bytes, until: float) -> None:
        self._value, self.until = value, until
        self._spellings: Sequence[Spelling] | None = None

    def spellings(self) -> Sequence[Spelling]:
        if self._spellings is None:
            self._spellings = spellings(self._value)
        return self._spellings


class _Values(OrderedDict[bytes, _Value]):
    """Values by themselves, as added, so as due; what lists attributes sees how many."""

    def __repr__(self) -> str:
        return f"<{len(self)} values>"


class Redactor:
    """The secret values of now, and how they are masked.

    A value is masked as it is, and in the spellings that `unvault.spellings` knows: base64,
    hexadecimal digits, URL-encoded, escaped as in JSON, Python, HTML and a shell. The texts in a
    JSON object and the lines of a longer value are masked by themselves, too.

    It may be used from any thread, and works on in a forked child.

    Args:
        max_values: How many values it keeps; the one that was added least recently leaves first.
        minutes: For how long it keeps a value after it was last added. `Unvault.observe` is not
            told of a value again while a cache has it, 720 minutes at most: keep values longer.
        clock: What tells the time.
        automaton: Whether to use ``ahocorasick_rs`` where it is installed, as the extra
            ``redaction`` does; without it the same is found, more slowly.

    Raises:
        ValueError: Not one value may be kept, or for no time.
    """

    def __init__(
        self,
        *,
        max_values: int = 1_000,
        minutes: float = 1_440.0,
        clock: Clock | None = None,
        automaton: bool = True,
    ) -> None:
        if max_values < 1 or not minutes > 0:
            raise ValueError("at least one value has to be kept, and for some time")
        self._max_values = max_values
        self._seconds = 60 * minutes
        self._elapsed = (clock or Clock()).elapsed
        self._automaton = automaton
        self._values = _Values()
        self._matcher: Matcher | None = None
        self._due = float("inf")
        self._lock = threading.Lock()
        renew_after_fork(self)

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._values)

    def __repr__(self) -> str:
        """Say how many values there are, and none of them."""
        return f"<Redactor: {len(self)} values>"

    def add(self, value: Secret | bytes | str) -> bool:
        """Mask a value from now on, or for longer.

        Args:
            value: The value. White space around it does not count.

        Returns:
            Whether it can be masked. A value of less than 4 bytes would be found in any text,
            and one of asterisks is masked already.
        """
        known = _bytes(value).strip()
        if len(known) < LEAST or not known.strip(MASK[:1].encode()):
            return False
        with self._lock:
            until = self._elapsed() + self._seconds
            live = self._values.get(known)
            if live is None:
                self._values[known] = _Value(known, until)
                self._matcher = None
                if len(self._values) > self._max_values:
                    self._values.popitem(last=False)
            else:
                live.until = until
                self._values.move_to_end(known)
        return True

    def follow(self, vault: Unvault | AsyncUnvault) -> None:
        """Add every secret that a client hands out from now on, before its caller has it."""
        vault.observe(self.add)

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._values.clear()
            self._matcher = None

    def redact(self, text: str) -> str:
        """Return a text with all values masked.

        Where it ends with at least half of a value, and 4 bytes of it, that is masked as well.
        """
        if not self._values:
            return text
        content, errors = _encoded(text)
        masked = self.redact_bytes(content)
        return text if masked is content else _decoded(masked, errors)

    def redact_bytes(self, content: bytes) -> bytes:
        """Return a content with all values masked; see `redact`."""
        if len(content) <= _SHORT and not self._now().touches(content):
            return content
        masker = self.masker()
        shown = masker.feed(content)
        return shown + masker.flush() if masker.pending else shown

    def masker(self) -> StreamMasker:
        """Return a masker for one stream. It always knows the values of then."""
        return StreamMasker(self._now)

    def after_fork(self) -> None:
        """Begin with a lock of its own: another thread of the parent may have had the old one."""
        self._lock = threading.Lock()
        self._matcher = None

    def _now(self) -> Matcher:
        """Return what knows the values of now."""
        matcher = self._matcher
        if matcher is not None and self._elapsed() < self._due:
            return matcher
        with self._lock:
            self._forget()
            if self._matcher is None:
                found = [each for live in self._values.values() for each in live.spellings()]
                self._matcher = Matcher(found, automaton=self._automaton)
            return self._matcher

    def _forget(self) -> None:
        now = self._elapsed()
        while self._values:
            first = next(iter(self._values.values()))
            if first.until > now:
                self._due = first.until
                return
            self._values.popitem(last=False)
            self._matcher = None
        self._due = float("inf")


def _bytes(value: Secret | bytes | str) -> bytes:
    if isinstance(value, Secret):
        return value.reveal()
    return _encoded(value)[0] if isinstance(value, str) else bytes(memoryview(value))


def _encoded(text: str) -> tuple[bytes, str]:
    """Return a text in UTF-8, and how to decode that, whatever surrogates it holds."""
    try:
        return text.encode(errors="surrogateescape"), "surrogateescape"
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass"), "surrogatepass"


def _decoded(content: bytes, errors: str) -> str:
    try:
        return content.decode(errors=errors)
    except UnicodeDecodeError:
        return content.decode(errors="replace")  # half a character was masked
