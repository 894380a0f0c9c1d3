from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from unvault import sqlite_file
from unvault.errors import InvalidSetting, StoreBusy, StoreError, StoreLocked, StoreUnreadable
from unvault.protection import KeyFile, Passphrase, Protection
from unvault.sealed import Layout, SealedDatabase

LAYOUT = Layout("test box", 0x74657374, ("CREATE TABLE thing (name TEXT UNIQUE, value BLOB)",))
CHEAP = 2**4
CANARY = b"canary-c8a3f2"


class Asked:
    """Answers with a passphrase and notes what it was asked for."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.questions: list[str] = []

    def __call__(self, what: str) -> str:
        self.questions.append(what)
        return self.answer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "box.db"


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "config" / "key")


def put(database: SealedDatabase, name: str, value: bytes = CANARY) -> None:
    with database.writing() as connection:
        sealed_value = database.key(connection).seal(value, name)
        connection.execute("INSERT INTO thing VALUES (?, ?)", (name, sealed_value))


def take(database: SealedDatabase, name: str) -> bytes:
    with database.reading() as connection:
        row = connection.execute("SELECT value FROM thing WHERE name = ?", (name,)).fetchone()
        return database.key(connection).open(row[0], name)


def count(database: SealedDatabase) -> int:
    with database.reading() as connection:
        number: int = connection.execute("SELECT COUNT(*) FROM thing").fetchone()[0]
        return number


USES: dict[str, Callable[[SealedDatabase], object]] = {
    "read": count,
    "write": lambda database: put(database, "new"),
    "protection": lambda database: database.protection(),
    "protect": lambda database: database.protect("key-file"),
}


# ---------------------------------------------------------------------------------------- files


def test_nothing_is_written_before_the_first_write(path: Path, key_file: KeyFile) -> None:
    database = SealedDatabase(path, LAYOUT, [key_file])
    assert not database.exists
    assert database.protection() is None
    assert not path.parent.exists()
    assert not key_file.path.parent.exists()


def test_reading_makes_no_file(path: Path, key_file: KeyFile) -> None:
    path.parent.mkdir()
    with pytest.raises(StoreUnreadable, match="cannot be opened"):
        count(SealedDatabase(path, LAYOUT, [key_file]))
    assert list(path.parent.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_is_its_owners_alone(path: Path, key_file: KeyFile) -> None:
    before = os.umask(0)
    try:
        put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["a b#c?d%41&é.db", "mode=ro", "名" * 20])
def test_any_folder_and_file_name_will_do(name: str, tmp_path: Path, key_file: KeyFile) -> None:
    path = tmp_path / name / name
    put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    assert path.is_file()
    assert take(SealedDatabase(path, LAYOUT, [key_file]), "a") == CANARY


def test_a_relative_path_will_do(
    tmp_path: Path, key_file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(SealedDatabase(Path("box.db"), LAYOUT, [key_file]), "a")
    assert take(SealedDatabase(tmp_path / "box.db", LAYOUT, [key_file]), "a") == CANARY


def test_what_is_sealed_is_not_in_the_file(path: Path, key_file: KeyFile) -> None:
    put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    assert CANARY not in path.read_bytes()


def test_a_block_that_raises_changes_nothing(path: Path, key_file: KeyFile) -> None:
    database = SealedDatabase(path, LAYOUT, [key_file])
    put(database, "a")

    def fail() -> None:
        with database.writing() as connection:
            connection.execute("DELETE FROM thing")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert take(database, "a") == CANARY


def test_a_full_disk_is_told_and_changes_nothing(path: Path, key_file: KeyFile) -> None:
    database = SealedDatabase(path, LAYOUT, [key_file])
    put(database, "a")

    def fill() -> None:
        with database.writing() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
            connection.execute("INSERT INTO thing VALUES ('big', ?)", (bytes(100_000),))

    with pytest.raises(StoreUnreadable, match="the disk is full") as caught:
        fill()
    assert str(path) in caught.value.message
    assert count(database) == 1


def test_an_error_after_sqlite_took_the_transaction_back_is_not_covered_up(
    path: Path, key_file: KeyFile
) -> None:
    database = SealedDatabase(path, LAYOUT, [key_file])
    put(database, "a")

    def fail() -> None:
        with database.writing() as connection:
            connection.execute("ROLLBACK")
            raise LookupError("the first thing that went wrong")

    with pytest.raises(LookupError, match="the first thing"):
        fail()


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")
    connection.close()


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def another_kind(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id = 7")
    connection.close()


def no_envelope(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM envelope")
    connection.close()


def no_table(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE envelope")
        connection.execute("DROP TABLE thing")
    connection.close()


def record(text: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE envelope SET record = ?", (text,))
        connection.close()

    return change


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def noise(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(range(256)) * (len(content) // 256))


def file_id(value: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE envelope SET file_id = ?", (value,))
        connection.close()

    return change


WRECKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "foreign": (lambda path: (path.unlink(), foreign(path)), "is not a test box of unvault"),
    "another kind": (another_kind, "is not a test box of unvault"),
    "empty": (lambda path: path.write_bytes(b""), "is not a test box of unvault"),
    "newer": (newer, "was written by a newer unvault (layout 99)"),
    "text": (lambda path: path.write_text("[section]\nkey = value\n" * 90), "is damaged"),
    "zeros": (lambda path: path.write_bytes(bytes(9000)), "is damaged"),
    "torn": (torn, "is damaged"),
    "noise": (noise, "is damaged"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be used"),
    "no envelope": (no_envelope, "is damaged"),
    "no table": (no_table, "is damaged"),
    "record: text": (record("not json"), "is damaged"),
    "record: list": (record('["protection"]'), "is damaged"),
    "record: string": (record('"protection"'), "is damaged"),
    "record: number": (record("7"), "is damaged"),
    "record: bytes": (record(b"\xff\xfe"), "is damaged"),
    "record: deep": (record("[" * 100_000), "is damaged"),
    "record: empty": (record("{}"), "is damaged"),
    "file id: bytes": (file_id(b"\xff\xfe"), "is damaged"),
    "record: unknown": (record('{"protection": "quantum"}'), "does not offer: quantum"),
}


def content(path: Path) -> object:
    return sorted(path.iterdir()) if path.is_dir() else path.read_bytes()


LOOKS_AT_NO_KEY = [name for name in WRECKS if name.startswith(("record", "file id", "no envelope"))]


@pytest.mark.parametrize(
    ("wreck", "use"),
    [
        (wreck, use)
        for wreck in WRECKS
        for use in USES
        if use != "read" or wreck not in LOOKS_AT_NO_KEY
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_left_as_it_is(
    wreck: str, use: str, path: Path, key_file: KeyFile
) -> None:
    put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    ruin, says = WRECKS[wreck]
    ruin(path)
    before, key = content(path), key_file.path.read_bytes()
    with pytest.raises(StoreUnreadable) as caught:
        USES[use](SealedDatabase(path, LAYOUT, [key_file]))
    assert str(path) in caught.value.message
    assert says in caught.value.message
    assert (content(path), key_file.path.read_bytes()) == (before, key)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("wreck", LOOKS_AT_NO_KEY)
def test_what_needs_no_key_works_where_the_key_is_damaged(
    wreck: str, path: Path, key_file: KeyFile
) -> None:
    put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    WRECKS[wreck][0](path)
    assert count(SealedDatabase(path, LAYOUT, [key_file])) == 1


def test_a_path_that_cannot_be_a_file_is_told(tmp_path: Path, key_file: KeyFile) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "box.db", tmp_path / ("n" * 300)):
        with pytest.raises(StoreUnreadable) as caught:
            put(SealedDatabase(path, LAYOUT, [key_file]), "a")
        assert str(path) in caught.value.message
    with pytest.raises(StoreUnreadable, match="name too long"):
        _ = SealedDatabase(tmp_path / ("n" * 300), LAYOUT, [key_file]).exists


PERMISSIONS = """
import json, os, sys
from pathlib import Path
from unvault.errors import UnvaultError
from unvault.protection import KeyFile
from unvault.sqlite_store import SqliteStore

warm = SqliteStore()  # imports everything while it can still be read
warm.add("one", "acme", "token", {})
warm.get("one")
folder = Path(sys.argv[1])
if os.getuid() == 0:  # root may do everything, so be somebody else
    os.chown(folder, 65534, 65534)
    os.setgid(65534)
    os.setuid(65534)
data, key = folder / "data", folder / "config" / "key"
store = lambda name="a.db": SqliteStore(data / name, [KeyFile(key)])
store().add("one", "acme", "token", {"token": "x"})
before = (data / "a.db").read_bytes()

def attempt(name, use):
    try:
        told = type(use()).__name__
    except UnvaultError as error:
        told = f"{type(error).__name__}: {error.message}"
    print(json.dumps([name, told.replace(str(folder), "")]))

for path, mode in ((data / "a.db", 0o400), (data, 0o500)):
    path.chmod(mode)
attempt("read-only: get", lambda: store().get("one"))
attempt("read-only: add", lambda: store().add("two", "acme", "token", {}))
attempt("read-only: new", lambda: store("b.db").add("one", "acme", "token", {}))
attempt("read-only: unchanged", lambda: 1 if (data / "a.db").read_bytes() == before else "changed")
attempt("read-only: alone", lambda: 1 if len(list(data.iterdir())) == 1 else "left behind")
(data / "a.db").chmod(0o000)
attempt("closed file: list", lambda: store().list())
attempt("closed file: add", lambda: store().add("two", "acme", "token", {}))
data.chmod(0o000)
attempt("closed folder: list", lambda: store().list())
attempt("closed folder: add", lambda: store().add("two", "acme", "token", {}))
data.chmod(0o700)
(data / "a.db").chmod(0o600)
key.chmod(0o000)
attempt("closed key: list", lambda: store().list())
attempt("closed key: get", lambda: store().get("one"))
key.parent.chmod(0o000)
attempt("closed key folder: get", lambda: store().get("one"))
key.parent.chmod(0o700)
key.chmod(0o600)
attempt("open again", lambda: store().get("one"))
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_what_is_not_permitted_is_told_and_changes_nothing() -> None:
    """In a folder of its own: that of the test may be closed to whom root turns into."""
    folder = tempfile.mkdtemp(prefix="unvault-test-")
    try:
        command = [sys.executable, "-c", PERMISSIONS, folder]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        shutil.rmtree(folder)
    assert run.stderr == ""
    file = "/data/a.db cannot be used:"
    key = "/data/a.db: the key file /config/key cannot be read:"
    assert dict(json.loads(line) for line in run.stdout.splitlines()) == {
        "read-only: get": "Credential",
        "read-only: add": f"StoreUnreadable: {file} it may not be written",
        "read-only: new": "StoreUnreadable: /data/b.db cannot be used: Permission denied",
        "read-only: unchanged": "int",
        "read-only: alone": "int",
        "closed file: list": f"StoreUnreadable: {file} it cannot be opened",
        "closed file: add": f"StoreUnreadable: {file} it cannot be opened",
        "closed folder: list": f"StoreUnreadable: {file} Permission denied",
        "closed folder: add": f"StoreUnreadable: {file} Permission denied",
        "closed key: list": "list",
        "closed key: get": f"StoreUnreadable: {key} Permission denied",
        "closed key folder: get": f"StoreUnreadable: {key} Permission denied",
        "open again": "Credential",
    }


def test_a_file_held_by_another_process_is_told(
    path: Path, key_file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.05)
    database = SealedDatabase(path, LAYOUT, [key_file])
    put(database, "a")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy) as caught:
        put(database, "b")
    assert str(path) in caught.value.message
    assert take(database, "a") == CANARY  # who only reads does not wait
    other.execute("ROLLBACK")
    other.close()
    put(database, "b")


# ------------------------------------------------------------------------------------------ keys


def test_a_missing_or_exchanged_key_file_locks_the_file(path: Path, key_file: KeyFile) -> None:
    put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    before, key = path.read_bytes(), key_file.path.read_bytes()
    key_file.path.unlink()
    for use in (lambda d: take(d, "a"), lambda d: put(d, "b"), lambda d: d.protect("key-file")):
        with pytest.raises(StoreLocked) as caught:
            use(SealedDatabase(path, LAYOUT, [key_file]))
        assert str(key_file.path) in caught.value.message
    assert not key_file.path.exists()
    assert count(SealedDatabase(path, LAYOUT, [key_file])) == 1
    put(SealedDatabase(path.with_name("other.db"), LAYOUT, [key_file]), "a")  # makes a new key
    with pytest.raises(StoreLocked):
        take(SealedDatabase(path, LAYOUT, [key_file]), "a")
    assert path.read_bytes() == before
    key_file.path.write_bytes(key)
    assert take(SealedDatabase(path, LAYOUT, [key_file]), "a") == CANARY


def test_a_passphrase_is_asked_for_once_in_a_process(path: Path) -> None:
    ask = Asked("correct horse")
    database = SealedDatabase(path, LAYOUT, [Passphrase(ask, cost=CHEAP)])
    for name in "abc":
        put(database, name)
        assert take(database, name) == CANARY
    assert ask.questions == ["new passphrase"]
    again = Asked("correct horse")
    other = SealedDatabase(path, LAYOUT, [Passphrase(again, cost=CHEAP)])
    assert count(other) == 3
    assert again.questions == []
    put(other, "d")
    assert take(other, "a") == CANARY
    assert again.questions == ["passphrase"]


def test_a_wrong_passphrase_changes_nothing(path: Path) -> None:
    put(SealedDatabase(path, LAYOUT, [Passphrase(Asked("right"), cost=CHEAP)]), "a")
    before = path.read_bytes()
    wrong = SealedDatabase(path, LAYOUT, [Passphrase(Asked("wrong"), cost=CHEAP)])
    for use in (
        lambda: take(wrong, "a"),
        lambda: put(wrong, "b"),
        lambda: wrong.protect("passphrase"),
    ):
        with pytest.raises(StoreLocked, match="passphrase"):
            use()
    assert path.read_bytes() == before


def test_who_is_asked_for_a_passphrase_keeps_nobody_waiting(path: Path) -> None:
    put(SealedDatabase(path, LAYOUT, [Passphrase(Asked("same"), cost=CHEAP)]), "a")
    seen = []

    def ask(what: str) -> str:
        other = SealedDatabase(path, LAYOUT, [Passphrase(Asked("same"), cost=CHEAP)])
        put(other, what)
        seen.append(what)
        return "same"

    put(SealedDatabase(path, LAYOUT, [Passphrase(ask, cost=CHEAP)]), "b")
    assert seen == ["passphrase"]


def test_the_first_protection_is_used_for_a_new_file(path: Path, key_file: KeyFile) -> None:
    ways: list[Protection] = [Passphrase(Asked("x"), cost=CHEAP), key_file]
    database = SealedDatabase(path, LAYOUT, ways)
    put(database, "a")
    assert database.protection() is ways[0]
    assert not key_file.path.exists()


def test_the_protection_is_changed_both_ways(path: Path, key_file: KeyFile) -> None:
    ask = Asked("correct horse")
    ways = [key_file, Passphrase(ask, cost=CHEAP)]
    database = SealedDatabase(path, LAYOUT, ways)
    put(database, "a")
    for name in ("passphrase", "passphrase", "key-file", "passphrase", "key-file"):
        database.protect(name)
        for each in (database, SealedDatabase(path, LAYOUT, ways)):
            assert take(each, "a") == CANARY
            protection = each.protection()
            assert protection
            assert protection.name == name
    only_key_file = SealedDatabase(path, LAYOUT, [key_file])
    assert take(only_key_file, "a") == CANARY


def test_a_new_passphrase_replaces_the_old_one(path: Path) -> None:
    ask = Asked("old")
    database = SealedDatabase(path, LAYOUT, [Passphrase(ask, cost=CHEAP)])
    put(database, "a")
    ask.answer = "new"
    database.protect("passphrase")
    assert ask.questions == ["new passphrase", "new passphrase"]
    assert take(database, "a") == CANARY
    assert ask.questions == ["new passphrase", "new passphrase"]  # it has just been typed
    with pytest.raises(StoreLocked):
        take(SealedDatabase(path, LAYOUT, [Passphrase(Asked("old"), cost=CHEAP)]), "a")
    new = SealedDatabase(path, LAYOUT, [Passphrase(Asked("new"), cost=CHEAP)])
    assert take(new, "a") == CANARY


def test_the_old_wrapped_key_is_nowhere_in_the_file(path: Path, key_file: KeyFile) -> None:
    ways = [key_file, Passphrase(Asked("x"), cost=CHEAP)]
    database = SealedDatabase(path, LAYOUT, ways)
    put(database, "a")
    old = []
    for name in ("passphrase", "key-file", "passphrase", "passphrase"):
        with database.reading() as connection:
            text = connection.execute("SELECT record FROM envelope").fetchone()[0]
        old.append(json.loads(text)["wrapped"].encode())
        assert old[-1] in path.read_bytes()
        database.protect(name)
        assert not [wrapped for wrapped in old if wrapped[:24] in path.read_bytes()]
    assert len(set(old)) == 4


def test_what_is_deleted_is_nowhere_in_the_file(path: Path, key_file: KeyFile) -> None:
    database = SealedDatabase(path, LAYOUT, [key_file])
    put(database, "a")
    with database.writing() as connection:
        connection.execute("INSERT INTO thing VALUES ('plain-marker', ?)", (b"plain-value" * 900,))
    assert b"plain-value" in path.read_bytes()
    with database.writing() as connection:
        connection.execute("DELETE FROM thing WHERE name = 'plain-marker'")
    assert b"plain-value" not in path.read_bytes()
    assert b"plain-marker" not in path.read_bytes()


def test_another_process_may_change_the_protection(path: Path, key_file: KeyFile) -> None:
    ask = Asked("x")
    ways = [key_file, Passphrase(ask, cost=CHEAP)]
    mine, theirs = SealedDatabase(path, LAYOUT, ways), SealedDatabase(path, LAYOUT, ways)
    put(mine, "a")
    theirs.protect("passphrase")
    assert take(mine, "a") == CANARY
    put(mine, "b")
    assert take(theirs, "b") == CANARY


def test_of_two_that_change_the_protection_one_is_told(path: Path, key_file: KeyFile) -> None:
    other = SealedDatabase(path, LAYOUT, [key_file, Passphrase(Asked("x"), cost=CHEAP)])

    def ask(what: str) -> str:
        other.protect("passphrase")
        return "y"

    database = SealedDatabase(path, LAYOUT, [key_file, Passphrase(ask, cost=CHEAP)])
    put(database, "a")
    with pytest.raises(StoreBusy, match="another process has just changed"):
        database.protect("passphrase")
    assert take(other, "a") == CANARY


def test_a_protection_that_cannot_wrap_changes_nothing(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ways = [Passphrase(Asked("x"), cost=CHEAP), KeyFile(tmp_path / "file" / "key")]
    database = SealedDatabase(path, LAYOUT, ways)
    put(database, "a")
    before = path.read_bytes()
    with pytest.raises(StoreUnreadable, match="key file"):
        database.protect("key-file")
    assert path.read_bytes() == before
    assert take(database, "a") == CANARY


def test_an_unknown_protection_lists_the_known_ones(path: Path, key_file: KeyFile) -> None:
    database = SealedDatabase(path, LAYOUT, [key_file, Passphrase(Asked("x"))])
    with pytest.raises(InvalidSetting) as caught:
        database.protect("quantum")
    assert caught.value.hint == "one of: key-file, passphrase"
    assert not path.exists()


def test_protecting_comes_before_the_first_write_too(path: Path, key_file: KeyFile) -> None:
    database = SealedDatabase(path, LAYOUT, [key_file, Passphrase(Asked("x"), cost=CHEAP)])
    database.protect("passphrase")
    put(database, "a")
    other = SealedDatabase(path, LAYOUT, [Passphrase(Asked("x"), cost=CHEAP)])
    assert take(other, "a") == CANARY


def test_when_nothing_could_be_protected_nothing_is_made(path: Path) -> None:
    database = SealedDatabase(path, LAYOUT, [Passphrase(Asked(""), cost=CHEAP)])
    with pytest.raises(StoreLocked, match="empty"):
        put(database, "a")
    assert not path.exists()


def test_a_file_that_was_removed_is_made_anew_with_another_key(
    path: Path, key_file: KeyFile
) -> None:
    database = SealedDatabase(path, LAYOUT, [key_file])
    put(database, "a")
    kept = path.read_bytes()
    path.unlink()
    put(database, "b")
    assert count(database) == 1
    path.write_bytes(kept)
    assert take(database, "a") == CANARY


# ----------------------------------------------------------------------------- memory and threads


def test_in_memory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    database = SealedDatabase(None, LAYOUT)
    assert not database.exists
    assert database.protection() is None
    put(database, "a")
    assert database.exists
    assert take(database, "a") == CANARY
    database.protect("memory")
    assert take(database, "a") == CANARY
    assert list(tmp_path.iterdir()) == []


def test_two_in_memory_share_nothing() -> None:
    one, other = SealedDatabase(None, LAYOUT), SealedDatabase(None, LAYOUT)
    put(one, "a")
    assert not other.exists


@pytest.mark.parametrize("where", ["memory", "file"])
def test_threads_may_write_at_the_same_time_from_the_first_write_on(
    where: str, path: Path, key_file: KeyFile
) -> None:
    for attempt in range(10):
        file = path.with_name(f"{attempt}.db") if where == "file" else None
        database = SealedDatabase(file, LAYOUT, [key_file])
        start = threading.Barrier(6)
        failed: list[BaseException] = []

        def write(
            name: str,
            database: SealedDatabase = database,
            start: threading.Barrier = start,
            failed: list[BaseException] = failed,
        ) -> None:
            start.wait()
            try:
                put(database, name)
                assert take(database, name) == CANARY
            except (StoreError, sqlite3.Error, AssertionError) as error:
                failed.append(error)

        threads = [threading.Thread(target=write, args=(f"thing-{n}",)) for n in range(6)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert failed == []
        assert count(database) == 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_after_a_fork_both_go_on(path: Path, key_file: KeyFile) -> None:
    program = """
import os, sys
from pathlib import Path
from unvault.protection import KeyFile
from unvault.sqlite_store import SqliteStore
store = SqliteStore(Path(sys.argv[1]), [KeyFile(Path(sys.argv[2]))])
store.add("before", "acme", "token", {})
child = os.fork()
for n in range(20):
    store.add(f"{'parent' if child else 'child'}-{n}", "acme", "token", {"n": n})
if child:
    status = os.waitpid(child, 0)[1]
    assert status == 0, status
    print(len(store.list()))
"""
    command = [sys.executable, "-W", "ignore", "-c", program, str(path), str(key_file.path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.stdout.strip(), run.stderr) == ("41", "")


# ------------------------------------------------------------------------------- forged files


FORGERIES = {
    "trigger": "CREATE TRIGGER spy AFTER INSERT ON thing BEGIN DELETE FROM thing; END",
    "view": "CREATE VIEW more AS SELECT 1",
    "table": "CREATE TABLE more (a)",
    "index": "CREATE INDEX more ON thing (value)",
    "column": "ALTER TABLE thing ADD COLUMN more",
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_would_run_when_our_tables_are_used_is_refused(
    forgery: str, use: str, path: Path, key_file: KeyFile
) -> None:
    put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(FORGERIES[forgery])
        connection.commit()
    with pytest.raises(StoreUnreadable, match="is damaged"):
        USES[use](SealedDatabase(path, LAYOUT, [key_file]))


def test_a_view_in_a_tables_place_is_refused(path: Path, key_file: KeyFile) -> None:
    put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE thing RENAME TO hidden")
        connection.execute("CREATE VIEW thing AS SELECT name, value FROM hidden")
        connection.commit()
    with pytest.raises(StoreUnreadable, match="is damaged"):
        count(SealedDatabase(path, LAYOUT, [key_file]))


def test_what_sqlite_itself_keeps_in_a_file_is_fine(path: Path, key_file: KeyFile) -> None:
    put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("ANALYZE")
        connection.execute("VACUUM")
    assert take(SealedDatabase(path, LAYOUT, [key_file]), "a") == CANARY


def test_functions_in_a_forged_schema_are_not_trusted(path: Path, key_file: KeyFile) -> None:
    put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    with SealedDatabase(path, LAYOUT, [key_file]).reading() as connection:
        assert connection.execute("PRAGMA trusted_schema").fetchone() == (0,)


@pytest.mark.skipif(os.name != "posix", reason="the limit is that of SQLite on POSIX")
@pytest.mark.parametrize("length", [504, 505, 600])
def test_a_path_that_sqlite_cannot_open_is_told_before_anything_is_made(
    length: int, tmp_path: Path, key_file: KeyFile
) -> None:
    missing = length - len(os.fsencode(tmp_path)) - 1
    parts = ["d" * 99] * (missing // 100) + ["f" * (missing % 100)]
    path = tmp_path.joinpath(*parts)
    assert len(os.fsencode(path)) == length
    if length <= 504:
        put(SealedDatabase(path, LAYOUT, [key_file]), "a")
        assert take(SealedDatabase(path, LAYOUT, [key_file]), "a") == CANARY
        return
    with pytest.raises(StoreUnreadable, match=f"has {length} bytes"):
        put(SealedDatabase(path, LAYOUT, [key_file]), "a")
    assert list(tmp_path.iterdir()) == []
