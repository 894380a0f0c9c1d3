"""What the command says where what is stored cannot be used: exit code 8, and a way out."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.apps.cli.conftest import TOKEN, Unvault

posix = pytest.mark.skipif(os.name != "posix", reason="modes and pipes are POSIX's")


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "data" / "unvault.db")) as connection:
        connection.execute(statement)
        connection.commit()


def cut(home: Path) -> None:
    path = home / "data" / "unvault.db"
    path.write_bytes(path.read_bytes()[:5000])


def foreign(home: Path) -> None:
    (home / "data" / "unvault.db").unlink()
    change(home, "CREATE TABLE bookmark (url TEXT)")


def pipe(home: Path) -> None:
    (home / "data" / "unvault.db").unlink()
    os.mkfifo(home / "data" / "unvault.db")


SWITCH_BACK = "sqlite3 {home}/data/unvault.db 'PRAGMA journal_mode = DELETE'"
NOTHING_ELSE, NOT_USED = " and nothing else opens what is stored", " so it is not used"

FAULTS: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "damaged": (
        cut,
        "{home}/data/unvault.db is damaged",
        "store-unreadable",
        "restore it from a backup; nothing was changed",
    ),
    "foreign": (
        foreign,
        "{home}/data/unvault.db is not a credential store of unvault",
        "store-unreadable",
        "move the file away, or point unvault elsewhere",
    ),
    "WAL mode": (
        lambda home: change(home, "PRAGMA journal_mode = WAL"),
        "{home}/data/unvault.db was switched to SQLite's WAL mode by another program",
        "store-unreadable",
        "end that program, and switch it back; nothing was changed: " + SWITCH_BACK,
    ),
    "newer": (
        lambda home: change(home, "PRAGMA user_version = 7"),
        "{home}/data/unvault.db was written by a newer unvault (layout 7)",
        "store-unreadable",
        "upgrade unvault: this one knows layouts up to 1",
    ),
    "pipe": (
        pipe,
        "{home}/data/unvault.db cannot be used: it is a pipe",
        "store-unreadable",
        "move it away, or point unvault elsewhere; nothing was changed",
    ),
    "no key": (
        lambda home: (home / "config" / "unvault.key").unlink(),
        "{home}/data/unvault.db: the key file {home}/config/unvault.key is missing," + NOTHING_ELSE,
        "store-locked",
        "restore the file from a backup",
    ),
    "open key": (
        lambda home: (home / "config" / "unvault.key").chmod(0o644),
        "{home}/data/unvault.db: the key file {home}/config/unvault.key can be read by others,"
        + NOT_USED,
        "store-unreadable",
        "make it yours alone: chmod 600 {home}/config/unvault.key",
    ),
}


@posix
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_store_is_exit_code_8(
    fault: str, unvault: Unvault, prod: str, home: Path
) -> None:
    ruin, message, code, hint = FAULTS[fault]
    ruin(home)
    for command in (
        ("get", "prod/db/main"),
        ("credentials", "show", "prod"),
        ("credentials", "edit", "prod", "--no-test", "--field", "region=us"),
        ("credentials", "protect", "keyring"),
    ):
        done = unvault(*command)
        assert done.code == 8, done.err
        expected = f"error: {message.format(home=home)} [{code}]"
        assert done.err.splitlines()[0] == expected
        assert f"  hint: {hint.format(home=home)}" in done.err.splitlines()
        assert TOKEN not in done.err
    assert unvault("credentials", "list", "--json").code == (0 if "key" in fault else 8)
    assert unvault("doctor").code == 1


def test_a_wrong_passphrase_is_exit_code_8(unvault: Unvault, process: Unvault, prod: str) -> None:
    given = {"UNVAULT_NEW_PASSPHRASE": "right", "UNVAULT_PASSPHRASE": "wrong-canary"}
    assert process("credentials", "protect", "passphrase", environ=given).code == 0
    store = Path(os.environ["UNVAULT_HOME"], "data", "unvault.db")
    wrong = process("credentials", "show", "prod", environ=given)
    assert (wrong.code, wrong.err.splitlines()) == (
        8,
        [
            f"error: {store}: the passphrase does not open what is stored [store-locked]",
            "  hint: check that it is the right one",
        ],
    )
    nobody = process("credentials", "show", "prod")
    assert nobody.code == 8
    assert "nobody can be asked for it [store-locked]" in nobody.err
    assert "or set UNVAULT_PASSPHRASE" in nobody.err


def test_a_store_that_is_held_is_exit_code_8(
    unvault: Unvault, prod: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unvault.sqlite_file.BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(home / "data" / "unvault.db")) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        done = unvault("credentials", "rename", "prod", "live")
    assert (done.code, done.err.splitlines()) == (
        8,
        [
            f"error: {home}/data/unvault.db is held by another process [store-busy]",
            "  hint: try again, or end that process",
        ],
    )
    assert unvault("credentials", "rename", "prod", "live").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="a file's name may be any bytes on Linux")
@pytest.mark.parametrize(
    "name",
    [b"with a space", b"with\na line", b"\xff\xfe no text", b"a?mode=memory#b%41;c", b"'q\"$(x)"],
)
def test_any_home_will_do(name: bytes, process: Unvault, tmp_path: Path) -> None:
    home = tmp_path / os.fsdecode(name)
    environ = {"UNVAULT_HOME": str(home)}
    added = process("credentials", "add", "local", "--name", "one", "--no-test", environ=environ)
    assert added.code == 0, added.err
    set_ = process("local", "set", "greeting", stdin=b"hello", environ=environ)
    assert set_.code == 0, set_.err
    assert process("get", "one/greeting", environ=environ).out == b"hello"
    assert (home / "data" / "unvault.db").is_file()
    assert [each.name for each in tmp_path.iterdir()] == [home.name]
    (home / "data" / "unvault.db").write_bytes(b"")
    told = process("credentials", "list", environ=environ)
    assert told.code == 8
    assert "is not a credential store of unvault [store-unreadable]" in told.err
    assert len(told.err.splitlines()) == 2
    assert process("doctor", environ=environ).code == 1


@posix
def test_a_home_that_is_too_deep_is_told(process: Unvault, tmp_path: Path) -> None:
    home = tmp_path.joinpath(*["d" * 200] * 3)
    done = process(
        "credentials",
        "add",
        "local",
        "--name",
        "one",
        "--no-test",
        environ={"UNVAULT_HOME": str(home)},
    )
    assert done.code == 8
    assert "SQLite opens none with more than 504 [store-unreadable]" in done.err
    assert "hint: choose a folder with a shorter path, such as by UNVAULT_HOME" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the folders are those of Linux")
def test_a_home_that_is_not_there_is_told(process: Unvault, tmp_path: Path) -> None:
    done = process("credentials", "list", environ={"UNVAULT_HOME": "~nobody-there"})
    cannot = "cannot be told, so nothing can be kept [store-unreadable]"
    assert (done.code, done.err.splitlines()) == (
        8,
        [
            f"error: the home folder of '~nobody-there' {cannot}",
            "  hint: set HOME or UNVAULT_HOME to the full path of a folder",
        ],
    )
    nothing = {"UNVAULT_HOME": "", "HOME": os.devnull}
    assert process("credentials", "list", environ=nothing).code == 0  # nothing is stored there
    add = process("credentials", "add", "local", "--name", "one", "--no-test", environ=nothing)
    assert add.code == 8
    where = Path(os.devnull, ".config", "unvault", "unvault.key")
    assert add.err.splitlines() == [
        f"error: the key file {where} cannot be made: {os.devnull}: File exists [store-unreadable]",
        "  hint: move it away, or point unvault elsewhere; nothing was changed",
    ]
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------ the disk

FULL = """
run() {
    "$PYTHON" -m unvault_cli "$@"
    echo "exit code $?"
}
mount -t tmpfs -o size=256k none "$UNVAULT_HOME" || exit 77
cd "$UNVAULT_HOME"
printf hello | run local set greeting
run credentials add local --name prod --no-test
printf %s 'it is {% vault "local/greeting" %}' > tag
printf old > out
echo ---
dd if=/dev/zero of=filler bs=4096 2> errors
run credentials add local --name two --no-test
run credentials edit prod --no-test --field path=/x
run credentials protect passphrase
run local set a --file tag
run render tag -o out
cat out
rm filler
echo
echo ---
run credentials add local --name two --no-test
run render tag -o out
cat out
echo
ls -A . data
"""


def test_a_full_disk_is_told_by_the_command(home: Path) -> None:
    if not shutil.which("unshare"):
        pytest.skip("there is no unshare")
    home.mkdir()
    run = subprocess.run(
        ["unshare", "-rm", "sh", "-c", FULL],
        env={**os.environ, "PYTHON": sys.executable, "UNVAULT_NEW_PASSPHRASE": "x" * 20},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    if run.returncode == 77 or run.stdout.startswith("unshare"):
        pytest.skip("this system lets nobody mount a disk")
    hint = "  hint: make room, and try again; nothing was changed\nexit code 8\n"
    after = "it is hello\n.:\nconfig\ndata\nerrors\nout\ntag\n\ndata:\nlocal.db\nunvault.db\n"
    store = f"error: {home}/data/unvault.db cannot be used: the disk is full [store-unreadable]\n"
    assert run.stdout.split("---\n")[1:] == [
        3 * (store + hint)
        + store.replace("unvault.db", "local.db")
        + hint
        + "error: cannot write out: No space left on device [file]\nexit code 1\nold\n",
        f"stored the credential two: two/… refers to it\nexit code 0\nexit code 0\n{after}",
    ]


# ---------------------------------------------------------------------------------------- doctor


@posix
def test_doctor_finds_what_others_can_change(unvault: Unvault, prod: str, home: Path) -> None:
    store = home / "data" / "unvault.db"
    store.chmod(0o666)
    (home / "config").chmod(0o777)
    found = unvault("doctor")
    assert found.code == 1
    assert f"problem  files: {store} can be changed by others\n" in found.text
    assert f"hint: chmod 600 {store}\n" in found.text
    assert f"problem  config folder: {home / 'config'} can be changed by others\n" in found.text
    assert f"hint: chmod 700 {home / 'config'}\n" in found.text
    store.chmod(0o644)
    (home / "config").chmod(0o700)
    found = unvault("doctor")
    assert found.code == 0
    assert f"note     files: {store} can be read by others\n" in found.text
    assert unvault("credentials", "show", "prod").code == 0  # what is in it is not theirs to read


def test_doctor_finds_what_a_process_left_that_was_killed(
    unvault: Unvault, prod: str, home: Path
) -> None:
    left = home / "config" / ".unvault.key.0123456789abcdef.tmp"
    left.write_bytes(b"")
    assert "left behind" not in unvault("doctor").text  # perhaps it is being written
    os.utime(left, (0, 0))
    found = unvault("doctor")
    assert found.code == 0
    assert f"note     files: {left} was left behind by a process that was killed\n" in found.text
    assert f"hint: rm {left}\n" in found.text
