"""Kills processes in the middle of what they do: at every system call, one after the other.

A child is forked from a process that has everything imported, is traced (`ptrace`, so on Linux
only), and is killed when it has made so many calls. Is used in a process of its own: a fork copies
the threads' locks, and the tests' own process has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import cache

_TRACE_ME, _NEXT_CALL, _OPTIONS = 0, 24, 0x4200
_TELL_CALLS_APART = 1
_EXIT_OF_A_TRACER = 0x100000
_CALL = signal.SIGTRAP | 0x80


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    return libc


def _ptrace(request: int, pid: int, data: int = 0) -> None:
    libc = _libc()
    if libc.ptrace(request, pid, None, data) == -1:
        raise OSError(ctypes.get_errno(), "ptrace")


def can_trace() -> bool:
    """Say whether a child can be traced here; a container may forbid it."""
    if sys.platform != "linux" or os.uname().machine not in {"x86_64", "aarch64"}:
        return False
    pid = os.fork()
    if not pid:
        try:
            _ptrace(_TRACE_ME, 0)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def killed_after(action: Callable[[], object], calls: int) -> tuple[bool, bool]:
    """Run an action in a child that is killed after so many system calls.

    Returns whether it was killed in the midst, and whether the action had returned by then.
    """
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        _be_killed(action, tell)
    os.close(tell)
    killed = _trace(pid, calls)
    with os.fdopen(told, "rb") as end:
        return killed, end.read() == b"."


def _be_killed(action: Callable[[], object], tell: int) -> None:
    try:
        _ptrace(_TRACE_ME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        action()
        os.write(tell, b".")
        os._exit(0)
    except BaseException:  # noqa: BLE001  # whatever it is, it is told
        traceback.print_exc()
        os._exit(1)


def _trace(pid: int, calls: int) -> bool:
    os.waitpid(pid, 0)
    _ptrace(_OPTIONS, pid, _TELL_CALLS_APART | _EXIT_OF_A_TRACER)
    left = 2 * calls + 1  # each call stops twice: before and after
    passed_on = 0
    while True:
        _ptrace(_NEXT_CALL, pid, passed_on)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            assert status == 0, status
            return False
        stopped_by = os.WSTOPSIG(status)
        passed_on = 0 if stopped_by == _CALL else stopped_by
        left -= stopped_by == _CALL
        if not left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return True


def at_each_call(
    prepare: Callable[[], object],
    action: Callable[[], object],
    check: Callable[[bool], object],
    *,
    every: int = 1,
) -> int:
    """Kill an action at each of its system calls, and check each time what is left.

    Args:
        prepare: Is called before each.
        action: What is killed.
        check: Is told whether the action had returned.
        every: Leave out all but every so manieth.

    Returns how often it was killed.
    """
    kills = 0
    while True:
        prepare()
        killed, returned = killed_after(action, kills * every)
        check(returned)
        if not killed:
            assert returned
            return kills
        kills += 1
