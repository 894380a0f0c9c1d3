"""``unvault credentials clear``."""

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


@click.command("clear")
@click.argument("names", nargs=-1, shell_complete=complete(credentials))
@click.option("--all", "everything", is_flag=True, help="All stored credentials.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@with_vault
def command(
    vault: Unvault, *, names: tuple[str, ...], everything: bool, yes: bool, as_json: bool
) -> None:
    """Sign out: forget the answers, keep the names.

    References by the names go on working through the environment or the vault's own tools.
    """
    if names and everything:
        raise click.UsageError("--all means every credential: name some, or say --all, not both")
    if not (names or everything):
        raise click.UsageError("name the credentials, or say --all")
    if everything:
        chosen = [item.name for item in vault.credentials.list()]
    else:
        chosen = [*dict.fromkeys(stored(vault, name).name for name in names)]
    if chosen and not yes:
        confirm(f"Forget the answers of {', '.join(chosen)} for good?")
    for name in chosen:
        vault.credentials.clear(name)
        note(f"signed out: {name}")
    if as_json:
        print_json("cleared", names=chosen)
