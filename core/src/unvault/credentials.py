"""The stored credentials, as an application manages them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from unvault.checking import check_credential
from unvault.environment import credential_from, environment_variables
from unvault.errors import CredentialMissing, CredentialNotFound, InvalidName
from unvault.forms import CredentialType
from unvault.frames import forgets_locals
from unvault.model import Answers, Credential, Session
from unvault.names import check_name
from unvault.protection import Protection
from unvault.providers import Providers
from unvault.resolver import Resolver
from unvault.selection import Selection
from unvault.settings import Settings
from unvault.store import LONGEST_NAME, CredentialStore, StoredCredential
from unvault.suggestions import nearest


class Credentials:
    """Adds, changes and removes credentials, and says which one a reference means.

    Args:
        store: Where they are kept.
        providers: Whose forms check them.
        selection: Finds the credential that a reference means.
        resolver: Which forgets what a change makes stale.
        environ: The environment that may describe credentials.
    """

    def __init__(
        self,
        store: CredentialStore,
        providers: Providers,
        selection: Selection,
        resolver: Resolver,
        environ: Mapping[str, str],
    ) -> None:
        self._store = store
        self._providers = providers
        self._selection = selection
        self._resolver = resolver
        self._environ = environ
        self._settings = Settings(store)

    def list(self) -> Sequence[StoredCredential]:
        """Return what is stored, by name. Needs no key and loads no provider."""
        return self._store.list()

    def get(self, name: str) -> Credential:
        """Return a stored credential, by its name or id.

        Raises:
            CredentialNotFound: There is none.
            StoreError: It cannot be opened.
        """
        found = self._store.get(name)
        if found is None:
            raise self._unknown(name)
        return found

    @forgets_locals
    def resolve(self, head: str) -> Credential:
        """Return the credential that the head of a reference means.

        Raises:
            CredentialNotFound: Nothing has this name.
        """
        return self._selection.credential(head)

    @forgets_locals
    def draft(
        self,
        provider: str,
        type: str | None = None,
        answers: Mapping[str, object] | None = None,
        *,
        name: str = "",
    ) -> Credential:
        """Check answers and return the credential they make, without storing it.

        Args:
            provider: The provider's id.
            type: The credential type; the form's first where None.
            answers: Answers by field name or alias.
            name: What it is to be called; it may stay empty for now.

        Raises:
            FormError: The answers are wrong; all problems are in it.
            InvalidName: It cannot be called that.
            ProviderError: The provider cannot be used.
        """
        if name:
            self.check_name(name)
        kind, checked = self._checked(provider, type, answers or {})
        return Credential(provider, kind.name, checked, name=name, id=f"draft:{provider}:{name}")

    @forgets_locals
    def draft_from_environment(self, provider: str, *, name: str = "") -> Credential:
        """Return the credential that the environment describes, without storing it.

        Raises:
            CredentialMissing: The environment describes none.
            FormError: Its variables are wrong.
        """
        if name:
            self.check_name(name)
        form, ids = self._providers.load(provider).form, self._providers.ids()
        found = credential_from(provider, form, self._environ, installed=ids)
        if found is None:
            raise CredentialMissing(
                f"the environment describes no credential for {provider!r}",
                hint=f"unvault providers show {provider} lists the variables",
                provider=provider,
            )
        return attrs.evolve(found, name=name)

    @forgets_locals
    def environment(self, provider: str) -> Sequence[str]:
        """Return the names of the variables that describe a credential for a provider."""
        form, ids = self._providers.load(provider).form, self._providers.ids()
        return sorted(environment_variables(provider, form, self._environ, installed=ids))

    @forgets_locals
    def test(self, credential: Credential | str) -> Session:
        """Sign in with a credential, stored or a draft, and return what came of it.

        The session is closed again; its ``identity`` and ``expires`` are what is of use.

        Raises:
            UnvaultError: It does not work; the error says why.
        """
        found = self.resolve(credential) if isinstance(credential, str) else credential
        return self._resolver.sessions.sign_in(found)

    @forgets_locals
    def add(self, draft: Credential, *, session: Session | None = None) -> Credential:
        """Store a draft under its name.

        Args:
            draft: The credential. Where it has no name, the session's suggestion is taken.
            session: What `test` returned for the draft: what that sign-in renewed is kept, so that
                nobody has to do it again.

        Raises:
            InvalidName: The name is empty, taken, not fit, or a provider's id.
            FormError: The draft does not fit the provider's form.
            StoreError: It cannot be written.
        """
        name = draft.name or (session.suggested_name if session else None) or ""
        self.check_name(name)
        kind, answers = self._checked(draft.provider, draft.type or "", draft.answers)
        added = self._store.add(name, draft.provider, kind.name, answers)
        self._keep(added, session)
        self._resolver.reconsider()
        return added

    @forgets_locals
    def edit(self, name: str, draft: Credential, *, session: Session | None = None) -> Credential:
        """Give a stored credential a draft's type and answers.

        Args:
            name: Which one.
            draft: Whose type and answers it gets.
            session: What `test` returned for the draft, as for `add`.

        Raises:
            CredentialNotFound: There is no such credential.
            InvalidName: It belongs to another provider.
            FormError: The draft does not fit the provider's form.
        """
        old = self.get(name)
        if old.provider != draft.provider:
            raise InvalidName(
                f"the credential {old.name!r} is for {old.provider!r}, not for {draft.provider!r}",
                hint="add a credential of another name",
            )
        kind, answers = self._checked(draft.provider, draft.type or "", draft.answers)
        changed = self._store.replace(old.name, kind.name, answers)
        self._keep(changed, session)
        self._resolver.forget(changed.id)
        return changed

    def rename(self, name: str, new: str) -> Credential:
        """Give a stored credential another name; references by the old one stop working.

        Raises:
            CredentialNotFound: There is no such credential.
            InvalidName: The new name is taken, not fit, or a provider's id.
        """
        self.check_name(new)
        renamed = self._store.rename(self.get(name).name, new)
        self._resolver.forget(renamed.id)
        return renamed

    def remove(self, name: str) -> None:
        """Forget a stored credential, and that it was a default.

        Raises:
            CredentialNotFound: There is no such credential.
        """
        gone = self._stored(name)
        if self._settings.default_credential(gone.provider) == gone.id:
            self._settings.set_default_credential(gone.provider, None)
        self._store.remove(gone.name)
        self._resolver.forget(gone.id)

    def clear(self, name: str) -> Credential:
        """Sign out: forget a credential's answers, and keep its name.

        References to it go on working through the environment or the ambient credential.

        Raises:
            CredentialNotFound: There is no such credential.
        """
        cleared = self._store.replace(self._stored(name).name, None, {})
        self._resolver.forget(cleared.id)
        return cleared

    def default(self, provider: str) -> StoredCredential | None:
        """Return the stored credential that a provider's id stands for."""
        chosen = self._settings.default_credential(provider)
        items = (item for item in self._store.list() if item.provider == provider)
        return next((item for item in items if item.id == chosen), None)

    def set_default(self, name: str) -> StoredCredential:
        """Let a provider's id stand for a stored credential.

        Raises:
            CredentialNotFound: There is no such credential.
        """
        chosen = self._stored(name)
        self._settings.set_default_credential(chosen.provider, chosen.id)
        self._resolver.reconsider()
        return chosen

    def unset_default(self, provider: str) -> None:
        """Let a provider's id stand for no stored credential any more."""
        self._settings.set_default_credential(provider, None)
        self._resolver.reconsider()

    def protection(self) -> Protection | None:
        """Return how what is stored is protected; None before anything was stored."""
        return self._store.protection()

    def protect(self, protection: str) -> None:
        """Protect what is stored in another way: ``key-file``, ``passphrase`` or ``keyring``.

        Raises:
            InvalidSetting: There is no such protection.
            StoreLocked: The old one cannot be opened, or the new one cannot be used.
        """
        self._store.protect(protection)

    def check_name(self, name: str) -> None:
        """Check that a credential may be called this.

        Raises:
            InvalidName: It is not fit for a name, or is a provider's id.
        """
        check_name(name, what="credential", longest=LONGEST_NAME)
        if name in self._providers:
            raise InvalidName(
                f"a credential cannot be called {name!r}: that is a provider's id",
                hint=f"choose another, and `unvault credentials default NAME` lets {name}/… use it",
            )

    def _checked(
        self, provider: str, type: str | None, answers: Mapping[str, object]
    ) -> tuple[CredentialType, Answers]:
        form = self._providers.load(provider).form
        return check_credential(form, type, answers, subject=f"the {form.label} credential")

    def _keep(self, credential: Credential, session: Session | None) -> None:
        if session is not None and session.renewed is not None:
            self._store.keep(credential, session.renewed)

    def _stored(self, name: str) -> StoredCredential:
        """Return a stored credential without opening it: it can be removed without its key."""
        found = self._store.find(name)
        if found is None:
            raise self._unknown(name)
        return found

    def _unknown(self, name: str) -> CredentialNotFound:
        names = [item.name for item in self._store.list()]
        return CredentialNotFound(
            f"there is no stored credential {name!r}",
            hint="unvault credentials list shows those there are",
            credential=name,
            candidates=nearest(name, names),
        )
