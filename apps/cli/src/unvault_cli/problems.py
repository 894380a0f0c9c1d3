"""What goes wrong with the files and streams that a person names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from unvault.errors import UnvaultError


class FileProblem(click.ClickException):
    """A file that a person named cannot be read or written.

    Args:
        message: What to tell.
        why: The reason alone, for where the file's name must not be repeated.
    """

    exit_code = 1

    def __init__(self, message: str, why: str | None = None) -> None:
        super().__init__(message)
        self.why = why or message


class Found(NamedTuple):
    """What is wrong with one variable of a program that is to be started."""

    where: str
    """Who says what the variable is to be: a file and a line, an option, or the environment."""
    name: str
    """The variable's name."""
    error: UnvaultError | str
    """What is wrong with it: the error, or a sentence where it cannot be meant at all."""


class NotStarted(Exception):
    """Variables of a program cannot be resolved, so it was not started; lists all of them.

    Args:
        problems: What is wrong with each.
    """

    def __init__(self, problems: Sequence[Found]) -> None:
        count = len(problems)
        what = "1 variable" if count == 1 else f"{count} variables"
        super().__init__(f"{what} cannot be set, so the command was not started")
        self.problems = tuple(problems)


class CommandProblem(click.ClickException):
    """A program cannot be started.

    Args:
        message: What to tell.
        exit_code: 127 where there is none of this name, 126 where it cannot be run.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it here as well
