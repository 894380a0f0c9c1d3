"""``unvault credentials add``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from unvault.errors import InvalidName, Problem, UnvaultError
from unvault_cli.answering import Options, answer_options, draft, read_options
from unvault_cli.asking import ask_anew, ask_fields, ask_type, settled
from unvault_cli.completing import complete, providers
from unvault_cli.opening import with_vault
from unvault_cli.output import json_option, note, print_json
from unvault_cli.prompts import ask, choose, on_terminal
from unvault_cli.stored import head, nothing_stored, opened, sign_in, tested

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.model import Credential, Session


@click.command("add")
@click.argument("provider", required=False, shell_complete=complete(providers))
@click.option("--name", help="What references are to call it.")
@answer_options
@click.option("--default", "as_default", is_flag=True, help="Let the provider's id stand for it.")
@json_option
@with_vault
def command(
    vault: Unvault,
    *,
    provider: str | None,
    name: str | None,
    kind: str | None,
    fields: tuple[str, ...],
    files: tuple[str, ...],
    from_env: bool,
    no_test: bool,
    as_default: bool,
    as_json: bool,
) -> None:
    """Sign in to a vault, and store the credential.

    On a terminal, asks for what is not given as an option: for every field, or, where some are
    given, for those that are required and missing. Nothing is stored before the sign-in worked;
    where it fails and everything was asked for, the answers can be changed. Where signing in tells
    whose account it is, the credential is called after it, unless --name calls it otherwise.
    """
    options = Options(kind, fields, files, from_env)
    with nothing_stored():
        made, name = _make(vault, provider, name, options, signs_in=not no_test)
        session = None
        if not no_test:
            again = on_terminal() and not options.any
            made, session = _signed_in(vault, made, name, again=again)
        name = name or _name_of(vault, session)
    import attrs

    added = vault.credentials.add(attrs.evolve(made, name=name), session=session)
    note(f"stored the credential {added.name}: {head(added.name)}/… refers to it")
    if as_default:
        vault.credentials.set_default(added.name)
    if as_json:
        print_json("credential", **opened(vault, added), tested=tested(session))


def _make(
    vault: Unvault, provider: str | None, name: str | None, options: Options, *, signs_in: bool
) -> tuple[Credential, str]:
    """Return the credential to store, and its name; an empty one where signing in tells it."""
    if on_terminal():
        return _asked(vault, provider, name, options, signs_in=signs_in)
    wrong = [] if name else [Problem("--name", "is required")]
    if provider is None:
        missing = "the provider" if name else "the provider, and with --name the credential"
        raise click.UsageError(f"name {missing}: nobody can be asked")
    if name and (taken := _refusal(vault, name)):
        wrong.append(Problem("--name", f"cannot be used: {taken.message}"))
    given = read_options(vault.providers.load(provider).form, options)
    return draft(vault, provider, options, given, problems=wrong), name or ""


def _asked(
    vault: Unvault, provider: str | None, name: str | None, options: Options, *, signs_in: bool
) -> tuple[Credential, str]:
    if name and (taken := _refusal(vault, name)):
        raise taken
    provider = provider or _ask_provider(vault)
    form = vault.providers.load(provider).form
    given = read_options(form, options)
    if given.problems:
        return draft(vault, provider, options, given), ""  # which says all that is wrong
    note(form.label + (f": {form.help}" if form.help else ""))
    if not (signs_in and any(each.named_by_sign_in for each in form)):
        name = name or _ask_name(vault)
    if options.from_env:
        return draft(vault, provider, options, given), name or ""
    kind = options.kind or (form.types[0].name if options.any else ask_type(form))
    chosen = form.find(kind)
    if not (chosen and chosen.named_by_sign_in):
        name = name or _ask_name(vault)
    fields = chosen.fields if chosen else ()
    answers = ask_fields(
        fields,
        settled(fields, given.answers),
        skip=[*given.answers],
        only_required=options.any,
    )
    return draft(vault, provider, options._replace(kind=kind), given, base=answers), name or ""


def _signed_in(
    vault: Unvault, made: Credential, name: str, *, again: bool
) -> tuple[Credential, Session]:
    """Sign in; where that fails, a person may change the answers, and loses none of them."""
    while True:
        try:
            return made, sign_in(vault, made, name)
        except UnvaultError as error:
            if not again:
                raise
            note(f"{error.message} [{error.code}]")
            if error.hint:
                note(f"  hint: {error.hint}")
            wish = ask("Change the answers and try again? [Y/n]").strip().lower()
            if wish not in ("", "y", "yes"):
                raise
        made = ask_anew(vault, made)


def _ask_provider(vault: Unvault) -> str:
    from unvault.provider import ProviderState

    usable = (ProviderState.INSTALLED, ProviderState.READY)
    found = [info for info in vault.providers.list() if info.state in usable]
    if not found:
        raise click.UsageError("no provider is installed; `unvault doctor` says more")
    if len(found) == 1:
        return found[0].id
    note("Which vault")
    return choose("Provider", [(info.id, info.distribution or "") for info in found])


def _name_of(vault: Unvault, session: Session | None) -> str:
    """Return what a credential is called after signing in, where nobody said it before."""
    suggested = session.suggested_name if session else None
    refusal = _refusal(vault, suggested) if suggested else None
    if suggested and refusal is None:
        return suggested
    if refusal is not None:
        note(f"{refusal.message}.")
    return _ask_name(vault)


def _ask_name(vault: Unvault) -> str:
    while True:
        name = ask("Name, as references are to call it").strip()
        refusal = _refusal(vault, name)
        if refusal is None:
            return name
        note(f"  {refusal.message}.")


def _refusal(vault: Unvault, name: str) -> InvalidName | None:
    """Return why a new credential may not have a name."""
    try:
        vault.credentials.check_name(name)
    except InvalidName as error:
        return error
    if any(item.name == name for item in vault.credentials.list()):
        return InvalidName(
            f"there is a credential called {name!r} already",
            hint=f"choose another name, or change it: unvault credentials edit {shlex.quote(name)}",
            credential=name,
        )
    return None
