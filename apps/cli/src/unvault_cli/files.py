"""Reads and writes what a person names: files, the standard input and the standard output."""

from __future__ import annotations

import sys
from pathlib import Path

import click

STANDARD = "-"
"""Stands for the standard input, or output, where a file could be named."""


class FileProblem(click.ClickException):
    """A file that a person named cannot be read or written."""

    exit_code = 1


def read(file: str) -> bytes:
    """Return a file's content, or that of the standard input for ``-``.

    Raises:
        FileProblem: It cannot be read.
    """
    try:
        if file != STANDARD:
            return Path(file).read_bytes()
        if sys.stdin is None:
            raise FileProblem("the standard input is closed")
        content = sys.stdin.buffer.read()
    except OSError as error:
        raise FileProblem(f"cannot read {named(file)}: {_why(error)}") from error
    else:
        return content


def named(file: str) -> str:
    """Return what messages call a file."""
    return "(standard input)" if file == STANDARD else file


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read: all of it, or nothing.

    Raises:
        FileProblem: It cannot be written.
    """
    from unvault.private_file import replace_private

    if not file.parent.is_dir():
        raise FileProblem(f"cannot write {file}: there is no folder {file.parent}")
    try:
        replace_private(file, content)
    except OSError as error:
        raise FileProblem(f"cannot write {file}: {_why(error)}") from error


def write_out(content: bytes, *, line_end: bool = False) -> None:
    """Write bytes to the standard output, as they are.

    Args:
        content: The bytes.
        line_end: Add a line end where the standard output is a terminal.

    Raises:
        FileProblem: The standard output is closed, or cannot be written.
    """
    if sys.stdout is None:
        raise FileProblem("the standard output is closed")
    if line_end and sys.stdout.isatty():
        content += b"\n"
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> FileProblem:
    """Return what to tell where the standard output cannot be written."""
    return FileProblem(f"cannot write the standard output: {_why(error)}")


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
