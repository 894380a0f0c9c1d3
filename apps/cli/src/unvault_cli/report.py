"""Says what went wrong, on the standard error, and which exit code that means."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import click

from unvault.errors import (
    AccessDenied,
    AuthenticationError,
    FormError,
    NotFound,
    ProviderError,
    RenderError,
    StoreError,
    Unavailable,
    UnvaultError,
    UsageError,
)
from unvault_cli.interrupts import STOPPED
from unvault_cli.output import document, note, printable
from unvault_cli.problems import CommandProblem, FileProblem, Found, NotStarted
from unvault_cli.prompts import Aborted, on_terminal

OTHER, USAGE = 1, 2

EXIT_CODES: tuple[tuple[type[UnvaultError], int], ...] = (
    (UsageError, USAGE),
    (NotFound, 3),
    (AuthenticationError, 4),
    (AccessDenied, 5),
    (Unavailable, 6),
    (ProviderError, 7),
    (StoreError, 8),
)
"""The exit code of each kind of error; that of any other is 1."""

_LINES = re.compile(r"\s*[\n\t]\s*")
_EXTRA_ARGUMENTS = re.compile(r"( arguments?) \(.*\)", re.DOTALL)
_WRONG_ARGUMENT = re.compile(r"""(?<=: )(['"]).*\1(?= is not (?:one of|a valid) )""", re.DOTALL)


def report(error: BaseException, *, as_json: bool = False) -> int:
    """Say what went wrong, and return the exit code."""
    told, code = _told(error, as_json=as_json)
    with contextlib.suppress(OSError):  # nobody reads it: the exit code still tells
        if _stopped(error) and on_terminal():
            note("")  # the question that was not answered has no line end
        for line in told:
            click.echo(line, err=True)
    return code


def exit_code(error: BaseException) -> int:
    """Return the exit code that an error means."""
    if isinstance(error, RenderError):
        codes = {exit_code(problem.error) for problem in error.problems}
        return codes.pop() if len(codes) == 1 else OTHER
    if isinstance(error, NotStarted):
        codes = {
            USAGE if isinstance(found.error, str) else exit_code(found.error)
            for found in error.problems
        }
        return codes.pop() if len(codes) == 1 else OTHER
    if isinstance(error, UnvaultError):
        return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), OTHER)
    if isinstance(error, click.ClickException):
        return error.exit_code
    return STOPPED if _stopped(error) else OTHER


def _told(error: BaseException, *, as_json: bool) -> tuple[Sequence[str], int]:
    """Return what to print of an error, and its exit code.

    An error that a provider filled in may hold anything, and fail when it is looked at: then only
    its type and its place are told.
    """
    try:
        if as_json:
            return [document("error", error=describe(error))], exit_code(error)
        return [printable(line) for line in lines(error)], exit_code(error)
    except BaseException:  # noqa: BLE001  # its text is left out on purpose: nobody knows it
        message = _unexpected(error)
    if as_json:
        return [document("error", error={"code": "defect", "message": message})], OTHER
    return [f"error: {printable(message)} [defect]"], OTHER


def describe(error: BaseException) -> dict[str, Any]:
    """Return an error as plain data: ``code``, ``message`` and what else is known."""
    if isinstance(error, UnvaultError):
        return error.describe()
    hint = _click_hint(error)
    return {
        "code": _code(error),
        "message": _message(error),
        **({"hint": hint} if hint else {}),
    }


def lines(error: BaseException) -> Iterator[str]:
    """Return the lines that tell a person what went wrong."""
    if _stopped(error):
        yield _message(error)
    elif isinstance(error, RenderError):
        yield from _render_lines(error)
    elif isinstance(error, NotStarted):
        for found in error.problems:
            yield from _found_lines(found)
        yield f"error: {error} [not-started]"
    elif isinstance(error, UnvaultError):
        yield f"error: {_headline(error)} [{error.code}]"
        yield from _context_lines(error)
    else:
        yield f"error: {_message(error)} [{_code(error)}]"
        hint = _click_hint(error)
        if hint:
            yield f"  hint: {hint}"


def where(source: str | None, line: int, column: int) -> str:
    """Return a place in a text as compilers write it."""
    return f"{source or '(text)'}:{line}:{column}"


def _headline(error: UnvaultError) -> str:
    """Return an error's message without what the lines below it list."""
    if not isinstance(error, FormError):
        return error.message
    listed = "; ".join(f"{problem.field} {problem.message}" for problem in error.problems)
    subject = error.message.removesuffix(listed).rstrip(": ")
    return f"{subject} cannot be used" if error.problems and subject else error.message


def _context_lines(error: UnvaultError) -> Iterator[str]:
    if isinstance(error, FormError):
        yield from (f"  {problem.field} {problem.message}" for problem in error.problems)
    for name in ("provider", "credential", "reference"):
        value = getattr(error, name)
        if value:
            yield f"  {name}: {value}"
    near = ", ".join(map(str, error.candidates))
    if near not in error.message:  # which may have said so already
        yield f"  near: {near}"
    if error.hint:
        yield f"  hint: {error.hint}"


def _render_lines(error: RenderError) -> Iterator[str]:
    for problem in error.problems:
        place = where(error.source, problem.line, problem.column)
        yield f"{place}: {problem.error.message} [{problem.error.code}]"
        if problem.error.hint:
            yield f"  hint: {problem.error.hint}"
    first = error.message.partition("\n")[0].rstrip(":")
    yield f"error: {first} [{error.code}]"
    if error.hint:
        yield f"  hint: {error.hint}"


def _found_lines(found: Found) -> Iterator[str]:
    place = f"{found.where}: {found.name}"
    if isinstance(found.error, str):
        yield f"{place}: {found.error} [usage]"
        return
    yield f"{place}: {found.error.message} [{found.error.code}]"
    if found.error.hint:
        yield f"  hint: {found.error.hint}"


def _stopped(error: BaseException) -> bool:
    return isinstance(error, (click.Abort, KeyboardInterrupt, EOFError))


def _code(error: BaseException) -> str:
    if _stopped(error):
        return "aborted"
    if isinstance(error, (FileProblem, OSError)):
        return "file"
    if isinstance(error, CommandProblem):
        return "command"
    return "usage" if isinstance(error, click.ClickException) else "defect"


def _message(error: BaseException) -> str:
    if _stopped(error):
        told = error if isinstance(error, Aborted | KeyboardInterrupt) else ""
        return f"Aborted. {told}".strip()
    if isinstance(error, click.ClickException):
        # What was typed in excess, or in the wrong place, may have been meant as a value.
        message = _WRONG_ARGUMENT.sub("it", error.format_message())
        message = _EXTRA_ARGUMENTS.sub(r"\1", message)
        # click lists choices on lines of their own, with tabs.
        return _LINES.sub(" ", message) if isinstance(error, click.UsageError) else message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return _unexpected(error)


def _unexpected(error: BaseException) -> str:
    return f"unexpected {type(error).__name__} at {place(error)}; this is a defect"


def place(error: BaseException) -> str:
    """Return where an exception was raised: file and line, and nothing of what it says."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"


def _click_hint(error: BaseException) -> str | None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path} --help" if context else None
