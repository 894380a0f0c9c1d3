"""The `unvault` command itself: its own commands, and those that providers bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from unvault_cli import __version__
from unvault_cli.group import LazyGroup
from unvault_cli.streams import noise_aside

if TYPE_CHECKING:
    from unvault.installed import Entry

PROGRAM = "unvault"
"""What the command is called."""

COMPLETE_VARIABLE = "_UNVAULT_COMPLETE"
"""Environment variable through which a shell asks for completions."""

GROUP = "unvault.commands"
"""Entry-point group of commands that providers bring: the entry point's name is the command's."""

OWN = {
    "get": "Print a secret.",
    "list": "List the secrets of a vault: names, never values.",
    "run": "Run a command with secrets in its environment.",
    "render": "Put secrets in the place of vault tags.",
    "refs": "List the vault tags of files: which secrets they need.",
    "providers": "Show the installed providers.",
    "credentials": "Manage the stored credentials.",
    "cache": "Show or change how long values are kept in memory.",
    "doctor": "Find what is wrong on this machine, and what to do.",
    "completion": "Print a script that completes commands in a shell.",
}
"""The commands that are always there."""


class Root(LazyGroup):
    """The group that also knows the commands of installed distributions."""

    def summaries(self) -> Mapping[str, str]:
        """Return the command's own commands, and those that distributions bring, by metadata."""
        brought = {
            entry.name: f"From {entry.distribution or 'a distribution without metadata'}."
            for entry in sorted(_entries(), key=lambda entry: entry.name)
        }
        return {**OWN, **{name: brought[name] for name in brought if name not in OWN}}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; one that a distribution brings only where its name is no other's."""
        return super().get_command(ctx, cmd_name) or _brought(cmd_name)


def _brought(name: str) -> click.Command | None:
    """Load a command that a distribution brings.

    Raises:
        ProviderConflict: Two distributions bring a command of this name.
        ProviderBlocked: A provider of its distribution is kept out by configuration.
        ProviderBroken: It cannot be loaded, or is no command.
    """
    found = [entry for entry in _entries() if entry.name == name]
    if not found:
        return None
    if len(found) > 1:
        from unvault.errors import ProviderConflict

        who = " and ".join(sorted(entry.distribution or "another" for entry in found))
        raise ProviderConflict(
            f"more than one distribution brings a command {name!r}: {who}",
            hint="uninstall all but one of them",
        )
    return _load(found[0])


def _entries() -> Sequence[Entry]:
    from unvault.installed import entries

    return entries(GROUP)


def _refuse_blocked(entry: Entry) -> None:
    """Keep out a command together with any provider of its distribution, whatever it is called."""
    import os

    from unvault.errors import ProviderBlocked
    from unvault.hookspecs import PROVIDERS
    from unvault.providers import BLOCK_VARIABLE, blocked_by

    beside = entry.dist.entry_points.select(group=PROVIDERS) if entry.dist else ()
    blocked = sorted({entry.name, *(other.name for other in beside)} & blocked_by(os.environ))
    if blocked:
        raise ProviderBlocked(
            f"the provider {blocked[0]!r} is blocked, and so are its commands",
            hint=f"take it out of {BLOCK_VARIABLE}",
            provider=blocked[0],
            distribution=entry.distribution,
        )


def _load(entry: Entry) -> click.Command:
    from unvault.errors import ProviderBroken

    _refuse_blocked(entry)
    distribution = entry.distribution
    try:
        with noise_aside():
            command = entry.load()
        if isinstance(command, click.Command):
            return command
        why = f"it is no click command but {type(command).__name__}"
    except (Exception, SystemExit) as error:  # noqa: BLE001  # its import may do anything
        why = f"{type(error).__name__}: {error}"
    raise ProviderBroken(
        f"the command {entry.name!r} of {distribution or 'a distribution'} cannot be loaded: {why}",
        hint="update or reinstall it, or tell its author",
        distribution=distribution,
    )


@click.group(cls=Root, package="unvault_cli.commands", summaries=OWN)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def root(context: click.Context) -> None:
    """Take secrets out of vaults.

    A reference names a secret: CREDENTIAL/PATH[?PARAMETER=VALUE&...][#FIELD]. It starts with the
    name of a stored credential, or with a provider's id.
    """
    if context.invoked_subcommand not in OWN:
        from unvault_cli.opening import vault_of

        vault_of(context)  # the commands of others find it as the context's obj
