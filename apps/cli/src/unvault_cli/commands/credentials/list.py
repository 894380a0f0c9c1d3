"""``unvault credentials list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json, print_table
from unvault_cli.stored import rows

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.command("list")
@json_option
@with_vault
def command(vault: Unvault, *, as_json: bool) -> None:
    """List the stored credentials.

    Needs no key and contacts no vault.
    """
    found = rows(vault)
    if as_json:
        print_json("credentials", credentials=found)
    elif found:
        cells = [
            (
                each["name"],
                each["provider"],
                each["type"] or "(signed out)",
                "default" if each["default"] else "",
                each["updated"],
            )
            for each in found
        ]
        print_table(["NAME", "PROVIDER", "TYPE", "DEFAULT", "UPDATED"], cells)
    else:
        note("no credential is stored; to add one: unvault credentials add")
