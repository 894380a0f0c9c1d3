"""Credentials that another one is built on: found by name, of one provider, never in a circle."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Set
from typing import TYPE_CHECKING

from unvault.errors import CredentialMissing, CredentialNotFound
from unvault.model import Credential, Origin
from unvault.suggestions import nearest

if TYPE_CHECKING:
    from unvault.store import CredentialStore


class Sources:
    """Looks up what sign-ins are built on, and remembers it.

    Args:
        store: Where the credentials are.
    """

    def __init__(self, store: CredentialStore) -> None:
        self._store = store
        self._used: dict[str, set[str]] = {}

    def finder(self, credential: Credential) -> Callable[[str], Credential]:
        """Return what finds the sources of one sign-in; see `unvault.hookspecs.authenticate`.

        Args:
            credential: What is signed in with.
        """
        seen = {credential.id, credential.name} - {""}
        used = self._used.setdefault(credential.id, set())
        user = credential  # whose source is looked for: each one found may have another

        def find(name: str) -> Credential:
            nonlocal user
            found = self._store.get(name)
            if found is None:
                raise self._unknown(name, user)
            if found.provider != credential.provider:
                raise CredentialMissing(
                    f"the credential {found.name!r} is for {found.provider}, and"
                    f" {credential.label!r} is for {credential.provider}: one cannot be the"
                    " other's source",
                    hint=f"name a credential for {credential.provider}",
                )
            if found.type is None:
                raise CredentialMissing(
                    f"the credential {found.name!r}, which is the source of {credential.label!r},"
                    " was signed out",
                    hint=f"give it new answers: unvault credentials edit {shlex.quote(found.name)}",
                )
            if seen & {found.id, found.name}:
                raise CredentialMissing(
                    f"the source of {credential.label!r} leads back to {found.name!r}",
                    hint="name another source for one of them",
                )
            seen.update((found.id, found.name))
            used.add(found.id)
            user = found
            return found

        return find

    def users(self, credential_id: str) -> Set[str]:
        """Return the ids of the credentials that were signed in with by means of another one."""
        return {user for user, used in [*self._used.items()] if credential_id in used}

    def forget(self, credential_id: str) -> None:
        """Forget what a credential was built on: it was changed or removed."""
        self._used.pop(credential_id, None)

    def _unknown(self, name: str, user: Credential) -> CredentialNotFound:
        names = [item.name for item in self._store.list() if item.provider == user.provider]
        listed = "unvault credentials list shows those there are"
        another = f"name another source: unvault credentials edit {shlex.quote(user.name)}"
        return CredentialNotFound(
            f"there is no stored credential {name!r}, which is named as a source",
            hint=f"{another}; {listed}" if user.origin is Origin.STORED else listed,
            candidates=nearest(name, names),
        )
