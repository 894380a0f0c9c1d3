"""Nothing is lost and nothing is half done, whenever a process is killed.

Each of the stories is a process of its own that forks the children it kills: `tests.kills`.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from unvault.protection import KeyFile, Passphrase, Protection, SystemKeyring
from unvault.sqlite_store import SqliteStore

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no SIGKILL")

STORY = """
import os, shutil, sqlite3, sys
from pathlib import Path
from tests.kills import at_each_call, can_trace
from unvault.errors import StoreError
from unvault.private_file import left_behind, replace_private
from unvault.protection import KeyFile, Passphrase, SystemKeyring
from unvault.sqlite_store import SqliteStore
from unvault_local.vault import LocalVault

if not can_trace():
    print("cannot trace")
    sys.exit()

home, every = Path(sys.argv[1]) / "home", int(sys.argv[2])
data, config = home / "data", home / "config"
path, key = data / "unvault.db", config / "unvault.key"

def use_keyring():
    import keyring.core
    from keyrings.alt.file import PlaintextKeyring
    backend = PlaintextKeyring()
    backend.file_path = str(home / "keyring.cfg")
    keyring.core._keyring_backend = backend

def ways(word="correct horse"):
    return [KeyFile(key), Passphrase(lambda _: word, cost=16), SystemKeyring()]

def store(word="correct horse"):
    return SqliteStore(path, ways(word))

def sound(file):
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()

def anew():
    shutil.rmtree(home, ignore_errors=True)

def drafts():
    return [each.name for each in (*data.iterdir(), *config.iterdir()) if "tmp" in each.name]

# Everything is imported before a child is forked.
use_keyring()
home.mkdir()
warm = store()
warm.add("warm", "acme", "token", {})
for name in ("passphrase", "keyring", "key-file"):
    warm.protect(name)

def kill(prepare, action, check):
    print(at_each_call(prepare, action, check, every=every))
"""

FIRST_WRITE = """
def check(returned):
    names = [each.name for each in store().list()]
    assert names == ["one"] if returned else names in ([], ["one"])
    for name in names:
        assert store().get(name).answers["token"] == "t-1"
    store().add("two", "acme", "token", {"token": "t-2"})
    assert store().get("two").answers["token"] == "t-2"
    sound(path)
    assert len(drafts()) <= 1
    assert not left_behind(data)  # nobody knows yet whether it is being written

kill(anew, lambda: store().add("one", "acme", "token", {"token": "t-1"}), check)
"""

ADD = """
anew()
store().add("old", "acme", "token", {"token": "t-old"})
expected, count = {"old"}, 0

def prepare():
    global count
    count += 1

def check(returned):
    sound(path)
    names = {each.name for each in store().list()}
    new = f"new-{count}"
    assert expected <= names <= expected | {new}
    assert not returned or new in names
    assert all(store().get(each).answers["token"] == f"t-{each}" for each in names)
    expected.update(names)

kill(
    prepare,
    lambda: store().add(f"new-{count}", "acme", "token", {"token": f"t-new-{count}"}),
    check,
)
"""

EDIT = """
anew()
store().add("one", "acme", "token", {"token": "0"})
now = 0

def answer(number):
    return {"token": f"{number} " * 4000 * (1 + number % 3)}  # many pages, and not always as many

def check(returned):
    global now
    sound(path)
    answers = dict(store().get("one").answers)
    assert answers == answer(now + 1) or (answers == answer(now) and not returned)
    now += answers == answer(now + 1)

store().replace("one", "token", answer(now))
kill(lambda: None, lambda: store().replace("one", "token", answer(now + 1)), check)
"""

PROTECT = """
before, after = sys.argv[3:5]

def prepare():
    anew()
    first = store("old")
    first.add("one", "acme", "token", {"token": "t"})
    if before != "key-file":
        first.protect(before)
        key.unlink()  # it has to be made anew where it is wanted

def check(returned):
    sound(path)
    now = store().protection().name
    assert now == after if returned else now in (before, after)
    opens = []
    for word in ("old", "new"):
        try:
            opens.append(store(word).get("one").answers["token"])
        except StoreError:
            assert now == "passphrase"
    assert "t" in opens
    if returned and after == "passphrase":
        assert store("new").get("one")

def change():
    mine = store("old")
    mine.get("one")
    mine.database._protections["passphrase"] = ways("new")[1]
    mine.protect(after)

kill(prepare, change, check)
"""

LOCAL = """
def vault():
    return LocalVault(data / "local.db", ways())

anew()
vault().set("db/main", b"0")
now = 0

def check(returned):
    global now
    sound(data / "local.db")
    found = int(vault().get("db/main").reveal())
    assert found == now + 1 if returned else found in (now, now + 1)
    assert len(vault().versions("db/main")) == found + 1
    now = found

kill(lambda: None, lambda: vault().set("db/main", str(now + 1).encode()), check)
"""

FILE = """
anew()
data.mkdir(parents=True)
config.mkdir()
file = data / "rendered"
replace_private(file, b"0" * 9000)
now = 0

def check(returned):
    global now
    content = file.read_bytes()
    assert content in (b"%d" % now * 9000, b"%d" % (1 - now) * 9000)
    assert not returned or content[:1] == b"%d" % (1 - now)
    now = int(content[:1])
    hour_ago = file.stat().st_mtime - 4000
    assert len(drafts()) <= 1
    for each in drafts():
        os.utime(data / each, (hour_ago, hour_ago))

kill(lambda: None, lambda: replace_private(file, b"%d" % (1 - now) * 9000), check)
assert not drafts()
"""

STORIES = {
    "the first write": (FIRST_WRITE,),
    "adding": (ADD,),
    "changing": (EDIT,),
    "key-file to passphrase": (PROTECT, "key-file", "passphrase"),
    "passphrase to key-file": (PROTECT, "passphrase", "key-file"),
    "key-file to keyring": (PROTECT, "key-file", "keyring"),
    "keyring to key-file": (PROTECT, "keyring", "key-file"),
    "keyring to passphrase": (PROTECT, "keyring", "passphrase"),
    "passphrase to keyring": (PROTECT, "passphrase", "keyring"),
    "passphrase to another": (PROTECT, "passphrase", "passphrase"),
    "the local vault": (LOCAL,),
    "a rendered file": (FILE,),
}


@pytest.mark.skipif(sys.platform != "linux", reason="ptrace is Linux's")
@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.soak)])
@pytest.mark.parametrize("story", STORIES)
def test_whatever_system_call_is_the_last_nothing_is_lost(
    story: str, every: int, tmp_path: Path
) -> None:
    text, *more = STORIES[story]
    command = [sys.executable, "-c", STORY + text, str(tmp_path), str(every), *more]
    run = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    if "cannot trace" in run.stdout:
        pytest.skip("this system lets nobody trace a process")
    kills = int(run.stdout)
    print(f"{story}: {kills} kills")
    assert kills >= 25 // every


# ---------------------------------------------------------------------- at any moment, many times


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def opened(home: Path) -> SqliteStore:
    return SqliteStore(home / "data" / "unvault.db", ways(home))


def ways(home: Path) -> list[Protection]:
    key_file = KeyFile(home / "config" / "unvault.key")
    return [key_file, Passphrase(lambda _: "correct horse", cost=2**4), SystemKeyring()]


def sound(home: Path) -> bool:
    with closing(sqlite3.connect(home / "data" / "unvault.db")) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class Lost:
    """What was acknowledged, to be compared with what is there."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, str] = {}

    def compare(self, home: Path, pending: tuple[str, str]) -> bool:
        """Say whether the change that was interrupted is there all the same."""
        assert sound(home)
        store = opened(home)
        there = {}
        for each in store.list():
            credential = store.get(each.name)
            assert credential
            there[each.name] = str(credential.answers["path"])
        name, answer = pending
        done = there.get(name) == answer
        assert there == {**self.acknowledged, **({name: answer} if done else {})}
        self.acknowledged = there
        return done


def command(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "unvault_cli", "credentials", *arguments, "--no-test"],
        env={**os.environ, "UNVAULT_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[bytes]) -> int:
    said = process.communicate(timeout=60)[1]
    assert process.returncode in {0, -9}, said
    return process.returncode


def seen(path: Path, process: subprocess.Popen[bytes]) -> bool:
    """Wait for a file; say whether it was seen before the process ended."""
    while process.poll() is None:
        if path.exists():
            return True
    return False


@pytest.mark.parametrize(
    ("kills", "seed"),
    [(6, 0), *(pytest.param(50, n, marks=pytest.mark.soak) for n in range(1, 11))],
)
def test_what_a_command_said_it_stored_is_there(kills: int, seed: int, home: Path) -> None:
    """Half of them are killed at any moment of their lives, half while they write."""
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    begin = time.monotonic()
    assert ended(command(home, "add", "local", "--name", "n0", "--field", "path=/0")) == 0
    life = time.monotonic() - begin
    journal = home / "data" / "unvault.db-journal"
    lost = Lost()
    lost.compare(home, ("n0", "/0"))
    in_the_write = done = 0
    for number in range(1, kills + 1):
        name, answer = f"n{number}", f"/{number}"
        what = ["add", "local", "--name", name]
        if number % 2 and number > 1:
            name = chance.choice([*lost.acknowledged])
            what = ["edit", name]
        process = command(home, *what, "--field", f"path={answer}")
        if number % 4 < 2:
            in_the_write += seen(journal, process)
            time.sleep(chance.uniform(0, 0.002))
        else:
            time.sleep(chance.uniform(0, life))
        process.kill()
        acknowledged = ended(process) == 0
        there = lost.compare(home, (name, answer))
        done += there
        assert there or not acknowledged
    print(f"{kills} kills, {in_the_write} in the write; {done} had been done")
    assert in_the_write or kills < 50
    # A journal in which nothing was written yet stays until the next change.
    assert {each.name for each in (home / "data").iterdir()} <= {"unvault.db", "unvault.db-journal"}


LOOP = """
import sys
from pathlib import Path
from tests.core.test_kills import opened
store = opened(Path(sys.argv[1]))
for number in range(10**6):
    name, answer = f"{sys.argv[2]}-{number // 2}", f"/{number}"
    print(name, answer, flush=True)
    if number % 2:
        store.replace(name, "vault", {"path": answer})
    else:
        store.add(name, "local", "vault", {"path": answer})
"""


@pytest.mark.parametrize(
    ("kills", "seed"),
    [(3, 0), *(pytest.param(50, n, marks=pytest.mark.soak) for n in range(1, 11))],
)
def test_what_a_program_was_told_is_stored_is_there(kills: int, seed: int, home: Path) -> None:
    """It does nothing but write, so that most kills hit a write."""
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    opened(home).add("first", "local", "vault", {"path": "/first"})
    lost = Lost()
    lost.compare(home, ("first", "/first"))
    done = 0
    for number in range(kills):
        arguments = [sys.executable, "-c", LOOP, str(home), f"p{number}"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            begun = [process.stdout.readline()]
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
            begun += process.stdout.readlines()
        pairs = [tuple(line.split()) for line in begun if line.endswith("\n")]
        lost.acknowledged |= dict(pairs[:-1])  # the next was begun when one had been done
        done += lost.compare(home, pairs[-1])
    print(f"{kills} kills of one that writes; {done} of the last changes had been done")


PROTECTING = """
import sys
from itertools import cycle
from pathlib import Path
import keyring.core
from keyrings.alt.file import PlaintextKeyring
from tests.core.test_kills import opened
home = Path(sys.argv[1])
keyring.core._keyring_backend = backend = PlaintextKeyring()
backend.file_path = str(home / "keyring.cfg")
store = opened(home)
for name in cycle(["passphrase", "key-file", "keyring", "key-file", "passphrase", "keyring"]):
    print(name, flush=True)
    store.protect(name)
"""


@pytest.mark.parametrize(
    ("kills", "seed"), [(3, 0), *(pytest.param(50, n, marks=pytest.mark.soak) for n in range(1, 5))]
)
def test_a_change_of_protection_that_is_killed_loses_no_access(
    kills: int, seed: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keyring.core
    from keyrings.alt.file import PlaintextKeyring

    backend = PlaintextKeyring()
    backend.file_path = str(home / "keyring.cfg")
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    opened(home).add("first", "local", "vault", {"path": "/first"})
    changes = 0
    for _ in range(kills):
        arguments = [sys.executable, "-c", PROTECTING, str(home)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            begun = [process.stdout.readline()]
            time.sleep(chance.uniform(0, 0.03))
            process.kill()
            begun += process.stdout.readlines()
        begun = [line.strip() for line in begun if line.endswith("\n")]
        protection = opened(home).protection()
        assert protection
        assert protection.name in ("key-file", *begun)[-2:] or len(begun) == 1
        assert sound(home)
        found = opened(home).get("first")
        assert found
        assert found.answers["path"] == "/first"
        changes += len(begun)
    print(f"{kills} kills in {changes} changes of protection")
