"""Which variables the program gets, and where each of them says what it is to be."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from unvault_cli.problems import Found

SCHEME = "unvault://"
"""How a value begins that stands for a secret."""

TAG = "{%"
"""How a vault tag begins."""


_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")


class Origin(Enum):
    """Who said what a variable is to be."""

    INHERITED = "environment"
    ENV_FILE = "--env-file"
    SET = "--set"
    FILE = "--file"


class Variable(NamedTuple):
    """A variable of the program, as somebody wrote it down."""

    name: str
    """Its name."""
    text: str
    """What was written: the value itself, a reference, or a text with vault tags."""
    origin: Origin
    """Who wrote it."""
    place: str = ""
    """Where in particular: a file and a line."""

    @property
    def where(self) -> str:
        """What messages say before the variable's name."""
        return self.place or self.origin.value

    @property
    def is_reference(self) -> bool:
        """Whether it stands for one secret."""
        if self.origin in (Origin.SET, Origin.FILE):
            return True
        return self.text.startswith(SCHEME)

    @property
    def has_tags(self) -> bool:
        """Whether it may have vault tags in it: only what stands in a file can."""
        return self.origin is Origin.ENV_FILE and not self.is_reference and TAG in self.text


class Resolved(NamedTuple):
    """What the program gets."""

    environ: dict[str, str]
    """Its environment, but for the paths of files."""
    files: dict[str, bytes]
    """The contents of files, by the variable that has the path."""
    secrets: dict[bytes, list[str]]
    """Every secret value in it, with the names of the variables that hold it."""


def gather(
    inherited: Mapping[str, str],
    written: Iterable[Variable],
    options: Iterable[Variable],
) -> tuple[Sequence[Variable], Sequence[Found]]:
    """Return the variables of the program, and what is wrong with them. Resolves nothing.

    Args:
        inherited: The environment of this process.
        written: What the env files say, in order: a later one goes before an earlier one.
        options: What the command's options say, which goes before all of that.
    """
    found = {name: Variable(name, text, Origin.INHERITED) for name, text in inherited.items()}
    problems = []
    for variable in (*written, *options):
        why = _why_not(variable)
        if why:
            problems.append(Found(variable.where, variable.name, why))
        found[_key(variable.name)] = variable
    return [*found.values()], problems


def as_inherited(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return an environment without what Python put there.

    In a locale without UTF-8, it sets ``LC_CTYPE`` for itself (PEP 538).
    """
    if environ.get("LC_CTYPE") not in _COERCED:
        return environ
    try:
        given = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return environ
    if any(each.startswith(b"LC_CTYPE=") for each in given):
        return environ
    return {name: text for name, text in environ.items() if name != "LC_CTYPE"}


def _key(name: str) -> str:
    return name.upper() if os.name == "nt" else name  # as os.environ has them


def _why_not(variable: Variable) -> str | None:
    name = variable.name
    if not name:
        return "the name is empty"
    if "=" in name or "\0" in name:
        return "no variable can have this name"
    if variable.origin is Origin.ENV_FILE and not variable.is_reference and SCHEME in variable.text:
        return (
            "a reference is the whole value, or a tag: "
            "write {% vault '…' %} where it is a part of the text"
        )
    return None
