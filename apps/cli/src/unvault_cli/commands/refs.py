"""``unvault refs``: which secrets do these files need?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from unvault_cli.files import named, read
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json, print_line
from unvault_cli.problems import FileProblem
from unvault_cli.report import USAGE, describe, where

if TYPE_CHECKING:
    from unvault.client import Unvault

Row = dict[str, Any]


@click.command("refs")
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, allow_dash=True))
@json_option
@click.pass_context
@with_vault
def command(
    vault: Unvault, context: click.Context, *, files: tuple[str, ...], as_json: bool
) -> None:
    """List the vault tags of files: which secrets they need.

    Works offline. Tags that are wrong are reported as well, and make the exit code 2; so are files
    that cannot be read, and make it 1.
    """
    references: list[Row] = []
    problems: list[Row] = []
    for file in files:
        _look(vault, file, references, problems)
    if as_json:
        print_json("refs", references=references, problems=problems)
    else:
        _show(references, problems)
    if problems:
        unread = any(row["line"] is None for row in problems)
        context.exit(FileProblem.exit_code if unread else USAGE)


def _look(vault: Unvault, file: str, references: list[Row], problems: list[Row]) -> None:
    from unvault.errors import RenderError

    name = named(file)
    try:
        found = vault.find_references(read(file))
    except FileProblem as error:
        problems.append({"file": name, "line": None, "column": None, **describe(error)})
        return
    except RenderError as error:  # its encoding
        problems.append({"file": name, "line": 1, "column": 1, **error.describe()})
        return
    for tag in found:
        place = {"file": name, "line": tag.line, "column": tag.column}
        if tag.error is None:
            references.append({**place, "reference": tag.reference})
        else:
            problems.append({**place, **tag.error.describe()})


def _show(references: list[Row], problems: list[Row]) -> None:
    for row in references:
        print_line(f"{where(row['file'], row['line'], row['column'])}: {row['reference']}")
    for row in problems:
        unread = row["line"] is None
        place = "error" if unread else where(row["file"], row["line"], row["column"])
        note(f"{place}: {row['message']} [{row['code']}]")
        if "hint" in row:
            note(f"  hint: {row['hint']}")
