"""``unvault credentials default``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.completing import complete, credentials, providers
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json, print_table

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.command("default")
@click.argument("name", required=False, shell_complete=complete(credentials))
@click.option(
    "--unset",
    metavar="PROVIDER",
    help="Let this provider's id stand for no stored credential.",
    shell_complete=complete(providers),
)
@json_option
@with_vault
def command(vault: Unvault, *, name: str | None, unset: str | None, as_json: bool) -> None:
    """Choose the credential that a provider's id stands for.

    Without NAME, lists what is chosen.
    """
    if name and unset:
        raise click.UsageError("name a credential, or say --unset PROVIDER")
    if name:
        chosen = vault.credentials.set_default(name)
        note(f"{chosen.provider}/… now means {chosen.name}")
    elif unset:
        if unset not in (*_providers(vault), *vault.providers.ids()):
            vault.providers.source(unset)  # which says what there is
        vault.credentials.unset_default(unset)
        note(f"{unset}/… now means no stored credential")
    found = [(each, _default(vault, each)) for each in _providers(vault)]
    defaults = [(provider, held) for provider, held in found if held]
    if as_json:
        rows = [{"provider": provider, "name": held} for provider, held in defaults]
        print_json("defaults", defaults=rows)
    elif not (name or unset):
        if defaults:
            print_table(["PROVIDER", "CREDENTIAL"], defaults)
        else:
            note("no provider has a default credential")


def _providers(vault: Unvault) -> list[str]:
    return sorted({item.provider for item in vault.credentials.list()})


def _default(vault: Unvault, provider: str) -> str | None:
    chosen = vault.credentials.default(provider)
    return chosen.name if chosen else None
