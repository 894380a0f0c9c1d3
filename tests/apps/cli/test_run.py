"""``unvault run`` without a terminal: what the program gets, and what is seen of it."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault
from tests.apps.cli.running import MASK, VALUE, Running, run_words
from tests.fakes import Site

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and signals are POSIX's")

SET = ("--set", "PW=local/db/main")


@pytest.fixture(autouse=True)
def secret(unvault: Unvault) -> None:
    stored = unvault("local", "set", "db/main", stdin=VALUE.encode())
    assert stored.code == 0


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*words: str, **options: object) -> Running:
        started.append(Running(run_words(*words), **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_a_secret_is_in_the_environment_and_masked_in_the_output(process: Unvault) -> None:
    done = process("run", *SET, "--", "sh", "-c", "echo $PW; echo ${#PW}; echo $PW >&2; exit 7")
    assert done == (7, f"{MASK}\n{len(VALUE)}\n".encode(), f"{MASK}\n")
    plain = process("run", *SET, "--no-mask", "--", "sh", "-c", "echo $PW; exit 7")
    assert plain == (7, f"{VALUE}\n".encode(), "")


@pytest.mark.parametrize("mask", [(), ("--no-mask",)])
@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)],
)
def test_the_exit_code_is_the_programs(
    process: Unvault, mask: tuple[str, ...], script: str, code: int
) -> None:
    done = process("run", *SET, *mask, "--", "sh", "-c", script)
    if mask and code > 128:  # the program stands in unvault's place: the signal is seen itself
        code = 128 - code
    assert (done.code, done.out, done.err) == (code, b"", "")


def test_the_value_is_masked_in_base64_and_in_two_halves(process: Unvault) -> None:
    half = len(VALUE) // 2
    script = f"""
        printf %s "$PW" | base64
        printf %s {VALUE[:half]!r}; sleep 0.2; echo {VALUE[half:]!r}
        printf %s "$PW" >&2
    """
    done = process("run", *SET, "--", "sh", "-c", script)
    assert done == (0, f"{MASK}\n{MASK}\n".encode(), MASK)
    assert base64.b64encode(VALUE.encode()) not in done.out


def test_a_value_in_one_output_with_its_halves_in_turn(process: Unvault) -> None:
    half = len(VALUE) // 2
    script = (
        f"printf %s {VALUE[:half]!r}; printf %s {VALUE[half:]!r} >&2; echo; echo one; echo two >&2"
    )
    done = process("run", *SET, "--", "sh", "-c", script, stdout=subprocess.PIPE)
    assert done.code == 0
    both = subprocess.run(
        run_words("sh", "-c", script), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )
    assert both.stdout == f"{MASK}\none\ntwo\n".encode()


def test_big_output_keeps_its_bytes_and_its_order(process: Unvault, tmp_path: Path) -> None:
    content = b"".join(b"%d %s\n" % (number, os.urandom(40)) for number in range(100_000))
    (tmp_path / "big").write_bytes(content)
    assert process("run", *SET, "--", "cat", "big").out == content
    assert process("run", *SET, "--", "cat", stdin=content).out == content
    lines = "".join(f"{number}\n" for number in range(20_000))
    script = "import os\nfor n in range(20_000): os.write(1 + n % 2, b'%d\\n' % n)"
    both = subprocess.run(
        run_words(sys.executable, "-c", script),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    assert both.stdout.decode() == lines


def test_the_input_passes_through(process: Unvault, tmp_path: Path) -> None:
    assert process("run", *SET, "--", "wc", "-c", stdin=b"12345").text.strip() == "5"
    (tmp_path / "in").write_bytes(b"from a file")
    with (tmp_path / "in").open("rb") as file:
        done = subprocess.run(run_words("cat"), stdin=file, stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"from a file"


def test_a_reader_that_goes_away_ends_the_program(running: Callable[..., Running]) -> None:
    started = running("sh", "-c", "yes; echo $? >&2")
    assert started.line() == "y"
    assert started.process.stdout is not None
    started.process.stdout.close()
    started.process.stdout = None
    code, _, err = started.end()
    assert (code, err) == (0, "141\n")


def test_it_does_not_wait_for_what_the_program_left_running(process: Unvault) -> None:
    done = process("run", *SET, "--", "sh", "-c", "sleep 60 & echo $! $PW; echo late")
    pid, rest = done.text.split(" ", 1)
    os.kill(int(pid), signal.SIGKILL)
    assert (done.code, rest) == (0, f"{MASK}\nlate\n")


def test_closed_places_are_closed_for_the_program(process: Unvault, tmp_path: Path) -> None:
    script = (
        "import os, sys; os.fstat(2); [print(place, file=sys.stderr) for place in (0, 1)"
        " if not os.path.exists(f'/proc/self/fd/{place}')]"
    )
    line = f'{" ".join(run_words(sys.executable, "-c"))} "$0" <&- >&-'
    done = subprocess.run(["sh", "-c", line, script], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"0\n1\n")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("mask", [(), ("--no-mask",)])
def test_the_program_inherits_what_the_caller_gave_and_nothing_of_ours(
    process: Unvault, mask: tuple[str, ...]
) -> None:
    theirs, other = os.pipe()
    words = ("ls", "/proc/self/fd")
    done = process("run", *SET, *mask, "--", *words, pass_fds=(theirs,))
    own = str(theirs)
    found = {*done.text.split()} - {"0", "1", "2", own}
    assert own in done.text.split()
    assert len(found) == 1  # what `ls` reads the folder with
    os.close(theirs)
    os.close(other)


def test_the_environment_is_the_callers_but_for_what_opens_vaults(process: Unvault) -> None:
    given = {
        "PLAIN": "as it is",
        "TAG": "{% vault 'local/db/main' %}",
        "UNVAULT_PASSPHRASE": "p4ssphrase",
        "UNVAULT_LOCAL_PASSPHRASE": "p4ssphrase",
        "INSOMNIA_HASHICORP_TOKEN": "t0ken",
        "UNVAULT_NOT_INSTALLED_TOKEN": "t0ken",
        "UNVAULT_BLOCK": "acme",
    }
    bare = subprocess.run(["env"], env={**os.environ, **given}, stdout=subprocess.PIPE, check=True)
    before = {*bare.stdout.decode().splitlines()}
    for options in ((), SET):
        done = process("run", *options, "--no-mask", "--", "env", environ=given)
        ours = ("UNVAULT_PASSPHRASE", "UNVAULT_LOCAL", "UNVAULT_NOT", "INSOMNIA_")
        taken = {line for line in before if line.startswith(ours)}
        added = {f"PW={VALUE}"} if options else set()
        assert {*done.text.splitlines()} == before - taken | added
    kept = process("run", "--keep-credentials", "--", "env", environ=given)
    assert {*kept.text.splitlines()} == before


def test_a_locale_that_python_sets_for_itself_is_not_the_programs(process: Unvault) -> None:
    environ = {name: text for name, text in os.environ.items() if name[:3] not in ("LC_", "LAN")}
    words = [*run_words("env", options=(*SET, "--no-mask"))]
    done = subprocess.run(words, env=environ, stdout=subprocess.PIPE, check=True)
    assert b"LC_CTYPE" not in done.stdout
    given = subprocess.run(
        words, env={**environ, "LC_CTYPE": "C.UTF-8"}, stdout=subprocess.PIPE, check=True
    )
    assert b"LC_CTYPE=C.UTF-8" in given.stdout


def test_references_in_the_environment_are_resolved(process: Unvault) -> None:
    script = "import os; print(ascii(os.environ['A']), len(os.environ['B']))"
    given = {"A": "unvault://local/db/main", "B": "x unvault://local/db/main"}
    done = process("run", "--no-mask", "--", sys.executable, "-c", script, environ=given)
    assert done.text == f"{VALUE!a} {len(given['B'])}\n"


def test_a_binary_value_arrives_byte_for_byte(process: Unvault, unvault: Unvault) -> None:
    unvault("local", "set", "bin", stdin=b"\xff\xfe\x01\n\xc3")
    done = process("run", "--no-mask", "--set", "B=local/bin", "--", "sh", "-c", 'printf %s "$B"')
    assert done.out == b"\xff\xfe\x01\n\xc3"
    unvault("local", "set", "nul", stdin=b"a\0b")
    failed = process("run", "--set", "B=local/nul", "--", "touch", "started")
    assert failed.code == 2
    assert failed.err.startswith("--set: B: the value has a NUL byte in it")
    assert "--file NAME=REF" in failed.err
    assert not Path("started").exists()


def test_the_command_line_shows_no_value(running: Callable[..., Running]) -> None:
    started = running("sh", "-c", "echo ready; read x")
    assert started.line() == "ready"
    listed = subprocess.run(["ps", "axww", "-o", "args"], stdout=subprocess.PIPE, check=True)
    assert b"echo ready; read x" in listed.stdout
    assert VALUE.encode() not in listed.stdout


def test_what_is_too_short_to_be_masked_is_told_once(process: Unvault, unvault: Unvault) -> None:
    unvault("local", "set", "pin", stdin=b"73")
    unvault("local", "set", "empty", stdin=b"")
    options = ("--set", "PIN=local/pin", "--set", "AGAIN=local/pin", "--set", "EMPTY=local/empty")
    done = process("run", *options, *SET, "--", "sh", "-c", "echo $PIN $PW")
    assert done.text == f"73 {MASK}\n"
    assert done.err == "note: a secret in PIN, AGAIN is too short to be masked\n"


def test_everything_is_fetched_with_one_sign_in_and_in_one_batch(
    process: Unvault, site: Site, tmp_path: Path
) -> None:
    site.provider("counting", COUNTING)
    (tmp_path / "a.env").write_text(
        "A=unvault://counting/a\nB=x {% vault 'counting/b' %} {% vault 'counting/a' %}\n"
    )
    options = ["--env-file", "a.env", "--file", "F=counting/f"]
    options += [option for n in range(20) for option in ("--set", f"N{n}=counting/n{n % 10}")]
    done = process("run", *options, "--", "true", environ={"INHERITED": "unvault://counting/i"})
    assert (done.code, done.err) == (0, "")
    told = Path("calls").read_text().splitlines()
    assert [told[0], *told[2:]] == ["sign in", "close"]
    assert sorted(told[1].split()) == sorted(["a", "b", "f", "i", *(f"n{n}" for n in range(10))])


COUNTING = """
from pathlib import Path
from unvault.forms import CredentialForm, CredentialType, Field
from unvault.hookspecs import hookimpl
from unvault.model import Session
from unvault.secret import Secret


def note(text):
    with Path("calls").open("a") as file:
        file.write(text + "\\n")


@hookimpl
def describe_credential_form():
    token = Field("token", kind="secret")
    return CredentialForm("Counting", types=[CredentialType("token", fields=[token])])


@hookimpl
def authenticate(credential):
    note("sign in")
    return Session(client="a client")


@hookimpl
def fetch_secret(session, request):
    note(request.path)
    return Secret(f"value of {request.path}")


@hookimpl
def fetch_secrets(session, requests):
    note(" ".join(request.path for request in requests))
    return [Secret(f"value of {request.path}") for request in requests]


@hookimpl
def close_session(session):
    note("close")
"""
