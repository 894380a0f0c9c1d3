"""Checks answers against a form: all problems at once, each naming its field, never a value.

cattrs does the structuring. Its own exceptions hold the bad input, so none of them leaves this
module, not even as the context of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin
from urllib.parse import SplitResult, urlsplit

import attrs

from unvault.errors import FormError, Problem
from unvault.forms import Answer, Choice, CredentialForm, CredentialType, Field, Kind
from unvault.model import Answers
from unvault.suggestions import nearest, sentence

if TYPE_CHECKING:
    from cattrs import Converter

_FLAGS = {"true": True, "yes": True, "y": True, "on": True, "1": True}
_FLAGS |= {"false": False, "no": False, "n": False, "off": False, "0": False}


def check_answers(
    fields: Sequence[Field],
    given: Mapping[str, object],
    *,
    subject: str,
    ignore_hidden: bool = False,
) -> Answers:
    """Check answers, and return them complete: aliases resolved, defaults filled in.

    Args:
        fields: The form's fields.
        given: Answers by field name or alias. Text is read as a flag or an integer where the
            field is one; None and empty text are no answer.
        subject: What is being filled in, for the message.
        ignore_hidden: Leave out answers to fields that the other answers hide, rather than
            refuse them.

    Raises:
        FormError: With every problem there is.
    """
    named, problems = _by_name(fields, given)
    shown = _visible(fields, named)
    hidden = {field.name for field in fields} - {field.name for field in shown}
    for name in hidden & named.keys():
        if not ignore_hidden:
            problems.append(Problem(name, _why_hidden(fields, name)))
        del named[name]
    answers, wrong = _structure(shown, named)
    problems += wrong
    if problems:
        raise form_error(subject, sorted(set(problems)))
    return Answers(answers)


def check_credential(
    form: CredentialForm, kind: str | None, given: Mapping[str, object], *, subject: str
) -> tuple[CredentialType, Answers]:
    """Check the answers for one credential type; without a type, for the form's first one.

    Raises:
        FormError: With every problem there is, an unknown type among them.
    """
    chosen = form.types[0] if kind is None else form.find(kind)
    if chosen is None:
        there = sentence("the types are", (each.name for each in form))
        raise form_error(subject, [Problem("type", f"there is no type {kind!r}; {there}")])
    return chosen, check_answers(chosen.fields, given, subject=subject)


def check_answer(field: Field, answer: object) -> Answer:
    """Check one answer by itself and return it as the field's kind wants it.

    Raises:
        ValueError: With our own words for what is wrong, and never the answer.
    """
    value = _CONVERT.get(field.kind, _text)(answer)
    if field.choices:
        value = _chosen(field.choices, value)
    if field.pattern is not None and not re.fullmatch(field.pattern, str(value)):
        raise ValueError(f"has the wrong form: {field.pattern_help}")
    return value


def form_error(subject: str, problems: Iterable[Problem]) -> FormError:
    """Return the error for a form's problems, with all of them in its text."""
    listed = tuple(problems)
    text = "; ".join(f"{problem.field} {problem.message}" for problem in listed)
    return FormError(f"{subject}: {text}", listed)


def _by_name(
    fields: Sequence[Field], given: Mapping[str, object]
) -> tuple[dict[str, object], list[Problem]]:
    """Return the answers that were given under the fields' own names, and what is given twice."""
    own = {name: field.name for field in fields for name in field.names}
    named: dict[str, object] = {}
    problems = []
    for name, answer in given.items():
        if name in own and (answer is None or answer == ""):
            continue
        target = own.get(name, str(name))  # a program may give what is no text
        if target in named:
            problems.append(Problem(target, f"is given twice, once as {name!r}"))
        named[target] = answer
    return named, problems


def _visible(fields: Sequence[Field], named: Mapping[str, object]) -> list[Field]:
    """Return the fields that are asked, given the answers so far; defaults count as answers."""
    settled: dict[str, Answer] = {}
    shown = []
    for field in _conditions_first(fields):
        if field.visible(settled):
            shown.append(field)
            try:
                answer = check_answer(field, named[field.name])
            except (KeyError, ValueError):
                if field.default is None:
                    continue
                answer = field.default
            settled[field.name] = answer
    return [field for field in fields if field in shown]


def _conditions_first(fields: Sequence[Field]) -> list[Field]:
    """Return the fields, each after those its visibility depends on."""
    ordered: list[Field] = []
    waiting = list(fields)
    while waiting:
        done = {field.name for field in ordered}
        ready = [
            field for field in waiting if done.issuperset(name for name, _ in field.visible_when)
        ]
        ordered += ready or waiting
        waiting = [field for field in waiting if field not in ready] if ready else []
    return ordered


def _why_hidden(fields: Sequence[Field], name: str) -> str:
    field = next(field for field in fields if field.name == name)
    needs = (
        f"{other} is {' or '.join(str(one) for one in wanted)}"
        for other, wanted in field.visible_when
    )
    return f"is used only when {' and '.join(needs)}"


def _structure(
    fields: Sequence[Field], named: Mapping[str, object]
) -> tuple[dict[str, Answer], list[Problem]]:
    """Let cattrs build an attrs class made of the fields, and say all that is wrong."""
    from cattrs.errors import ClassValidationError

    shape, converter = _shape(tuple(fields))
    try:
        built = converter.structure(dict(named), shape)
    except ClassValidationError as group:
        return {}, list(_explain(group, fields))
    answers = {field.name: getattr(built, field.name) for field in fields}
    return {name: answer for name, answer in answers.items() if answer is not None}, []


@lru_cache(maxsize=128)  # 2 ms to make, and a text may hold thousands of references of one form
def _shape(fields: tuple[Field, ...]) -> tuple[type[Any], Converter]:
    """Return the class that holds the answers to these fields, and what makes one of them."""
    attributes = {field.name: _attribute(field) for field in fields}
    return attrs.make_class("Form", attributes, kw_only=True), _converter()


def _attribute(field: Field) -> Any:
    kind: Any = Annotated[Any, field]
    if field.required and field.default is None:
        return attrs.field(type=kind)
    return attrs.field(type=kind, default=field.default)


def _converter() -> Converter:
    from cattrs import Converter

    converter = Converter(forbid_extra_keys=True, detailed_validation=True)

    def is_answer(kind: Any) -> bool:
        return get_origin(kind) is Annotated and isinstance(get_args(kind)[1], Field)

    def hook_for(kind: Any) -> Callable[[object, object], Answer]:
        field = get_args(kind)[1]
        return lambda answer, _: check_answer(field, answer)

    converter.register_structure_hook_factory(is_answer, hook_for)
    return converter


def _explain(group: Any, fields: Sequence[Field]) -> Iterable[Problem]:
    from cattrs.errors import ForbiddenExtraKeysError

    known = [field.name for field in fields]
    with_note, without = group.group_exceptions()
    for error, note in with_note:
        missing = isinstance(error, KeyError)
        yield Problem(note.name, "is required" if missing else str(error))
    for error in without:
        if isinstance(error, ForbiddenExtraKeysError):
            for name in error.extra_fields:
                near = nearest(name, known, limit=1)
                guess = f"did you mean {near[0]}?" if near else sentence("there are", known)
                yield Problem(name, f"is not known; {guess}")


def _text(answer: object) -> str:
    if not isinstance(answer, str):
        raise ValueError("must be text")
    # Not by trying to encode it: the codec's exception would hold the answer, as a context of ours.
    if not answer.isascii() and any("\ud800" <= character <= "\udfff" for character in answer):
        raise ValueError("holds a character that cannot be written as UTF-8")
    return answer


def _flag(answer: object) -> bool:
    if isinstance(answer, bool):
        return answer
    known = _FLAGS.get(answer.strip().lower()) if isinstance(answer, str) else None
    if known is None:
        raise ValueError("must be yes or no (true or false)")
    return known


def _integer(answer: object) -> int:
    # Not more of them than text may have: Python refuses to write out thousands of digits.
    if isinstance(answer, int) and not isinstance(answer, bool) and abs(answer) < 10**18:
        return answer
    if isinstance(answer, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", answer):
        return int(answer)
    raise ValueError("must be a whole number")


def _url(answer: object) -> str:
    text = _text(answer).strip()
    parts = _split(text)
    if parts is None or " " in text or not text.isprintable():
        raise ValueError("is not a valid address")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that starts with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    return text


def _split(text: str) -> SplitResult | None:
    """Take an address apart; None where that fails, as the parser's exception holds the text."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _chosen(choices: Iterable[Choice], answer: Answer) -> str:
    for choice in choices:
        if answer in (choice.value, *choice.aliases):
            return choice.value
    near = {choice.value for choice in choices if _but_for_case(choice, answer)}
    if len(near) == 1:
        return near.pop()
    raise ValueError(f"must be one of {', '.join(choice.value for choice in choices)}")


def _but_for_case(choice: Choice, answer: Answer) -> bool:
    written = (choice.value, *choice.aliases)
    return str(answer).strip().casefold() in (each.casefold() for each in written)


_CONVERT: Mapping[Kind, Callable[[object], Answer]] = {
    Kind.FLAG: _flag,
    Kind.INTEGER: _integer,
    Kind.URL: _url,
}
