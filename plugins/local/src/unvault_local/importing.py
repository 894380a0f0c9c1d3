"""Reads files that hold secrets in the clear, and says what is wrong with them by line only.

No message holds anything of such a file but names, and where a line may not be what it looks like,
not even those; no exception that does leaves this module, not even as the context of ours.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn

from unvault.errors import UsageError

if TYPE_CHECKING:
    from dotenv.parser import Binding

_LONGEST_SPACE = 256
"""How much white space a line may have in one piece: python-dotenv takes its square in time."""

_LINE_END = re.compile(r"\r\n|\n|\r")
_WIDE = re.compile(rf"[^\S\r\n]{{{_LONGEST_SPACE + 1}}}")

FORMATS = ("json", "env")
"""The formats that can be read."""


def read_secrets(content: bytes, form: str) -> dict[str, bytes]:
    """Return the secrets of a file, by name.

    Args:
        content: What is in the file, as UTF-8.
        form: One of `FORMATS`.

    Raises:
        UsageError: The content is not of this format; the error says where.
    """
    text = _decoded(content)
    return _from_json(text) if form == "json" else _from_env(text)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    raise UsageError(f"the file is not text in UTF-8 (line {line})")


def _from_json(text: str) -> dict[str, bytes]:
    found = _parsed(text)
    if not isinstance(found, dict):
        raise UsageError("the file is JSON, but not an object of names and values")
    return {name: _encoded(name, value) for name, value in found.items()}


def _parsed(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_float=_exact, parse_constant=_no_number
        )
    except json.JSONDecodeError as error:
        # After a colon, json may quote a character of the file.
        why = f"{error.msg.partition(':')[0]}, line {error.lineno}, column {error.colno}"
    except (RecursionError, ValueError):  # nested too deep, or a number of thousands of digits
        why = "it is nested too deep, or has too long a number"
    raise UsageError(f"the file is not JSON: {why}")


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UsageError(f"the name {name!r} is there twice")
        found[name] = value
    return found


def _exact(written: str) -> float:
    """Read a number, and refuse one that would come out as another one."""
    number = float(written)
    try:
        same = Decimal(written) == Decimal(repr(number))
    except InvalidOperation:  # an exponent beyond all bounds
        same = False
    if not same:
        raise UsageError(
            "the file holds a number with more digits than can be kept",
            hint="write it as text, in quotation marks",
        )
    return number


def _no_number(constant: str) -> NoReturn:
    raise UsageError(f"the file is not JSON: {constant} is no number there")


def _encoded(name: str, value: object) -> bytes:
    text = value if isinstance(value, str) else _compact(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass  # raised below, outside: the codec's exception holds the whole value
    raise UsageError(f"the value of {name!r} holds half a character (a lone surrogate)")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _from_env(text: str) -> dict[str, bytes]:
    from dotenv.parser import parse_stream  # it leaves ${...} alone: values are taken as written

    _refuse_wide_space(text)
    found: dict[str, bytes] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            raise _bad_line(binding, "is not NAME=value", "quote a value of several lines")
        if binding.key is not None and binding.value is not None:
            if binding.key in found:
                raise _bad_line(binding, "has a name that is there already", "keep one of the two")
            found[binding.key] = binding.value.encode()
    return found


def _refuse_wide_space(text: str) -> None:
    wide = _WIDE.search(text)
    if wide:
        line = len(_LINE_END.findall(text, 0, wide.start())) + 1
        raise UsageError(
            f"line {line} of the file has more than {_LONGEST_SPACE} blanks in one piece",
            hint="write such a value in JSON",
        )


def _bad_line(binding: Binding, what: str, hint: str) -> UsageError:
    # Not its name: in a value of several lines without quotes, that is a piece of the value.
    blank = len(binding.original.string) - len(binding.original.string.lstrip())
    line = binding.original.line + binding.original.string.count("\n", 0, blank)
    return UsageError(f"line {line} of the file {what}", hint=hint)
