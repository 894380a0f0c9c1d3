"""Asks and tells a person at the terminal; nothing that is typed is shown, or kept in an error."""

from __future__ import annotations

import sys

import click

from unvault.errors import InteractionRequired, UsageError


def on_terminal() -> bool:
    """Say whether the standard input is a terminal.

    Raises:
        UsageError: It is closed.
    """
    if sys.stdin is None:
        raise UsageError(
            "the standard input is closed", hint="open it, or run the command in a terminal"
        )
    return sys.stdin.isatty()


def ask_twice(label: str) -> str:
    """Ask for what is not shown while it is typed, until it is the same twice and not empty.

    Raises:
        InteractionRequired: The terminal cannot hide what is typed, or the input ended.
    """
    while True:
        typed = _ask_hidden(label)
        if not typed:
            say("It must not be empty.")
        elif _ask_hidden("Repeat for confirmation") == typed:
            return typed
        else:
            say("The two are not the same.")


def new_passphrase() -> str:
    """Ask for a new passphrase, or take it from the first line that is piped in.

    Raises:
        InteractionRequired: There is none, or it is not text.
    """
    if on_terminal():
        return ask_twice("New passphrase")
    try:
        line = sys.stdin.buffer.readline().rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        line = ""
    if not line:  # raised here, outside: the codec's exception holds the passphrase
        raise InteractionRequired(
            "the new passphrase is missing, or is not text",
            hint="run the command in a terminal, or pipe the passphrase in, in one line",
        )
    return line


def say(message: str) -> None:
    """Tell a person something that is no result."""
    click.echo(printable(message), err=True)


def printable(text: str) -> str:
    """Return a text on one line, its control characters written out: it may come from anywhere."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _ask_hidden(label: str) -> str:
    while True:
        typed, why = _typed(label)
        if typed is not None:
            return typed
        if why != "undecodable":
            raise InteractionRequired(f"the question was not answered: {why}", hint="pipe it in")
        say("That cannot be read: the terminal does not send UTF-8.")


def _typed(label: str) -> tuple[str | None, str]:
    """Return what was typed; or None, and why."""
    import getpass
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(f"{label}: "), ""
    except UnicodeDecodeError:  # it holds what was typed
        return None, "undecodable"
    except getpass.GetPassWarning:
        return None, "this terminal cannot hide what is typed"
    except EOFError:
        return None, "the input ended"
