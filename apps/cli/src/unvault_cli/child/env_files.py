"""Reads env files: what they say of variables, and in which line."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence

from unvault_cli.child.wanted import Origin, Variable
from unvault_cli.files import STANDARD, read
from unvault_cli.problems import FileProblem

_LONGEST_SPACE = 256
"""How much white space a line may have in one piece: python-dotenv takes its square in time."""

_MOST = 1 << 23
"""How many characters more ``${NAME}`` may make of a file. No system hands on so many."""

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
    return [*_replaced(file, _bindings(file, _text(file))).values()]


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


def _bindings(file: str, text: str) -> Iterator[tuple[str, str | None, int]]:
    """Yield names, values as they are written, and lines. Nothing of a bad line is told."""
    from dotenv.parser import parse_stream

    wide = _WIDE.search(text)
    if wide:
        line = len(_LINE_END.findall(text, 0, wide.start())) + 1
        raise FileProblem(f"{file}:{line}: more than {_LONGEST_SPACE} blanks in one piece")
    for binding in parse_stream(io.StringIO(text)):
        # The parser counts the empty lines before a binding as a part of it.
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        line = binding.original.line + len(_LINE_END.findall(binding.original.string, 0, blank))
        if binding.error:
            raise FileProblem(f"{file}:{line}: not NAME=value; quote a value of several lines")
        if binding.key is not None:
            yield binding.key, binding.value, line


def _replaced(file: str, bindings: Iterable[tuple[str, str | None, int]]) -> dict[str, Variable]:
    """Return the variables, ``${NAME}`` in their values replaced as python-dotenv does it.

    That copies all that is known for each variable, and lets each be twice the one before it.
    """
    from dotenv.variables import parse_variables

    known: dict[str, str | None] = {**os.environ}
    found: dict[str, Variable] = {}
    room = _MOST
    for name, written, line in bindings:
        if written is None:  # it says nothing, and what is inherited stays
            known[name] = None
            found.pop(name, None)
            continue
        pieces = [atom.resolve(known) for atom in parse_variables(written)]
        room -= max(sum(map(len, pieces)) - len(written), 0)
        if room < 0:
            raise FileProblem(f"{file}:{line}: ${{…}} make more of it than any environment holds")
        text = known[name] = "".join(pieces)
        found[name] = Variable(name, text, Origin.ENV_FILE, f"{file}:{line}")
    return found
