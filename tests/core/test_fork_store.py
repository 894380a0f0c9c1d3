"""Threads that write, and children that are forked meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

STORY = """
import multiprocessing, os, signal, sqlite3, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unvault import fork
from unvault.protection import KeyFile
from unvault.sqlite_store import SqliteStore

home = Path(sys.argv[1])

def opened(name="unvault.db"):
    return SqliteStore(home / name, [KeyFile(home / "key")])

def in_child(story, seconds=20):
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(seconds)  # one that hangs is ended
    try:
        story()
        os._exit(0)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)

def end_well(pids):
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * len(pids)

def together(*actions):
    threads = [threading.Thread(target=action) for action in actions]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
        assert not each.is_alive()
"""


def tell(story: str, folder: Path) -> str:
    command = [sys.executable, "-W", "ignore", "-c", STORY + story, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.strip()


def test_a_child_that_is_forked_while_threads_write_can_write(tmp_path: Path) -> None:
    """Half of them waited for ever for locks that SQLite believed to be held in their process."""
    told = tell(
        """
store = opened()
store.add("shared", "acme", "token", {})
done = threading.Event()

def write(name):
    store.add(name, "acme", "token", {})
    while not done.is_set():
        store.replace(name, "token", {"now": str(time.time())})
        time.sleep(0.01)  # let the others in, too

def child(number):
    store.add(f"child-{number}", "acme", "token", {})
    opened().replace(f"child-{number}", "token", {"number": number})
    assert opened().get("shared")

def forks():
    for number in range(10):
        end_well([in_child(lambda: child(number))])
    done.set()

together(forks, *(lambda n=n: write(f"thread-{n}") for n in range(3)))
print(len(store.list()))
""",
        tmp_path,
    )
    assert told == "14"


def test_a_store_in_memory_is_copied_as_a_whole(tmp_path: Path) -> None:
    """Not in the middle of another thread's transaction, which the child could not end."""
    told = tell(
        """
store = SqliteStore()
store.add("shared", "acme", "token", {"now": "0"})
done = threading.Event()

def write():
    while not done.is_set():
        store.replace("shared", "token", {"now": "1" * 9000})

def child():
    store.add("mine", "acme", "token", {})
    assert store.get("shared").answers["now"][0] in "01"

def forks():
    for _ in range(20):
        end_well([in_child(child)])
    done.set()

together(forks, write)
print(len(store.list()))
""",
        tmp_path,
    )
    assert told == "1"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_threads_and_processes_write_at_once(method: str, tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        """
import sys
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
from unvault.protection import KeyFile
from unvault.sqlite_store import SqliteStore

def work(folder, name):
    store = SqliteStore(Path(folder) / "unvault.db", [KeyFile(Path(folder) / "key")])
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: store.add(f"{name}-{n}", "acme", "token", {"n": n}), range(8)))
""",
        "utf-8",
    )
    told = tell(
        f"""
sys.path.insert(0, str(home))
import work

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    running = [
        context.Process(target=work.work, args=(str(home), f"p{{n}}"), daemon=True)
        for n in range(3)
    ]
    store = opened()  # whoever makes one asks to be told of forks
    mine = threading.Thread(target=work.work, args=(str(home), "mine"))
    mine.start()
    for each in running:
        each.start()
    for each in running:
        each.join(60)
        assert each.exitcode == 0, each.exitcode
    mine.join(60)
    assert all(store.get(each.name).answers["n"] in range(8) for each in store.list())
    print(len(store.list()))
""",
        tmp_path,
    )
    assert told == "32"


def test_no_nonce_is_used_twice_by_threads_and_children(tmp_path: Path) -> None:
    """Each sealed column begins with its nonce: the stored ones are compared."""
    told = tell(
        """
from unvault import credential_rows
from unvault.model import Answers, Credential

store = opened()
store.add("first", "acme", "token", {})
with store.database.reading() as connection:
    key = store.database.key(connection)  # one key in all of them, as after a fork it is

def seal(name):
    with ThreadPoolExecutor(4) as pool:
        sealed = [*pool.map(lambda n: key.seal(b"x", "place"), range(1250))]
    (home / name).write_bytes(b"".join(each[:12] for each in sealed))

def add(name):
    with store.database.writing() as connection:
        for n in range(40):
            new = Credential(provider="acme", type="token", answers=Answers(), revision=1,
                             name=f"{name}-{n}", id=f"id-{name}-{n}")
            credential_rows.insert(connection, store.database.key(connection), new)

children = [in_child(lambda: (seal(f"nonces-{n}"), add(f"child-{n}"))) for n in range(7)]
seal("nonces-parent")
add("parent")
end_well(children)
nonces = []
for each in home.glob("nonces-*"):
    raw = each.read_bytes()
    nonces += [raw[at : at + 12] for at in range(0, len(raw), 12)]
with sqlite3.connect(home / "unvault.db") as connection:
    for row in connection.execute("SELECT answers, kept FROM credential"):
        nonces += [sealed[:12] for sealed in row]
print(len(nonces), len({*nonces}))
""",
        tmp_path,
    )
    number = 10_000 + 2 * (1 + 8 * 40)
    assert told == f"{number} {number}"


def test_a_fork_waits_for_what_must_not_be_copied(tmp_path: Path) -> None:
    told = tell(
        """
inside, said = threading.Event(), []

def busy():
    with fork.no_fork_meanwhile():
        inside.set()
        time.sleep(0.3)
        said.append("done")

def forks():
    inside.wait(20)
    end_well([in_child(lambda: said == ["done"] or os._exit(3))])

together(busy, forks)
print(*said)
""",
        tmp_path,
    )
    assert told == "done"


def test_what_waits_for_the_one_that_forks_does_not_keep_it_for_ever(tmp_path: Path) -> None:
    """And who is inside may fork there, and go on there in the child."""
    told = tell(
        """
fork.PATIENCE = 0.2
lock, inside = threading.Lock(), threading.Event()

def waits():
    with fork.no_fork_meanwhile():
        inside.set()
        with lock:
            pass

def forks():
    with lock, fork.no_fork_meanwhile(), fork.no_fork_meanwhile():
        assert inside.wait(20)
        end_well([in_child(child)])

def child():
    with fork.no_fork_meanwhile():
        end_well([in_child(lambda: opened().add("deep", "acme", "token", {}))])

together(waits, forks)
print(*(each.name for each in opened().list()))
""",
        tmp_path,
    )
    assert told == "deep"


THE_END = """
import atexit, sys, threading, time
from unvault import fork

fork.PATIENCE = 600

def at_the_very_end():
    with fork.no_fork_meanwhile():  # whoever ends the process is let in
        print("the end")

atexit.register(at_the_very_end)
inside = threading.Event()

def work():
    with fork.no_fork_meanwhile():
        inside.set()
        time.sleep(0.3)
        print("done")
    with fork.no_fork_meanwhile():
        print("in again")

threading.Thread(target=work, daemon=True).start()
inside.wait(20)
"""


def test_a_process_does_not_end_while_a_thread_is_where_it_must_not_be_stopped() -> None:
    """One that was importing a library written in Rust was, and the process was aborted."""
    done = subprocess.run(
        [sys.executable, "-c", THE_END], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\nthe end\n", "")
