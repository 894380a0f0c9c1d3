"""How values are encoded, escaped and quoted by what prints them.

Everything here goes through a value from left to right, a few bytes at a time, so that what a value
begins with decides how the result begins.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

Spell = Callable[[bytes], bytes]
"""Spells a value in one way."""


def as_it_is(value: bytes) -> bytes:
    """Return the value."""
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


def _percents() -> Iterator[Spell]:
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


def _bytes_repr_in_double_quotes(value: bytes) -> bytes:
    return _bytes_repr(value).replace(b"\\'", b"'")


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


BASE64: Sequence[Spell] = (
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
"""In base64: by itself, with other things around it, and in lines."""

OF_BYTES: Sequence[Spell] = (
    as_it_is,
    _hex,
    _upper_hex,
    *_percents(),
    _bytes_repr,
    _bytes_repr_in_double_quotes,
)
"""Ways to spell any value."""


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


def _quotes_together(text: str) -> str:
    """Spell as the shell dash does: what stands between single quotes is followed by the quotes."""
    return re.sub("'+", lambda quotes: f"'\"{quotes[0]}\"'", text).removesuffix("'")


def _printf_q(text: str) -> str:
    """Spell as bash does; ``~`` and ``#`` mean something in some places only."""
    plain = _backslashed("\t !\"$&'()*,;<>?[\\]^`{|}")(text)
    return re.sub("^(?=[~#])|(?<=[=:])(?=~)", r"\\", plain)


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
    _quotes_together,  # export -p
    _backslashed("\t !\"#$&'()*,;<=>?[\\]^`{|}~:"),  # a careful hand
    _printf_q,
    _backslashed('"$`\\'),  # between double quotes
    _replacing(_CONTROLS),  # between $' and '
    _octal,
    _replacing({"\n": "\r\n"}),  # what a terminal makes of it
)
OF_TEXT: Sequence[Spell] = tuple(partial(_text, each) for each in _TEXTS)
"""Ways to spell a value that is UTF-8."""
