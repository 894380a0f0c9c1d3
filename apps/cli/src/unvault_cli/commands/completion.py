"""``unvault completion``: let a shell complete commands."""

from __future__ import annotations

import click

from unvault_cli.hardening import credentials_aside
from unvault_cli.output import print_text


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, *, shell: str) -> None:
    """Print a script that completes commands in a shell.

    \b
    bash: eval "$(unvault completion bash)"        in ~/.bashrc
    zsh:  eval "$(unvault completion zsh)"         in ~/.zshrc
    fish: unvault completion fish | source         in ~/.config/fish/config.fish
    """  # noqa: D301  # \b is click's mark for lines that stay as they are
    from click.shell_completion import get_completion_class

    from unvault_cli.root import COMPLETE_VARIABLE, PROGRAM

    completer = get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"this version of click knows no completion for {shell}")
    with credentials_aside():  # it asks bash for its version
        script = completer(context.find_root().command, {}, PROGRAM, COMPLETE_VARIABLE).source()
    print_text(script)
