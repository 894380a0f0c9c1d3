"""``unvault run``: run a program with secrets in its environment, and mask what it prints."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from unvault.inheritance import without_credentials
from unvault_cli.child.wanted import Origin, Resolved, Variable, as_inherited, gather
from unvault_cli.hardening import CORE_LIMIT
from unvault_cli.opening import vault_of
from unvault_cli.output import note
from unvault_cli.problems import Found
from unvault_cli.streams import noise_aside

if TYPE_CHECKING:
    from unvault.redaction import Redactor
    from unvault_cli.child.starting import Program

_Pairs = tuple[tuple[str, str], ...]


def _pairs(_: click.Context, parameter: click.Parameter, given: Sequence[str]) -> _Pairs:
    pairs = [each.partition("=") for each in given]
    for name, equals, reference in pairs:
        if not (name and equals and reference):
            option = parameter.opts[0]
            raise click.BadParameter(f"write {option} NAME=REF, as in {option} PW=local/db/main")
    return tuple((name, reference) for name, _, reference in pairs)


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option(
    "--env-file",
    "env_files",
    metavar="FILE",
    multiple=True,
    help="Take variables from this file (dotenv syntax).",
)
@click.option(
    "--set",
    "sets",
    metavar="NAME=REF",
    multiple=True,
    callback=_pairs,
    help="Set a variable to a secret.",
)
@click.option(
    "--file",
    "files",
    metavar="NAME=REF",
    multiple=True,
    callback=_pairs,
    help="Write a secret to a file while the command runs, and set a variable to its path.",
)
@click.option("--no-mask", is_flag=True, help="Do not mask secrets in what the command prints.")
@click.option(
    "--keep-credentials",
    is_flag=True,
    help="Leave unvault's own passphrases and credentials in the environment.",
)
@click.argument("words", metavar="[--] CMD [ARG]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(
    context: click.Context,
    *,
    env_files: Sequence[str],
    sets: _Pairs,
    files: _Pairs,
    no_mask: bool,
    keep_credentials: bool,
    words: Sequence[str],
) -> None:
    """Run a command with secrets in its environment.

    Values that start with unvault://, in env files and in the environment, are replaced by the
    secrets they name, and so are vault tags in env files. If one fails, the command is not started.
    What the command prints is shown with the secrets masked. The exit code is the command's; it is
    128 and the signal's number where a signal ended it.
    """
    if not words or not words[0]:
        raise click.UsageError("name the command to run: unvault run [OPTIONS] -- CMD [ARG]...")
    if os.name == "posix":
        from unvault_cli.child.posix import keep_places

        keep_places()
    variables, problems = _variables(env_files, sets, files, keep=keep_credentials)
    with noise_aside():
        found = _resolved(context, variables, problems)
    context.exit(_run(words, found, mask=not no_mask))


def _variables(
    env_files: Sequence[str],
    sets: _Pairs,
    files: _Pairs,
    *,
    keep: bool,
) -> tuple[Sequence[Variable], Sequence[Found]]:
    """Return what the command is to have in its environment, and what is wrong with it.

    Raises:
        UsageError: One variable is to be a value and a file.
        FileProblem: An env file cannot be read.
    """
    both = {name for name, _ in sets} & {name for name, _ in files}
    if both:
        raise click.UsageError(f"{min(both)} is in --set and in --file: which of the two?")
    written: list[Variable] = []
    for file in env_files:
        from unvault_cli.child.env_files import read_env_file

        written += read_env_file(file)
    options = [Variable(*pair, Origin.SET) for pair in sets]
    options += [Variable(*pair, Origin.FILE) for pair in files]
    inherited = as_inherited(os.environ)
    if not keep:
        inherited = without_credentials(inherited)
    return gather(inherited, written, options)


def _resolved(
    context: click.Context, variables: Sequence[Variable], problems: Sequence[Found]
) -> Resolved:
    needed = problems or any(each.is_reference or each.has_tags for each in variables)
    if not needed:
        return Resolved({each.name: each.text for each in variables}, {}, {})
    from unvault_cli.child.resolving import resolve

    vault = vault_of(context)
    try:
        return resolve(vault, variables, problems)
    finally:
        vault.close()  # nothing of it is needed while the command runs, which may be for days


def _run(words: Sequence[str], found: Resolved, *, mask: bool) -> int:
    """Run the command and return its exit code.

    Raises:
        CommandProblem: It cannot be started.
        FileProblem: A secret's file cannot be written.
        KeyboardInterrupt: Ctrl-C ended it.
    """
    redactor = _redactor(found.secrets) if mask and found.secrets else None
    if redactor is None and not found.files and os.name == "posix":
        from unvault_cli.child.posix import replace

        replace(_program(words, found.environ))
    if not found.files:
        return _started(words, found.environ, redactor)
    from unvault_cli.child.files import secret_files

    with secret_files(found.files) as paths:
        return _started(words, {**found.environ, **paths}, redactor)


def _started(words: Sequence[str], environ: Mapping[str, str], redactor: Redactor | None) -> int:
    if os.name == "posix":
        from unvault_cli.child import posix

        return posix.run(_program(words, environ), redactor)
    from unvault_cli.child import windows

    return windows.run(words, environ, redactor)


def _program(words: Sequence[str], environ: Mapping[str, str]) -> Program:
    from unvault_cli.child.starting import Program

    limit = click.get_current_context().meta.get(CORE_LIMIT)
    return Program(words, environ, core_limit=limit)


def _redactor(secrets: Mapping[bytes, Sequence[str]]) -> Redactor:
    """Return what knows the values to mask; say which variables' it cannot mask."""
    from unvault.redaction import Redactor

    # All of them are live for as long as the command runs.
    redactor = Redactor(max_values=max(len(secrets), 1), minutes=math.inf)
    for value, names in secrets.items():
        if not redactor.add(value) and value:
            note(f"note: a secret in {', '.join(names)} is too short to be masked")
    return redactor
