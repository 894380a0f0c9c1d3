"""`StreamMasker`: masks values in a stream, however it is cut into chunks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping, MutableSequence

from unvault.matching import Matcher
from unvault.secret import MASK
from unvault.spellings import HEAD, LEAST, Spelling

_MASK = MASK.encode()
_BLOCK = 1 << 18  # bytes that are looked at together
_ECHO = 3  # bytes that `release` lets go of at most

_Spans = MutableSequence[tuple[int, int]]


class StreamMasker:
    """Masks values in one stream.

    Every byte that belongs to a spelling of a value is masked; spellings that overlap share one
    mask. Of a spelling of more than 256 bytes the first 256 count as the spelling, and what
    follows them is masked for as long as it agrees. So never more than 255 bytes are held back.

    It is made by `Redactor.masker`, and used by one thread at a time.

    Args:
        matcher: Returns what knows the spellings of now.
    """

    def __init__(self, matcher: Callable[[], Matcher]) -> None:
        self._matcher = matcher
        self._begin()

    def _begin(self) -> None:
        self._held = b""  # the end of what came: a spelling may begin with it
        self._out = 0  # bytes of it that are out already: behind a mask, or released
        self._released = False  # whether the last thing that went out was released
        self._before = 0  # bytes of the stream that came before it
        self._chases: MutableMapping[Spelling, _Chase] = {}

    def __repr__(self) -> str:
        """Say how much is held back, and nothing of it."""
        return f"<StreamMasker: {self.pending} bytes held back>"

    @property
    def pending(self) -> int:
        """How many bytes are held back."""
        return len(self._held) - self._out

    def feed(self, chunk: bytes) -> bytes:
        """Take what came, and return what may be shown now.

        What may be the beginning of a value is held back, and nothing more.
        """
        if len(chunk) <= _BLOCK:
            return self._feed(chunk)
        view = memoryview(chunk)
        blocks = range(0, len(chunk), _BLOCK)
        return b"".join([self._feed(bytes(view[at : at + _BLOCK])) for at in blocks])

    def release(self) -> bytes:
        """Return what is held back although it is most likely no value; for a terminal.

        To be called when nothing came for a moment, so that the echo of a key is not stuck
        because some value begins with that letter. It lets go of at most 3 bytes, and of at most
        a third of the shortest value they may belong to. When the rest of the value follows, that
        is masked all the same.
        """
        size = len(self._held)
        if not self.pending or size > _ECHO or 3 * size > self._matcher().shortest(self._held):
            return b""
        shown = self._held[self._out :]
        self._out, self._released = size, True
        return shown

    def flush(self) -> bytes:
        """Return the rest, at the end of the stream.

        Where it ends with the beginning of a value, that is masked if it is at least half of the
        value, or of its first 256 bytes, and at least 4 bytes.
        """
        content, matcher = self._held, self._matcher()
        spans: _Spans = []
        self._collect(matcher, content, spans)
        for start in range(len(content) - LEAST + 1):
            rest = content[start:]
            if matcher.begins(rest) and 2 * len(rest) >= matcher.shortest(rest):
                spans.append((start, len(content)))
                break
        shown = self._render(content, spans, len(content))
        self._begin()
        return shown

    def _feed(self, chunk: bytes) -> bytes:
        matcher = self._matcher()
        content = self._held + chunk if self._held else chunk
        spans: _Spans = []
        for chase in self._chases.values():
            spans.append(chase.go_on(content, self._before))
        end = _open_end(matcher, content, self._collect(matcher, content, spans))
        shown = self._render(content, spans, end)
        self._held = content[end:]
        self._out -= end
        self._before += end
        if self._chases:
            self._chases = {
                key: chase
                for key, chase in self._chases.items()
                if chase.goes_on or chase.until > self._before
            }
        return shown

    def _collect(self, matcher: Matcher, content: bytes, spans: _Spans) -> int | None:
        """Add where spellings are; return where one may begin that is not complete."""
        end = None
        cut_off = len(content) - HEAD  # what begins behind this may go on behind the content
        for start in matcher.starts(content):
            head = matcher.longest(content, start)
            if head is not None:
                spans.append((start, start + len(head)))
                for spelling in matcher.longer.get(head, ()):
                    spans.append(self._chase(spelling, content, start))
            if end is None and start > cut_off and matcher.begins(content[start:]):
                end = start
        return end

    def _chase(self, spelling: Spelling, content: bytes, start: int) -> tuple[int, int]:
        chase = self._chases.get(spelling)
        place = self._before + start
        if chase is None or not chase.overlaps(place):
            chase = self._chases[spelling] = _Chase(spelling.whole(), place)
            return chase.go_on(content, self._before)
        return chase.again(place, content, self._before)

    def _render(self, content: bytes, spans: Iterable[tuple[int, int]], end: int) -> bytes:
        """Return a content from where it is not out yet to an end, masked."""
        pieces: list[bytes] = []
        at = self._out
        for start, stop in _merged(spans):
            if start >= end:
                break  # it is held back, and will be found again
            if stop <= at:
                continue
            if start >= at:
                pieces += content[at:start], _MASK
            elif self._released:
                pieces.append(_MASK)  # for the rest of it
            at, self._released = stop, False  # else it goes on from a mask that is out
        if at < end:
            pieces.append(content[at:end])
            at, self._released = end, False
        self._out = at
        return b"".join(pieces)


class _Chase:
    """Follows one long spelling through a stream for as long as the two agree.

    Places are counted from the beginning of the stream.
    """

    __slots__ = ("_later", "_period", "_whole", "goes_on", "start", "until")

    def __init__(self, whole: bytes, start: int) -> None:
        self._whole = whole
        self._later: deque[int] = deque()  # where the spelling may begin, too, before it ends
        self._period = 0
        self.start, self.until = start, start
        self.goes_on = False

    def overlaps(self, place: int) -> bool:
        """Return whether a place is inside what was found to agree, or may come to be."""
        return self.goes_on or place < self.until

    def again(self, place: int, content: bytes, before: int) -> tuple[int, int]:
        """Take note that the spelling may begin here, too."""
        if self.goes_on:
            self._later.append(place)
            return place - before, place - before
        if self._agrees_from(place, content, before):
            self.start = place
            return self.go_on(content, before)
        return place - before, place - before

    def go_on(self, content: bytes, before: int) -> tuple[int, int]:
        """Go on through a content; return the span in it that is masked for this."""
        begin = self.start - before
        while True:
            done = self.until - self.start
            place = self.until - before
            rest = content[place : place + len(self._whole) - done]
            agreed = _agreeing(rest, self._whole[done : done + len(rest)])
            self.until += agreed
            self.goes_on = agreed == len(rest) and done + agreed < len(self._whole)
            if self.goes_on or not self._next(content, before):
                return begin, self.until - before

    def _next(self, content: bytes, before: int) -> bool:
        while self._later:
            place = self._later.popleft()
            if self._agrees_from(place, content, before):
                self.start = place
                return True
        return False

    def _agrees_from(self, place: int, content: bytes, before: int) -> bool:
        """Return whether the spelling may begin at a later place, by what is known up to now.

        What agreed so far is the spelling's own beginning, so that it is compared with itself.
        """
        step, done = place - self.start, self.until - self.start
        end = self.until - before
        if end < len(content) and content[end] != self._whole[done - step]:
            return False
        if done < len(self._whole):
            return self._whole[: done - step] == self._whole[step:done]
        if step != self._period and self._whole[:-step] != self._whole[step:]:
            return False
        self._period = step
        return True


def _agreeing(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts of one length have in common at their beginning."""
    at, size = 0, 64
    while at < len(one):
        left, right = one[at : at + size], other[at : at + size]
        if left != right:
            different = int.from_bytes(left) ^ int.from_bytes(right)
            return at + len(left) - (different.bit_length() + 7) // 8
        at, size = at + size, 2 * size
    return len(one)


def _open_end(matcher: Matcher, content: bytes, end: int | None) -> int:
    """Return where the last bytes begin that a spelling may begin with.

    Args:
        matcher: Knows the spellings.
        content: The content.
        end: Where one begins that has enough bytes to be found, if there is one. Another may
            begin before it and have fewer, since not all are found by equally many.
    """
    size = len(content)
    end = size if end is None else end
    for start in range(max(0, size - matcher.anchor + 1), end):
        if matcher.begins(content[start:]):
            return start
    return end


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans in order, those that overlap as one."""
    begin = end = None
    for start, stop in sorted(spans):
        if end is not None and begin is not None and start < end:
            end = max(end, stop)
            continue
        if end is not None and begin is not None:
            yield begin, end
        begin, end = start, stop
    if end is not None and begin is not None:
        yield begin, end
