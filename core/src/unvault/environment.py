"""Credentials that the environment describes, by a form's own declaration."""

from __future__ import annotations

from collections.abc import Mapping

from unvault.checking import check_answers, form_error
from unvault.errors import FormError, Problem
from unvault.forms import CredentialForm, CredentialType, variables
from unvault.model import Credential, Origin
from unvault.suggestions import sentence

_FAMILIES = ("UNVAULT_", "INSOMNIA_")
_TYPE = "type"


def environment_variables(
    provider: str, form: CredentialForm, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that describe a credential for a provider: name to field.

    Only one family counts: ``INSOMNIA_*`` where there is no ``UNVAULT_*`` at all, so that two
    half-configured accounts are never mixed into one. Blank variables do not count.
    """
    fields = _fields_of_variables(provider, form)
    given = {name: fields[name] for name in fields if environ.get(name, "").strip()}
    for family in _FAMILIES:
        members = {name: field for name, field in given.items() if name.startswith(family)}
        if members:
            return members
    return {}


def credential_from(
    provider: str, form: CredentialForm, environ: Mapping[str, str]
) -> Credential | None:
    """Return the credential the environment describes, or None where it describes none.

    White space around values is taken off. Without a ``…_TYPE`` variable, the type is the first
    that has all the fields given and misses none; variables of fields that the other answers
    hide are ignored.

    Raises:
        FormError: The variables contradict the form; the hint names them.
    """
    found = environment_variables(provider, form, environ)
    if not found:
        return None
    given = {field: environ[name].strip() for name, field in found.items()}
    wanted = given.pop(_TYPE, None)
    subject = f"the environment's credential for {provider}"
    kind = _by_name(form, wanted, subject) if wanted else _best(form, given)
    try:
        answers = check_answers(
            kind.fields, _of_type(kind, given), subject=subject, ignore_hidden=True
        )
    except FormError as error:
        error.hint = sentence("the variables that are set are", sorted(found))
        raise error.located(provider=provider) from None
    return Credential(
        provider=provider,
        type=kind.name,
        answers=answers,
        id=f"{Origin.ENVIRONMENT}:{provider}",
        origin=Origin.ENVIRONMENT,
    )


def _fields_of_variables(provider: str, form: CredentialForm) -> dict[str, str]:
    """Return every variable a provider's form can be filled from, and the field it fills."""
    fields = dict.fromkeys(variables(provider, [_TYPE]), _TYPE)
    for kind in form:
        for field in kind.fields:
            fields |= dict.fromkeys(field.variables(provider), field.name)
    return fields


def _by_name(form: CredentialForm, wanted: str, subject: str) -> CredentialType:
    kind = form.find(wanted)
    if kind is None:
        there = sentence("the types are", (each.name for each in form))
        raise form_error(subject, [Problem(_TYPE, f"there is no type {wanted!r}; {there}")])
    return kind


def _best(form: CredentialForm, given: Mapping[str, str]) -> CredentialType:
    """Return the type that fits the given fields best; the form's order breaks ties."""

    def misfit(kind: CredentialType) -> tuple[int, int]:
        own = {field.name for field in kind.fields}
        needed = {
            field.name
            for field in kind.fields
            if field.required and field.default is None and not field.visible_when
        }
        return len(given.keys() - own), len(needed - given.keys())

    return min(form, key=misfit)


def _of_type(kind: CredentialType, given: Mapping[str, str]) -> dict[str, str]:
    """Return the answers a type has fields for: other types' variables may linger."""
    own = {field.name for field in kind.fields}
    return {name: answer for name, answer in given.items() if name in own}
