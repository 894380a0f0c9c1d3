"""Reads env files: what they say of variables, and in which line."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from unvault_cli.child.wanted import Origin, Variable
from unvault_cli.files import STANDARD, read
from unvault_cli.problems import FileProblem

_LONGEST_SPACE = 256
"""How much white space a line may have in one piece: python-dotenv takes its square in time."""

_LINE_END = re.compile(r"\r\n|\n|\r")
_WIDE = re.compile(rf"[^\S\r\n]{{{_LONGEST_SPACE + 1}}}")


def read_env_file(file: str) -> Sequence[Variable]:
    """Return the variables of an env file, in order, ``${NAME}`` in their values replaced.

    Args:
        file: Its path.

    Raises:
        FileProblem: It cannot be read, or is no env file; the message names the line.
    """
    if file == STANDARD:
        raise FileProblem("the standard input is the command's: name a file for --env-file")
    text = _text(file)
    lines = _lines(file, text)
    return [
        Variable(name, value, Origin.ENV_FILE, f"{file}:{lines[name]}")
        for name, value in _values(text).items()
    ]


def _text(file: str) -> str:
    content = read(file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    else:
        if "\0" not in text:
            return text
        line = text.count("\n", 0, text.index("\0")) + 1
    raise FileProblem(f"{file}:{line}: the file is not text in UTF-8")  # no context: it has values


def _lines(file: str, text: str) -> dict[str, int]:
    """Return the line in which each variable is given last. Nothing of a bad line is told."""
    from dotenv.parser import parse_stream

    wide = _WIDE.search(text)
    if wide:
        line = len(_LINE_END.findall(text, 0, wide.start())) + 1
        raise FileProblem(f"{file}:{line}: more than {_LONGEST_SPACE} blanks in one piece")
    lines = {}
    for binding in parse_stream(io.StringIO(text)):
        # The parser counts the empty lines before a binding as a part of it.
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        line = binding.original.line + len(_LINE_END.findall(binding.original.string, 0, blank))
        if binding.error:
            raise FileProblem(f"{file}:{line}: not NAME=value; quote a value of several lines")
        if binding.key is not None:
            lines[binding.key] = line
    return lines


def _values(text: str) -> dict[str, str]:
    """Return the values; a name without one says nothing, and what is inherited stays."""
    from dotenv import dotenv_values

    found = dotenv_values(stream=io.StringIO(text), interpolate=True)
    return {name: value for name, value in found.items() if value is not None}
