"""Between references and filled-in secret forms, both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unvault.errors import FormError, InvalidReference, Problem
from unvault.forms import Answer, Field, SecretForm
from unvault.model import SecretRequest
from unvault.reference import Reference
from unvault.suggestions import sentence


def request_for(reference: Reference, form: SecretForm | None) -> SecretRequest:
    """Return what a provider is asked for when it is asked for a reference.

    Parameters that the reference leaves out have their defaults: what is asked for is the same
    whether somebody writes a default or not, and so is its place in the cache.

    Raises:
        InvalidReference: A parameter is unknown or wrong; the error lists the known ones.
    """
    known = form.parameters if form else ()
    if not reference.parameters and not any(field.required for field in known):
        return SecretRequest(reference.path, form.defaults if form else ())
    _refuse_empty(reference, known)
    from unvault.checking import check_answers

    try:
        checked = check_answers(known, dict(reference.parameters), subject="its parameters")
    except FormError as error:
        problems = error.problems
    else:
        return SecretRequest(reference.path, tuple(sorted(checked.items())))
    raise InvalidReference(
        "; ".join(f"parameter {problem.field!r} {problem.message}" for problem in problems),
        hint=sentence("the parameters are", (field.name for field in known)),
        reference=str(reference),
    )


def _refuse_empty(reference: Reference, known: Sequence[Field]) -> None:
    """Refuse ``?version=`` with nothing behind it: the variable in a script was empty."""
    names = {name for field in known for name in field.names}
    for name, value in reference.parameters:
        if name in names and not value:
            raise InvalidReference(
                f"parameter {name!r} is empty",
                hint="give it a value, or leave it out",
                reference=str(reference),
            )


def reference_for(form: SecretForm, credential: str, lookup: Mapping[str, object]) -> Reference:
    """Return the reference that a filled-in secret form stands for.

    Args:
        form: The provider's form.
        credential: Head of the reference to make.
        lookup: Answers by field name or alias, as a tag of three arguments holds them.

    Raises:
        FormError: The answers are wrong, or none of them says where the secret is.
    """
    from unvault.checking import check_answers, form_error

    answers = check_answers(form.fields, lookup, subject="the look-up", ignore_hidden=True)
    path = _joined([str(answers[name]) for name in form.path if name in answers])
    if not path.strip("/"):
        raise form_error("the look-up", [Problem(form.path[0], "is required")])
    defaults = {field.name: field.default for field in form.fields}
    parameters = {
        field.name: _written(answers[field.name])
        for field in form.parameters
        if field.name in answers and answers[field.name] != defaults[field.name]
    }
    field = answers.text(form.field) if form.field else None
    return Reference(credential, path, parameters, field)


def _written(answer: Answer) -> str:
    return str(answer).lower() if isinstance(answer, bool) else str(answer)


def _joined(parts: Sequence[str]) -> str:
    """Join with one ``/``; those at the ends stay, since ``/prod/db`` is not ``prod/db``."""
    path, *more = parts or [""]
    for part in more:
        path = f"{path.rstrip('/')}/{part.lstrip('/')}"
    return path
