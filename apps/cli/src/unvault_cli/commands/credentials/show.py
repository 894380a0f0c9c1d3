"""``unvault credentials show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.completing import complete, credentials
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, print_json, print_line
from unvault_cli.stored import opened

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.command("show")
@click.argument("name", shell_complete=complete(credentials))
@json_option
@with_vault
def command(vault: Unvault, *, name: str, as_json: bool) -> None:
    """Show a stored credential, secret answers masked.

    Where the provider is not installed, nobody knows which answers are secret, and all are masked.
    """
    from unvault.secret import MASK

    found = opened(vault, vault.credentials.get(name))
    if as_json:
        print_json("credential", **found)
        return
    told = {
        "name": found["name"],
        "id": found["id"],
        "provider": found["provider"],
        "type": found["type"] or "(signed out)",
        "default": "yes" if found["default"] else "no",
        "created": found["created"],
        "updated": found["updated"],
    }
    told |= {f"  {field}": str(answer) for field, answer in found["answers"].items()}
    told |= {f"  {field}": MASK for field in found["hidden"]}
    for label, value in told.items():
        print_line(f"{label}: {value}")
