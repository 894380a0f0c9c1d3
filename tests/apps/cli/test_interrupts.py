"""Ctrl-C, at whatever moment: the command ends by the signal, and nothing is printed of it."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault
from tests.apps.cli.running import VALUE, Running, run_words
from tests.apps.cli.terminals import Session
from tests.fakes import GOOD, Site
from tests.soak import rounds

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

COUNT, NEVER = 0, -1

INTERRUPTED = (128 + signal.SIGINT, "", "")
"""The exit code of a process that a signal ended, as Python tells it, and what was printed."""

RUN = ("run", "--set", "PW=local/db/main", "--", "sleep", "60")

SCRIPT = textwrap.dedent("""
    import os, signal, sys

    seen, interrupt_at = 0, int(sys.argv.pop(1))

    def watch(event, _arguments):
        global seen
        # In what else tells of itself, native code may be that no real signal would reach.
        if event not in ("import", "open", "exec", "sqlite3.connect", "os.fork", "slow"):
            return
        seen += 1
        if seen == interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        if event in ("os.fork", "slow") and not interrupt_at:
            os.write(1, f"{seen}\\n".encode())

    def begin(*arguments, **options):
        os.write(1, b"go\\n")
        if interrupt_at >= 0:
            sys.addaudithook(watch)
        return command(*arguments, **options)

    from unvault_cli import main
    command, main._command = main._command, begin
    sys.exit(main.script())
""")
"""The command, which sends itself the signal when it does something for the nth time.

To import, to open and to fork are such things. For COUNT it sends none, and says how many there
were before it starts a program, or a provider begins to wait; for NEVER it is left to itself.
"""


@pytest.fixture(autouse=True)
def secret(unvault: Unvault) -> None:
    assert unvault("local", "set", "db/main", stdin=VALUE.encode()).code == 0


def begin(*arguments: str, at: int = NEVER) -> Running:
    started = Running([sys.executable, "-c", SCRIPT, str(at), *arguments])
    assert started.line() == "go"
    return started


def ended(started: Running) -> tuple[int, str, str]:
    """Wait for the end, and return the exit code as a shell shows it, and all that was printed."""
    code, out, err = started.end()
    return (128 - code if code < 0 else code, out, err)


def counted(*arguments: str) -> int:
    """Return how many things the command does before it waits."""
    last = 0
    for _ in range(2):  # the first one may do more: it compiles what has changed
        started = begin(*arguments, at=COUNT)
        last = int(started.line())
        started.send(signal.SIGINT)
        assert ended(started) == INTERRUPTED
    return last


def spread(rounds: int, last: int) -> Iterator[int]:
    """Return so many numbers up to the last, or all of them."""
    step = max(last / rounds, 1)
    yield from sorted({round(1 + step * each) for each in range(rounds) if step * each < last})


@rounds(10, 250)
def test_nothing_that_run_does_is_a_moment_at_which_it_ends_otherwise(rounds: int) -> None:
    for number in spread(rounds, counted(*RUN)):
        assert ended(begin(*RUN, at=number)) == INTERRUPTED, number


@rounds(8, 200)
def test_no_time_after_the_start_is_one_at_which_run_ends_otherwise(rounds: int) -> None:
    for milliseconds in spread(rounds, 250):
        started = begin(*RUN)
        time.sleep(milliseconds / 1000)
        started.send(signal.SIGINT)
        assert ended(started) == INTERRUPTED, milliseconds


@rounds(8, 150)
@pytest.mark.parametrize("words", [("get", "slow/x"), ("render", "text", "--output", "rendered")])
def test_other_commands_end_like_that_too(
    rounds: int, words: tuple[str, ...], site: Site, tmp_path: Path
) -> None:
    slow = "import sys, time; sys.audit('slow'); time.sleep(60)\n    return Secret("
    site.provider("slow", GOOD.replace("return Secret(", slow))
    (tmp_path / "text").write_text("{% vault 'slow/x' %}")
    for number in spread(rounds, counted(*words)):
        assert ended(begin(*words, at=number)) == INTERRUPTED, number
    assert not (tmp_path / "rendered").exists()


def test_code_that_no_error_leaves_is_ended_like_that_too(site: Site) -> None:
    destructor = (
        "import sys, time\n"
        "    class Slow:\n"
        "        def __del__(self):\n"
        "            sys.audit('slow'); time.sleep(60)\n"
        "    Slow()\n"
        "    return Secret("
    )
    site.provider("slow", GOOD.replace("return Secret(", destructor))
    started = begin("get", "slow/x", at=COUNT)
    started.line()
    started.send(signal.SIGINT)
    assert ended(started) == INTERRUPTED


BEFORE_THE_START = textwrap.dedent("""
    import os, signal, sys

    def watch(event, _arguments):
        if event == "os.fork":
            os.write(2, b"forking\\n")
            while signal.SIGINT not in signal.sigpending():
                pass

    from unvault_cli.main import script
    sys.addaudithook(watch)
    sys.exit(script())
""")


def test_a_key_that_is_pressed_just_before_the_program_is_there_reaches_it() -> None:
    words = shlex.join([sys.executable, "-c", BEFORE_THE_START, *RUN])
    session = Session(line=f"exec {words} > out")
    session.child.expect_exact("forking")
    session.child.sendcontrol("c")
    assert session.end() == 130


def test_where_it_is_ignored_it_stays_ignored() -> None:
    words = run_words("sh", "-c", "echo; read x")
    started = Running(["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *words])
    started.line()
    started.send(signal.SIGINT)
    assert started.process.stdin is not None
    started.process.stdin.write(b"x\n")
    assert started.end() == (0, "", "")


def test_whoever_embeds_the_command_is_told_by_the_exit_code(unvault: Unvault, site: Site) -> None:
    stopped = "raise KeyboardInterrupt\n    return Secret("
    site.provider("stopped", GOOD.replace("return Secret(", stopped))
    assert unvault("get", "stopped/x") == (130, b"", "")
