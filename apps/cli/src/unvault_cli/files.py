"""Reads and writes what a person names: files, the standard input and the standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from unvault_cli.problems import FileProblem
from unvault_cli.streams import Closed, results

STANDARD = "-"
"""Stands for the standard input, or output, where a file could be named."""


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
        why = _why(error)
        raise FileProblem(f"cannot read {named(file)}: {why}", why) from error
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
    out = results()
    if isinstance(out, Closed):
        raise FileProblem("the standard output is closed")
    if line_end and out.isatty():
        content += b"\n"
    try:
        out.flush()
        out.buffer.write(content)
        out.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> FileProblem:
    """Return what to tell where the standard output cannot be written."""
    return FileProblem(f"cannot write the standard output: {_why(error)}")


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
