"""Stored credentials as plain data; their secret answers stay out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from unvault_cli.output import moment, note
from unvault_cli.prompts import Aborted

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.model import Credential, Session
    from unvault.store import StoredCredential

Row = dict[str, Any]


def stored(vault: Unvault, name: str) -> StoredCredential:
    """Return what can be told of a stored credential without opening it.

    Raises:
        CredentialNotFound: There is none of this name or id.
    """
    for item in vault.credentials.list():
        if name in (item.name, item.id):
            return item
    from unvault.errors import CredentialNotFound
    from unvault.suggestions import nearest

    raise CredentialNotFound(
        f"there is no stored credential {name!r}",
        hint="unvault credentials list shows those there are",
        credential=name,
        candidates=nearest(name, (item.name for item in vault.credentials.list())),
    )


def head(name: str) -> str:
    """Return a name as references have to write it."""
    from unvault.reference import Reference

    return str(Reference(name, "x")).removesuffix("/x")


def rows(vault: Unvault) -> list[Row]:
    """Return what can be told of all stored credentials without opening them."""
    found = vault.credentials.list()
    held = [vault.credentials.default(provider) for provider in {item.provider for item in found}]
    defaults = {item.id for item in held if item}
    return [_row(item, defaults) for item in found]


def _row(item: StoredCredential, defaults: set[str]) -> Row:
    return {
        "name": item.name,
        "id": item.id,
        "provider": item.provider,
        "type": item.type,
        "default": item.id in defaults,
        "created": moment(item.created),
        "updated": moment(item.updated),
    }


def opened(vault: Unvault, credential: Credential) -> Row:
    """Return a stored credential with its answers, but for the secret ones."""
    shown = _visible_names(vault, credential)
    answers = {name: credential.answers[name] for name in credential.answers if name in shown}
    hidden = [name for name in credential.answers if name not in shown]
    told = next(row for row in rows(vault) if row["id"] == credential.id)
    return {**told, "answers": answers, "hidden": hidden}


def sign_in(vault: Unvault, draft: Credential, name: str) -> Session:
    """Sign in with a draft, and tell what came of it.

    Raises:
        UnvaultError: It did not work; the hint says how to store the credential all the same.
    """
    import attrs

    from unvault.errors import UnvaultError

    note(f"signing in to {draft.provider} …")
    try:
        session = vault.credentials.test(attrs.evolve(draft, name=name))
    except UnvaultError as error:
        unsaved = "nothing was stored; --no-test stores it without signing in"
        error.hint = f"{error.hint}; {unsaved}" if error.hint else unsaved
        raise
    note(f"signed in{f' as {session.identity}' if session.identity else ''}")
    return session


def tested(session: Session | None) -> Row | None:
    """Return what came of signing in; None where it was not tried."""
    if session is None:
        return None
    return {
        "identity": session.identity,
        "expires": moment(session.expires),
        "details": dict(session.details),
    }


@contextmanager
def nothing_stored() -> Iterator[None]:
    """Let a person who stops know that nothing was stored."""
    try:
        yield
    except EOFError:
        raise Aborted("Nothing was stored.") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Nothing was stored.") from None


def _visible_names(vault: Unvault, credential: Credential) -> set[str]:
    """Return the names of answers that are no secret; none where the provider cannot tell."""
    from unvault.errors import UnvaultError

    try:
        form = vault.providers.load(credential.provider).form
    except UnvaultError:
        return set()
    kind = form.find(credential.type) if credential.type else None
    return {field.name for field in kind.fields if not field.hidden} if kind else set()
