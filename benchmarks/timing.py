"""Times things side by side, so that what disturbs the machine disturbs all of them alike."""

from __future__ import annotations

import gc
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter

_KEPT = ("PATH", "HOME", "USERPROFILE", "LANG", "TMPDIR", "TEMP", "SYSTEMROOT")

# A small process that starts a command and prints the most memory that it had: a process begins
# with the figure of the one that started it, and a benchmark's own would hide the command's.
_LAUNCHER = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def side_by_side(
    actions: Sequence[Callable[[], object]], *, rounds: int, warm_up: int, least: bool = False
) -> list[float]:
    """Return the median of the seconds that each action takes, or the least.

    They take turns, in another order in each round: none always comes after the same other one.

    Args:
        actions: What to time.
        rounds: How often each is timed.
        warm_up: How often each is done before.
        least: Return the least: where there are few rounds, it is less disturbed than the median.
    """
    for _ in range(warm_up):
        for action in actions:
            action()
    seconds: list[list[float]] = [[] for _ in actions]
    order = [*range(len(actions))]
    shuffled = random.Random(1)  # noqa: S311  # no secret
    with _no_collection():
        for _ in range(rounds):
            shuffled.shuffle(order)
            for turn in order:
                start = perf_counter()
                actions[turn]()
                seconds[turn].append(perf_counter() - start)
    return [min(each) if least else statistics.median(each) for each in seconds]


def processes(
    commands: Sequence[Sequence[str]],
    environ: Mapping[str, str],
    *,
    rounds: int,
    prints: str | None = None,
) -> list[float]:
    """Return the least of the seconds that each command takes, as a whole process.

    Args:
        commands: Programs with their arguments.
        environ: The environment; nothing else is in it.
        rounds: How often each is timed; two more times come before.
        prints: What each has to print, white space around it aside.
    """

    def starter(command: Sequence[str]) -> Callable[[], None]:
        def start() -> None:
            printed = _run(command, environ).stdout.decode().strip()
            assert prints is None or prints in printed, command[0]

        return start

    return side_by_side([starter(each) for each in commands], rounds=rounds, warm_up=2, least=True)


def peak_memory(command: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return the most memory that a command has as a whole process, in MB: the least of three."""
    launch = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    found = [int(_run(launch, environ).stderr.split()[-1]) for _ in range(3)]
    return min(found) * (1 if sys.platform == "darwin" else 1024) / 1e6


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that has nothing to do with vaults, proxies or Python.

    It is small, too: requests goes through all variables with each request.
    """
    return {name: environ[name] for name in _KEPT if name in environ}


def _run(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Let no garbage collection happen to fall into one action's turn."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def own_environment() -> None:
    """Make this process's environment a clean one."""
    kept = clean(os.environ)
    os.environ.clear()
    os.environ.update(kept)


@contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Have these variables set for a while."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
