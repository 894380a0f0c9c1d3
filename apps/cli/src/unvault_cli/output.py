"""Shows results: as text, as tables and as JSON documents of a documented shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

from unvault_cli.streams import results

_F = TypeVar("_F", bound=Callable[..., Any])

Cell = str | None

_MOMENTS = ("CREATED", "UPDATED")
"""Headers of columns that stay on one line, however narrow the terminal is."""


def json_option(function: _F) -> _F:
    """Give a command the option ``--json``."""
    option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    return option(function)


def on_terminal() -> bool:
    """Say whether a person reads the standard output."""
    return results().isatty()


def note(message: str) -> None:
    """Tell a person something that is no result: on the standard error."""
    click.echo(printable(message), err=True)


def note_lines(message: str, *, indent: str = "") -> None:
    """Tell a person something of several lines; those after the first are indented."""
    first, *more = message.splitlines() or [""]
    note(first)
    for line in more:
        note(f"{indent}{line}")


def printable(text: str) -> str:
    """Return a text on one line, its control characters written out: it may come from anywhere.

    Line ends are no exception: a name with one in it could look like a line of the program's own.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def document(schema: str, **content: Any) -> str:
    """Return a JSON document: on one line, unless a person reads it."""
    import json

    indent = 2 if on_terminal() else None
    return json.dumps({"schema": f"unvault.{schema}/1", **content}, indent=indent, default=str)


def print_json(schema: str, **content: Any) -> None:
    """Print a JSON document.

    Args:
        schema: Name of its shape.
        content: Its members.
    """
    print_text(document(schema, **content))


def print_line(text: str) -> None:
    """Print one line of a result."""
    print_text(printable(text))


def print_text(text: str) -> None:
    """Print a text as it is.

    Raises:
        FileProblem: The standard output cannot be written.
    """
    try:
        click.echo(text, file=results())
    except BrokenPipeError:
        raise
    except OSError as error:
        from unvault_cli.files import unwritable

        raise unwritable(error) from error


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print rows in columns, with lines that fit where the output is a terminal."""
    cells = [[printable(cell or "") for cell in row] for row in rows]
    if on_terminal():
        _print_rich(headers, cells)
        return
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    for row in (headers, *cells):
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print_text("  ".join(padded).rstrip())


def moment(time: datetime | None) -> str | None:
    """Return a time as results write it."""
    return None if time is None else time.isoformat()


def _print_rich(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold", no_wrap=header in _MOMENTS)
    for row in cells:
        table.add_row(*map(Text, row))
    Console(file=results()).print(table)
