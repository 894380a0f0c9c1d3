"""``unvault local``: what changes the vault on this machine.

The click context's ``obj`` is the `unvault.client.Unvault` of the application. Results go to the
standard output and messages to the standard error; an `UnvaultError` is left to the application,
which shows it and chooses the exit code. A value is typed at a hidden prompt, piped, or read from a
file: it is never an argument, and never printed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unvault.errors import UsageError
from unvault_local.importing import FORMATS, read_secrets
from unvault_local.limits import LARGEST_VALUE, check_name
from unvault_local.opening import vault_for
from unvault_local.terminal import ask_twice, new_passphrase, on_terminal, printable, say
from unvault_local.vault import LocalVault

if TYPE_CHECKING:
    from unvault.client import Unvault

PROVIDER = "local"
"""Id of the provider whose credentials these commands take."""

PROTECTIONS = ("key-file", "passphrase", "keyring")
"""What a vault can be protected by."""

_HEAD = "unvault_local.credential"
_ENOUGH = LARGEST_VALUE + 1
"""How many bytes are read of a value: one too many is enough to be refused."""

_LINE_ENDS = (b"\r\n", b"\n")

_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group()
@click.option(
    "--credential",
    default=PROVIDER,
    show_default=True,
    metavar="NAME",
    help="Credential of the vault to use.",
)
@click.pass_context
def local(context: click.Context, *, credential: str) -> None:
    """Change the encrypted vault on this machine."""
    context.meta[_HEAD] = credential


@local.command("set")
@click.argument("name")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, readable=False),
    help="Read the value from this file.",
)
@click.option("--strip", is_flag=True, help="Take one line end off the end of the value.")
@_json_option
@click.pass_context
def set_secret(
    context: click.Context, *, name: str, file: Path | None, strip: bool, as_json: bool
) -> None:
    """Store a value as a new version of the secret NAME.

    The value is asked for without being shown; piped in, or read from a file, it is stored byte
    for byte.
    """
    check_name(name)
    vault = _vault(context)
    value = _value(file)
    value = _without_line_end(value) if strip else value
    number = vault.set(name, value)
    _note_on(value)
    if as_json:
        _print_json("set", name=name, version=number)
    else:
        say(f"stored version {number} of {name}")


@local.command()
@click.argument("name")
@click.option("--version", type=click.IntRange(min=1), help="Remove this version only.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_option
@click.pass_context
def remove(
    context: click.Context, *, name: str, version: int | None, yes: bool, as_json: bool
) -> None:
    """Remove the secret NAME with all its versions, or one of them.

    The number of a removed version is not used again; a secret that is removed as a whole is
    forgotten, and counts from 1 if it is stored anew.
    """
    vault = _vault(context)
    count = len(vault.versions(name))
    what = f"version {version} of {name}" if version else f"{name} and all its versions ({count})"
    if not yes:
        _confirm(f"Remove {what} for good?")
    vault.remove(name, version)
    if as_json:
        _print_json("remove", name=name, version=version)
    else:
        say(f"removed {what}")


@local.command()
@click.argument("name")
@_json_option
@click.pass_context
def versions(context: click.Context, *, name: str, as_json: bool) -> None:
    """List the versions of the secret NAME, oldest first."""
    rows = [
        {
            "version": int(each.version or 0),
            "created": each.created.isoformat() if each.created else None,
            "content_type": each.content_type,
            "removed": each.note is not None,
        }
        for each in _vault(context).versions(name)
    ]
    if as_json:
        _print_json("versions", name=name, versions=rows)
        return
    for row in rows:
        told = "removed" if row["removed"] else f"{row['created']}  {row['content_type']}"
        click.echo(printable(f"{row['version']}  {told}"))


@local.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="What FILE is; by default its name tells.",
)
@click.option("--prefix", default="", help="Put this before every name.")
@_json_option
@click.pass_context
def import_secrets(
    context: click.Context, *, file: str, form: str | None, prefix: str, as_json: bool
) -> None:
    """Store all secrets of FILE: a JSON object, or lines NAME=value (.env).

    Either all of them are stored, or none. In JSON, a value that is not text is stored as JSON. A
    secret that has the value already gets no new version. Remove the file afterwards: it holds the
    values in the clear.
    """
    with click.open_file(file, "rb") as stream:
        content = stream.read()
    found = read_secrets(content, form or _format_of(file))
    done = _vault(context).import_all({prefix + name: value for name, value in found.items()})
    if as_json:
        _print_json("import", new=done.new, changed=done.changed, unchanged=done.unchanged)
    else:
        say(f"{done.new} new, {done.changed} changed, {done.unchanged} unchanged")


@local.command()
@click.argument("protection", type=click.Choice(PROTECTIONS), required=False)
@_json_option
@click.pass_context
def protect(context: click.Context, *, protection: str | None, as_json: bool) -> None:
    """Show what protects the vault, or choose it; for a passphrase, also to change it.

    The values stay as they are: only the key that opens them is wrapped anew.
    """
    vault = _vault(context, new_passphrase=new_passphrase)
    if protection is not None:
        vault.protect(protection)
    now = vault.protection()
    name, explanation = (now.name, now.explanation) if now else (None, None)
    if as_json:
        _print_json("protect", protection=name, explanation=explanation)
    elif name is None:
        say("nothing is stored yet; the first `unvault local set` makes a key file")
    else:
        say(f"protected by {name}: {explanation}")


def _vault(
    context: click.Context, *, new_passphrase: Callable[[], str] | None = None
) -> LocalVault:
    """Return the vault that ``--credential`` stands for."""
    unvault: Unvault = context.obj
    head = context.meta[_HEAD]
    credential = unvault.credentials.resolve(head)
    if credential.provider != PROVIDER:
        raise UsageError(
            f"the credential {head!r} is for {credential.provider}, and not for a local vault",
            hint="`unvault credentials list` shows which is for what",
            credential=head,
        )
    return vault_for(credential, unvault.interaction, new_passphrase=new_passphrase)


def _value(file: Path | None) -> bytes:
    if file is not None:
        return _read(file)
    if on_terminal():
        return ask_twice("Value").encode(errors="surrogateescape")
    with click.open_file("-", "rb") as stream:
        content: bytes = stream.read(_ENOUGH)
    return content


def _read(file: Path) -> bytes:
    """Read a file whose path is not repeated: it may be the value, given in the wrong place.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return stream.read(_ENOUGH)
    except OSError as error:
        why = error.strerror or type(error).__name__
    raise UsageError(f"the file that --file names cannot be read: {why}")


def _without_line_end(value: bytes) -> bytes:
    for end in _LINE_ENDS:
        if value.endswith(end):
            return value[: -len(end)]
    return value


def _note_on(value: bytes) -> None:
    """Say what is likely a mistake: a value of one line with its line end, or none at all."""
    if not value:
        say("note: the value is empty")
    elif value != (line := _without_line_end(value)) and b"\n" not in line:
        say("note: the value ends in a line end, which is part of it; --strip takes it off")


def _confirm(question: str) -> None:
    if not on_terminal():
        raise UsageError("nobody can be asked whether to remove it", hint="add --yes")
    click.confirm(question, abort=True, err=True)


def _format_of(file: str) -> str:
    path = Path(file)
    if path.suffix == ".json":
        return "json"
    if path.suffix == ".env" or path.name.startswith(".env"):
        return "env"
    raise UsageError(
        f"the name of {file!r} does not tell what it is",
        hint=f"add --format {' or --format '.join(FORMATS)}",
    )


def _print_json(command: str, **content: Any) -> None:
    click.echo(json.dumps({"schema": f"unvault.local.{command}/1", **content}))
