"""How a value may be spelt in a text: as it is, encoded, escaped or quoted.

Every spelling here goes through a value from left to right, a few bytes at a time: what a value
begins with decides how its spelling begins. So the beginning of a long value's spelling is known
without spelling out all of it.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

LEAST = 4
"""A value or spelling of fewer bytes is not looked for: to mask ``1`` would destroy any text."""

HEAD = 256
"""So many bytes of a spelling's beginning count as the spelling."""

_LEAST_BASE64 = 6  # characters: fewer are found in any base64 text
_LEAST_LEAF = 6  # characters of a text in a JSON value
_LEAST_LINE = 8  # bytes
_MOST_PARTS = 256  # lines, and JSON texts, of one value
_KEPT = 1024  # bytes: longer values are spelt out again whenever that is needed

_Spell = Callable[[bytes], bytes]


class Spelling:
    """One spelling of a value: its head, and the whole of it when that is needed.

    Args:
        spell: Spells a value.
        value: The value.
        beginning: The first bytes of a long value, enough for a head.
    """

    __slots__ = ("_spell", "_value", "_whole", "head", "longer")

    head: bytes
    """Its first `HEAD` bytes, or all of it."""
    longer: bool
    """Whether there is more than the head."""

    def __init__(self, spell: _Spell, value: bytes, beginning: bytes | None = None) -> None:
        self._spell, self._value = spell, value
        self._whole = spell(value) if beginning is None else None
        known = spell(beginning or value) if self._whole is None else self._whole
        self.head = known[:HEAD]
        self.longer = beginning is not None or len(known) > HEAD

    def whole(self) -> bytes:
        """Return all of it."""
        return self._spell(self._value) if self._whole is None else self._whole


def spellings(value: bytes) -> Sequence[Spelling]:
    """Return how a value may be spelt, each spelling once; none of a value that is too short.

    White space around it does not count. The texts in a JSON object, where they have at least 6
    characters, are values of their own, and each line of at least 8 bytes counts as well. Lines
    that begin with five dashes say what follows, and are no secret.
    """
    value = value.strip()
    values = [value, *islice(_leaves(value), _MOST_PARTS)]
    found: dict[object, Spelling] = {}
    for each in values:
        for key, spelling in _spelt(each):
            found.setdefault(key, spelling)
    for line in islice(_lines(values), _MOST_PARTS):
        found.setdefault(line, Spelling(_as_it_is, line))
    return [each for each in found.values() if len(each.head) >= LEAST]


def _spelt(value: bytes) -> Iterator[tuple[object, Spelling]]:
    """Yield the spellings of one value, each with a key by which equal ones are known."""
    text = _decoded(value)
    spells = _OF_BYTES if text is None else (*_OF_BYTES, *_OF_TEXT)
    if len(value) <= _KEPT:
        for spell in (*spells, *_BASE64):
            spelling = Spelling(spell, value)
            if spell in spells or len(spelling.head) >= _LEAST_BASE64:
                yield spelling.whole(), spelling
        return
    beginning = value[: HEAD + 4]
    if text is not None:
        beginning = beginning.decode(errors="ignore").encode()  # without half a character
    # These spell one character after the other: on one value, two of them are the same where
    # they are the same on its characters.
    every = bytes(sorted(set(value))) if text is None else "".join(sorted(set(text))).encode()
    for spell in spells:
        yield (value, spell(every)), Spelling(spell, value, beginning)
    for spell in _BASE64:
        yield (value, spell), Spelling(spell, value, beginning)


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _leaves(value: bytes) -> Iterator[bytes]:
    """Yield the texts in a JSON object."""
    if not value.startswith(b"{"):
        return
    try:
        waiting: list[Any] = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, str) and len(found.strip()) >= _LEAST_LEAF:
            yield found.strip().encode(errors="surrogatepass")


def _lines(values: Iterable[bytes]) -> Iterator[bytes]:
    for value in values:
        lines = value.splitlines()
        for line in lines if len(lines) > 1 else ():
            inner = line.strip()
            if len(inner) >= _LEAST_LINE and not inner.startswith(b"-----"):
                yield inner


# ------------------------------------------------------------------------------------- of bytes


def _as_it_is(value: bytes) -> bytes:
    return value


def _hex(value: bytes) -> bytes:
    return value.hex().encode()


def _upper_hex(value: bytes) -> bytes:
    return _hex(value).upper()


def _table(marks: str, escape: Callable[[int], str]) -> dict[int, str]:
    """Return how to escape what is neither an ASCII letter, a digit nor one of some marks."""
    kept = {code for code in range(128) if chr(code).isalnum()} | set(marks.encode())
    return {code: escape(code) for code in range(256) if code not in kept}


def _percent(table: Mapping[int, str], value: bytes) -> bytes:
    return value.decode("latin-1").translate(table).encode()


def _percents() -> Iterator[_Spell]:
    every = {code: f"%{code:02X}" for code in range(256)}
    plus = {ord(" "): "+"}
    tables = [
        _table("_.-~", "%{:02X}".format),  # quote(safe="")
        _table("_.-~/", "%{:02X}".format),  # quote
        _table("_.-~", "%{:02X}".format) | plus,  # quote_plus
        _table("_.-*", "%{:02X}".format) | plus,  # forms
        _table("_.-~!'()*", "%{:02X}".format),  # encodeURIComponent
        _table("_.-~!'()*;/?:@&=+$,#", "%{:02X}".format),  # encodeURI
        every,
    ]
    for table in tables:
        yield partial(_percent, table)
        yield partial(_percent, {code: text.lower() for code, text in table.items()})


def _bytes_repr(value: bytes) -> bytes:
    """Spell as Python shows bytes, between single quotes."""
    return repr(value + b'"')[2:-2].encode()  # with a double quote in it, the others are single


def _base64(value: bytes, *, shift: int, end: str, url: bool) -> bytes:
    """Spell in base64, where so many bytes go before it.

    A character of base64 stands for 6 bits. Those at the edge belong to the neighbours as well,
    and are left out, unless the value is the last thing in there.
    """
    text = binascii.b2a_base64(bytes(shift) + value, newline=False)
    first = -(-8 * shift // 6)
    bits = 8 * (shift + len(value))
    ends = {"open": bits // 6, "bare": -(-bits // 6), "padded": len(text)}
    found = text[first : ends[end]]
    return found.translate(bytes.maketrans(b"+/", b"-_")) if url else found


def _wrapped_base64(value: bytes, *, width: int, ending: bytes) -> bytes:
    """Spell in lines of base64, as ``base64`` and MIME do."""
    size = width // 4 * 3
    lines = (value[at : at + size] for at in range(0, len(value), size))
    return ending.join(binascii.b2a_base64(line, newline=False) for line in lines)


_BASE64: Sequence[_Spell] = (
    *(
        partial(_base64, shift=shift, end=end, url=url)
        for shift in range(3)
        for end in ("open", "bare", "padded")
        for url in (False, True)
    ),
    *(
        partial(_wrapped_base64, width=width, ending=ending)
        for width in (64, 76)
        for ending in (b"\n", b"\r\n")
    ),
)
_OF_BYTES: Sequence[_Spell] = (_as_it_is, _hex, _upper_hex, *_percents(), _bytes_repr)


# -------------------------------------------------------------------------------------- of text


def _text(spell: Callable[[str], str], value: bytes) -> bytes:
    return spell(value.decode()).encode()


def _replacing(escapes: Mapping[str, str]) -> Callable[[str], str]:
    table = str.maketrans(dict(escapes))
    return lambda text: text.translate(table)


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _ascii_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _repr(text: str) -> str:
    """Spell as Python shows a text, between single quotes."""
    return repr(text + '"')[1:-2]  # with a double quote in it, the others are single


def _repr_in_double_quotes(text: str) -> str:
    return _repr(text).replace("\\'", "'")


def _slashes(text: str) -> str:
    return text.replace("/", "\\/")


def _go_json(text: str) -> str:
    """Spell as Go does, which keeps its JSON safe to put into HTML."""
    return _replacing({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})(_json(text))


def _both(inner: Callable[[str], str], outer: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: outer(inner(text))


def _c_escape(code: int) -> str:
    named = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "E"}
    return f"\\{named.get(code) or f'{code:03o}'}"


_CONTROLS = {chr(code): _c_escape(code) for code in (*range(32), 127)} | {
    "\\": "\\\\",
    "'": "\\'",
}


def _octal(text: str) -> str:
    """Spell as a shell's ``$'…'`` where only ASCII is printed."""
    table = {code: _c_escape(code) for code in range(128, 256)}
    inner = _replacing(_CONTROLS)(text)
    return inner.encode().decode("latin-1").translate(table)


def _backslashed(marks: str) -> Callable[[str], str]:
    return _replacing({mark: f"\\{mark}" for mark in marks})


_JSONS = (_json, _ascii_json, _both(_json, _slashes), _both(_ascii_json, _slashes), _go_json)
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_TEXTS: Sequence[Callable[[str], str]] = (
    *_JSONS,
    *(_both(each, outer) for each in _JSONS for outer in (_json, _repr)),  # JSON in a text
    _repr,
    _repr_in_double_quotes,
    _replacing(_HTML),
    *(
        _replacing(_HTML | {'"': double, "'": single})
        for double in ("&quot;", "&#34;")
        for single in ("'", "&#x27;", "&#39;", "&apos;")
    ),
    _replacing({"'": "'\"'\"'"}),  # shlex.quote
    _replacing({"'": "'\\''"}),  # set -x
    _backslashed("\t !\"#$&'()*,;<=>?[\\]^`{|}~:"),  # a careful hand
    _backslashed("\t !\"$&'()*,;<>?[\\]^`{|}"),  # printf %q
    _backslashed('"$`\\'),  # between double quotes
    _replacing(_CONTROLS),  # between $' and '
    _octal,
    _replacing({"\n": "\r\n"}),  # what a terminal makes of it
)
_OF_TEXT: Sequence[_Spell] = tuple(partial(_text, each) for each in _TEXTS)
