"""What a shell completes: names. Contacts no vault, and asks for no passphrase."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from unvault.client import Unvault

_PLAIN = re.compile(r"[\w@%+=:,./~-]+")
"""Names that a shell takes as they are: bash puts what it completes on the line unquoted."""

Completer = Callable[[click.Context, click.Parameter, str], list["CompletionItem"]]


def providers(vault: Unvault) -> Iterable[str]:
    """Return the providers' ids."""
    return vault.providers.ids()


def credentials(vault: Unvault) -> Iterable[str]:
    """Return the stored credentials' names."""
    return (item.name for item in vault.credentials.list())


def heads(vault: Unvault) -> Iterable[str]:
    """Return what a reference can start with, without the slash."""
    return (*credentials(vault), *providers(vault))


def references(vault: Unvault) -> Iterable[str]:
    """Return how references can start."""
    from unvault.reference import Reference

    return (str(Reference(head, "/")).removesuffix("/") for head in heads(vault))


def complete(source: Callable[[Unvault], Iterable[str]]) -> Completer:
    """Return what completes a parameter with the names of a source."""

    def completer(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        names = [name for name in _names(source) if _PLAIN.fullmatch(name)]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]

    return completer


def _names(source: Callable[[Unvault], Iterable[str]]) -> list[str]:
    from unvault.client import Unvault

    try:
        with Unvault() as vault:
            return [*source(vault)]
    except Exception:  # noqa: BLE001  # a broken store completes nothing, and `doctor` says why
        return []
