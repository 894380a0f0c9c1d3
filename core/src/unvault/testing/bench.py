"""A client with one provider, for one test."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property, partial
from types import TracebackType
from typing import Any, Self

import attrs

from unvault.client import Unvault
from unvault.errors import FormError, ProviderFault, UnvaultError
from unvault.forms import Answer
from unvault.lookups import request_for
from unvault.model import Credential, SecretRequest, Session
from unvault.provider import Provider
from unvault.reference import Reference
from unvault.secret import Secret
from unvault.testing.leaks import Canaries
from unvault.testing.recorder import Recorder
from unvault.testing.verdict import broken, keeps, within

BROUGHT = "under-test"
"""The id of a provider that is not installed."""


class Bench(AbstractContextManager["Bench"]):
    """An `Unvault` with one provider, and what the tests do with it.

    Args:
        provider: Id of an installed provider, or the object with the hooks.
        patience: For how many seconds anything may be at work.
    """

    def __init__(self, provider: object, *, patience: float) -> None:
        installed = isinstance(provider, str)
        self.id = provider if isinstance(provider, str) else BROUGHT
        self.patience = patience
        self.run = secrets.token_hex(4)
        self.recorder = Recorder()
        self.canaries = Canaries()
        self._added: set[str] = set()
        self._opened: list[Session] = []
        self.vault = Unvault.in_memory(
            plugins={} if installed else {BROUGHT: provider},
            discover=installed,
            extensions=[self.recorder],
            environ={},
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client, and the sessions that were opened past it."""
        self.within(self.vault.close)
        if self._opened and self.provider.has("close_session"):
            for session in self._opened:
                self.raised(partial(self.provider.call, "close_session", session=session))

    @cached_property
    def provider(self) -> Provider:
        """The provider, loaded."""
        try:
            return self.vault.providers.load(self.id)
        except UnvaultError as error:
            why = str(error)
        return broken(f"the provider cannot be loaded: {why}")

    def canary(self, name: str) -> bytes:
        """Return a value that is nowhere else."""
        return f"canary-{name}-{secrets.token_hex(8)}".encode()

    def add(self, login: tuple[str | None, Mapping[str, Answer]], name: str) -> str:
        """Store a credential, if it is not, and return the head of its references."""
        kind, answers = login
        form = self.provider.form
        for field in (field for each in form for field in each.fields if field.hidden):
            for known in field.names:
                if known in answers:
                    self.canaries.add(f"the answer to {field.name}", str(answers[known]))
        if kind is None:
            return self.id
        if name in self._added:
            return name
        try:
            draft = self.vault.credentials.draft(self.id, kind, answers, name=name)
        except FormError as error:
            wrong = "; ".join(f"{field}: {why}" for field, why in error.problems)
        else:
            self.vault.credentials.add(draft)
            self._added.add(name)
            return name
        return broken(f"the form refuses the answers of {name}(): {wrong}")

    def credential(self, head: str) -> Credential:
        """Return the credential that references with this head mean."""
        return self.vault.credentials.resolve(head)

    def within(self, action: Callable[[], Any]) -> Any:
        """Do something, within the time that anything may take."""
        __tracebackhide__ = True
        return within(self.patience, action)

    def fetch(self, head: str, path: str) -> Secret:
        """Fetch a secret through the core, whether it is cached or not."""
        __tracebackhide__ = True
        found: Secret = self.within(lambda: self.vault.fetch(f"{head}/{path}", fresh=True))
        return found

    def works(self, promise: str, action: Callable[[], Any]) -> Any:
        """Do something that has to work, and fail the test with the promise where it does not."""
        __tracebackhide__ = True
        try:
            return self.within(action)
        except UnvaultError as error:
            shown = self.shown(error)
        # Outside: pytest would show what it is chained to, unmasked.
        return broken(f"{promise}; it raised {shown}")

    def reads(self, head: str, path: str, value: bytes, promise: str) -> Secret:
        """Fetch a secret that has to be there, and compare its value."""
        __tracebackhide__ = True
        found: Secret = self.works(promise, lambda: self.fetch(head, path))
        keeps(
            f"{promise}; it is {len(found.reveal())} bytes in place of {len(value)}, or other ones",
            kept=found.reveal() == value,
        )
        return found

    def fails(
        self, wanted: type[UnvaultError], promise: str, action: Callable[[], Any]
    ) -> UnvaultError:
        """Do something that has to raise a certain error, with a hint; return the error."""
        __tracebackhide__ = True
        error = self.raised(action)
        if error is None:
            broken(f"{promise}: it has to raise {wanted.__name__}, and raised nothing")
        text = self.shown(error)
        keeps(
            f"{promise}: it has to raise {wanted.__name__}, and raised {text}",
            kept=isinstance(error, wanted),
        )
        keeps(f"{promise}: the error says nothing: {text}", kept=error.message)
        keeps(
            f"{promise}: the error has no hint what to do next, and no candidates: {text}",
            kept=error.hint or error.candidates,
        )
        return error

    def raised(self, action: Callable[[], Any]) -> UnvaultError | None:
        """Do something, and return the error it raised."""
        __tracebackhide__ = True
        try:
            self.within(action)
        except UnvaultError as error:
            return error
        return None

    def shown(self, error: BaseException) -> str:
        """Return an error as text, without the secrets that it may hold."""
        kind = type(error).__name__
        return self.canaries.masked(f"{kind}: {error}") if isinstance(error, UnvaultError) else kind

    def no_fault(self, error: UnvaultError | None, promise: str) -> None:
        """Fail the test where an error is none of those that a provider may raise."""
        __tracebackhide__ = True
        if isinstance(error, ProviderFault):
            broken(f"{promise}: {self.canaries.masked(str(error))}")

    def session(self, head: str) -> Session:
        """Sign in past the core, and return the session."""
        __tracebackhide__ = True
        credential = self.credential(head)

        def sign_in() -> Session:
            found: Session = self.provider.call(
                "authenticate",
                credential=credential,
                interaction=None,
                keep=lambda _fields: None,
                find=self.vault.credentials.get,
            )
            opened = attrs.evolve(found, credential=credential)
            self._opened.append(opened)
            return opened

        made: Session = self.works("a credential that works signs in", sign_in)
        return made

    def described(self, session: Session) -> Session:
        """Return a session that says whose it is, where the provider can ask for that."""
        __tracebackhide__ = True
        if not self.provider.has("describe_session"):
            return session
        told: Session = self.works(
            "a session that was just opened can be described",
            lambda: self.provider.call("describe_session", session=session),
        )
        return told

    def request(self, head: str, path: str) -> SecretRequest:
        """Return what the provider is asked for, for a path."""
        return request_for(Reference.parse(f"{head}/{path}"), self.provider.secret_form)

    def value(self, head: str, path: str, secret: Secret) -> bytes:
        """Return the value that a path reads, of a whole secret."""
        field = Reference.parse(f"{head}/{path}").field
        return (secret if field is None else secret.field(field)).reveal()
