"""Runs one command: whatever comes of it, there is an exit code and never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial

import click

from unvault_cli.hardening import CORE_LIMIT, CoreLimit, no_core_dumps
from unvault_cli.interrupts import raised
from unvault_cli.root import COMPLETE_VARIABLE, PROGRAM, root
from unvault_cli.streams import Closed

READER_GONE = 141
"""Exit code where whoever read the output stopped: as a shell shows SIGPIPE."""

FAILED = 1
"""Exit code of a completion that came to nothing."""


def run(args: Sequence[str], *, alone: bool = False) -> int:
    """Run the command with arguments, report what went wrong, and return the exit code.

    Args:
        args: The arguments.
        alone: Whether the process is there for nothing else: it then leaves no core dump behind.

    Raises:
        KeyboardInterrupt: It was stopped by Ctrl-C, or its program was.
    """
    limit = no_core_dumps() if alone else None
    if sys.stdout is None:
        sys.stdout = Closed()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show
    as_json = _wants_json(args)
    with raised():
        code = _guarded(partial(_invoke, args, limit), as_json=as_json)
        return _guarded(_flush, as_json=as_json) or code


def _wants_json(args: Sequence[str]) -> bool:
    if args[:1] == ["run"]:  # the options of another program follow
        return False
    return "--json" in args[: args.index("--") if "--" in args else len(args)]


def _guarded(action: Callable[[], int], *, as_json: bool) -> int:
    try:
        return action()
    except KeyboardInterrupt as stop:
        if stop.args:  # there is something to say of what it stopped
            from unvault_cli.report import report

            report(stop, as_json=as_json)
        raise
    except BrokenPipeError:
        _mute()
        return READER_GONE
    except click.exceptions.Exit as end:
        return end.exit_code
    # Whatever it is: a provider that ends the process must not make it look like a success.
    except BaseException as error:  # noqa: BLE001
        from unvault_cli.report import report

        return report(error, as_json=as_json)


def _invoke(args: Sequence[str], limit: CoreLimit | None) -> int:
    instruction = os.environ.get(COMPLETE_VARIABLE)
    if instruction:
        return _complete(instruction)
    with root.make_context(PROGRAM, [*args]) as context:
        context.meta[CORE_LIMIT] = limit
        root.invoke(context)
    return 0


def _complete(instruction: str) -> int:
    """Complete a line that somebody is typing, who must not see an error in the middle of it."""
    from click.shell_completion import shell_complete

    try:
        return shell_complete(root, {}, PROGRAM, COMPLETE_VARIABLE, instruction)
    except Exception:  # noqa: BLE001  # whatever it is, running the command says so
        return FAILED


def _flush() -> int:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from unvault_cli.files import unwritable

        _mute()
        raise unwritable(error) from error
    return 0


def _mute() -> None:
    """Let what is still in the buffer go nowhere, or Python would complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
