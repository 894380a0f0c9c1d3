"""``unvault credentials protect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json, print_line

if TYPE_CHECKING:
    from unvault.client import Unvault

PROTECTIONS = ("key-file", "passphrase", "keyring")
"""The ways there are to protect what is stored."""


@click.command("protect")
@click.argument("protection", required=False, type=click.Choice(PROTECTIONS))
@json_option
@with_vault
def command(vault: Unvault, *, protection: str | None, as_json: bool) -> None:
    """Show or choose what protects the stored answers.

    With `passphrase`, it is asked for twice; the same command changes it. What is stored stays as
    it is: only the key that opens it is wrapped anew.
    """
    if protection:
        vault.credentials.protect(protection)
    now = vault.credentials.protection()
    if as_json:
        print_json(
            "protection",
            protection=now.name if now else None,
            explanation=now.explanation if now else None,
        )
    elif now:
        print_line(f"{now.name}: {now.explanation}")
    else:
        note("nothing is stored yet; what is stored first will be protected by a key file")
