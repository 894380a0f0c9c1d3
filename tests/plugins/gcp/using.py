"""Unvault with the GCP provider and nothing else."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers.gcp import Gcp
from tests.servers.gcp_accounts import ServiceAccount

from unvault.client import Unvault
from unvault.directories import Directories
from unvault_gcp import plugin


def at(gcp: Gcp, **answers: Any) -> dict[str, Any]:
    """Return the answers for the server, without TLS, and these."""
    return {"endpoint": gcp.address, "timeout": 3, **answers}


def by_key(gcp: Gcp, account: ServiceAccount, **answers: Any) -> dict[str, Any]:
    """Return the answers for a new key of a service account, as its content."""
    return at(gcp, key=json.dumps(account.key()), **answers)


def opened(
    answers: dict[str, Any] | None = None, *, kind: str = "service_account", **options: Any
) -> Unvault:
    """Return an `Unvault` whose credential ``prod`` has these answers, if there are any.

    Args:
        answers: The credential's.
        kind: Its type.
        options: As for `Unvault`.
    """
    options = {"discover": False, "environ": {}, "plugins": {"gcp": plugin}} | options
    unvault = Unvault.in_memory(directories=Directories.under(Path("/nowhere")), **options)
    if answers is not None:
        add(unvault, "prod", answers, kind=kind)
    return unvault


def add(
    unvault: Unvault, name: str, answers: dict[str, Any], *, kind: str = "service_account"
) -> None:
    """Store a credential."""
    unvault.credentials.add(unvault.credentials.draft("gcp", kind, answers, name=name))


def write(path: Path, content: object) -> Path:
    """Write JSON, or a text, into a file, and return the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


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
