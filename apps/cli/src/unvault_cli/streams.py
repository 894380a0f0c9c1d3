"""Keeps the standard output for results: what a provider prints goes to the standard error."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import NoReturn, TextIO

import click

_KEY = "unvault_cli.results"


class Closed(io.StringIO):
    """Stands for a standard output that is closed: no result is lost without a word."""

    def write(self, text: str, /) -> NoReturn:
        """Refuse.

        Raises:
            FileProblem: Always.
        """
        from unvault_cli.problems import FileProblem

        raise FileProblem("the standard output is closed")


@contextmanager
def noise_aside() -> Iterator[None]:
    """Send what is printed in the meantime to the standard error, but for results."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta.setdefault(_KEY, sys.stdout)
    with redirect_stdout(sys.stderr):
        yield


def results() -> TextIO:
    """Return the standard output, for results, wherever what others print may go."""
    context = click.get_current_context(silent=True)
    held: TextIO | None = None if context is None else context.meta.get(_KEY)
    return held or sys.stdout
