"""``unvault credentials login``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.commands.credentials.test import show_sign_in
from unvault_cli.completing import complete, heads
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.command("login")
@click.argument("name", shell_complete=complete(heads))
@json_option
@with_vault
def command(vault: Unvault, *, name: str, as_json: bool) -> None:
    """Sign in with a person's help, where a vault needs one.

    NAME is the name of a stored credential, or a provider's id. What the vault needs a person for,
    such as a page to open and a code to compare, is asked here; afterwards, other commands go on
    with it by themselves, for as long as the vault allows. Where it needs nobody, this is the same
    as `unvault credentials test`.
    """
    from unvault.errors import InteractionRequired

    found = vault.credentials.resolve(name)
    note(f"signing in to {found.provider} …")
    try:
        session = vault.credentials.test(found)
    except InteractionRequired as error:
        # Providers name this very command to whom they cannot ask.
        if vault.interaction is None and "credentials login" in (error.hint or ""):
            error.hint = f"run it on a terminal, where somebody can answer: {error.hint}"
        raise
    show_sign_in(name, found, session, as_json=as_json)
