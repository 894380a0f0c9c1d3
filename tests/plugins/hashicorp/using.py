"""Unvault with the HashiCorp provider and nothing else."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers.namespace import Namespace

from unvault.client import Unvault
from unvault.directories import Directories
from unvault_hashicorp import plugin

TOKEN = re.compile(r"\b(?:hv)?[sbr]\.[A-Za-z0-9_-]{20,}|hcp-token-")
"""What the tokens of servers look like."""


def at(namespace: Namespace, **answers: Any) -> dict[str, Any]:
    """Return the answers for a namespace's server, and these."""
    return {"server_address": namespace.address, "namespace": namespace.path, **answers}


def by_token(namespace: Namespace, *policies: str, **settings: Any) -> dict[str, Any]:
    """Return the answers for a token with these policies."""
    return at(namespace, access_token=namespace.create_token(*policies, **settings))


def by_approle(namespace: Namespace, *policies: str, **settings: Any) -> dict[str, Any]:
    """Return the answers for a role with these policies."""
    role = namespace.approle(*policies, **settings)
    return at(namespace, auth_method="approle", role_id=role.role_id, secret_id=role.secret_id)


def opened(
    answers: dict[str, Any] | None = None,
    *,
    kind: str = "on_prem",
    home: Path | None = None,
    **options: Any,
) -> Unvault:
    """Return an `Unvault` whose credential ``prod`` has these answers, if there are any.

    Args:
        answers: The credential's.
        kind: Its type.
        home: Keep it there, where another one may already have kept it; in memory by default.
        options: As for `Unvault`.
    """
    options = {"discover": False, "environ": {}, "plugins": {"hashicorp": plugin}} | options
    if home is None:
        unvault = Unvault.in_memory(directories=Directories.under(Path("/nowhere")), **options)
    else:
        unvault = Unvault(directories=Directories.under(home), **options)
    if answers is not None:
        add(unvault, "prod", answers, kind=kind)
    return unvault


def add(unvault: Unvault, name: str, answers: dict[str, Any], *, kind: str = "on_prem") -> None:
    """Store a credential."""
    unvault.credentials.add(unvault.credentials.draft("hashicorp", kind, answers, name=name))


def _chained(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if error.__context__ is not error.__cause__:
            yield from _chained(error.__context__, seen)
        error = error.__cause__


def told(error: BaseException) -> str:
    """Return what a log, a traceback or a debugger could show of an error, but for source code."""
    parts: list[str] = []
    for each in _chained(error, set()):
        parts += traceback.format_exception_only(each)
        kept = (getattr(each, name, None) for name in ("args", "object", "doc", "__dict__"))
        parts += [repr(each), *map(repr, kept)]
    return "\n".join(parts)


def says_nothing_secret(error: BaseException, *secrets: str) -> bool:
    """Say whether an error tells no token, nothing that holds ``canary``, and none of these."""
    text = told(error)
    found = [secret for secret in (*secrets, "canary") if secret and secret in text]
    return not found and not TOKEN.search(text)
