"""Processes of their own: what other programs can see of them, and what a crash leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.canary.canaries import PASSPHRASE, VALUE, VARIABLE
from tests.canary.conftest import Place

from unvault_cli.hardening import allow_core_dumps, credentials_aside, no_core_dumps
from unvault_cli.terminal import Terminal

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such thing")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

DEBUGGING: Mapping[str, str] = {
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONDEVMODE": "1",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONWARNINGS": "always",
}
"""What makes Python tell more. (``PYTHONVERBOSE`` and the like tell of imports only.)"""


def start(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    """Start the command."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "unvault_cli", *arguments]
    environ = {**os.environ, **DEBUGGING}
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environ, **options
    )


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@contextlib.contextmanager
def paused(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that holds every secret there is, and stands still in the provider."""
    process = start("get", "mine/wait", "--json")
    try:
        for _ in range(1_000):
            if (place.inputs / "nest.waiting").exists():
                break
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        yield process
    finally:
        (place.inputs / "nest.go").touch()
        ended(process)


@LINUX
def test_a_running_command_shows_no_secret_to_those_who_list_processes(place: Place) -> None:
    with paused(place) as process:
        lines = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        shown = [lines, Path(f"/proc/{process.pid}/comm").read_bytes()]
        shown += [bytes(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
        shown += [path.read_bytes() for path in Path(f"/proc/{process.pid}/task").glob("*/comm")]
        if shutil.which("ps"):
            listed = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, check=True)
            shown.append(listed.stdout)
        assert b"mine/wait" in lines
        assert place.canaries.found(b"\0".join(shown)) == []
        assert place.left() == []  # nor is anything in a file while it runs
    assert place.left() == []


def test_a_provider_is_looked_at_by_a_process_without_credentials(place: Place) -> None:
    code, out, err = ended(start("providers", "--json"))
    assert code == 0, err
    assert {row["state"] for row in json.loads(out)["providers"]} == {"ready"}
    imported = [line for line in place.log.splitlines() if line.startswith("imported with")]
    (environ,) = [json.loads(line.removeprefix("imported with ")) for line in imported]
    assert environ["UNVAULT_HOME"] == os.environ["UNVAULT_HOME"]
    assert environ["NEST_FILE"]
    assert place.canaries.found(place.log) == []
    assert place.canaries.found(out + err) == []


SPY = """#!/bin/sh
env > "$SPY_FILE"
echo 5.2.15
"""


@pytest.fixture
def spy(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program in place of others that notes its environment."""
    folder = place.inputs / "programs"
    folder.mkdir()
    for name in ("bash", "browser"):
        (folder / name).write_text(SPY, "utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("SPY_FILE", str(folder / "seen"))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "seen"


@POSIX
def test_the_browser_gets_no_credentials(
    place: Place, spy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", "browser %s")
    assert Terminal().open_page("https://vault.example.com/sign-in")
    seen = spy.read_text("utf-8")
    assert "UNVAULT_HOME=" in seen
    assert place.canaries.found(seen) == []
    assert os.environ["UNVAULT_PASSPHRASE"] == place.canaries[PASSPHRASE]  # for what comes next
    assert os.environ["UNVAULT_ACME_TOKEN"] == place.canaries[VARIABLE]


@POSIX
def test_bash_is_asked_for_its_version_without_credentials(place: Place, spy: Path) -> None:
    code, out, err = ended(start("completion", "bash"))
    assert (code, b"_UNVAULT_COMPLETE" in out) == (0, True), err
    assert place.canaries.found(spy.read_bytes()) == []


def test_credentials_come_back_whatever_happens(place: Place) -> None:
    before = dict(os.environ)
    with contextlib.suppress(ValueError), credentials_aside():
        assert place.canaries.found("\n".join(os.environ.values())) == []
        raise ValueError
    assert dict(os.environ) == before
    assert place.canaries.found("\n".join(before.values())) == [PASSPHRASE, VARIABLE]


@pytest.mark.parametrize("how", ["recursion", "exit", "memory", "segfault", "abort", "thread"])
def test_a_crash_in_a_provider_tells_where_and_no_value(place: Place, how: str) -> None:
    """With all that makes Python tell more: its fault handler lists each thread's functions."""
    code, out, err = ended(start("get", f"mine/crash/{how}", "--json"))
    assert code not in (0, None)
    assert out == b""
    assert place.canaries.found(err) == []
    assert place.left() == []
    if how in ("segfault", "abort", "thread"):
        assert b"Fatal Python error" in err
        assert b"in crash" in err


@POSIX
def test_a_crash_leaves_no_core_dump(place: Place) -> None:
    """Even where the caller wants one; the same provider in a bare program leaves one."""
    resource = pytest.importorskip("resource")

    def wanting() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    bare = place.inputs / "bare"
    bare.mkdir()
    story = "from unvault import Unvault; Unvault().fetch('mine/crash/abort')"
    library = subprocess.run(
        [sys.executable, "-c", story],
        check=False,
        cwd=bare,
        capture_output=True,
        preexec_fn=wanting,
        timeout=60,
    )
    assert library.returncode == -signal.SIGABRT
    code, _, err = ended(start("get", "mine/crash/abort", preexec_fn=wanting))
    assert code == -signal.SIGABRT
    assert b"Fatal Python error" in err
    assert [*Path.cwd().iterdir()] == []
    assert place.left() == []
    for dump in bare.iterdir():  # whether there is one, and where, is this machine's own matter
        assert place.canaries[VALUE][3:-3].encode() in dump.read_bytes()


@POSIX
def test_the_limit_of_core_dumps_comes_back_for_a_program_that_is_started(place: Place) -> None:
    code = (
        "import resource, sys\n"
        "from unvault_cli.hardening import allow_core_dumps, no_core_dumps\n"
        "told = lambda: resource.getrlimit(resource.RLIMIT_CORE)\n"
        "first = told(); limit = no_core_dumps(); now = told()\n"
        "assert limit == first and now[0] <= 1 and now[1] == first[1], (first, limit, now)\n"
        "allow_core_dumps(limit); assert told() == first, told()\n"
        "allow_core_dumps(None); assert told() == first, told()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_where_there_are_no_limits_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert no_core_dumps() is None
    allow_core_dumps(None)


@POSIX
def test_only_the_command_itself_changes_its_limits(place: Place) -> None:
    """Not a program that calls it, and not for what needs no memory worth a dump."""
    code = (
        "import resource, sys\n"
        "before = resource.getrlimit(resource.RLIMIT_CORE)\n"
        "from unvault_cli.main import main, script\n"
        "assert main(['cache', 'show']) == 0\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == before\n"
        "sys.argv[1:] = ['--version']\n"
        "assert script() == 0\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == before\n"
        "sys.argv[1:] = ['cache', 'show']\n"
        "assert script() == 0\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_CORE)\n"
        "assert soft <= 1 and hard == before[1]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
