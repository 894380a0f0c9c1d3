"""``unvault credentials rename``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.completing import complete, credentials
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json
from unvault_cli.stored import opened

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.command("rename")
@click.argument("old", shell_complete=complete(credentials))
@click.argument("new")
@json_option
@with_vault
def command(vault: Unvault, *, old: str, new: str, as_json: bool) -> None:
    """Give a stored credential another name.

    References by the old name stop working.
    """
    renamed = vault.credentials.rename(old, new)
    note(f"renamed the credential {old} to {renamed.name}")
    if as_json:
        print_json("credential", **opened(vault, renamed))
