"""``unvault credentials test``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.completing import complete, heads
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, print_json, print_line
from unvault_cli.stored import tested

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.model import Credential, Session


@click.command("test")
@click.argument("name", shell_complete=complete(heads))
@json_option
@with_vault
def command(vault: Unvault, *, name: str, as_json: bool) -> None:
    """Sign in, and say as whom.

    NAME is the name of a stored credential, or a provider's id: then it shows which credential
    that stands for.
    """
    found = vault.credentials.resolve(name)
    show_sign_in(name, found, vault.credentials.test(found), as_json=as_json)


def show_sign_in(name: str, found: Credential, session: Session, *, as_json: bool) -> None:
    """Print what came of signing in.

    Args:
        name: What the person called the credential.
        found: Which one that is.
        session: What came of it.
        as_json: Whether as JSON.
    """
    outcome = tested(session) or {}
    if as_json:
        print_json(
            "sign-in",
            name=name,
            credential=found.name or None,
            provider=found.provider,
            origin=str(found.origin),
            **outcome,
        )
        return
    print_line(f"signed in to {found.provider} as {outcome['identity'] or '(not said)'}")
    if found.name != name:
        print_line(f"{name} stands for: {found.label}")
    if outcome["expires"]:
        print_line(f"the session ends: {outcome['expires']}")
    for label, text in outcome["details"].items():
        print_line(f"{label}: {text}")
