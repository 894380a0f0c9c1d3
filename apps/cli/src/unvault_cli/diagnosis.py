"""What `unvault doctor` looks at. Nothing here raises: what fails is a finding itself."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from unvault_cli.opening import EXTENSIONS_VARIABLE
from unvault_cli.report import place

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.provider import ProviderInfo
    from unvault.store import StoredCredential

State = Literal["ok", "note", "problem"]


_VARIABLES = ("UNVAULT_HOME", "UNVAULT_BLOCK", "UNVAULT_PASSPHRASE", "UNVAULT_NEW_PASSPHRASE")
"""Environment variables that are no provider's."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    subject: str
    """What it is about."""
    state: State
    """``ok``, ``note`` where a person should know of it, ``problem`` where something is wrong."""
    message: str
    """What was found."""
    hint: str | None = None
    """What to do about it."""


Check = Callable[[], Iterable[Finding]]


def diagnose(open_vault: Callable[[], Unvault]) -> Iterator[Finding]:
    """Look at everything, and tell what was found.

    Args:
        open_vault: Opens the `Unvault` to look at; it may fail.
    """
    yield from _guarded("versions", _versions)
    opened: list[Unvault] = []

    def opening() -> Iterator[Finding]:
        opened.append(open_vault())
        return iter(())

    yield from _guarded("opening", opening)
    for vault in opened:
        yield from _look_at(vault)


def _look_at(vault: Unvault) -> Iterator[Finding]:
    providers: list[ProviderInfo] = []
    stored: list[StoredCredential] = []
    yield from _guarded("folders", lambda: _folders(vault))
    yield from _guarded("files", lambda: _files(vault))
    yield from _guarded("store", lambda: _store(vault, stored))
    yield from _guarded("key file", lambda: _key_file(vault))
    yield from _guarded("keyring", lambda: _keyring(vault))
    yield from _guarded("providers", lambda: _providers(vault, providers))
    yield from _guarded("credentials", lambda: _credentials(stored, providers))
    yield from _guarded("credentials", lambda: _private_files(vault, stored, providers))
    yield from _guarded("environment", lambda: _environment(vault, providers))


def _guarded(subject: str, check: Check) -> Iterator[Finding]:
    from unvault.errors import UnvaultError

    try:
        yield from check()
    except UnvaultError as error:
        yield Finding(subject, "problem", error.message, error.hint)
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        yield Finding(subject, "problem", f"{what}{error.strerror or type(error).__name__}")
    except Exception as error:  # noqa: BLE001  # it has to go on whatever is broken
        yield Finding(subject, "problem", f"unexpected {type(error).__name__} at {place(error)}")


def _versions() -> Iterator[Finding]:
    import unvault
    from unvault_cli import __version__

    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("versions", "ok", f"unvault {unvault.__version__}, unvault-cli {__version__}")
    yield Finding("versions", "ok", python)


def _folders(vault: Unvault) -> Iterator[Finding]:
    from unvault.private_file import others_can_read, others_can_write

    for name in ("data", "config", "cache"):
        folder: Path = getattr(vault.directories, name)
        subject, quoted = f"{name} folder", shlex.quote(str(folder))
        if not folder.exists():
            yield _missing_folder(subject, folder)
        elif not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield Finding(
                subject, "problem", f"{folder} may not be read and written", "see to its owner"
            )
        elif name != "cache" and others_can_write(folder):
            yield Finding(
                subject, "problem", f"{folder} can be changed by others", f"chmod 700 {quoted}"
            )
        elif name != "cache" and others_can_read(folder):
            yield Finding(subject, "note", f"{folder} is open to others", f"chmod 700 {quoted}")
        else:
            yield Finding(subject, "ok", str(folder))


def _missing_folder(subject: str, folder: Path) -> Finding:
    above = next(parent for parent in folder.parents if parent.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return Finding(subject, "ok", f"{folder} (made when something is kept there)")
    return Finding(subject, "problem", f"{folder} cannot be made in {above}", "see to its owner")


def _files(vault: Unvault) -> Iterator[Finding]:
    """Look at what is stored, and at what a process that was killed left of it."""
    from unvault.private_file import left_behind, others_can_read, others_can_write

    folders = dict.fromkeys((vault.directories.data, vault.directories.config))
    for path in sorted(vault.directories.data.glob("*.db")):
        mend = f"chmod 600 {shlex.quote(str(path))}"
        if others_can_write(path):
            yield Finding("files", "problem", f"{path} can be changed by others", mend)
        elif others_can_read(path):
            yield Finding("files", "note", f"{path} can be read by others", mend)
    for path in [each for folder in folders for each in left_behind(folder)]:
        message = f"{path} was left behind by a process that was killed"
        yield Finding("files", "note", message, f"rm {shlex.quote(str(path))}")


def _store(vault: Unvault, stored: list[StoredCredential]) -> Iterator[Finding]:
    now = vault.credentials.protection()
    if now is None:
        yield Finding("store", "ok", "nothing is stored yet; a key file will protect what is")
        return
    stored += vault.credentials.list()
    yield Finding("store", "ok", f"{len(stored)} stored: protected by {now.name}")
    yield Finding("store", "note", now.explanation)
    if now.name == "passphrase":
        yield Finding("store", "note", "whether the passphrase opens it was not tried")
        return
    for item in stored:
        vault.credentials.get(item.name)
    yield Finding("store", "ok", "every stored credential opens")


def _key_file(vault: Unvault) -> Iterator[Finding]:
    from unvault.private_file import how_to_make_private, why_not_private
    from unvault.protection import KEY_FILE

    path = vault.directories.config / KEY_FILE
    now = vault.credentials.protection()
    if not path.exists() and now is not None and now.name == "key-file":
        hint = "restore it from a backup: nothing else opens what is stored"
        yield Finding("key file", "problem", f"{path} is missing", hint)
    elif not path.exists():
        return
    elif why := why_not_private(path.stat()):
        yield Finding("key file", "problem", f"{path} {why}", how_to_make_private(path, why))
    else:
        yield Finding("key file", "ok", f"{path}, which only its owner can read")


def _providers(vault: Unvault, found: list[ProviderInfo]) -> Iterator[Finding]:
    from unvault.health import examine

    names = os.environ.get(EXTENSIONS_VARIABLE)
    if names:
        yield Finding("extensions", "note", f"{EXTENSIONS_VARIABLE} enables {names}")
    found += examine(vault.providers)
    if not found:
        hint = 'one for this machine: pip install "unvault[local]"'
        yield Finding("providers", "problem", "no provider is installed", hint)
    for info in found:
        yield _provider(info)
    yield from _blocked_in_vain(found)


def _provider(info: ProviderInfo) -> Finding:
    states: dict[str, State] = {"ready": "ok", "installed": "ok", "blocked": "note"}
    told = f"{info.state} ({info.distribution} {info.version})"
    reason = f": {info.reason}" if info.reason else ""
    hints = {
        "broken": "update or reinstall it, or keep it out with UNVAULT_BLOCK",
        "conflict": "uninstall all but one of them",
    }
    state = states.get(info.state, "problem")
    return Finding(f"provider {info.id}", state, told + reason, hints.get(info.state))


def _blocked_in_vain(found: Sequence[ProviderInfo]) -> Iterator[Finding]:
    from unvault.providers import BLOCK_VARIABLE, blocked_by

    for name in sorted(blocked_by(os.environ) - {info.id for info in found}):
        message = f"{BLOCK_VARIABLE} names {name!r}, which is not installed"
        yield Finding("providers", "note", message)


def _credentials(
    stored: Sequence[StoredCredential], providers: Sequence[ProviderInfo]
) -> Iterator[Finding]:
    ids = {info.id for info in providers}
    for item in stored:
        subject, name = f"credential {item.name}", shlex.quote(item.name)
        if item.provider not in ids:
            message = f"its provider {item.provider!r} is not installed"
            hint = f"install it, or: unvault credentials remove {name}"
            yield Finding(subject, "problem", message, hint)
        if item.name in ids:
            message = f"it carries a provider's id, so {item.name}/… means it and not the provider"
            hint = f"unvault credentials rename {name} NEW"
            yield Finding(subject, "note", message, hint)
        if item.type is None:
            yield Finding(subject, "note", "it is signed out")


def _private_files(
    vault: Unvault, stored: Sequence[StoredCredential], providers: Sequence[ProviderInfo]
) -> Iterator[Finding]:
    from unvault.private_file import how_to_make_private
    from unvault_cli.exposed import exposed

    ready = [info.id for info in providers if info.state == "ready"]
    for file in exposed(vault, [item.name for item in stored], ready):
        hint = how_to_make_private(file.path, file.why)
        yield Finding(f"credential {file.credential}", "problem", f"{file.path} {file.why}", hint)


def _environment(vault: Unvault, providers: Sequence[ProviderInfo]) -> Iterator[Finding]:
    known = {*_VARIABLES, EXTENSIONS_VARIABLE}
    for info in providers:
        if info.state != "ready":
            continue
        used = vault.credentials.environment(info.id)
        known |= {*used}
        if used:
            message = f"signed in to by the environment: {', '.join(used)}"
            yield Finding(f"provider {info.id}", "note", message)
    idle = sorted(name for name in os.environ if name.startswith("UNVAULT_") and name not in known)
    if idle:
        yield Finding("environment", "note", f"set, and of no effect: {', '.join(idle)}")


def _keyring(vault: Unvault) -> Iterator[Finding]:
    """Look at the keyring where it is in use: to load its backends may start programs."""
    now = vault.credentials.protection()
    if now is None or now.name != "keyring":
        return
    from importlib.util import find_spec

    if find_spec("keyring") is None:
        hint = 'pip install "unvault[keyring]"'
        yield Finding("keyring", "problem", "the keyring library is not installed", hint)
        return
    import keyring

    backend = keyring.get_keyring()
    name = f"{type(backend).__module__}.{type(backend).__qualname__}"
    if name.startswith("keyrings.alt."):
        message = f"it keeps keys in a file, and does not protect them by itself: {name}"
        yield Finding("keyring", "note", message)
    elif backend.priority > 0:
        yield Finding("keyring", "ok", f"the operating system's keyring answers: {name}")
    else:
        yield Finding("keyring", "problem", "no keyring of the operating system answers")
