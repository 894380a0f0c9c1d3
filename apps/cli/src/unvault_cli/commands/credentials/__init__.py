"""``unvault credentials``: manage what vaults are signed in to with."""

from __future__ import annotations

import click

from unvault_cli.group import LazyGroup

SUMMARIES = {
    "list": "List the stored credentials.",
    "add": "Sign in to a vault, and store the credential.",
    "show": "Show a stored credential, secret answers masked.",
    "edit": "Change the answers of a stored credential.",
    "rename": "Give a stored credential another name.",
    "remove": "Forget a stored credential.",
    "test": "Sign in, and say as whom.",
    "login": "Sign in with a person's help, where a vault needs one.",
    "clear": "Sign out: forget the answers, keep the names.",
    "default": "Choose the credential that a provider's id stands for.",
    "protect": "Show or choose what protects the stored answers.",
}


@click.group("credentials", cls=LazyGroup, package=__name__, summaries=SUMMARIES)
def command() -> None:
    """Manage the stored credentials.

    What is stored is encrypted; `unvault credentials protect` says how, and against what.
    """
