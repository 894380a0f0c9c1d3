"""Asks a person, on the terminal. Questions go to the standard error: the output stays clean."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Sequence

import click

from unvault_cli.output import note, printable


class Aborted(click.Abort):
    """The person stopped; the message says what did not happen."""


def on_terminal() -> bool:
    """Say whether somebody can be asked: the standard input and error are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def ask(label: str) -> str:
    """Ask for a line of text.

    Raises:
        EOFError: The person ended the input.
        KeyboardInterrupt: The person stopped.
    """
    if isinstance(sys.stdin, io.TextIOWrapper) and sys.stdin.errors == "strict":
        with contextlib.suppress(io.UnsupportedOperation):  # somebody has read from it already
            sys.stdin.reconfigure(errors="surrogateescape")  # what is no text is refused later
    click.echo(f"{printable(label)}: ", err=True, nl=False)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")


def ask_hidden(label: str) -> str:
    """Ask for a line of text that is not shown while it is typed.

    Raises:
        EOFError: The person ended the input, or it could not be hidden.
        KeyboardInterrupt: The person stopped.
    """
    import getpass
    import warnings

    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", getpass.GetPassWarning)
                return getpass.getpass(f"{printable(label)}: ")
        except UnicodeDecodeError:
            note("That cannot be read: the terminal does not send UTF-8.")
        except getpass.GetPassWarning:
            note("This terminal cannot hide what is typed.")
            raise EOFError from None


def ask_new(label: str) -> str:
    """Ask for a new secret, unseen and twice, until both are the same and not empty."""
    while True:
        typed = ask_hidden(label)
        if not typed:
            note("It must not be empty.")
        elif ask_hidden("The same again") == typed:
            return typed
        else:
            note("The two are not the same.")


def choose(label: str, options: Sequence[tuple[str, str]], default: str | None = None) -> str:
    """Ask for one of several, by number or by name.

    Args:
        label: What is chosen.
        options: The names there are, each with what it says to a person.
        default: The name that an empty answer means.
    """
    menu(options)
    shown = f"{label} [{default}]" if default else label
    while True:
        typed = ask(shown).strip() or default or ""
        name = chosen(typed, [name for name, _ in options])
        if name in dict(options):
            return name
        note(f"  {label} is one of the numbers or names above.")


def menu(options: Sequence[tuple[str, str]]) -> None:
    """Show what can be chosen, with numbers."""
    width = max((len(name) for name, _ in options), default=0)
    for number, (name, label) in enumerate(options, start=1):
        more = "" if label in ("", name) else f"  {label}"
        note(f"  {number}  {name:<{width if more else 0}}{more}")


def chosen(typed: str, names: Sequence[str]) -> str:
    """Return the name that a number in a menu stands for, and any other answer as it is."""
    if typed not in names and typed.isascii() and typed.isdigit():
        number = int(typed[:9])
        if 1 <= number <= len(names):
            return names[number - 1]
    return typed


def confirm(question: str) -> None:
    """Ask whether to do what cannot be undone.

    Raises:
        UsageError: Nobody can be asked.
        Aborted: The answer is no.
    """
    if not on_terminal():
        from unvault.errors import UsageError

        raise UsageError("nobody can be asked whether that is meant", hint="add --yes")
    if ask(f"{question} [y/N]").strip().lower() not in ("y", "yes"):
        raise Aborted("Nothing was changed.")
