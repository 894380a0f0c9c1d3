"""Whose token it is, and whether it is accepted: asked when somebody wants to know."""

from __future__ import annotations

import attrs

from unvault.errors import AccessDenied
from unvault.model import Session
from unvault_gcp.reading import Wanted, own_project
from unvault_gcp.vault import Vault


def described(session: Session) -> Session:
    """Return a session with what can be told of it; see the hook ``describe_session``."""
    vault: Vault = session.client
    caller = vault.caller
    details = {
        "project": vault.project or "(none)",
        "signed in by": caller.origin,
        "transport": vault.connection.transport,
    }
    if vault.project is not None:
        details["list"] = _may_list(vault, own_project(vault.project))
    return attrs.evolve(session, details=details)


def _may_list(vault: Vault, project: str) -> str:
    """Ask for a list of one: who is not known gets another answer than who may not."""
    try:
        vault.page(Wanted(project, "", ""), "", size=1)
    except AccessDenied as error:
        return f"no: {error.message}"
    return "allowed"
