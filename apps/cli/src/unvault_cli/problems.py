"""What goes wrong with the files and streams that a person names."""

from __future__ import annotations

import click


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
