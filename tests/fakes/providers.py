"""Providers in memory that note what they are asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from unvault.client import Unvault
from unvault.directories import Directories
from unvault.errors import SecretNotFound, UnvaultError
from unvault.forms import CredentialForm, CredentialType, Field, SecretForm
from unvault.hookspecs import hookimpl
from unvault.model import Credential, Outcome, SecretInfo, SecretRequest, Session
from unvault.secret import Secret

FORM = CredentialForm(
    "Fake",
    types=[
        CredentialType("token", fields=[Field("token", kind="secret"), Field("region")]),
        CredentialType(
            "user",
            fields=[
                Field("user", required=True),
                Field("password", kind="secret", required=True),
            ],
        ),
    ],
)

SECRET_FORM = SecretForm(
    fields=[
        Field("name", required=True, aliases=("SecretId",)),
        Field("version", kind="integer", aliases=("VersionId",)),
        Field("stage"),
        Field("raw", kind="flag", default=False),
        Field("key", aliases=("SecretKey",)),
    ],
    path=["name"],
    field="key",
)

Value = Secret | bytes | str | BaseException | Callable[[Session, SecretRequest], Any]


class FakeProvider:
    """A provider whose vault is a dictionary: a value, an error, or a function for each path."""

    form: Any = FORM
    secret_form: Any = SECRET_FORM

    def __init__(self, secrets: Mapping[str, Value] | None = None) -> None:
        self.secrets: dict[str, Value] = dict(secrets or {})
        self.credentials: list[Credential] = []
        self.fetched: list[str] = []
        self.used: list[Session] = []
        self.closed: list[Session] = []
        self.sign_in: Callable[[Credential], Session] = lambda _: Session(client=self._client())
        self.close: Callable[[Session], None] = lambda _: None
        self._lock = threading.Lock()

    @property
    def logins(self) -> int:
        """How often somebody signed in."""
        return len(self.credentials)

    def _client(self) -> str:
        return f"client {self.logins}"

    @hookimpl
    def describe_credential_form(self) -> CredentialForm:
        return self.form

    @hookimpl
    def describe_secret_form(self) -> SecretForm:
        return self.secret_form

    @hookimpl
    def authenticate(self, credential: Credential) -> Session:
        with self._lock:
            self.credentials.append(credential)
        return self.sign_in(credential)

    @hookimpl
    def fetch_secret(self, session: Session, request: SecretRequest) -> Secret:
        with self._lock:
            self.fetched.append(request.path)
            self.used.append(session)
        return self.value(session, request)

    @hookimpl
    def close_session(self, session: Session) -> None:
        with self._lock:
            self.closed.append(session)
        self.close(session)

    def value(self, session: Session, request: SecretRequest) -> Any:
        """Return what the vault holds, or raise what it does."""
        found = self.secrets.get(request.path)
        if found is None:
            raise SecretNotFound(f"there is no secret {request.path!r}")
        if isinstance(found, BaseException):
            raise found
        if callable(found):
            return found(session, request)
        return found if isinstance(found, Secret) else Secret(found)


class BatchProvider(FakeProvider):
    """One that takes batches too."""

    def __init__(self, secrets: Mapping[str, Value] | None = None) -> None:
        super().__init__(secrets)
        self.batches: list[list[str]] = []
        self.answer: Callable[[Session, Sequence[SecretRequest]], Any] = self._each

    @hookimpl
    def fetch_secrets(self, session: Session, requests: Sequence[SecretRequest]) -> Any:
        with self._lock:
            self.batches.append([request.path for request in requests])
            self.used.append(session)
        return self.answer(session, requests)

    def _each(self, session: Session, requests: Sequence[SecretRequest]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for request in requests:
            try:
                outcomes.append(self.value(session, request))
            except UnvaultError as error:
                outcomes.append(error)
        return outcomes


class ListingProvider(FakeProvider):
    """One that can be browsed."""

    listing: Callable[[Session, str], Any]

    def __init__(self, secrets: Mapping[str, Value] | None = None) -> None:
        super().__init__(secrets)
        self.listing = self._names

    @hookimpl
    def list_secrets(self, session: Session, prefix: str) -> Any:
        return self.listing(session, prefix)

    def _names(self, _session: Session, prefix: str) -> Iterable[SecretInfo]:
        return (SecretInfo(path) for path in sorted(self.secrets) if path.startswith(prefix))


def client_for(provider: object = None, *, home: Path | None = None, **options: Any) -> Unvault:
    """Return an `Unvault` that knows the provider ``fake`` and nothing of this machine.

    Args:
        provider: What answers for ``fake``.
        home: Keep credentials there; without it, in memory.
        options: As for `Unvault`.
    """
    options = {"discover": False, "environ": {}, "plugins": {"fake": provider}} | options
    if home is not None:
        return Unvault(directories=Directories.under(home), **options)
    options.setdefault("directories", Directories.under(Path("/nowhere")))
    return Unvault.in_memory(**options)
