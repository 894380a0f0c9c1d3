"""Puts secrets in place: all of them together, before anything is started, or none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from unvault.errors import UnvaultError, UsageError, WrongFormat
from unvault_cli.child.wanted import Origin, Resolved, Variable
from unvault_cli.problems import Found, NotStarted

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.model import Outcome
    from unvault.secret import Secret


class _Piece(NamedTuple):
    """A part of a variable's text that a secret is put in place of."""

    start: int
    end: int
    target: str | UnvaultError


def resolve(
    vault: Unvault | None, variables: Sequence[Variable], problems: Sequence[Found]
) -> Resolved:
    """Return what the program gets. Equal references are fetched once.

    Args:
        vault: What fetches; needed where a variable refers to a secret.
        variables: The program's variables.
        problems: What was found to be wrong with them already.

    Raises:
        NotStarted: Something is wrong with at least one variable; it lists all of them.
    """
    pieces = [[*_pieces(vault, variable)] for variable in variables]
    outcomes = _outcomes(vault, (piece.target for each in pieces for piece in each))
    found = Resolved({}, {}, {})
    wrong = [*problems]
    for variable, parts in zip(variables, pieces, strict=True):
        try:
            _put(variable, parts, outcomes, found)
        except UnvaultError as error:
            wrong.append(Found(variable.where, variable.name, error))
    if wrong:
        raise NotStarted(wrong)
    return found


def _pieces(vault: Unvault | None, variable: Variable) -> Iterator[_Piece]:
    if variable.is_reference:
        yield _Piece(0, len(variable.text), variable.text)
    elif vault is not None and variable.has_tags:
        from unvault.template import find_tags

        tags = find_tags(variable.text)
        for tag, meant in zip(tags, vault.find_references(variable.text), strict=True):
            yield _Piece(tag.start, tag.end, meant.error or meant.reference or "")


def _outcomes(vault: Unvault | None, targets: Iterable[str | UnvaultError]) -> dict[str, Outcome]:
    references = [*dict.fromkeys(each for each in targets if isinstance(each, str))]
    if vault is None or not references:
        return {}
    return dict(zip(references, vault.fetch_many(references), strict=True))


def _put(
    variable: Variable,
    pieces: Sequence[_Piece],
    outcomes: Mapping[str, Outcome],
    found: Resolved,
) -> None:
    """Add a variable to what the program gets.

    Raises:
        UnvaultError: It cannot be resolved, or cannot be the value of a variable.
    """
    secrets = [_secret(piece.target, outcomes) for piece in pieces]
    if variable.origin is Origin.FILE:
        found.files[variable.name] = secrets[0].reveal()
    elif variable.is_reference:
        found.environ[variable.name] = _value(secrets[0].reveal())
    else:
        found.environ[variable.name] = _rendered(variable.text, pieces, secrets)
    for secret in secrets:
        found.secrets.setdefault(secret.reveal(), []).append(variable.name)


def _secret(target: str | UnvaultError, outcomes: Mapping[str, Outcome]) -> Secret:
    outcome = outcomes[target] if isinstance(target, str) else target
    if isinstance(outcome, UnvaultError):
        raise outcome
    return outcome


def _rendered(text: str, pieces: Sequence[_Piece], secrets: Sequence[Secret]) -> str:
    if not pieces:
        return text
    parts = []
    position = 0
    for piece, secret in zip(pieces, secrets, strict=True):
        parts += [text[position : piece.start], secret.text()]
        position = piece.end
    return _value("".join([*parts, text[position:]]).encode())


def _value(content: bytes) -> str:
    """Return bytes as the value of a variable.

    Raises:
        UsageError: No variable can hold them.
    """
    if b"\0" in content:
        raise UsageError(
            "the value has a NUL byte in it, and no variable can",
            hint="hand it over as a file: --file NAME=REF",
        )
    if os.name != "nt":
        return os.fsdecode(content)
    try:
        return content.decode()
    except UnicodeDecodeError:
        pass  # raised below, outside: the codec's exception holds the whole value
    raise WrongFormat(
        "the value is binary, and a variable is text here",
        hint="hand it over as a file: --file NAME=REF",
    )
