"""Signals pass through ``unvault run``: each of them, once, and the exit code comes back."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault
from tests.apps.cli.running import LISTENER, VALUE, Running, eventually, gone, run_words
from tests.apps.cli.terminals import Session, command
from tests.fakes import GOOD, Site

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

SET = ("--set", "PW=local/db/main")
MINE = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGUSR2}


@pytest.fixture(autouse=True)
def secret(unvault: Unvault) -> None:
    assert unvault("local", "set", "db/main", stdin=VALUE.encode()).code == 0


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(words: list[str], **options: object) -> Running:
        started.append(Running(words, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


LISTENING = (sys.executable, "-c", LISTENER)

Start = Callable[..., Running]


@pytest.mark.parametrize(
    "options", [SET, (*SET, "--no-mask"), ("--no-mask", "--file", "F=local/db/main")]
)
def test_every_signal_reaches_the_program_exactly_once(
    running: Start, options: tuple[str, ...]
) -> None:
    started = running(run_words(*LISTENING, options=options))
    assert started.line() == "ready"
    sent = sorted({*signal.valid_signals()} - MINE)
    for number in sent:
        started.send(number)
        assert started.line() == str(int(number))
    started.send(signal.SIGUSR2)
    assert started.end() == (9, f"{int(signal.SIGUSR2)}\n", "")
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT} <= {*sent}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_that_ends_the_program_shows_in_the_exit_code(
    running: Start, number: signal.Signals
) -> None:
    started = running(run_words("sh", "-c", "echo $$; exec sleep 60"))
    pid = int(started.line())
    if number == signal.SIGKILL:
        os.kill(pid, number)
    else:
        started.send(number)
    assert started.end() == (128 + number, "", "")


def test_a_signal_is_heard_though_nobody_reads_the_output(running: Start) -> None:
    started = running(run_words("sh", "-c", "trap 'kill $!; exit 5' TERM; echo ready; yes & wait"))
    assert started.line() == "ready"
    started.send(signal.SIGTERM)
    code, _, _ = started.end()
    assert code == 5


def test_a_thread_that_a_provider_left_behind_takes_no_signal_away(
    running: Start, site: Site
) -> None:
    source = GOOD.replace(
        'return Secret(f"value',
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        '    return Secret(f"value',
    )
    site.provider("threaded", source)
    started = running(run_words(*LISTENING, options=("--set", "PW=threaded/x")))
    assert started.line() == "ready"
    for _ in range(20):
        started.send(signal.SIGTERM)
        assert started.line() == str(int(signal.SIGTERM))
    started.send(signal.SIGUSR2)
    assert started.end()[0] == 9


def test_what_the_caller_ignores_stays_ignored_and_what_python_ignores_does_not(
    running: Start,
) -> None:
    script = (
        "import signal\n"
        "for number in sorted(signal.valid_signals()):\n"
        "    if signal.getsignal(number) is signal.SIG_IGN: print(int(number))"
    )
    bare = f"import os; os.execv({sys.executable!r}, ['python', '-c', {script!r}])"
    words = run_words(sys.executable, "-c", bare)
    started = running(["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *words])
    _, out, _ = started.end()
    # Python ignores two for itself, in the program as well.
    assert out.split() == [
        str(int(number)) for number in sorted((signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ))
    ]
    started = running(run_words("sh", "-c", "yes | head -n 1; kill -PIPE $$; echo not reached"))
    assert started.end()[:2] == (128 + signal.SIGPIPE, "y\n")


@pytest.mark.parametrize("options", [SET, (*SET, "--no-mask"), ()])
def test_what_the_caller_blocks_stays_blocked(running: Start, options: tuple[str, ...]) -> None:
    block = (
        "import os, signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    tell = "import signal; print(*sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))))"
    words = run_words(sys.executable, "-c", tell, options=options)
    started = running([sys.executable, "-c", block, *words])
    both = " ".join(str(int(each)) for each in sorted((signal.SIGUSR1, signal.SIGTERM)))
    assert started.end() == (0, f"{both}\n", "")


def test_ctrl_c_on_a_terminal_that_both_share_arrives_once(tmp_path: Path) -> None:
    line = f"exec {command('run', *SET, '--', *LISTENING)} > out 2> err"
    session = Session(line=line)
    out = tmp_path / "out"
    assert eventually(lambda: out.exists() and out.read_text() == "ready\n")
    session.child.sendcontrol("c")
    assert eventually(lambda: out.read_text() == f"ready\n{int(signal.SIGINT)}\n")
    os.kill(session.child.pid, signal.SIGINT)  # this one goes to unvault alone
    assert eventually(lambda: out.read_text() == "ready\n" + 2 * f"{int(signal.SIGINT)}\n")
    session.child.sendcontrol("\\")
    assert eventually(lambda: str(int(signal.SIGQUIT)) in out.read_text().split())
    os.kill(session.child.pid, signal.SIGUSR2)
    assert session.end() == 9
    told = [str(int(number)) for number in (signal.SIGQUIT, signal.SIGUSR2)]
    assert out.read_text().split()[3:] == told


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_signal_that_comes_too_late_does_not_change_the_exit_code(running: Start) -> None:
    started = running(run_words("sh", "-c", "trap 'exit 4' TERM; echo ready; read x; exit 3"))
    assert started.line() == "ready"
    started.send(signal.SIGSTOP)  # so that both are there when it looks again
    assert started.process.stdin is not None
    started.process.stdin.write(b"x\n")
    started.process.stdin.flush()
    assert eventually(lambda: not processes_of(started.process.pid))
    started.send(signal.SIGRTMIN)
    started.send(signal.SIGCONT)
    assert started.end() == (3, "", "")


def processes_of(pid: int) -> list[int]:
    """Return the children of a process that have not ended."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [child for child in map(int, children) if not gone(child)]


def test_ctrl_c_on_a_terminal_of_its_own_arrives_once() -> None:
    session = Session("run", *SET, "--", *LISTENING)
    session.child.expect_exact("ready\r\n")
    session.child.sendcontrol("c")
    session.child.expect_exact(f"^C{int(signal.SIGINT)}\r\n")
    os.kill(session.child.pid, signal.SIGTERM)
    session.child.expect_exact(f"{int(signal.SIGTERM)}\r\n")
    os.kill(session.child.pid, signal.SIGUSR2)
    assert session.end() == 9
    assert session.shown.split() == [
        "ready",
        f"^C{int(signal.SIGINT)}",
        str(int(signal.SIGTERM)),
        str(int(signal.SIGUSR2)),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_program_on_a_terminal_does_not_outlive_unvault() -> None:
    session = Session("run", *SET, "--", "sh", "-c", "echo pid $$; sleep 60; echo woke")
    session.child.expect(r"pid (\d+)\r\n")
    program = int(session.child.match[1])
    os.kill(session.child.pid, signal.SIGKILL)
    assert eventually(lambda: gone(program))
    session.child.close(force=True)


def test_a_terminal_that_hangs_up_is_told_to_the_program(tmp_path: Path) -> None:
    script = "trap 'echo hung up > told; exit 3' HUP; echo ready; while :; do sleep 0.05; done"
    session = Session("run", *SET, "--", "sh", "-c", script)
    session.child.expect_exact("ready")
    session.child.ptyproc.fileobj.close()
    told = tmp_path / "told"
    assert eventually(lambda: told.exists() and told.read_text() == "hung up\n")
    assert eventually(lambda: gone(session.child.pid))
