"""Files with secrets that credentials name, and that others can read, for `unvault doctor`."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.model import Credential


class Exposed(NamedTuple):
    """A file that is not its owner's alone."""

    credential: str
    """What names it, for a person."""
    path: Path
    """Where it is."""
    why: str
    """What is wrong with it."""


def exposed(vault: Unvault, stored: Sequence[str], ready: Sequence[str]) -> Iterator[Exposed]:
    """Look at the files that fields marked ``private`` name.

    Args:
        vault: Whose credentials they are.
        stored: The names of the stored ones.
        ready: The ids of providers that can be loaded.
    """
    from unvault.private_file import why_not_private

    for credential in _credentials(vault, stored, ready):
        named = credential.name or f"{credential.provider} {credential.label}"
        for path in _private_files(vault, credential, ready):
            why = why_not_private(path.stat())
            if why:
                yield Exposed(named, path, why)


def _credentials(
    vault: Unvault, stored: Sequence[str], ready: Sequence[str]
) -> Iterator[Credential]:
    from unvault.model import Origin

    now = vault.credentials.protection()
    if now is None or now.name != "passphrase":  # nobody is asked for one
        yield from (vault.credentials.get(name) for name in stored)
    for provider in ready:
        found = _described(vault, provider) if vault.credentials.environment(provider) else None
        if found and found.origin is Origin.ENVIRONMENT:  # a stored one may have the provider's id
            yield found


def _described(vault: Unvault, provider: str) -> Credential | None:
    from unvault.errors import UnvaultError

    try:
        return vault.credentials.resolve(provider)
    except UnvaultError:  # it is not complete, and names no file that is used
        return None


def _private_files(vault: Unvault, credential: Credential, ready: Container[str]) -> Iterator[Path]:
    if credential.provider not in ready:
        return
    kind = vault.providers.load(credential.provider).form.find(credential.type or "")
    for field in kind.fields if kind else ():
        path = credential.answers.path(field.name) if field.private else None
        if path is not None and path.is_file():
            yield path
