"""What may be wrong with the store and its disk: it is told, with a way out, and left as it is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from unvault import credential_rows, stored_file
from unvault.data_key import DataKey
from unvault.directories import Directories
from unvault.errors import StoreBusy, StoreError, StoreUnreadable
from unvault.protection import KeyFile, Passphrase, Protection, SystemKeyring
from unvault.sqlite_store import SqliteStore

posix = pytest.mark.skipif(os.name != "posix", reason="pipes, links and limits are POSIX's")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the store is; it has one credential."""
    path = tmp_path / "data" / "unvault.db"
    opened(path).add("one", "acme", "token", {"token": "t-canary"})
    monkeypatch.chdir(path.parent)  # the path of a socket has to be short
    return path


def opened(path: Path, word: str = "correct horse") -> SqliteStore:
    ways: list[Protection] = [
        KeyFile(path.parent.parent / "config" / "key"),
        Passphrase(lambda _: word, cost=2**4),
    ]
    return SqliteStore(path, ways)


USES: dict[str, Callable[[SqliteStore], object]] = {
    "list": SqliteStore.list,
    "get": lambda store: store.get("one"),
    "settings": SqliteStore.settings,
    "add": lambda store: store.add("two", "acme", "token", {}),
    "replace": lambda store: store.replace("one", "token", {}),
    "remove": lambda store: store.remove("one"),
    "set": lambda store: store.change_setting("cache_minutes", 5),
    "protection": SqliteStore.protection,
    "protect": lambda store: store.protect("passphrase"),
}


def page(number: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[number * 4096 : (number + 1) * 4096] = b"\xa5" * 4096
        path.write_bytes(content)

    return spoil


def cut(part: int) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size * part // 2])


def pragma(text: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA {text}")

    return change


def instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.unlink()
        make(path)

    return put


def another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")


def named_pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)


BACKUP = "restore it from a backup; nothing was changed"
AWAY = "move it away, or point unvault elsewhere; nothing was changed"
FOREIGN = (
    "{} is not a credential store of unvault",
    "move the file away, or point unvault elsewhere",
)
FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "header": (page(0), "{} is damaged", BACKUP),
    "half of it": (cut(1), "{} is damaged", BACKUP),
    "nothing in it": (cut(0), *FOREIGN),
    "another database": (instead(another_database), *FOREIGN),
    "a text": (instead(lambda path: path.write_text("a\n" * 900)), "{} is damaged", BACKUP),
    "newer": (
        pragma("user_version = 2"),
        "{} was written by a newer unvault (layout 2)",
        "upgrade unvault: this one knows layouts up to 1",
    ),
    "no layout": (pragma("user_version = 0"), "{} is damaged", BACKUP),
    "a layout below nothing": (pragma("user_version = -1"), "{} is damaged", BACKUP),
    "folder": (instead(Path.mkdir), "{} cannot be used: it is a folder", AWAY),
    "pipe": (instead(named_pipe), "{} cannot be used: it is a pipe", AWAY),
    "socket": (instead(bound_socket), "{} cannot be used: it is a socket", AWAY),
    "device": (
        instead(lambda path: path.symlink_to(os.devnull)),
        "{} cannot be used: it is no file",
        AWAY,
    ),
    "link to nothing": (
        instead(lambda path: path.symlink_to("unmounted/unvault.db")),
        "{} cannot be used: it is a link to unmounted/unvault.db, which is not there",
        AWAY,
    ),
    "loop": (
        instead(lambda path: path.symlink_to(path.name)),
        "{} cannot be used: Too many levels of symbolic links",
        AWAY,
    ),
}


def seen(folder: Path) -> dict[str, object]:
    """Return everything in a folder: what each thing is, and what is in it."""
    found: dict[str, object] = {}
    for each in sorted(folder.rglob("*")):
        kind = stat.S_IFMT(each.lstat().st_mode)
        found[str(each)] = each.read_bytes() if kind == stat.S_IFREG else kind
    return found


@posix
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_the_file_is_told_and_nothing_is_changed(
    fault: str, use: str, path: Path
) -> None:
    ruin, message, hint = FAULTS[fault]
    ruin(path)
    before = seen(path.parent.parent)
    with pytest.raises(StoreUnreadable) as caught:
        USES[use](opened(path))
    assert (caught.value.message, caught.value.hint) == (message.format(path), hint)
    assert caught.value.code == "store-unreadable"
    assert seen(path.parent.parent) == before


def test_a_layout_that_never_was_does_not_let_a_trigger_in(path: Path) -> None:
    """Only the tables of the newest layout were looked at, and a forged one went by."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER spy AFTER INSERT ON credential BEGIN DELETE FROM setting; END"
        )
        connection.execute("PRAGMA user_version = 0")
        connection.commit()
    with pytest.raises(StoreUnreadable, match="is damaged"):
        opened(path).add("two", "acme", "token", {})


def test_a_page_in_the_middle_is_missed_by_what_needs_it(path: Path) -> None:
    store = opened(path)
    for n in range(60):
        store.add(f"more-{n}", "acme", "token", {"token": "t" * 500})
    pages = path.stat().st_size // 4096
    page(pages // 2)(path)
    before, told = path.read_bytes(), []
    for use in USES.values():
        with suppress(StoreError):
            use(opened(path))
            continue
        told.append(use)
        assert path.read_bytes() == before
    assert told
    missed: list[str] = []
    for n in range(60):
        try:
            opened(path).get(f"more-{n}")
        except StoreUnreadable as error:
            missed.append(error.message)
    assert missed
    assert all(each.startswith(str(path)) for each in missed)


@pytest.mark.parametrize("content", [b"\xa5" * 3000, b"", bytes(4096), b"\xd9\xd5\x05\xf9" * 999])
def test_a_journal_of_nonsense_beside_it_does_no_harm(content: bytes, path: Path) -> None:
    before = path.read_bytes()
    path.with_name("unvault.db-journal").write_bytes(content)
    assert [each.name for each in opened(path).list()] == ["one"]
    assert path.read_bytes() == before
    opened(path).add("two", "acme", "token", {})
    assert [each.name for each in opened(path).list()] == ["one", "two"]


@posix
def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    store = opened(tmp_path / "data" / "unvault.db")
    assert store.list() == []  # nothing is stored, whatever it is
    with pytest.raises(StoreUnreadable) as caught:
        store.add("one", "acme", "token", {})
    assert caught.value.message == (
        f"{tmp_path}/data/unvault.db cannot be used: {tmp_path}/data: File exists"
    )
    assert caught.value.hint == AWAY
    assert (tmp_path / "data").read_text() == "in the way"


# --------------------------------------------------------------------------------------- keys


def locked(path: Path, use: Callable[[SqliteStore], object], word: str = "x") -> tuple[str, str]:
    with pytest.raises(StoreError) as caught:
        use(opened(path, word))
    return f"[{caught.value.code}] {caught.value.message}", str(caught.value.hint)


def test_what_does_not_open_is_named(path: Path) -> None:
    key = path.parent.parent / "config" / "key"
    good, before = key.read_bytes(), path.read_bytes()
    key.unlink()
    gone = f"the key file {key} is missing, and nothing else opens what is stored"
    assert locked(path, USES["get"]) == (
        f"[store-locked] {path}: {gone}",
        "restore the file from a backup",
    )
    KeyFile(key).wrap(DataKey(), "another")
    assert locked(path, USES["get"]) == (
        f"[store-locked] {path}: the key in {key} does not open what is stored",
        "check that it is the right one",
    )
    key.write_bytes(b"")
    assert locked(path, USES["replace"]) == (
        f"[store-unreadable] {path}: {key} is not a key file of unvault, or it is damaged",
        "restore the file from a backup",
    )
    assert path.read_bytes() == before
    key.write_bytes(good)
    opened(path, "right").protect("passphrase")
    before = path.read_bytes()
    for use in ("get", "add", "protect"):
        assert locked(path, USES[use], "wrong") == (
            f"[store-locked] {path}: the passphrase does not open what is stored",
            "check that it is the right one",
        )
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('UPDATE envelope SET record = \'{"protection": "quantum"}\'')
        connection.commit()
    assert locked(path, USES["get"]) == (
        f"[store-unreadable] {path} is protected in a way this application does not offer: quantum",
        "use the application that protected it so, or a newer unvault",
    )


def test_a_row_that_does_not_decrypt_names_the_file_and_the_credential(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE credential SET provider = 'evil'")
        connection.commit()
    with pytest.raises(StoreUnreadable) as caught:
        opened(path).get("one")
    assert caught.value.message == (
        f"{path}: a stored entry does not decrypt: it was changed or moved"
    )
    assert caught.value.credential == "one"


def test_two_that_change_to_the_keyring_at_once_lock_nobody_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both found no key there, and the second put its own in the place of the first's."""
    import keyring
    import keyring.core
    from keyrings.alt.file import PlaintextKeyring

    backend = PlaintextKeyring()
    backend.file_path = str(path.parent.parent / "keyring.cfg")
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    both, real = threading.Barrier(2), keyring.get_password
    looked: set[int] = set()

    def look(service: str, user: str) -> str | None:
        held = real(service, user)
        if threading.get_ident() not in looked:
            looked.add(threading.get_ident())
            with suppress(threading.BrokenBarrierError):
                both.wait(0.3)
        return held

    monkeypatch.setattr(keyring, "get_password", look)
    ways = [KeyFile(path.parent.parent / "config" / "key"), SystemKeyring()]
    told: list[object] = []

    def change() -> None:
        try:
            told.append(SqliteStore(path, ways).protect("keyring"))
        except StoreBusy as error:
            told.append(error.message)

    threads = [threading.Thread(target=change) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(40)
    assert None in told
    found = SqliteStore(path, ways).get("one")
    assert found
    assert found.answers["token"] == "t-canary"


# ------------------------------------------------------------------------------ disks and limits

PROGRAM = """
import json, os, sys
from pathlib import Path
from unvault.errors import UnvaultError
from unvault.private_file import replace_private
from unvault.protection import DataKey, KeyFile, Passphrase
from unvault.sqlite_store import SqliteStore
from unvault_local.vault import LocalVault

home = Path(sys.argv[1])
path = home / "data" / "unvault.db"
ways = lambda: [KeyFile(home / "config" / "key"), Passphrase(lambda _: "x", cost=16)]
store = lambda: SqliteStore(path, ways())
local = lambda: LocalVault(home / "data" / "local.db", ways())

warm = SqliteStore()  # imports everything
warm.add("one", "acme", "token", {})
warm.get("one")
warm.list()

def seen():
    return {str(each): each.read_bytes() for each in sorted(home.rglob("*"))
            if each.is_file() and each.name != "filler" and not each.name.endswith("-journal")}

def attempt(name, use):
    before = seen()
    try:
        told = type(use()).__name__
    except UnvaultError as error:
        told = f"{error.message} | {error.hint}"
    except OSError as error:
        told = f"OSError {error.strerror}"
    if " " in told and seen() != before:
        told = "CHANGED " + told
    print(json.dumps([name, told.replace(str(home), "")]))

big = {"token": "t" * 20_000}
"""

USE_ALL = """
attempt("add", lambda: store().add("two", "acme", "token", big))
attempt("change", lambda: store().replace("one", "token", big))
attempt("protect", lambda: store().protect("passphrase"))
attempt("setting", lambda: store().change_setting("cache_minutes", 5))
attempt("local", lambda: local().set("a", b"x" * 20_000))
attempt("file", lambda: replace_private(home / "rendered", b"x" * 20_000))
"""

FULL = (
    """
filler = home / "filler"

def fill(leave=0):
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        file.truncate(max(0, file.seek(0, 2) // 4096 * 4096 - leave))

fill()
attempt("key file", lambda: store().add("one", "acme", "token", {}))
filler.unlink()
KeyFile(home / "config" / "key").wrap(DataKey(), "x")
fill(4 * 4096)
attempt("new store", lambda: store().add("one", "acme", "token", {}))
filler.unlink()
attempt("first", lambda: store().add("one", "acme", "token", {"token": "t"}))
local().set("a", b"first")
replace_private(home / "rendered", b"first")
fill()
attempt("list", lambda: store().list())
attempt("get", lambda: store().get("one"))
"""
    + USE_ALL
    + """
fill(4096)
attempt("little room", lambda: store().add("two", "acme", "token", big))
filler.unlink()
"""
    + USE_ALL
    + """
attempt("all there", lambda: [store().get("one").answers["token"][5], store().get("two").id])
attempt("nothing else", lambda: [f for f in seen() if f.endswith(".tmp")] and 1 / 0)
"""
)

LIMITED = (
    """
import resource

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

KeyFile(home / "config" / "key").wrap(DataKey(), "x")
limit(8192)
attempt("new store", lambda: store().add("one", "acme", "token", {}))
limit(resource.RLIM_INFINITY)
attempt("first", lambda: store().add("one", "acme", "token", {"token": "t"}))
local().set("a", b"first")
replace_private(home / "rendered", b"first")
limit(100)
attempt("get", lambda: store().get("one"))
"""
    + USE_ALL
    + """
limit(resource.RLIM_INFINITY)
"""
    + USE_ALL
)

CROWDED = (
    """
import resource
attempt("first", lambda: store().add("one", "acme", "token", {"token": "t"}))
local().set("a", b"first")
free = os.dup(0)
os.close(free)
usual = resource.getrlimit(resource.RLIMIT_NOFILE)

def crowded(use):
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, usual[1]))
    try:
        return use()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)

roomy = attempt
attempt = lambda name, use: roomy(name, lambda: crowded(use))
attempt("list", lambda: store().list())
attempt("get", lambda: store().get("one"))
"""
    + USE_ALL
    + """
attempt = roomy
"""
    + USE_ALL
)

READ_ONLY = (
    """
import subprocess
attempt("first", lambda: store().add("one", "acme", "token", {"token": "t"}))
local().set("a", b"first")
subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
attempt("list", lambda: store().list())
attempt("get", lambda: store().get("one"))
attempt("new", lambda: SqliteStore(home / "more" / "a.db", ways()).add("one", "acme", "token", {}))
"""
    + USE_ALL
)


def told(program: str, home: Path, *wrapping: str) -> list[list[str]]:
    command = [*wrapping, sys.executable, "-c", PROGRAM + program, str(home)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return [json.loads(line) for line in run.stdout.splitlines()]


def mounted(home: Path, size: str) -> list[str]:
    """Return what runs a command with a small disk at a folder, seen by that command alone."""
    home.mkdir()
    script = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
    wrapping = ["unshare", "-rm", "sh", "-c", script, str(home)]
    if (
        not shutil.which("unshare")
        or subprocess.run([*wrapping, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this system lets nobody mount a disk")
    return wrapping


WORKS = [
    ["add", "Credential"],
    ["change", "Credential"],
    ["protect", "NoneType"],
    ["setting", "NoneType"],
    ["local", "int"],
    ["file", "NoneType"],
]
ROOM = "make room, and try again; nothing was changed"
STORE, LOCAL = "/data/unvault.db cannot be used:", "/data/local.db cannot be used:"


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    full = f"{STORE} the disk is full | {ROOM}"
    assert told(FULL, home, *mounted(home, "256k")) == [
        [
            "key file",
            f"the key file /config/key cannot be made: No space left on device | {ROOM}",
        ],
        ["new store", f"{STORE} No space left on device | {ROOM}"],
        ["first", "Credential"],
        ["list", "list"],
        ["get", "Credential"],
        ["add", full],
        ["change", full],
        ["protect", full],
        ["setting", full],
        ["local", full.replace("unvault.db", "local.db")],
        ["file", "OSError No space left on device"],
        ["little room", full],
        *WORKS,
        ["all there", "list"],
        ["nothing else", "list"],
    ]


@posix
def test_a_limit_of_file_sizes_is_told_and_loses_nothing(tmp_path: Path) -> None:
    """The same as a quota, and works without a disk of its own."""
    limit = "see to the limit of file sizes (ulimit -f); nothing was changed"
    whole = "it cannot be read or written as a whole"
    hint = "see to the disk, to quotas and to the limit of file sizes (ulimit -f)"
    assert told(LIMITED, tmp_path / "home") == [
        [
            "new store",
            f"{STORE} File too large | {limit}",
        ],
        ["first", "Credential"],
        ["get", "Credential"],
        ["add", f"{STORE} {whole} | {hint}"],
        ["change", f"{STORE} {whole} | {hint}"],
        ["protect", f"{STORE} {whole} | {hint}"],
        ["setting", f"{STORE} {whole} | {hint}"],
        ["local", f"{LOCAL} {whole} | {hint}"],
        ["file", "OSError File too large"],
        *WORKS,
    ]


@posix
def test_too_many_open_files_are_told(tmp_path: Path) -> None:
    crowded = (
        "Too many open files | close some, or raise the limit (ulimit -n); nothing was changed"
    )
    assert told(CROWDED, tmp_path / "home") == [
        ["first", "Credential"],
        ["list", f"{STORE} {crowded}"],
        ["get", f"{STORE} {crowded}"],
        ["add", f"{STORE} {crowded}"],
        ["change", f"{STORE} {crowded}"],
        ["protect", f"{STORE} {crowded}"],
        ["setting", f"{STORE} {crowded}"],
        ["local", f"{LOCAL} {crowded}"],
        ["file", "OSError Too many open files"],
        *WORKS,
    ]


def test_a_disk_that_is_mounted_for_reading_is_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    hint = "see to it that you may read and write it and its folder; nothing was changed"
    mount = "mount it for writing, or point unvault elsewhere; nothing was changed"
    readonly = f"{STORE} it may not be written | {hint}"
    assert told(READ_ONLY, home, *mounted(home, "256k")) == [
        ["first", "Credential"],
        ["list", "list"],
        ["get", "Credential"],
        ["new", f"/more/a.db cannot be used: /more: Read-only file system | {mount}"],
        ["add", readonly],
        ["change", readonly],
        ["protect", readonly],
        ["setting", readonly],
        ["local", readonly.replace("unvault.db", "local.db")],
        ["file", "OSError Read-only file system"],
    ]


# ----------------------------------------------------------------------------- others, and clocks

HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
connection.execute("DELETE FROM credential")
connection.execute("PRAGMA cache_spill = 1")
connection.execute("PRAGMA cache_size = 1")
connection.execute("CREATE TABLE more AS WITH RECURSIVE n(i) AS"
                   " (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9000) SELECT i FROM n")
print("held", flush=True)
time.sleep(60)
"""


@posix
def test_who_holds_the_file_is_waited_for_and_who_was_killed_holds_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where half of its change was in the file already."""
    monkeypatch.setattr("unvault.sqlite_file.BUSY_SECONDS", 0.05)
    before = path.read_bytes()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert path.read_bytes() != before
        for use in ("list", "get", "add", "protect"):
            with pytest.raises(StoreBusy) as caught:
                USES[use](opened(path))
            assert (caught.value.message, caught.value.hint) == (
                f"{path} is held by another process",
                "try again, or end that process",
            )
        holder.send_signal(signal.SIGKILL)
        holder.wait(20)
    assert [each.name for each in opened(path).list()] == ["one"]
    opened(path).add("two", "acme", "token", {})
    assert path.stat().st_size == len(before)


@pytest.mark.parametrize("now", [0.0, -5.0, 4e9])
def test_a_clock_that_is_wrong_loses_nothing(
    now: float, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = f"{'1970' if now < 1 else '2096'}-01-01T00:00:00+00:00"
    monkeypatch.setattr(stored_file.time, "time", lambda: now)
    monkeypatch.setattr(credential_rows, "_now", lambda: then)
    store = opened(path)
    for number in range(3):
        store.replace("one", "token", {"token": str(number)})
        found = store.get("one")
        assert found
        assert found.answers["token"] == str(number)
    assert store.list()[0].updated.isoformat() == then


# ---------------------------------------------------------------------------------- no home folder


def test_a_home_that_cannot_be_told_is_told() -> None:
    with pytest.raises(StoreUnreadable) as caught:
        Directories.default(environ={"UNVAULT_HOME": "~nobody-of-this-name/x"})
    assert caught.value.message == (
        "the home folder of '~nobody-of-this-name/x' cannot be told, so nothing can be kept"
    )
    assert caught.value.hint == "set HOME or UNVAULT_HOME to the full path of a folder"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root becomes an unknown user"
)
@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "here"}, {"UNVAULT_HOME": "~/x"}])
def test_a_user_without_a_home_makes_no_folder_where_it_happens_to_be(
    home: dict[str, str], tmp_path: Path
) -> None:
    program = (
        "import os, platformdirs.unix, pwd\n"
        "from unvault.directories import Directories; from unvault.errors import StoreError\n"
        "os.setuid(54321)\n"
        "try: print(Directories.default())\nexcept StoreError as error: print(error.message)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=home,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    what = "'~/x'" if "UNVAULT_HOME" in home else "this user"
    assert (run.stdout.strip(), run.stderr) == (
        f"the home folder of {what} cannot be told, so nothing can be kept",
        "",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="these variables are those of Linux")
def test_a_relative_folder_in_a_variable_of_the_desktop_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As their specification has it: otherwise the store would depend on where one is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert Directories.default(environ={}).data == tmp_path / ".local" / "share" / "unvault"
