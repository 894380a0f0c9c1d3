"""Unvault with the Azure provider and nothing else."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from unvault.client import Unvault
from unvault.directories import Directories
from unvault_azure import plugin


def opened(
    answers: dict[str, Any] | None = None,
    *,
    kind: str = "browser",
    home: Path | None = None,
    **options: Any,
) -> Unvault:
    """Return an `Unvault` whose credential ``prod`` has these answers, if there are any.

    Args:
        answers: The credential's.
        kind: Its type.
        home: Keep it there; in memory by default.
        options: As for `Unvault`.
    """
    options = {"discover": False, "environ": {}, "plugins": {"azure": plugin}} | options
    if home is None:
        unvault = Unvault.in_memory(directories=Directories.under(Path("/nowhere")), **options)
    else:
        unvault = Unvault(directories=Directories.under(home), **options)
    if answers is not None:
        add(unvault, "prod", answers, kind=kind)
    return unvault


def add(unvault: Unvault, name: str, answers: dict[str, Any], *, kind: str = "browser") -> None:
    """Store a credential."""
    unvault.credentials.add(unvault.credentials.draft("azure", kind, answers, name=name))


def by_secret(app: Any, **answers: Any) -> dict[str, Any]:
    """Return the answers for an application with a new client secret."""
    known = {"tenant_id": app.tenant.id, "client_id": app.client_id}
    return {**known, "client_secret": app.new_secret(), **answers}


class Person:
    """Somebody who does what is asked: opens pages, in a thread, as a browser would.

    Args:
        visit: Called with the address of each page that is opened; without, no browser is there.
    """

    def __init__(self, visit: Callable[[str], Any] | None = None) -> None:
        self.told: list[str] = []
        self.pages: list[str] = []
        self.seen: list[Any] = []
        """What the pages said in the end."""
        self._visit = visit
        self._threads: list[threading.Thread] = []

    def tell(self, message: str) -> None:
        self.told.append(message)

    def open_page(self, address: str) -> bool:
        self.pages.append(address)
        if self._visit is None:
            return False
        thread = threading.Thread(target=self._open, args=(self._visit, address))
        self._threads.append(thread)
        thread.start()
        return True

    def ask(self, question: str, *, hidden: bool = False) -> str:
        raise AssertionError(f"nobody has to be asked: {question}")

    def join(self) -> None:
        """Wait until the pages were dealt with."""
        for thread in self._threads:
            thread.join(20)

    def _open(self, visit: Callable[[str], Any], address: str) -> None:
        self.seen.append(visit(address))


def told(error: BaseException) -> str:
    """Return what a log, a traceback or a debugger could show of an error, but for source code."""
    parts: list[str] = []
    for each in _chained(error, set()):
        parts += traceback.format_exception_only(each)
        kept = (getattr(each, name, None) for name in ("args", "object", "doc", "__dict__"))
        parts += [repr(each), *map(repr, kept)]
    return "\n".join(parts)


def _chained(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if error.__context__ is not error.__cause__:
            yield from _chained(error.__context__, seen)
        error = error.__cause__
