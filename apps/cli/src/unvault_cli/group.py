"""Groups of commands whose modules are imported when a command is used, and not before."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class LazyGroup(click.Group):
    """A group that knows its commands by name and summary.

    Args:
        package: The package with a module for each command, of the command's name; the command is
            the module's ``command``.
        summaries: What the help shows for each command, in the order it shows them.
        options: As for `click.Group`.
    """

    def __init__(self, *, package: str, summaries: Mapping[str, str], **options: Any) -> None:
        settings = {"help_option_names": ["-h", "--help"], **options.pop("context_settings", {})}
        super().__init__(**options, context_settings=settings)
        self._package = package
        self._summaries = summaries

    def summaries(self) -> Mapping[str, str]:
        """Return the commands there are and what each does, without loading one."""
        return self._summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order the help shows them."""
        return [*self.summaries()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; None where there is none of this name."""
        if cmd_name not in self._summaries:
            return None
        command: click.Command = import_module(f"{self._package}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with.

        Raises:
            click.UsageError: There is none; the message says which may have been meant.
        """
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            self._unknown(ctx, args[0])
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help where a command is needed and none is given."""
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the commands without loading them."""
        rows = [*self.summaries().items()]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command, without loading it, or an option."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=summary)
            for name, summary in self.summaries().items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def _unknown(self, ctx: click.Context, name: str) -> NoReturn:
        from unvault.suggestions import nearest

        near = nearest(name, self.summaries(), limit=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        raise click.UsageError(f"there is no command {name!r}.{guess}", ctx)
