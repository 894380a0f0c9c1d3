"""``unvault credentials edit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unvault_cli.answering import Given, Options, answer_options, draft, read_options
from unvault_cli.asking import ask_fields, ask_type
from unvault_cli.completing import complete, credentials
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json
from unvault_cli.prompts import on_terminal
from unvault_cli.stored import nothing_stored, opened, sign_in, tested

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unvault.client import Unvault
    from unvault.forms import Answer, CredentialForm, Field
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
        return _asked(vault, old, form, options)
    kind = options.kind or (None if options.from_env else old.type)
    given = read_options(form, options)
    base = {} if options.from_env else _kept(_fields(form, kind), old.answers, given.answers)
    return draft(vault, old.provider, options._replace(kind=kind), given, base=base)


def _asked(vault: Unvault, old: Credential, form: CredentialForm, options: Options) -> Credential:
    note(f"{form.label}: {old.name}")
    kind = options.kind or ask_type(form, old.type)
    fields = _fields(form, kind)
    answers = ask_fields(fields, _kept(fields, old.answers, {}))
    nothing = Given({}, [])
    return draft(vault, old.provider, options._replace(kind=kind), nothing, base=answers)


def _fields(form: CredentialForm, kind: str | None) -> Sequence[Field]:
    found = form.find(kind) if kind else form.types[0]
    return found.fields if found else ()


def _kept(
    fields: Sequence[Field], old: Mapping[str, Answer], given: Mapping[str, str]
) -> dict[str, Answer]:
    """Return the old answers that still have a place beside the new ones."""
    kept = {field.name: old[field.name] for field in fields if field.name in old}
    kept = {name: answer for name, answer in kept.items() if name not in given}
    while True:
        answers: dict[str, Answer] = {
            **{field.name: field.default for field in fields if field.default is not None},
            **kept,
            **{name: answer for name, answer in given.items() if answer},
        }
        gone = {field.name for field in fields if not field.visible(answers)} & kept.keys()
        if not gone:
            return kept
        kept = {name: answer for name, answer in kept.items() if name not in gone}
