"""Credentials that the environment describes, by a form's own declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from unvault.errors import FormError, Problem
from unvault.forms import CredentialForm, CredentialType, stem, variables
from unvault.inheritance import FAMILIES
from unvault.model import Credential, Origin
from unvault.suggestions import sentence

_TYPE = "type"


def environment_variables(
    provider: str,
    form: CredentialForm,
    environ: Mapping[str, str],
    *,
    installed: Iterable[str] = (),
) -> Set[str]:
    """Return the names of the variables that describe a credential for a provider.

    Args:
        provider: The provider's id.
        form: Its credential form.
        environ: The environment.
        installed: Ids of all providers. A variable that begins like another one's, whose id is
            longer, is that one's: ``UNVAULT_AWS_SSO_TOKEN`` is the token of ``aws-sso``, and no
            ``sso_token`` of ``aws``.

    Only one family counts: ``INSOMNIA_*`` where there is no ``UNVAULT_*`` at all, so that two
    half-configured accounts are never mixed into one. Blank variables do not count.
    """
    known = {*variables(provider, [_TYPE])}
    for kind in form:
        known |= _variables_of(kind, provider)
    longer = [stem(other) for other in installed if len(other) > len(provider)]
    theirs = tuple(family + other for family in FAMILIES for other in longer)
    given = {
        name for name in known if environ.get(name, "").strip() and not name.startswith(theirs)
    }
    for family in FAMILIES:
        members = {name for name in given if name.startswith(family)}
        if members:
            return members
    return frozenset()


def credential_from(
    provider: str,
    form: CredentialForm,
    environ: Mapping[str, str],
    *,
    installed: Iterable[str] = (),
) -> Credential | None:
    """Return the credential the environment describes, or None where it describes none.

    White space around values is taken off. Without a ``…_TYPE`` variable, the type is the first
    that has all the fields given and misses none, or the one of these that is `ambient`; variables
    of fields that the other answers hide are ignored. The arguments are those of
    `environment_variables`.

    Raises:
        FormError: The variables contradict the form; the hint names them.
    """
    found = environment_variables(provider, form, environ, installed=installed)
    if not found:
        return None
    from unvault.checking import check_answers

    subject = f"the environment's credential for {provider}"
    given = {name: environ[name].strip() for name in found}
    try:
        kind = _type_of(form, provider, given, subject)
        answers = check_answers(
            kind.fields, _answers(kind, provider, given), subject=subject, ignore_hidden=True
        )
    except FormError as error:
        error.hint = sentence("the variables that are set are", sorted(found))
        raise error.located(provider=provider) from None
    return Credential(
        provider=provider,
        type=kind.name,
        answers=answers,
        origin=Origin.ENVIRONMENT,
    )


def _variables_of(kind: CredentialType, provider: str) -> Set[str]:
    return {name for field in kind.fields for name in field.variables(provider)}


def _type_of(
    form: CredentialForm, provider: str, given: Mapping[str, str], subject: str
) -> CredentialType:
    """Return the type that is named or, where none is, the one that fits best."""
    names = variables(provider, [_TYPE])
    wanted = next((given[name] for name in names if name in given), None)
    if wanted is None:
        return _best(form, provider, given)
    kind = form.find(wanted)
    if kind is None:
        from unvault.checking import form_error

        there = sentence("the types are", (each.name for each in form))
        raise form_error(subject, [Problem(_TYPE, f"is not known; {there}")])
    return kind


def _best(form: CredentialForm, provider: str, given: Mapping[str, str]) -> CredentialType:
    """Return the type that fits the given variables best.

    Of those that fit equally well, it is one that means the same as no credential, or the first.
    """

    def misfit(kind: CredentialType) -> tuple[int, int, bool]:
        needed = {
            field.name
            for field in kind.fields
            if field.required and field.default is None and not field.visible_when
        }
        unused = given.keys() - _variables_of(kind, provider)
        missing = needed - _answers(kind, provider, given).keys()
        return len(unused), len(missing), not kind.ambient

    return min(form, key=misfit)


def _answers(kind: CredentialType, provider: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the answers to a type's fields; other types' variables may linger.

    Where several variables fill one field, the first of them counts.
    """
    return {
        field.name: given[name]
        for field in kind.fields
        for name in reversed(field.variables(provider))
        if name in given
    }
