"""``unvault render``: put secrets in the place of vault tags."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unvault_cli.files import STANDARD, named, read, write_out, write_private
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, print_json, print_line

if TYPE_CHECKING:
    from unvault.client import Unvault


@click.command("render")
@click.argument("file", default=STANDARD, type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, which only you can read; it may be FILE.",
)
@click.option("--check", is_flag=True, help="Fetch every secret, write nothing and say how many.")
@click.option("--fresh", is_flag=True, help="Fetch values even if they are cached.")
@json_option
@with_vault
def command(
    vault: Unvault, *, file: str, output: Path | None, check: bool, fresh: bool, as_json: bool
) -> None:
    """Put secrets in the place of vault tags.

    Reads FILE, or the standard input, and writes it with the tags replaced and every other byte as
    it was. If one tag fails, nothing is written, and all that failed are listed.
    """
    if check and output:
        raise click.UsageError("--check writes nothing, and --output asks for it")
    if file == STANDARD and sys.stdin is not None and sys.stdin.isatty():
        raise click.UsageError("name a file, or pipe a text in")
    if str(output) == STANDARD:
        output = None
    content = read(file)
    rendered = _rendered(vault, content, file, fresh=fresh)
    if output:
        write_private(output, rendered)
    if check or as_json:
        tags = vault.find_references(content)
        counts = {"tags": len(tags), "references": len({tag.reference for tag in tags})}
        if as_json:
            more = {} if check else _result(rendered, output)
            print_json("render", source=named(file), **counts, **more)
        else:
            print_line(_checked(**counts))
    elif not output:
        write_out(rendered)


def _rendered(vault: Unvault, content: bytes, file: str, *, fresh: bool) -> bytes:
    from unvault.errors import RenderError

    try:
        return vault.render_bytes(content, fresh=fresh)
    except RenderError as error:
        error.located(source=named(file))
        raise


def _result(rendered: bytes, output: Path | None) -> dict[str, Any]:
    if output:
        return {"output": str(output)}
    try:
        return {"text": rendered.decode()}
    except UnicodeDecodeError:
        return {"text_base64": base64.b64encode(rendered).decode()}


def _checked(*, tags: int, references: int) -> str:
    if not tags:
        return "no vault tags"
    one = "vault tag" if tags == 1 else "vault tags"
    other = "reference" if references == 1 else "references"
    return f"{tags} {one}, {references} {other}: every one can be replaced"
