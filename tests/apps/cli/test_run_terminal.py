"""``unvault run`` on a terminal: the program behaves as without it, and masking holds."""

from __future__ import annotations

import base64
import contextlib
import os
import shlex
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
from tests.apps.cli.conftest import Unvault
from tests.apps.cli.running import MASK, VALUE, eventually, gone
from tests.apps.cli.terminals import Screen, Session, command

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

SET = ("--set", "PW=local/db/main")


@pytest.fixture(autouse=True)
def secret(unvault: Unvault) -> None:
    assert unvault("local", "set", "db/main", stdin=VALUE.encode()).code == 0


@pytest.fixture
def terminal() -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def start(*arguments: str, **options: str) -> Session:
        sessions.append(Session(*arguments, **options))
        return sessions[-1]

    yield start
    for session in sessions:
        session.child.close(force=True)


Terminal = Callable[..., Session]


def run(*words: str) -> str:
    """Return what to type into a shell to run a program with the secret."""
    return command("run", *SET, "--", *words)


def test_the_value_is_masked_as_it_is_in_base64_and_in_two_halves(terminal: Terminal) -> None:
    half = len(VALUE) // 2
    script = f"""
        echo $PW
        printf %s "$PW" | base64
        printf %s {VALUE[:half]!r}; sleep 0.2; echo {VALUE[half:]!r}
        echo $PW >&2; echo $PW > /dev/tty; exit 7
    """
    session = terminal("run", *SET, "--", "sh", "-c", script)
    assert session.end() == 7
    assert session.shown == f"{MASK}\n" * 5
    assert base64.b64encode(VALUE.encode()).decode() not in session.shown


def test_all_three_are_a_terminal_of_the_same_kind(terminal: Terminal) -> None:
    script = "test -t 0 && test -t 1 && test -t 2 && tty >&2 && stty size && stty -a"
    own = terminal(line=f"stty -ixon; sh -c '{script}'")
    assert own.end() == 0
    inner = terminal(line=f"stty -ixon; {run('sh', '-c', script)}")
    assert inner.end() == 0
    assert "50 160" in inner.shown
    assert inner.shown.splitlines()[1:] == own.shown.splitlines()[1:]


def test_what_is_not_a_terminal_stays_so(terminal: Terminal, tmp_path: Path) -> None:
    script = (
        "for each in 0 1 2; do test -t $each && printf $each >> kinds; done;"
        "echo >> kinds; cat; echo $PW >&2"
    )
    told = tmp_path / "kinds"
    for line, kinds, code in (
        ("echo x | {}", "12", 0),
        ("{} < /dev/null", "12", 0),
        ("{} > out < /dev/null", "2", 0),
        ("{} 2> err < /dev/null", "1", 0),
        ("{} < /dev/null | cat", "2", 0),
    ):
        told.unlink(missing_ok=True)
        session = terminal(line=line.format(run("sh", "-c", script)))
        assert session.end() == code
        assert told.read_text() == f"{kinds}\n", line
        assert VALUE not in session.shown
    assert (tmp_path / "err").read_text() == f"{MASK}\n"


def test_in_a_pipeline_the_keys_are_left_to_the_others(terminal: Terminal) -> None:
    reader = f"{sys.executable} -c \"print('typed', open('/dev/tty').readline())\""
    session = terminal(line=f"{run('sleep', '1')} | {reader}")
    session.child.sendline("for the other")
    session.child.expect_exact("typed for the other")
    assert session.end() == 0


def test_a_program_that_reads_the_keys_though_its_input_is_a_pipe(terminal: Terminal) -> None:
    script = "read a; read b < /dev/tty; echo $a and $b"
    session = terminal(line=f"echo piped | {run('sh', '-c', script)}")
    session.child.sendline("typed")
    assert session.end() == 0
    assert session.shown.splitlines()[-1] == "piped and typed"


def test_colours_are_those_without_it(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "script").write_text("")
    (tmp_path / "script").chmod(0o755)
    line = "ls --color=auto folder script -d"
    plain = terminal(line=line)
    assert plain.end() == 0
    inner = terminal(line=run("sh", "-c", line))
    assert inner.end() == 0
    assert "\x1b[" in plain.shown
    assert inner.shown == plain.shown


def test_the_size_follows_the_window(terminal: Terminal) -> None:
    script = "trap 'stty size; exit 4' WINCH; stty size; while :; do sleep 0.05; done"
    session = terminal("run", *SET, "--", "sh", "-c", script)
    session.child.expect_exact("50 160")
    session.child.setwinsize(33, 99)
    session.child.expect_exact("33 99")
    assert session.end() == 4


def test_what_is_typed_is_echoed_and_ctrl_d_ends_the_input(terminal: Terminal) -> None:
    session = terminal("run", *SET, "--", "sh", "-c", "echo ready; cat; echo end")
    session.child.expect_exact("ready")
    session.child.sendline("Tr")
    session.child.expect_exact("Tr\r\nTr\r\n")  # the value's beginning, and yet it shows
    session.child.sendline(VALUE)
    session.child.expect_exact(f"{MASK}\r\n{MASK}\r\n")
    session.child.sendeof()
    assert session.end() == 0
    assert VALUE not in session.shown


def test_a_question_shows_before_its_answer(terminal: Terminal) -> None:
    script = "printf 'T'; read x; printf 'Tr'; read x; echo $x"
    session = terminal("run", *SET, "--", "sh", "-c", script)
    session.child.expect_exact("T")  # the value begins like this
    session.child.sendline("a")
    session.child.expect_exact("Tr")
    session.child.sendline("b")
    assert session.end() == 0


CURSES = textwrap.dedent("""
    import curses

    def main(screen):
        curses.start_color()
        curses.init_pair(1, curses.COLOR_YELLOW, curses.COLOR_BLUE)
        while True:
            screen.clear()
            rows, columns = screen.getmaxyx()
            screen.box()
            screen.addstr(1, 2, f"{rows} rows, {columns} columns", curses.color_pair(1))
            screen.addstr(rows - 2, 2, "bottom", curses.A_REVERSE)
            screen.refresh()
            key = screen.getch()
            if key == ord("q"):
                return
            if key == curses.KEY_UP:
                screen.addstr(3, 2, "up")
                screen.refresh()
                screen.getch()

    curses.wrapper(main)
""")


def played(words: list[str], steps: Callable[[Screen], None]) -> list[object]:
    """Return what is seen of a program while it is used."""
    screen = Screen(*words)
    try:
        seen: list[object] = []
        steps(screen)
        screen.settle()
        seen += [screen.lines, screen.colours()]
        screen.child.send("q")
        seen.append(screen.end())
        return seen
    finally:
        screen.child.close(force=True)


def with_secret(*words: str) -> list[str]:
    return [sys.executable, "-m", "unvault_cli", "run", *SET, "--", *words]


def test_a_full_screen_program_looks_as_without_it() -> None:
    def steps(screen: Screen) -> None:
        screen.wait_for("bottom")
        screen.resize(20, 70)
        screen.wait_for("20 rows, 70 columns")
        screen.settle()
        screen.child.send("\x1b[A")  # the key "up"
        screen.wait_for("up")

        screen.settle()
        screen.child.send("x")

    words = [sys.executable, "-c", CURSES]
    plain = played(words, steps)
    assert played(with_secret(*words), steps) == plain
    assert plain[-1] == 0


@pytest.mark.skipif(shutil.which("less") is None, reason="less is not installed")
def test_less_looks_as_without_it(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("".join(f"line {number}\n" for number in range(500)))

    def steps(screen: Screen) -> None:
        screen.wait_for("line 10")
        screen.child.send("/line 123\r")
        screen.wait_for("line 130")

    plain = played(["less", "text"], steps)
    assert played(with_secret("less", "text"), steps) == plain
    assert "line 123" in plain[0]


class Shell:
    """An interactive bash on a terminal."""

    def __init__(self) -> None:
        environ = {**os.environ, "PS1": "$ ", "TERM": "dumb"}
        words = ["--norc", "--noprofile", "--noediting", "-i"]
        self.child = pexpect.spawn("bash", words, env=environ, encoding="utf-8", timeout=30)
        self.child.setecho(False)
        self.child.expect_exact("$ ")

    def type(self, line: str, *shows: str) -> None:
        """Type a line, and wait for what it shows."""
        self.child.sendline(line)
        for text in shows:
            self.child.expect_exact(text)

    def wait_for_the_program(self) -> None:
        """Wait until the keys go to the program, and no longer to the shell."""
        import termios  # Windows has none

        assert eventually(lambda: not termios.tcgetattr(self.child.child_fd)[3] & termios.ISIG)


@pytest.fixture
def shell() -> Iterator[Shell]:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    started = Shell()
    yield started
    started.child.close(force=True)


LINES = r"printf '<one\n\ttwo\r\nthree\r\r\nfour\r'; sleep 0.1; printf '\n\nfive>\n'"


def test_lines_end_as_without_it_in_the_background(shell: Shell) -> None:
    seen = []
    for words in (shlex.join(["sh", "-c", LINES]), run("sh", "-c", LINES)):
        shell.type(f"{words} & wait", "<")
        shell.child.expect_exact(">\r\n")
        seen.append(shell.child.before)
        shell.child.expect_exact("$ ")
    assert seen[1] == seen[0]
    assert seen[0].startswith("one\r\n")


@pytest.mark.skipif(shutil.which("setsid") is None, reason="setsid is not installed")
def test_lines_end_as_without_it_where_nobody_types(terminal: Terminal) -> None:
    plain = terminal(line=f"setsid -w {shlex.join(['sh', '-c', LINES])} < /dev/null")
    assert plain.end() == 0
    inner = terminal(line=f"setsid -w {run('sh', '-c', LINES)} < /dev/null")
    assert inner.end() == 0
    assert inner.log == plain.log


def test_lines_end_right_before_and_after_ctrl_z(shell: Shell, tmp_path: Path) -> None:
    wait = "while ! test -e go; do sleep 0.02; done"
    (tmp_path / "script").write_text(f"echo began; {wait}; {LINES}; read x; {LINES}")
    shell.type(run("sh", "script"), "began\r\n")
    shell.child.sendcontrol("z")
    shell.child.expect_exact("Stopped")
    shell.type("bg", "&\r\n")
    shell.type("touch go", "<")
    shell.child.expect_exact(">\r\n")
    background = shell.child.before
    shell.type("fg", "unvault_cli")
    shell.type("", "<")
    shell.child.expect_exact(">\r\n")
    assert shell.child.before == background
    assert background.startswith("one\r\n")


def test_ctrl_z_and_fg(shell: Shell, tmp_path: Path) -> None:
    shell.type(
        "stty -g > before; " + run("sh", "-c", "echo began; read x; echo got $x; exit 3"), "began\r"
    )
    shell.child.sendcontrol("z")
    shell.child.expect_exact("Stopped")
    shell.type("stty -g > between; jobs", "Stopped", "$ ")
    shell.child.setwinsize(31, 91)
    shell.type("fg", "unvault_cli")
    shell.wait_for_the_program()  # before that, the key is the shell's
    shell.child.sendcontrol("z")
    shell.child.expect_exact("Stopped")
    shell.type("bg; sleep 0.5; jobs; echo on", "Running", "on\r\n")
    shell.type("fg", "unvault")
    shell.type("hello", "got hello", "$ ")  # or the next keys are still the program's
    shell.type("echo code $?; stty -g > after", "code 3", "$ ")
    settings = [(tmp_path / name).read_text() for name in ("before", "between", "after")]
    assert len({*settings}) == 1


def test_in_the_background_the_terminal_is_left_alone(shell: Shell, tmp_path: Path) -> None:
    shell.type("stty -g > before", "$ ")
    shell.type(
        run("sh", "-c", "sleep 0.5; echo shown $PW; touch done; read x; echo got $x") + " &", "[1]"
    )
    shell.child.expect_exact(f"shown {MASK}")
    shell.type("stty -g > between; echo typed", "typed")
    shell.type("fg", "unvault")
    shell.type("hello", "got hello", "$ ")  # or the next keys are still the program's
    shell.type("stty -g > after; echo end", "end")
    settings = [(tmp_path / name).read_text() for name in ("before", "between", "after")]
    assert len({*settings}) == 1


@pytest.mark.parametrize("victim", ["program", "TERM", "HUP", "INT", "KILL"])
def test_the_settings_are_restored_whoever_is_killed(
    terminal: Terminal, tmp_path: Path, victim: str
) -> None:
    inner = run("sh", "-c", "echo $$ > pid; echo up; exec sleep 60")
    line = f"stty -g > before; {inner}; echo code $?; sleep 0.2; stty -g > after"
    session = terminal(line=line)
    session.child.expect_exact("up")
    program = int((tmp_path / "pid").read_text())
    if victim == "program":
        os.kill(program, signal.SIGKILL)
    else:
        children = Path(f"/proc/{session.child.pid}/task/{session.child.pid}/children")
        if not children.exists():
            pytest.skip("looks into /proc")
        os.kill(int(children.read_text().split()[0]), signal.Signals[f"SIG{victim}"])
    assert session.end() == 0
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()
    code = 128 + (signal.SIGKILL if victim == "program" else signal.Signals[f"SIG{victim}"])
    assert f"code {code}" in session.shown
    assert eventually(lambda: gone(program))


def test_what_the_program_left_running_is_not_hung_up(terminal: Terminal) -> None:
    session = terminal("run", *SET, "--", "sh", "-c", "sleep 60 & echo pid $!")
    session.child.expect(r"pid (\d+)\r\n")
    left = int(session.child.match[1])
    assert session.end() == 0
    try:
        assert not gone(left)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(left, signal.SIGKILL)


def test_a_program_that_cannot_be_started_leaves_the_terminal_alone(terminal: Terminal) -> None:
    session = terminal(line=f"stty -g; {run('no-such-command')}; echo code $?; stty -g")
    assert session.end() == 0
    first, error, code, last = session.shown.splitlines()
    assert first == last
    assert error == "error: there is no command 'no-such-command' on the PATH [command]"
    assert code == "code 127"


def test_a_value_of_several_short_lines_is_masked(terminal: Terminal, unvault: Unvault) -> None:
    unvault("local", "set", "lines", stdin=b"ab12\ncd34\nef56")
    for script in ('printf "%s\\n" "$L"', 'printf "%s\\n" "$L" | cat'):
        session = terminal("run", "--set", "L=local/lines", "--", "sh", "-c", script)
        assert session.end() == 0
        assert session.shown == f"{MASK}\n"


def test_what_a_program_started_ends_with_the_terminal(shell: Shell, tmp_path: Path) -> None:
    shell.type(run("sh", "-c", "sleep 60 & echo $! > started; echo began; wait"), "began\r")
    pid = int((tmp_path / "started").read_text())
    shell.child.close(force=False)
    assert eventually(lambda: gone(pid))


def test_ctrl_c_ends_a_loop_of_the_shell_too(shell: Shell) -> None:
    inner = run("sh", "-c", "echo round $N; exec sleep 60")
    shell.type(f"for N in 1 2 3; do export N; {inner}; done", "round 1\r")
    shell.child.sendcontrol("c")
    shell.child.expect_exact("$ ")
    shell.type("echo the code is $?", "the code is 130")
    assert "round" not in shell.child.before


@pytest.mark.parametrize(("key", "number"), [("c", signal.SIGINT), ("\\", signal.SIGQUIT)])
def test_a_key_that_ends_the_program_ends_its_script_too(
    terminal: Terminal, key: str, number: int
) -> None:
    inner = run("sh", "-c", "echo began; exec sleep 60")
    session = terminal(line=f"ulimit -c 0; {inner}; echo the script goes on")
    session.press("began", key)
    session.child.expect_exact(pexpect.EOF)
    session.child.close()
    assert session.child.signalstatus == number
    assert "goes on" not in session.shown


def test_ctrl_c_ends_the_script_of_a_script(terminal: Terminal) -> None:
    inner = run("sh", "-c", "echo began; exec sleep 60")
    session = terminal(line=f"{run('sh', '-c', f'{inner}; echo goes on')}; echo goes on")
    session.press("began", "c")
    assert session.end() == 130
    assert "goes on" not in session.shown


def test_what_writes_to_the_program_ends_by_ctrl_c_too(terminal: Terminal) -> None:
    inner = run("sh", "-c", "echo began; exec sleep 60")
    session = terminal(line=f"(sleep 60; echo not ended) | {inner}")
    session.press("began", "c")
    assert session.end() == 130
    assert "not ended" not in session.shown


def test_a_signal_that_no_key_sent_is_for_the_program_alone(terminal: Terminal) -> None:
    session = terminal(line=f"{run('sh', '-c', 'kill -INT $$')}; echo the script goes on after $?")
    assert session.end() == 0
    assert "goes on after 130" in session.shown


def test_ctrl_z_and_fg_where_the_output_is_a_file(shell: Shell, tmp_path: Path) -> None:
    script = "echo began >&2; read x; echo got $x $PW; exit 3"
    shell.type(f"{run('sh', '-c', script)} > out; echo code $?", "began\r")
    shell.child.sendcontrol("z")
    shell.child.expect_exact("Stopped")
    shell.type("fg", "unvault_cli")
    shell.type("hello")
    assert eventually(lambda: (tmp_path / "out").read_text() == f"got hello {MASK}\n")
    shell.type("echo end", "end")


def test_ctrl_z_where_no_shell_could_go_on_does_nothing(terminal: Terminal) -> None:
    session = terminal("run", *SET, "--", "sh", "-c", "echo began; read x; echo got $x; exit 3")
    session.child.expect_exact("began")
    session.child.sendcontrol("z")
    session.child.sendline("hello")
    session.child.expect_exact("got hello")
    assert session.end() == 3


def test_two_runs_in_a_row_leave_the_terminal_as_it_was(terminal: Terminal) -> None:
    both = f"{run('true')}; {run('sh', '-c', 'echo $PW')}"
    session = terminal(line=f"stty -g; {both}; {both}; stty -g")
    assert session.end() == 0
    first, *shown, last = session.shown.splitlines()
    assert shown == [MASK, MASK]
    assert first == last
