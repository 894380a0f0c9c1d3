"""Secrets as files: in memory where there is a place for it, and gone afterwards.

A guardian, a small process without a secret, removes them where this process cannot: it waits for
a pipe to close, which happens however this process ends.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from unvault_cli.problems import FileProblem

_PLAIN = re.compile(r"\w+", re.ASCII)

_LOADING = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH")

_GUARDIAN = """
import os, shutil, sys
while os.read(0, 1): pass
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


@contextmanager
def secret_files(contents: Mapping[str, bytes]) -> Iterator[Mapping[str, str]]:
    """Write files that only their owner can read, give their paths, and remove them afterwards.

    Args:
        contents: What to write, by the names of variables; no files, no folder.

    Raises:
        FileProblem: They cannot be written.
    """
    if not contents:
        yield {}
        return
    import shutil
    import tempfile

    try:
        folder = Path(tempfile.mkdtemp(prefix="unvault-", dir=memory_folder()))
    except OSError as error:
        raise FileProblem(f"cannot make a folder for the files: {error.strerror}") from error
    try:
        with _guarded(folder):
            try:
                paths = _written(folder, contents)
            except OSError as error:
                why = error.strerror
                raise FileProblem(f"cannot write the files in {folder}: {why}") from error
            try:
                yield paths
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def memory_folder() -> Path | None:
    """Return a folder whose files are in memory and never on a disk, or None: the temporary one."""
    if sys.platform != "linux":
        return None
    kinds = _file_systems()
    named = os.environ.get("XDG_RUNTIME_DIR")
    for folder in (named, "/dev/shm"):  # noqa: S108  # mkdtemp makes a folder of our own in it
        if folder and _usable(Path(folder), kinds, ours=folder == named):
            return Path(folder)
    return None


def _usable(folder: Path, kinds: Mapping[str, str], *, ours: bool) -> bool:
    try:
        path = folder.resolve(strict=True)
        owner = path.stat().st_uid
    except OSError:
        return False
    mounts = [str(each) for each in (path, *path.parents)]
    kind = next((kinds[each] for each in mounts if each in kinds), "")
    if ours and owner != os.geteuid():
        return False
    return kind in ("tmpfs", "ramfs") and os.access(path, os.W_OK | os.X_OK)


def _file_systems() -> Mapping[str, str]:
    """Return the kind of every mounted file system, by where it is mounted."""
    try:
        rows = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return {}
    return {row.split(" ")[1]: row.split(" ")[2] for row in rows if row.count(" ") > 1}


def _written(folder: Path, contents: Mapping[str, bytes]) -> Mapping[str, str]:
    paths = {}
    for number, (name, content) in enumerate(contents.items(), start=1):
        path = folder / (name if _PLAIN.fullmatch(name) else f"file-{number}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(content)
        paths[name] = str(path)
    return paths


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """Let a guardian remove the folder if this process is killed. On Windows there is none."""
    if os.name != "posix":
        yield
        return
    from unvault_cli.child.starting import begin

    watched, held = os.pipe()
    try:
        begin(lambda: _guard(folder, watched))
    finally:
        os.close(watched)
    try:
        yield
    finally:
        os.close(held)


def _guard(folder: Path, watched: int) -> None:
    """Become the guardian: in a session of its own, deaf to signals, holding nothing but a pipe."""
    import signal

    os.setsid()
    os.chdir("/")
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    nothing = os.open(os.devnull, os.O_RDWR)
    for place, descriptor in enumerate((watched, nothing, nothing)):
        os.dup2(descriptor, place)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    code = [sys.executable, "-I", "-S", "-c", _GUARDIAN, str(folder)]
    # Of our environment, which may hold secrets, only what an interpreter may need to be loaded.
    environ = {name: os.environ[name] for name in _LOADING if name in os.environ}
    os.execve(sys.executable, code, environ)  # noqa: S606
