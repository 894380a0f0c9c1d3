"""``unvault list``: browse a vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from unvault_cli.completing import complete, heads
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, moment, note, print_json, print_table

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.command("list")
@click.argument("credential", shell_complete=complete(heads))
@click.argument("prefix", default="")
@json_option
@with_vault
def command(vault: Unvault, *, credential: str, prefix: str, as_json: bool) -> None:
    """List the secrets of a vault: names, never values.

    CREDENTIAL is the name of a stored credential or a provider's id; PREFIX is what the secrets'
    paths have to start with. What is printed first on each line is a reference for `unvault get`.
    """
    from unvault.reference import Reference

    found: list[dict[str, Any]] = [
        {
            "reference": str(Reference(credential, info.path)),
            "path": info.path,
            "version": info.version,
            "created": moment(info.created),
            "content_type": info.content_type,
            "tags": dict(info.tags),
            "note": info.note,
        }
        for info in vault.list(credential, prefix)
    ]
    if as_json:
        print_json("secrets", credential=credential, prefix=prefix, secrets=found)
    elif found:
        columns = ("reference", "version", "created", "note")
        # Not every vault tells all of it.
        shown = [name for name in columns if any(row[name] for row in found)]
        rows = [[row[name] for name in shown] for row in found]
        print_table([name.upper() for name in shown], rows)
    else:
        note("there are no secrets" + (f" that start with {prefix!r}" if prefix else ""))
