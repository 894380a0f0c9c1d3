"""What other programs and killed processes leave beside a store is neither used nor spoilt."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.core.test_store_faults import HOLD, USES, mounted, opened, posix, seen, told

from unvault.errors import StoreUnreadable
from unvault.protection import KeyFile
from unvault_local.vault import LocalVault

FOREIGN_WRITE = "UPDATE setting SET value = '7'"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the store is; it has one credential and one setting."""
    path = tmp_path / "data" / "unvault.db"
    store = opened(path)
    store.add("one", "acme", "token", {"token": "t-canary"})
    store.change_setting("cache_minutes", 5)
    return path


def switched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def crashed(path: Path) -> None:
    """Leave a log with a committed change in it, as a program in WAL mode does that is killed."""
    program = (
        "import os, sqlite3, sys; connection = sqlite3.connect(sys.argv[1]);"
        "connection.execute('PRAGMA journal_mode = WAL');"
        f'connection.execute("{FOREIGN_WRITE}"); connection.commit(); os._exit(0)'
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    assert path.with_name("unvault.db-wal").stat().st_size


def restored(path: Path) -> None:
    """Put an old copy in the place of a file that has a log."""
    shutil.copy(path, path.with_name("copy"))
    crashed(path)
    path.with_name("copy").replace(path)


def a_link(path: Path) -> None:
    restored(path)
    path.parent.rename(path.parent.with_name("elsewhere"))
    path.parent.mkdir()
    path.symlink_to("../elsewhere/unvault.db")


SWITCHED = "{} was switched to SQLite's WAL mode by another program"
BESIDE = "{} cannot be used: unvault.db-wal lies beside it, and belongs to another file"
STATES: dict[str, tuple[Callable[[Path], None], str]] = {
    "switched": (switched, SWITCHED),
    "with a log": (crashed, SWITCHED),
    "another file's log": (restored, BESIDE),
    "another file's log beside a link's end": (a_link, BESIDE),
}


def refused(use: Callable[[], object]) -> StoreUnreadable:
    with pytest.raises(StoreUnreadable) as caught:
        use()
    return caught.value


@posix
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("state", STATES)
def test_a_file_that_needs_a_log_is_refused_and_nothing_is_written(
    state: str, use: str, path: Path
) -> None:
    """SQLite made files beside it, or wrote the other file's log into this one."""
    ruin, message = STATES[state]
    ruin(path)
    before = seen(path.parent.parent)
    assert refused(lambda: USES[use](opened(path))).message == message.format(path)
    assert seen(path.parent.parent) == before


def test_the_way_out_leads_out_and_loses_nothing(path: Path) -> None:
    crashed(path)
    hint = str(refused(opened(path).list).hint)
    assert hint.startswith("end that program, and switch it back; nothing was changed: ")
    command, file, statement = shlex.split(hint.split(": ", 1)[1])
    assert (command, file) == ("sqlite3", str(path))
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute(statement).fetchone() == ("delete",)
    assert opened(path).settings() == {"cache_minutes": 7}  # from the log
    assert [each.name for each in opened(path).list()] == ["one"]
    assert [each.name for each in path.parent.iterdir()] == ["unvault.db"]


def test_a_program_that_is_using_the_log_is_not_disturbed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute(FOREIGN_WRITE)
        for use in USES.values():
            assert refused(lambda use=use: use(opened(path))).message == SWITCHED.format(path)
        other.commit()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT value FROM setting").fetchone() == ("7",)


def test_another_programs_database_is_told_for_what_it_is(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")
        connection.execute("PRAGMA journal_mode = WAL")
    assert refused(opened(path).list).message == f"{path} is not a credential store of unvault"


def test_a_log_beside_an_empty_file_stays(path: Path) -> None:
    """SQLite deletes it: what was committed may be in it, and nowhere else."""
    crashed(path)
    path.write_bytes(b"")
    before = seen(path.parent)
    for use in USES.values():
        assert refused(lambda use=use: use(opened(path))).message.endswith("store of unvault")
    assert seen(path.parent) == before


def test_the_local_vault_is_refused_alike(tmp_path: Path) -> None:
    path = tmp_path / "local.db"

    def vault() -> LocalVault:
        return LocalVault(path, [KeyFile(tmp_path / "key")])

    vault().set("a", b"invented")
    switched(path)
    before = seen(tmp_path)
    for use in (vault().browse, lambda: vault().get("a"), lambda: vault().set("b", b"x")):
        assert refused(use).message == SWITCHED.format(path)
    assert seen(tmp_path) == before


LOCKED = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    print(error)
"""


@posix
def test_to_look_at_a_file_lets_go_of_no_lock_of_this_process(path: Path) -> None:
    store = opened(path)
    with store.database.writing():
        for _ in range(3):
            assert [each.name for each in opened(path).list()] == ["one"]
        other = subprocess.run(
            [sys.executable, "-c", LOCKED, str(path)], capture_output=True, text=True, check=True
        )
        assert other.stdout == "database is locked\n"


def test_a_change_that_cannot_be_taken_back_is_told(tmp_path: Path) -> None:
    """All that was said was that the file may not be written, though one wanted to read it."""
    home = tmp_path / "home"
    program = f"""
import subprocess
store().add("one", "acme", "token", {{}})
hold = [sys.executable, "-c", {HOLD!r}, str(path)]
killed = subprocess.Popen(hold, stdout=subprocess.PIPE)
killed.stdout.readline()
killed.kill()
killed.communicate()
subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
attempt("ro", lambda: store().list())
subprocess.run(["mount", "-o", "remount,rw", str(home)], check=True)
attempt("rw", lambda: store().list())
"""
    why = "a process that was killed left a change half done, and it may not be written to end that"
    hint = "see to it that you may read and write it and its folder; nothing was changed"
    assert told(program, home, *mounted(home, "600k")) == [
        ["ro", f"/data/unvault.db cannot be used: {why} | {hint}"],
        ["rw", "list"],
    ]


@posix
def test_a_journal_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    """The disk was blamed, though it is the folder that may not be written.

    The file has changed: what was half done is taken back, but for the journal.
    """
    program = f"""
import subprocess
store().add("one", "acme", "token", {{}})
hold = [sys.executable, "-c", {HOLD!r}, str(path)]
killed = subprocess.Popen(hold, stdout=subprocess.PIPE)
killed.stdout.readline()
killed.kill()
killed.communicate()
path.parent.chmod(0o500)
attempt("closed", lambda: store().list())
path.parent.chmod(0o700)
attempt("open", lambda: store().list())
"""
    why = "a process that was killed left a change half done, and its journal may not be removed"
    hint = "see to it that you may write in its folder"
    assert told(program, tmp_path / "home", *kept_out()) == [
        ["closed", f"CHANGED /data/unvault.db cannot be used: {why} | {hint}"],
        ["open", "list"],
    ]


def kept_out() -> list[str]:
    """Return what runs a command that a folder's mode keeps out, even if root runs it."""
    if os.geteuid() != 0:
        return []
    less = "-dac_override,-dac_read_search"
    wrapping = ["setpriv", "--bounding-set", less, "--inh-caps", less]
    if (
        not shutil.which("setpriv")
        or subprocess.run([*wrapping, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no mode keeps this user out")
    return wrapping


# ------------------------------------------------------------------- a file that was moved away


@posix
@pytest.mark.parametrize("key", ["the same key", "another key"])
def test_a_new_store_takes_nothing_from_the_journal_of_one_that_was_moved_away(
    key: str, path: Path
) -> None:
    """SQLite wrote it into the new store, whose envelope was the old one's then, and deleted it."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout
        assert killed.stdout.readline() == "held\n"
        killed.kill()
    journal, old = path.with_name("unvault.db-journal"), path.with_name("unvault.db.old")
    path.rename(old)
    if key == "another key":
        (path.parent.parent / "config" / "key").unlink()
    before = seen(path.parent.parent)
    told = refused(lambda: opened(path).add("new", "acme", "token", {}))
    assert told.message == (
        f"{path} cannot be used: unvault.db-journal lies beside it, and belongs to another file"
    )
    assert told.hint == "move it away, and keep it with that file; nothing was changed"
    assert seen(path.parent.parent) == before
    assert opened(path).list() == []
    journal.rename(path.with_name("unvault.db.old-journal"))
    opened(path).add("new", "acme", "token", {})
    assert [each.name for each in opened(path).list()] == ["new"]
    assert [each.name for each in opened(old).list()] == ["one"]  # which was put right


@pytest.mark.parametrize("ending", ["-journal", "-wal"])
def test_an_empty_file_beside_it_is_in_nobodys_way(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "data" / "unvault.db"
    path.parent.mkdir()
    path.with_name(f"unvault.db{ending}").touch()
    opened(path).add("one", "acme", "token", {})
    assert [each.name for each in opened(path).list()] == ["one"]
