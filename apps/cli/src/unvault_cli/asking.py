"""Asks a person to fill in a form: labels, choices, hidden input, and again what is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from unvault_cli.answering import Given, Options, draft, whole_path
from unvault_cli.output import note, note_lines
from unvault_cli.prompts import ask, ask_hidden, choose, chosen, menu

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.forms import Answer, CredentialForm, Field
    from unvault.model import Credential


def ask_type(form: CredentialForm, present: str | None = None) -> str:
    """Ask for the credential type, where there is more than one."""
    if len(form.types) == 1:
        return form.types[0].name
    note("How to sign in")
    options = [(kind.name, kind.title) for kind in form]
    return choose("Type", options, present or form.types[0].name)


def ask_anew(vault: Unvault, old: Credential, *, kind: str | None = None) -> Credential:
    """Ask for every field of a credential again; an empty line keeps the present answer.

    Args:
        vault: Checks the answers.
        old: Has the present answers.
        kind: The credential type, which is asked for as well where it is not given.
    """
    form = vault.providers.load(old.provider).form
    note(f"{form.label}: {old.name}" if old.name else form.label)
    kind = kind or ask_type(form, old.type)
    fields = fields_of(form, kind)
    answers = ask_fields(fields, kept(fields, old.answers, {}))
    nothing = Given({}, [])
    return draft(vault, old.provider, Options(kind, (), (), from_env=False), nothing, base=answers)


def fields_of(form: CredentialForm, kind: str | None) -> Sequence[Field]:
    """Return the fields of a type, of the first one where none is given."""
    found = form.find(kind) if kind else form.types[0]
    return found.fields if found else ()


def kept(
    fields: Sequence[Field], old: Mapping[str, Answer], given: Mapping[str, str]
) -> dict[str, Answer]:
    """Return the old answers that still have a place beside the new ones."""
    left = {field.name: old[field.name] for field in fields if field.name in old}
    left = {name: answer for name, answer in left.items() if name not in given}
    while True:
        answers: dict[str, Answer] = {
            **{field.name: field.default for field in fields if field.default is not None},
            **left,
            **{name: answer for name, answer in given.items() if answer},
        }
        gone = {field.name for field in fields if not field.visible(answers)} & left.keys()
        if not gone:
            return left
        left = {name: answer for name, answer in left.items() if name not in gone}


def settled(fields: Sequence[Field], given: Mapping[str, str]) -> dict[str, Answer]:
    """Return answers that were given as options as they decide which other fields are asked."""
    from unvault.checking import check_answer

    known: dict[str, Answer] = {}
    for field in fields:
        with contextlib.suppress(KeyError, ValueError):  # what is wrong is said later, all at once
            known[field.name] = check_answer(field, given[field.name])
    return known


def ask_fields(
    fields: Sequence[Field],
    known: Mapping[str, Answer],
    *,
    skip: Sequence[str] = (),
    only_required: bool = False,
) -> dict[str, Answer]:
    """Ask for every field that is visible, given the answers so far.

    Args:
        fields: The form's fields.
        known: Present answers: what an empty line keeps.
        skip: Names of fields that are answered otherwise.
        only_required: Ask only for what must be answered and is not known.

    Returns:
        The answers, the present ones included where they were kept.
    """
    decided = {**_defaults(fields), **known}
    answers: dict[str, Answer] = {}
    waiting = [field for field in fields if field.name not in skip]
    while field := next((each for each in waiting if each.visible(decided)), None):
        waiting.remove(field)
        present = known.get(field.name)
        if only_required and (not field.required or decided.get(field.name) is not None):
            continue
        answer = ask_field(field, present)
        if answer is None:
            decided.pop(field.name, None)
        else:
            answers[field.name] = decided[field.name] = answer
    return answers


def ask_field(field: Field, present: Answer | None = None) -> Answer | None:
    """Ask for one answer until it is right; None is no answer.

    Args:
        field: What to ask.
        present: The present answer, which an empty line keeps.
    """
    from unvault.checking import check_answer

    fallback = field.default if present is None else present
    _introduce(field)
    while True:
        typed = _typed(field, fallback, kept=present is not None)
        if not typed and (fallback is not None or not field.required):
            return fallback
        try:
            if not typed:
                raise ValueError("is required")
            return whole_path(field, check_answer(field, typed))
        except ValueError as error:
            note(f"  {field.title} {error}.")


def _defaults(fields: Sequence[Field]) -> dict[str, Answer]:
    return {field.name: field.default for field in fields if field.default is not None}


def _introduce(field: Field) -> None:
    note("")
    if field.help:
        note_lines(field.help)
    if field.choices:
        menu([(choice.value, choice.label) for choice in field.choices])


def _typed(field: Field, fallback: Answer | None, *, kept: bool) -> str:
    if field.hidden:
        how = "not shown; empty keeps the present one" if kept else "not shown"
        optional = "" if field.required or kept else ", optional"
        return ask_hidden(f"{field.title} ({how}{optional})")
    typed = ask(f"{field.title}{_expected(field, fallback)}").strip()
    return chosen(typed, [choice.value for choice in field.choices])


def _expected(field: Field, fallback: Answer | None) -> str:
    flag = field.kind.value == "flag"
    kind = " (yes/no)" if flag else ""
    if fallback is not None:
        shown = ("yes" if fallback else "no") if flag else str(fallback)
        return f"{kind} [{shown}]"
    return kind if field.required else f"{kind} (optional)"
