"""How the installed providers stand, found out without importing one into this process.

A provider can be broken in ways that only loading it shows. So each is loaded once in a process
of its own, and a good verdict is remembered until its files or its version change. A bad one is
never remembered: what was missing may have been installed meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unvault.inheritance import without_credentials
from unvault.provider import ProviderInfo, ProviderState
from unvault.providers import Providers

if TYPE_CHECKING:
    from unvault.installed import Entry

SECONDS = 20.0
"""How long a provider may take to load before it counts as broken."""

_VERDICTS = "providers.json"


def examine(providers: Providers, cache: Path | None = None) -> Sequence[ProviderInfo]:
    """Return every provider, and whether it can be used.

    Args:
        providers: The registry.
        cache: The folder where good verdicts are remembered; None remembers none, and so looks
            at every provider anew.
    """
    known = _remembered(cache)
    marks: dict[str, str] = {}
    infos = []
    for listed in providers.list():
        info = listed
        if listed.state is ProviderState.INSTALLED:
            mark = _mark(providers, listed)
            trusted = mark is not None and known.get(listed.id) == mark
            info = _ready(listed) if trusted else _verdict(providers, listed)
            if info.state is ProviderState.READY and mark:
                marks[info.id] = mark
        infos.append(info)
    _remember(cache, marks, unless=known)
    return infos


def _verdict(providers: Providers, info: ProviderInfo) -> ProviderInfo:
    if providers.source(info.id).entry is None:
        return providers.check(info.id)  # an object of this process: nothing is left to import
    import subprocess

    # It imports from where this process does and, by -P, not from whatever folder this is.
    command = [sys.executable, "-P", "-m", "unvault.health", info.id]
    folders = os.pathsep.join(folder for folder in sys.path if folder)
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and an installed provider's id
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**without_credentials(os.environ), "PYTHONPATH": folders},
            timeout=SECONDS,
            check=False,
        )
        state, reason = json.loads(done.stdout)
        return _as(info, ProviderState(state), reason)
    except subprocess.TimeoutExpired:
        return _as(info, ProviderState.BROKEN, f"it did not load within {SECONDS:.0f} s")
    except (ValueError, OSError):
        return _as(info, ProviderState.BROKEN, "it ended the process that loaded it")


def _ready(info: ProviderInfo) -> ProviderInfo:
    return _as(info, ProviderState.READY, None)


def _as(info: ProviderInfo, state: ProviderState, reason: str | None) -> ProviderInfo:
    return ProviderInfo(info.id, state, info.distribution, info.version, reason)


def _mark(providers: Providers, info: ProviderInfo) -> str | None:
    """Return what changes when the provider's code does; None where that cannot be told."""
    entry = providers.source(info.id).entry
    files = _files(entry) if entry else ()
    if not entry or not files:
        return None
    from hashlib import sha256

    try:
        stats = sorted((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    except OSError:
        return None  # a file went away meanwhile
    state = sha256(repr(stats).encode(errors="surrogateescape")).hexdigest()
    return f"{info.distribution} {info.version} {entry.value} {state} {sys.prefix}"


def _files(entry: Entry) -> Sequence[Path]:
    """Return the files of an entry point's top-level package, found without importing it."""
    from importlib.util import find_spec

    try:
        spec = find_spec(entry.module.partition(".")[0])
    except (ImportError, ValueError, AttributeError):  # the last one for what is no entry point
        return ()
    if spec is None:
        return ()
    if spec.submodule_search_locations:
        return [
            file for root in spec.submodule_search_locations for file in Path(root).rglob("*.py")
        ]
    return [Path(spec.origin)] if spec.origin and Path(spec.origin).is_file() else ()


def _remembered(cache: Path | None) -> Mapping[str, Any]:
    try:
        known = json.loads((cache / _VERDICTS).read_text("utf-8")) if cache else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(cache: Path | None, marks: Mapping[str, str], *, unless: Mapping[str, Any]) -> None:
    if cache is None or marks == unless:
        return
    from unvault.private_file import make_private_folder, replace_private

    try:
        make_private_folder(cache)
        replace_private(cache / _VERDICTS, json.dumps(marks).encode())
    except OSError:
        return  # nothing is lost: the next look loads them again


def _report(provider: str) -> None:
    """Load one provider and print its state and the reason: the child process's whole work.

    What the provider prints goes to standard error, so that ours is all there is to read.
    """
    output = os.dup(1)
    os.dup2(2, 1)
    info = Providers().check(provider)
    with os.fdopen(output, "w") as answer:
        json.dump([info.state, info.reason], answer)


if __name__ == "__main__":
    _report(sys.argv[1])
