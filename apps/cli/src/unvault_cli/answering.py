"""Answers to a form that come as options: read, and everything wrong with them collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from unvault.errors import FormError, Problem
from unvault_cli.files import STANDARD, read
from unvault_cli.problems import FileProblem

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.forms import Answer, CredentialForm, CredentialType, Field
    from unvault.model import Credential

_F = TypeVar("_F", bound=Callable[..., Any])

REFUSED = (
    "is a secret, and every user of this machine can see a command's arguments: "
    "use --field-file {name}=PATH, or {name}=- for the standard input"
)


class Options(NamedTuple):
    """The options that answer a form, as they were given."""

    kind: str | None
    """The credential type."""
    fields: Sequence[str]
    """``name=value`` each."""
    files: Sequence[str]
    """``name=path`` each."""
    from_env: bool
    """Whether to take answers from the environment."""

    @property
    def any(self) -> bool:
        """Whether there is any answer, so that only what is missing is asked for."""
        return bool(self.fields or self.files or self.from_env)


class Given(NamedTuple):
    """Answers that were given as options."""

    answers: dict[str, str]
    """By name of the field; an empty one takes an answer back."""
    problems: list[Problem]
    """What is wrong with them."""


def answer_options(function: _F) -> _F:
    """Give a command the options that answer a form."""
    options = (
        click.option("--type", "kind", metavar="TYPE", help="The credential type."),
        click.option(
            "--field", "fields", multiple=True, metavar="NAME=VALUE", help="An answer; no secrets."
        ),
        click.option(
            "--field-file",
            "files",
            multiple=True,
            metavar="NAME=PATH",
            help="An answer in a file, or in the standard input (-); one line end is taken off.",
        ),
        click.option(
            "--from-env", is_flag=True, help="Take answers from the environment's variables."
        ),
        click.option("--no-test", is_flag=True, help="Store it without signing in with it."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def read_options(form: CredentialForm, options: Options) -> Given:
    """Read the answers that were given as options.

    Secret ones are refused on the command line. Nothing is raised: problems are collected.
    """
    given = Given({}, [])
    fields = _fields(form, options.kind)
    hidden = {name for field in fields if field.hidden for name in field.names}
    own = {name: field.name for field in fields for name in field.names}
    for text in options.fields:
        name, value = _pair("--field", text, given)
        if name in hidden and value:
            given.problems.append(Problem(own[name], REFUSED.format(name=name)))
        elif name:
            _put(given, own.get(name, name), value)
    for text in options.files:
        name, path = _pair("--field-file", text, given)
        if name:
            plain = name in own and name not in hidden
            repeated = _stdin_taken(options, text)
            _put_file(given, own.get(name, name), path, repeated=repeated, plain=plain)
    return given


def draft(
    vault: Unvault,
    provider: str,
    options: Options,
    given: Given,
    *,
    base: Mapping[str, object] | None = None,
    problems: Iterable[Problem] = (),
) -> Credential:
    """Return the credential that the options describe.

    Args:
        vault: Checks the answers.
        provider: The provider's id.
        options: As they were given.
        given: The answers in them, which go before others.
        base: Answers where the options give none.
        problems: What else is known to be wrong.

    Raises:
        FormError: With everything that is wrong, from whatever source.
    """
    known = [*problems, *given.problems]
    subject = f"the {vault.providers.load(provider).form.label} credential"
    try:
        kind, answers = _from_environment(vault, provider, options)
        kind = options.kind or kind
        merged = {**(base or {}), **answers, **given.answers}
        made = vault.credentials.draft(provider, kind, merged)
        made = _with_whole_paths(vault, made, given.answers)
    except FormError as error:
        refused = {problem.field for problem in known}
        known += [problem for problem in error.problems if problem.field not in refused]
        raise _all_wrong(subject, known, error) from None
    if known:
        raise _all_wrong(subject, known)
    return made


def whole_path(field: Field, answer: Answer) -> Answer:
    """Return an answer as it is stored: a path must not depend on the folder of the moment."""
    if field.kind.value != "file" or not isinstance(answer, str) or answer.startswith("~"):
        return answer
    return str(Path(answer).absolute())


def _with_whole_paths(vault: Unvault, made: Credential, names: Iterable[str]) -> Credential:
    import attrs

    from unvault.model import Answers

    kind = vault.providers.load(made.provider).form.find(made.type or "")
    fields = {field.name: field for field in (kind.fields if kind else ())}
    whole = {
        name: whole_path(fields[name], made.answers[name]) for name in names if name in made.answers
    }
    return attrs.evolve(made, answers=Answers({**made.answers, **whole}))


def _from_environment(
    vault: Unvault, provider: str, options: Options
) -> tuple[str | None, Mapping[str, object]]:
    if not options.from_env:
        return None, {}
    found = vault.credentials.draft_from_environment(provider)
    return found.type, found.answers


def _all_wrong(
    subject: str, problems: Iterable[Problem], cause: FormError | None = None
) -> FormError:
    from unvault.checking import form_error

    error = form_error(subject, problems)
    if cause is not None:
        error.hint = cause.hint
    return error


def _fields(form: CredentialForm, kind: str | None) -> Sequence[Field]:
    """Return the fields of a type; of all types where it is not known which."""
    found: CredentialType | None = form.find(kind) if kind else None
    types = [found] if found else form
    return [field for each in types for field in each.fields]


def _pair(option: str, text: str, given: Given) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):  # it is not shown: it may be a value
        given.problems.append(Problem(option, "is written NAME=VALUE"))
        return "", ""
    return name, value


def _put(given: Given, name: str, value: str) -> None:
    if name in given.answers:
        given.problems.append(Problem(name, "is given twice"))
    given.answers[name] = value


def _put_file(given: Given, name: str, path: str, *, repeated: bool, plain: bool) -> None:
    """Take an answer from a file; only where it is a plain one, its path may be told.

    What was given in place of a path may be the secret itself.
    """
    if repeated:
        given.problems.append(Problem(name, "has no answer: the standard input can be read once"))
        return
    try:
        content = read(path)
    except FileProblem as error:
        why = error.message if plain else f"cannot read the file: {error.why}"
        given.problems.append(Problem(name, f"has no answer: {why}"))
        return
    text = _text(content)
    if text is None:
        given.problems.append(Problem(name, "is not text: the file is not UTF-8"))
    else:
        _put(given, name, text)


def _stdin_taken(options: Options, text: str) -> bool:
    """Say whether an earlier option reads the standard input already."""
    readers = [each for each in options.files if each.partition("=")[2] == STANDARD]
    return text in readers[1:] and text.partition("=")[2] == STANDARD


def _text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:  # whose message would hold the content
        return None
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
