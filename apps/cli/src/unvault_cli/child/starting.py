"""Starts a program on POSIX: what it gets of this process, and nothing else. POSIX only."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, NoReturn

from unvault_cli.hardening import CoreLimit, allow_core_dumps
from unvault_cli.problems import CommandProblem

NOT_RUNNABLE, NOT_THERE = 126, 127
"""Exit codes where a program cannot be started, as a shell and env(1) have them."""

_SHELL = "/bin/sh"
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
"""What Python ignores and a program does not expect to be ignored."""


class Program(NamedTuple):
    """A program to start."""

    words: Sequence[str]
    """Its name or path, and its arguments."""
    environ: Mapping[str, str]
    """Its environment; the ``PATH`` in it is where it is looked for."""
    mask: Iterable[int] = ()
    """Signals that are blocked in it: those that were when this process began."""
    core_limit: CoreLimit | None = None
    """How large its core dumps may become: what held when this process began."""


def become(program: Program, places: Mapping[int, int] | None = None) -> NoReturn:
    """Let this process become the program. Signals that this process handles are its defaults.

    Args:
        program: The program.
        places: What is to be its standard input, output and error: descriptors by 0, 1 and 2.

    Raises:
        OSError: It cannot be started.
    """
    for place, descriptor in (places or {}).items():
        os.dup2(descriptor, place)
    _forget_signals()
    allow_core_dumps(program.core_limit)
    signal.pthread_sigmask(signal.SIG_SETMASK, program.mask)
    missing: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for path in _paths(program):
        try:
            _execute(path, program)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:  # a later one may be allowed
            missing = error
    raise missing


def begin(task: Callable[[], object]) -> int:
    """Run a task in a new process, and return its id. The task ends the process or becomes another.

    Nothing that the task raises gets out: the process then ends with 127.
    """
    process = os.fork()
    if process:
        return process
    try:
        signal.set_wakeup_fd(-1)
        task()
    finally:
        os._exit(NOT_THERE)


def begin_program(program: Program, places: Mapping[int, int], failure: int) -> int:
    """Start a program in a new process, and return its id.

    Args:
        program: The program.
        places: As for `become`.
        failure: Gets the number of the error if it cannot be started.
    """
    return begin(lambda: become_or_tell(program, places, failure))


def become_or_tell(program: Program, places: Mapping[int, int], failure: int) -> None:
    """Let this process become the program, or write the number of the error and return."""
    try:
        become(program, places)
    except OSError as error:
        os.write(failure, str(error.errno).encode())


def told(failure: int) -> int:
    """Wait until a program has started, and return 0, or the number of the error."""
    return int(os.read(failure, 16) or 0)


def problem(program: Program, number: int) -> CommandProblem:
    """Return what to tell of a program that could not be started."""
    name = program.words[0]
    if number in (errno.ENOENT, errno.ENOTDIR):
        if os.sep not in name:
            return CommandProblem(f"there is no command {name!r} on the PATH", NOT_THERE)
        why = "its interpreter is missing" if os.path.exists(name) else os.strerror(number)  # noqa: PTH110
        return CommandProblem(f"cannot run {name!r}: {why}", NOT_THERE)
    why = os.strerror(number)
    if number == errno.E2BIG:
        why = "its arguments and variables are too large; hand a large value over by --file"
    return CommandProblem(f"cannot run {name!r}: {why}", NOT_RUNNABLE)


def _paths(program: Program) -> Iterator[str]:
    name = program.words[0]
    if os.sep in name:
        yield name
    else:
        for folder in os.get_exec_path(program.environ):
            yield os.path.join(folder, name)  # noqa: PTH118  # an empty one is the current folder


def _execute(path: str, program: Program) -> NoReturn:
    try:
        os.execve(path, [*program.words], program.environ)  # noqa: S606
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    # A script without a first line that says what it is for: execvp(3) gives it to the shell.
    os.execve(_SHELL, [_SHELL, path, *program.words[1:]], program.environ)  # noqa: S606


def _forget_signals() -> None:
    for number in signal.valid_signals():
        if number in _RESTORED or callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
