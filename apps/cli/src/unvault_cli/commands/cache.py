"""``unvault cache``: how long values are kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, print_json, print_line

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.group("cache")
def command() -> None:
    """Show or change how long values are kept in memory.

    Values are kept only in the memory of the process that fetched them, and never on disk. So the
    cache of a command starts empty each time. The time set here also counts for long-running
    applications that use the same folders.
    """


@command.command()
@json_option
@with_vault
def show(vault: Unvault, *, as_json: bool) -> None:
    """Show for how long values are kept, and what this process's cache holds."""
    _show(vault, as_json=as_json)


@command.command()
@click.argument("minutes", type=int, required=False)
@json_option
@with_vault
def ttl(vault: Unvault, *, minutes: int | None, as_json: bool) -> None:
    """Keep values for MINUTES from now on: 0 to 720, and 0 turns the cache off.

    Without MINUTES, shows the present time.
    """
    if minutes is not None:
        vault.cache.minutes = minutes
    _show(vault, as_json=as_json)


@command.command()
@json_option
@with_vault
def clear(vault: Unvault, *, as_json: bool) -> None:
    """Drop all values of this process's cache, which on the command line is always empty."""
    dropped = vault.cache.clear()
    if as_json:
        print_json("cache-cleared", dropped=dropped)
    else:
        print_line(f"{dropped} values dropped; those of other processes are not in reach")


def _show(vault: Unvault, *, as_json: bool) -> None:
    minutes, limit, now = vault.cache.minutes, vault.cache.max_entries, vault.cache.statistics()
    if as_json:
        print_json(
            "cache",
            minutes=minutes,
            max_entries=limit,
            entries=now.entries,
            hits=now.hits,
            misses=now.misses,
        )
    elif minutes:
        print_line(f"a value is kept for {minutes:g} minutes, in memory; {limit} at the most")
    else:
        print_line("values are not kept")
