"""``unvault providers``: what is installed, and what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.completing import complete
from unvault_cli.completing import providers as provider_ids
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json, print_table, print_text

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.group("providers", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> None:
    """Show the installed providers.

    A provider whose code was not seen before is loaded once, in a process of its own, to find out
    whether it works.
    """
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@command.command()
@click.argument("name", shell_complete=complete(provider_ids))
@click.option(
    "--schema",
    "as_schema",
    is_flag=True,
    help="Print the provider's forms as JSON Schemas: what a web form or another program needs.",
)
@json_option
@with_vault
def show(vault: Unvault, *, name: str, as_schema: bool, as_json: bool) -> None:
    """Show how to sign in with the provider NAME, and what references to it can say."""
    from unvault_cli.describing import provider_document, provider_lines, schema_document

    if as_schema:
        print_json("provider-schema", **schema_document(vault, name))
        return
    found = provider_document(vault, name)
    if as_json:
        print_json("provider", **found)
        return
    for line in provider_lines(found):
        print_text(line)


@with_vault
def _list(vault: Unvault, *, as_json: bool) -> None:
    from unvault.health import examine

    shown = ("id", "state", "distribution", "version", "reason")
    found = [
        {name: getattr(info, name) for name in shown}
        for info in examine(vault.providers, vault.directories.cache)
    ]
    if as_json:
        print_json("providers", providers=found)
    elif found:
        rows = [[row[name] for name in shown] for row in found]
        print_table([name.upper() for name in shown], rows)
    else:
        note('no provider is installed; one for this machine: pip install "unvault[local]"')
