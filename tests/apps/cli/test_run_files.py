"""Secrets as files: who can read them, where they lie, and that nothing stays behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault
from tests.apps.cli.running import MASK, VALUE, Running, eventually, gone, run_words
from tests.apps.cli.terminals import Session

from unvault_cli.child.files import memory_folder, secret_files

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="modes and signals are POSIX's"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

FILE = ("--file", "KEY=local/db/main")
BINARY = bytes(range(256))


@pytest.fixture(autouse=True)
def secret(unvault: Unvault) -> None:
    assert unvault("local", "set", "db/main", stdin=VALUE.encode()).code == 0
    assert unvault("local", "set", "binary", stdin=BINARY).code == 0


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*words: str, options: tuple[str, ...] = FILE) -> Running:
        started.append(Running(run_words(*words, options=options)))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_the_variable_is_the_path_of_a_file_that_only_its_owner_reads(
    process: Unvault, tmp_path: Path
) -> None:
    script = 'umask; stat -c "%a" "$KEY" "${KEY%/*}"; cat "$KEY"; cat "$BIN" > copy; echo "$KEY"'
    options = (*FILE, "--file", "BIN=local/binary")
    done = process("run", *options, "--", "sh", "-c", f"umask 0; {script}")
    _, file, folder, shown = done.text.splitlines()
    assert (file, folder) == ("600", "700")
    assert shown.startswith(MASK)
    path = Path(shown.removeprefix(MASK))
    assert path.name == "KEY"
    assert (tmp_path / "copy").read_bytes() == BINARY
    assert not path.parent.exists()
    assert not os.path.lexists(path)


def test_they_lie_in_memory_where_there_is_a_place_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    shared = Path("/dev/shm")
    mounts = Path("/proc/self/mounts")
    in_memory = mounts.exists() and " /dev/shm tmpfs " in mounts.read_text()
    if not in_memory:
        assert memory_folder() is None
        return
    assert memory_folder() == shared
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # usually on a disk
    on_disk = subprocess.run(
        ["stat", "-f", "-c", "%T", tmp_path], stdout=subprocess.PIPE, check=True
    )
    expected = tmp_path if on_disk.stdout.strip() == b"tmpfs" else shared
    assert memory_folder() == expected
    own = shared / f"test-{os.getpid()}"
    own.mkdir()
    try:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(own))
        assert memory_folder() == own
    finally:
        own.rmdir()


def test_names_that_are_no_file_names(tmp_path: Path) -> None:
    with secret_files({"a/../b": b"1", "..": b"2", "PLAIN": b"3"}) as paths:
        folders = {Path(path).parent for path in paths.values()}
        assert [Path(path).read_bytes() for path in paths.values()] == [b"1", b"2", b"3"]
        assert len(folders) == 1
    assert not folders.pop().exists()
    with secret_files({}) as paths:
        assert paths == {}


SCRIPT = 'echo "${KEY%/*}"; exec sleep 60'


@pytest.mark.parametrize("options", [FILE, (*FILE, "--no-mask")])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_stays_behind_when_unvault_is_killed(
    running: Callable[..., Running], number: signal.Signals, options: tuple[str, ...]
) -> None:
    started = running("sh", "-c", f"echo $$; {SCRIPT}", options=options)
    program = int(started.line())
    folder = Path(started.line())
    assert (folder / "KEY").read_text() == VALUE
    started.send(number)
    started.process.wait(60)
    if number != signal.SIGKILL:
        assert started.process.returncode == 128 + number
        assert not folder.exists()
    else:
        os.kill(program, signal.SIGKILL)
    assert eventually(lambda: not folder.exists())


def test_nothing_stays_behind_when_unvault_is_killed_on_a_terminal() -> None:
    session = Session("run", *FILE, "--", "sh", "-c", SCRIPT)
    session.child.expect(r"(/\S+)\r\n")
    folder = Path(session.child.match[1])
    assert (folder / "KEY").read_text() == VALUE
    os.kill(session.child.pid, signal.SIGKILL)
    assert eventually(lambda: not folder.exists())
    session.child.close(force=True)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder that the files of this test lie in, and no others."""
    memory = memory_folder()
    folder = Path(tempfile.mkdtemp(dir=memory or tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR" if memory else "TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder)


def test_nothing_stays_behind_of_a_program_that_cannot_be_started(
    process: Unvault, place: Path
) -> None:
    assert process("run", *FILE, "--", "ls", "-A", str(place)).text.startswith("unvault-")
    assert [*place.iterdir()] == []
    assert process("run", *FILE, "--", "no-such-command").code == 127
    assert [*place.iterdir()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_guardian_holds_no_secret_and_nothing_open(running: Callable[..., Running]) -> None:
    options = ("--set", "PW=local/db/main", *FILE)
    started = running("sh", "-c", f"echo $PW; {SCRIPT}", options=options)
    assert started.line() == MASK
    folder = started.line()
    assert eventually(lambda: any(folder in arguments(pid) for pid in processes()))
    (guardian,) = [pid for pid in processes() if folder in arguments(pid)]
    place = Path(f"/proc/{guardian}")

    def settled() -> bool:
        return (place / "environ").read_bytes().count(b"\0") <= 3

    assert eventually(settled)
    assert VALUE.encode() not in (place / "environ").read_bytes()
    assert VALUE not in arguments(guardian)
    assert VALUE not in arguments(started.process.pid)
    # Its interpreter opens files of its own while it starts.
    assert eventually(lambda: opened(guardian) == {"pipe", os.devnull})
    assert os.getsid(guardian) == guardian
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(guardian, number)
    started.send(signal.SIGTERM)
    assert started.end()[0] == 128 + signal.SIGTERM
    assert eventually(lambda: gone(guardian))
    assert not Path(folder).exists()


def opened(pid: int) -> set[str]:
    """Return what a process has open."""
    try:
        places = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:  # closed meanwhile
        return set()
    return {place.partition(":")[0] for place in places}


def processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def arguments(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
    except OSError:
        return ""
