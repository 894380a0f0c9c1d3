"""Whose the token is: as the token says it, or as Entra ID said when somebody signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from unvault.model import Session

if TYPE_CHECKING:
    from unvault_azure.vault import Vault

_PERSONS = ("upn", "preferred_username", "unique_name", "email")
_APPS = ("appid", "azp", "oid", "sub")


def described(session: Session) -> Session:
    """Return a session with whose it is, and where; see the hook ``describe_session``."""
    vault: Vault = session.client
    vault.tokens.check()
    account = getattr(vault.tokens, "account", None)
    claims = vault.token.claims if vault.token else {}
    tenant = account.tenant if account else claims.get("tid")
    details = {"cloud": vault.connection.cloud.name}
    if isinstance(tenant, str):
        details = {"tenant": tenant, **details}
    return attrs.evolve(
        session,
        identity=account.user if account else _owner(claims),
        details=details,
        renewed=account.kept() if account else None,
    )


def _owner(claims: Mapping[str, Any]) -> str | None:
    """Return whose a token is, as it says itself: a person, or an application by its id."""
    person = next((claims[name] for name in _PERSONS if claims.get(name)), None)
    if person is not None:
        return str(person)
    app = next((claims[name] for name in _APPS if claims.get(name)), None)
    name = claims.get("app_displayname")
    if app is None:
        return None
    return f"{name} (application {app})" if name else f"application {app}"
