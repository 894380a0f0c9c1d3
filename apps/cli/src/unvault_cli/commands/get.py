"""``unvault get``: print a secret."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unvault_cli.completing import complete, references
from unvault_cli.files import STANDARD, write_out, write_private
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, moment, print_json

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.secret import Secret

_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')


@click.command("get")
@click.argument("reference", metavar="REF", shell_complete=complete(references))
@click.option(
    "--output",
    type=click.Choice(["text", "json", "bytes"]),
    default="text",
    show_default=True,
    help="As text; as JSON (a JSON object or list as it is, any other text as a string); as bytes.",
)
@click.option(
    "--out-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file, which only you can read.",
)
@click.option("--fresh", is_flag=True, help="Fetch it even if it is cached.")
@json_option
@with_vault
def command(
    vault: Unvault,
    *,
    reference: str,
    output: str,
    out_file: Path | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Print a secret.

    Prints exactly the value; a line end is added on a terminal only. --json prints the value with
    what the vault says about it, in place of --output; with --out-file, the file has the value, and
    the JSON names the file.
    """
    secret = vault.fetch(reference, fresh=fresh)
    if str(out_file) == STANDARD:
        out_file = None
    if out_file:
        write_private(out_file, _content(secret, output))
    if as_json:
        where = {"output": str(out_file)} if out_file else _value(secret)
        print_json("secret", reference=reference, **where, **_told(secret))
    elif not out_file:
        write_out(_content(secret, output), line_end=output == "text")


def _content(secret: Secret, output: str) -> bytes:
    if output == "bytes":
        return secret.reveal()
    if output == "json":
        return f"{_as_json(secret)}\n".encode()
    return secret.text().encode()


def _as_json(secret: Secret) -> str:
    """Return a JSON object or list without white space, its numbers as written; or a string."""
    import json

    from unvault.errors import WrongFormat

    text = secret.text()
    if text.lstrip().startswith(("{", "[")):
        try:
            secret.json()
        except WrongFormat:
            pass  # a text that happens to start with a bracket
        else:
            return _STRING_OR_SPACE.sub(lambda found: found[1] or "", text)
    return json.dumps(text, ensure_ascii=False)


def _told(secret: Secret) -> dict[str, Any]:
    """Return what the vault says about a value."""
    return {
        "version": secret.version,
        "created": moment(secret.created),
        "expires": moment(secret.expires),
        "content_type": secret.content_type,
        "tags": dict(secret.tags),
    }


def _value(secret: Secret) -> dict[str, Any]:
    from unvault.errors import WrongFormat

    try:
        return {"value": secret.text()}
    except WrongFormat:
        return {"value_base64": base64.b64encode(secret.reveal()).decode()}
