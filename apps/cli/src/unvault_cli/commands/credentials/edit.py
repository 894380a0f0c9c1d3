"""``unvault credentials edit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.answering import Options, answer_options, draft, read_options
from unvault_cli.asking import ask_anew, fields_of, kept
from unvault_cli.completing import complete, credentials
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json
from unvault_cli.prompts import on_terminal
from unvault_cli.stored import nothing_stored, opened, sign_in, tested

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.model import Credential


@click.command("edit")
@click.argument("name", shell_complete=complete(credentials))
@answer_options
@json_option
@with_vault
def command(
    vault: Unvault,
    *,
    name: str,
    kind: str | None,
    fields: tuple[str, ...],
    files: tuple[str, ...],
    from_env: bool,
    no_test: bool,
    as_json: bool,
) -> None:
    """Change the answers of a stored credential.

    On a terminal and without options, asks for every field; an empty line keeps the present answer.
    With options, changes what they name: `--field NAME=` takes an optional answer away.
    """
    options = Options(kind, fields, files, from_env)
    with nothing_stored():
        old = vault.credentials.get(name)
        made = _make(vault, old, options)
        session = None if no_test else sign_in(vault, made, old.name)
    changed = vault.credentials.edit(old.name, made, session=session)
    note(f"changed the credential {changed.name}")
    if as_json:
        print_json("credential", **opened(vault, changed), tested=tested(session))


def _make(vault: Unvault, old: Credential, options: Options) -> Credential:
    form = vault.providers.load(old.provider).form
    if on_terminal() and not options.any:
        return ask_anew(vault, old, kind=options.kind)
    if not (options.any or options.kind):
        raise click.UsageError(
            "nobody can be asked, so say what to change: "
            "--field, --field-file, --from-env or --type"
        )
    kind = options.kind or (None if options.from_env else old.type)
    given = read_options(form, options)
    base = {} if options.from_env else kept(fields_of(form, kind), old.answers, given.answers)
    return draft(vault, old.provider, options._replace(kind=kind), given, base=base)
