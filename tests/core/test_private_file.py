from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from unvault import private_file
from unvault.private_file import (
    NotPrivate,
    create_private,
    how_to_make_private,
    left_behind,
    make_private_folder,
    others_can_read,
    read_private,
    replace_private,
    settle,
    why_not_private,
)

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes are POSIX's")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@posix
@pytest.mark.parametrize("write", [replace_private, create_private])
def test_a_new_file_is_its_owners_alone(write: object, tmp_path: Path) -> None:
    path = tmp_path / "value"
    before = os.umask(0)
    try:
        write(path, b"\x00new\xff\r\n")  # type: ignore[operator]
    finally:
        os.umask(before)
    assert (path.read_bytes(), mode(path)) == (b"\x00new\xff\r\n", 0o600)
    assert names(tmp_path) == ["value"]


@posix
def test_a_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_bytes(b"old")
    path.chmod(0o644)
    replace_private(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)


@posix
def test_who_has_the_old_file_open_keeps_the_whole_old_content(tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_bytes(b"old" * 100)
    with path.open("rb") as reader:
        replace_private(path, b"new")
        assert reader.read() == b"old" * 100
    assert path.read_bytes() == b"new"


def test_a_reader_sees_the_old_or_the_new_and_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "value"
    whole = {bytes([letter]) * 50_000 for letter in b"abc"}
    replace_private(path, b"a" * 50_000)
    done = threading.Event()

    def write() -> None:
        for _ in range(10):
            for content in whole:
                replace_private(path, content)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(path.read_bytes())
    writer.join()
    assert seen <= whole


@posix
def test_a_link_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    link = tmp_path / "link"
    link.symlink_to("real/value")
    for content in (b"first", b"second"):  # a link to nothing yet, and one to a file
        replace_private(link, content)
        assert link.is_symlink()
        assert (folder / "value").read_bytes() == content
    assert names(folder) == ["value"]


@posix
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    replace_private(pipe, b"value")
    reader.join(10)
    assert got == [b"value"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout")
def test_standard_output_is_written_to_where_it_is_a_pipe() -> None:
    program = (
        "from pathlib import Path; from unvault.private_file import replace_private as r; "
        "r(Path('/dev/stdout'), b'value')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (run.stdout, run.stderr) == (b"value", b"")


def test_a_folder_in_the_way_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "value"
    folder.mkdir()
    with pytest.raises(OSError, match="value"):
        replace_private(folder, b"new")
    assert names(tmp_path) == ["value"]
    assert names(folder) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_content_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "value"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="No space left"):
        replace_private(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["value"]


@pytest.mark.parametrize("name", ["名" * 85, "n" * 255], ids=["non-ascii", "ascii"])
def test_the_longest_name_a_file_may_have(name: str, tmp_path: Path) -> None:
    replace_private(tmp_path / name, b"old")
    replace_private(tmp_path / name, b"new")
    assert (tmp_path / name).read_bytes() == b"new"
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_what_is_there_is_not_created_again(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:

        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "deep" / "er" / "value"
    assert create_private(path, b"first") is True
    assert create_private(path, b"second") is False
    assert path.read_bytes() == b"first"
    assert names(path.parent) == ["value"]


def test_of_many_that_create_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "value"
    start = threading.Barrier(8)
    won: list[bytes] = []
    seen: list[bytes] = []

    def create(content: bytes) -> None:
        start.wait()
        if create_private(path, content):
            won.append(content)
        seen.append(path.read_bytes())

    threads = [threading.Thread(target=create, args=(b"%d" % n * 9999,)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(won) == 1
    assert seen == won * 8
    assert names(tmp_path) == ["value"]


@posix
def test_a_folder_that_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_private_folder(folder)
    assert mode(folder) == 0o700
    folder.chmod(0o750)
    make_private_folder(folder)
    assert mode(folder) == 0o750  # what a person chose is left


@posix
@pytest.mark.parametrize(
    ("bits", "open_"),
    [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o610, True), (0o602, True)],
)
def test_others_can_read(bits: int, open_: bool, tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_bytes(b"")
    path.chmod(bits)
    assert others_can_read(path) is open_


# ------------------------------------------------------------------------- what is no plain file


@posix
@pytest.mark.parametrize("whose", ["others may open it", "another user's"])
def test_a_pipe_of_others_is_not_written_to(
    whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o622 if whose == "others may open it" else 0o600)
    if whose == "another user's":
        another = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: another)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(NotPrivate, match="pipe"):
            replace_private(pipe, b"value")
        assert os.read(reader, 99) == b""
    finally:
        os.close(reader)
    assert names(tmp_path) == ["pipe"]


@posix
def test_what_is_put_in_a_files_place_meanwhile_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked at was a file, or nothing: it is replaced, whatever it is by now."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    monkeypatch.setattr(private_file, "_is_special", lambda _: False)
    replace_private(pipe, b"value")
    assert os.read(reader, 99) == b""
    os.close(reader)
    assert (pipe.read_bytes(), mode(pipe)) == (b"value", 0o600)


@posix
def test_a_file_in_a_pipes_place_meanwhile_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "value"
    path.write_bytes(b"old")
    path.chmod(0o644)
    monkeypatch.setattr(private_file, "_is_special", lambda _: True)
    replace_private(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)


@posix
def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(NotPrivate, match="it is a socket"):
            replace_private(tmp_path / "socket", b"value")


@posix
def test_a_device_is_written_to() -> None:
    replace_private(Path(os.devnull), b"value")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@posix
def test_a_handle_is_written_to(tmp_path: Path) -> None:
    if not Path("/dev/fd").exists():
        pytest.skip("there is no /dev/fd")
    reading, writing = os.pipe()
    replace_private(Path(f"/dev/fd/{writing}"), b"value")
    assert os.read(reading, 99) == b"value"
    os.close(reading)
    os.close(writing)


@posix
def test_standard_output_may_be_a_pipe_that_another_user_made() -> None:
    """As under sudo."""
    program = (
        "import os; from pathlib import Path; from unvault.private_file import replace_private as r"
        "; me = os.geteuid(); os.geteuid = lambda: me + 1; r(Path('/dev/stdout'), b'value')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (run.stdout, run.stderr) == (b"value", b"")


@posix
def test_a_loop_of_links_is_the_systems_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        replace_private(tmp_path / "a", b"value")
    assert names(tmp_path) == ["a", "b"]


# -------------------------------------------------------------------------- one's own files


@posix
def test_every_folder_that_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert [mode(tmp_path / each) for each in ("a", "a/b", "a/b/c")] == [0o700] * 3


@posix
def test_a_private_file_is_read_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "value"
    replace_private(path, b"value")
    assert read_private(path) == b"value"
    path.chmod(0o640)
    with pytest.raises(NotPrivate, match="can be read by others"):
        read_private(path)


@posix
def test_a_pipe_in_a_private_files_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert read_private(tmp_path / "pipe") == b""


@posix
@pytest.mark.parametrize(("owner", "fine"), [(0, True), (1, True), (2, False)])
def test_a_private_file_is_ones_own_or_roots(
    owner: int, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    status = os.stat_result((stat.S_IFREG | 0o600, 0, 0, 1, owner, 0, 0, 0, 0, 0))
    why = why_not_private(status)
    assert why is None if fine else why == "belongs to another user"
    if why:
        assert how_to_make_private(Path("/a b/key"), why) == "chown 1 '/a b/key'"


# ------------------------------------------------------------------------ what was left behind


def draft_of(path: Path, *, hours: float, letters: str = "0123456789abcdef") -> Path:
    """Leave what a process leaves that is killed while it writes."""
    draft = path.with_name(f".{path.name}.{letters}.tmp")
    draft.write_bytes(b"half of a sec")
    then = draft.stat().st_mtime - hours * 3600
    os.utime(draft, (then, then))
    return draft


@pytest.mark.parametrize("write", [replace_private, create_private])
def test_a_draft_of_one_that_was_killed_goes_with_the_next_write(
    write: object, tmp_path: Path
) -> None:
    path = tmp_path / "value"
    stale = draft_of(path, hours=2)
    under_way = draft_of(path, hours=0.5, letters="f" * 16)
    anothers = draft_of(tmp_path / "other", hours=2)
    alike = tmp_path / ".value.notes.tmp"
    alike.write_bytes(b"somebody's")
    os.utime(alike, (0, 0))
    assert left_behind(tmp_path) == sorted([stale, anothers])
    write(path, b"new")  # type: ignore[operator]
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == sorted([under_way.name, anothers.name, alike.name, path.name])


@posix
def test_what_only_looks_like_a_draft_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "value"
    stale = draft_of(path, hours=2)
    stale.rename(tmp_path / "kept")
    stale.symlink_to("kept")
    os.utime(stale, (0, 0), follow_symlinks=False)
    folder = path.with_name(f".value.{'a' * 16}.tmp")
    folder.mkdir()
    os.utime(folder, (0, 0))
    replace_private(path, b"new")
    assert stale.is_symlink()
    assert folder.is_dir()
    mine = draft_of(path, hours=2, letters="b" * 16)
    assert left_behind(tmp_path) == [mine]
    another = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: another)
    assert left_behind(tmp_path) == []
    assert left_behind(tmp_path / "nowhere") == []


def test_a_new_name_is_on_the_disk_before_it_is_said_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a power cut could take the name away, and with it a key that is in use."""
    settled: list[tuple[Path, list[str]]] = []

    def note(folder: Path) -> None:
        settled.append((folder, names(folder)))

    monkeypatch.setattr(private_file, "settle", note)
    create_private(tmp_path / "a" / "key", b"key")
    assert settled == [(tmp_path, ["a"]), (tmp_path / "a", ["key"])]
    settled.clear()
    create_private(tmp_path / "a" / "key", b"another")
    replace_private(tmp_path / "value", b"value")
    assert settled == [(tmp_path / "a", ["key"]), (tmp_path, ["a", "value"])]


@posix
@pytest.mark.parametrize(("code", "told"), [(errno.EIO, True), (errno.EINVAL, False)])
def test_a_disk_that_fails_is_told_and_one_that_cannot_settle_is_not(
    code: int, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    settle(tmp_path)
    settle(tmp_path / "nowhere")
    monkeypatch.setattr(os, "fsync", fail)
    if told:
        with pytest.raises(OSError, match="Input/output"):
            settle(tmp_path)
    else:
        settle(tmp_path)


@posix
def test_a_folder_in_a_private_files_place_is_told_and_closed_again(tmp_path: Path) -> None:
    open_before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(IsADirectoryError):
            read_private(tmp_path)
    assert len(list(Path("/dev/fd").iterdir())) == open_before
