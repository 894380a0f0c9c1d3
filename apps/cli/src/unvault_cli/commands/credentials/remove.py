"""``unvault credentials remove``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.completing import complete, credentials
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json
from unvault_cli.prompts import confirm
from unvault_cli.stored import stored

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.command("remove")
@click.argument("name", shell_complete=complete(credentials))
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@with_vault
def command(vault: Unvault, *, name: str, yes: bool, as_json: bool) -> None:
    """Forget a stored credential.

    Needs no key: it can be removed even if it cannot be opened any more.
    """
    gone = stored(vault, name)
    if not yes:
        confirm(f"Remove the credential {gone.name} for {gone.provider} for good?")
    vault.credentials.remove(gone.name)
    note(f"removed the credential {gone.name}")
    if as_json:
        print_json("removed", name=gone.name)
