"""Which credential does a reference mean?"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from unvault.environment import credential_from
from unvault.errors import (
    CredentialNotFound,
    InvalidTag,
    NotSupported,
    StoreLocked,
    StoreUnreadable,
    UnvaultError,
)
from unvault.fork import renew_after_fork
from unvault.lookups import reference_for
from unvault.model import Credential, Origin
from unvault.providers import Providers, installable
from unvault.reference import Reference
from unvault.settings import Settings
from unvault.suggestions import nearest, sentence

if TYPE_CHECKING:
    from unvault.store import CredentialStore


class Selection:
    """Finds the credential for the head of a reference.

    Args:
        providers: Where the providers are.
        store: Where the credentials are.
        environ: The environment that may describe credentials.
    """

    def __init__(
        self, providers: Providers, store: CredentialStore, environ: Mapping[str, str]
    ) -> None:
        self._providers = providers
        self._store = store
        self._settings = Settings(store)
        self._environ = environ
        self._empty: dict[str, Credential] = {}
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a forked child: a lock that another thread held stays held there."""
        self._lock = threading.Lock()

    def credential(self, head: str) -> Credential:
        """Return the credential that the head of a reference means.

        A stored credential's name or id goes first. A provider's id means, in this order: what the
        environment describes; the provider's default credential; the ambient one. A stored
        credential that was signed out means the same, without the default.

        Raises:
            CredentialNotFound: Nothing has this name.
            ProviderNotFound: It is the id of a provider that is not installed.
        """
        stored = self._store.get(head)
        if stored is not None and stored.type is not None:
            return stored
        if stored is not None:
            return self._without_stored(stored.provider)
        if head not in self._providers:
            raise self._unknown(head)
        found = self._without_stored(head)
        default = self._settings.default_credential(head)
        if found.origin is Origin.AMBIENT and default is not None:
            chosen = self._store.get(default)
            # The provider is looked at too: settings are not sealed, and may be another's work.
            if chosen is not None and chosen.type is not None and chosen.provider == head:
                return chosen
        return found

    def reference(self, provider: str, credential: str, lookup: Mapping[str, object]) -> Reference:
        """Return the reference that a tag of Insomnia's means.

        Its credential is looked up by id and by name; where it is not stored, the environment,
        the default credential or the ambient one is used, as Insomnia's command line does.

        Raises:
            InvalidTag: The stored credential belongs to another provider, or one that does has the
                provider's id for its name.
            NotSupported: The provider has no form for look-ups.
            FormError: The look-up does not fit the form.
        """
        stored = self._store.find(credential) if credential else None
        meant = stored or self._store.find(provider)  # which the provider's id would mean
        if meant is not None and meant.provider != provider:
            raise InvalidTag(
                f"the credential {meant.name!r} is for {meant.provider}, not for {provider}",
                hint=None if stored else f"unvault credentials rename {meant.name} NEW",
                provider=provider,
                credential=meant.name,
            )
        form = self._providers.load(provider).secret_form
        if form is None:
            raise NotSupported(
                f"the provider {provider!r} cannot read tags with a look-up", provider=provider
            )
        return reference_for(form, stored.name if stored else provider, lookup)

    def is_current(self, credential: Credential) -> bool:
        """Say whether a credential is stored as it was, whatever sign-ins renewed since.

        Its revision does not tell alone: from a backup that was put back, it may get there again.

        Raises:
            StoreError: The store cannot be read.
        """
        told = self._store.find(credential.id)
        if told is None or told.revision != credential.revision:
            return False
        try:
            found = self._store.get(credential.id)
        except (StoreLocked, StoreUnreadable):  # by another key or passphrase, or a forged row
            return False
        return found is not None and attrs.evolve(found, kept=credential.kept) == credential

    def _without_stored(self, provider: str) -> Credential:
        """Return what the environment describes, or the ambient credential; asked once."""
        with self._lock:
            if provider not in self._empty:
                form = self._providers.load(provider).form
                ids = self._providers.ids()
                found = credential_from(provider, form, self._environ, installed=ids)
                found = found or Credential(provider)
                # Never the same as in another Unvault, with which a cache may be shared.
                identity = f"{found.origin}:{provider}:{os.urandom(8).hex()}"
                self._empty[provider] = attrs.evolve(found, id=identity)
            return self._empty[provider]

    def _unknown(self, head: str) -> UnvaultError:
        if installable(head):
            self._providers.source(head)  # which says how to install it
        names = [*(item.name for item in self._store.list()), *self._providers.ids()]
        near = nearest(head, names)
        there = "" if near else f"; {sentence('there are', sorted(names))}"
        return CredentialNotFound(
            f"there is no credential and no provider {head!r}{there}",
            hint="unvault credentials list and unvault providers show those there are",
            credential=head,
            candidates=near,
        )
