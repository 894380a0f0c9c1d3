"""Code as users and authors of providers write it. It is type-checked, and never run."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_type

from unvault import (
    Answers,
    AsyncUnvault,
    Choice,
    Clock,
    Credential,
    CredentialForm,
    CredentialStore,
    CredentialType,
    Directories,
    Field,
    Interaction,
    Kind,
    Origin,
    Outcome,
    ProviderInfo,
    ProviderState,
    RedactingFilter,
    Redactor,
    Reference,
    Secret,
    SecretCache,
    SecretForm,
    SecretInfo,
    SecretRequest,
    Session,
    SqliteStore,
    StoredCredential,
    Unvault,
    UnvaultError,
    __version__,
    hookimpl,
)
from unvault.cache import CacheStatistics
from unvault.errors import FormError, Problem, RenderError, SecretNotFound, TagProblem
from unvault.log_redaction import install_excepthook, redacting_excepthook
from unvault.masking import StreamMasker
from unvault.provider import Provider
from unvault.rendering import FoundReference

assert_type(__version__, str)

# ------------------------------------------------------------------------------------------ users


def fetch(vault: Unvault) -> None:
    secret = vault.fetch("prod/db/main#password", fresh=True)
    assert_type(secret, Secret)
    assert_type(secret.reveal(), bytes)
    assert_type(secret.text(), str)
    assert_type(secret.json(), Any)
    assert_type(secret.field("user"), Secret)
    assert_type(secret.version, str | None)
    assert_type(secret.expires, datetime | None)
    assert_type(secret.stale, bool)
    assert_type(vault.fetch(Reference("prod", "db", {"version": "3"})), Secret)
    assert_type(vault.cached("prod/db"), Secret | None)
    vault.fetch("prod/db", True)  # type: ignore[call-arg]  # options are named
    vault.fetch(b"prod/db")  # type: ignore[arg-type]
    if secret == vault.fetch("prod/other"):
        vault.cached("prod/db").text()  # type: ignore[union-attr]  # it may not be there


def fetch_many(vault: Unvault) -> list[str]:
    texts = []
    for outcome in vault.fetch_many(["prod/a", Reference("prod", "b")]):
        assert_type(outcome, Secret | UnvaultError)
        if isinstance(outcome, UnvaultError):
            assert_type(outcome.code, str)
            assert_type(outcome.candidates, tuple[str, ...])
            raise outcome
        assert_type(outcome, Secret)
        texts.append(outcome.text())
    return texts


def browse_and_render(vault: Unvault, folder: Path) -> None:
    assert_type(vault.list("prod", "db/"), Iterator[SecretInfo])
    assert_type([info.path for info in vault.list("prod")], list[str])
    assert_type(vault.render("{% vault 'prod/db' %}"), str)
    assert_type(vault.render_bytes(b"{% vault 'prod/db' %}"), bytes)
    vault.render_file(folder / "in", str(folder / "out"), fresh=True)
    for found in vault.find_references(b"{% vault 'prod/db' %}"):
        assert_type(found, FoundReference)
        assert_type(found.reference, str | None)
        assert_type(found.error, UnvaultError | None)


def failures(vault: Unvault) -> None:
    try:
        vault.render("{% vault 'prod/db' %}")
    except RenderError as error:
        assert_type(error.problems, tuple[TagProblem, ...])
        assert_type(error.problems[0].error, UnvaultError)
    try:
        vault.credentials.draft("aws")
    except FormError as error:
        assert_type(error.problems, tuple[Problem, ...])
    except UnvaultError as error:
        assert_type(error.hint, str | None)
        assert_type(error.describe(), dict[str, Any])


def mask(vault: Unvault) -> None:
    redactor = Redactor(max_values=10, minutes=5, clock=Clock())
    assert_type(redactor.add(Secret("…")), bool)
    redactor.add("…")
    redactor.add(b"...")
    redactor.add(1)  # type: ignore[arg-type]
    redactor.follow(vault)
    vault.observe(redactor.add)
    vault.observe(lambda secret: print(secret.version))
    assert_type(redactor.redact("…"), str)
    assert_type(redactor.redact_bytes(b"..."), bytes)
    masker = redactor.masker()
    assert_type(masker, StreamMasker)
    assert_type(masker.feed(b"...") + masker.release() + masker.flush(), bytes)
    assert_type(masker.pending, int)
    logging.getLogger().handlers[0].addFilter(RedactingFilter(redactor))
    sys.excepthook = redacting_excepthook(redactor, beneath=sys.excepthook)
    undo = install_excepthook(redactor)
    undo()


def manage(vault: Unvault) -> None:
    credentials = vault.credentials
    draft = credentials.draft("aws", "temporary", {"access_key_id": "AKIA"}, name="prod")
    assert_type(draft, Credential)
    assert_type(credentials.test(draft), Session)
    assert_type(credentials.test("prod").identity, str | None)
    assert_type(credentials.add(draft), Credential)
    assert_type(credentials.edit("prod", draft), Credential)
    assert_type(credentials.list(), Sequence[StoredCredential])
    assert_type(credentials.default("aws"), StoredCredential | None)
    assert_type(credentials.get("prod").origin, Origin)
    assert_type(credentials.get("prod").answers, Answers)
    assert_type(credentials.environment("aws"), Sequence[str])
    vault.cache.minutes = 5
    assert_type(vault.cache.clear(), int)
    assert_type(vault.cache.statistics(), CacheStatistics)
    assert_type(vault.providers.list(), list[ProviderInfo])
    assert_type(vault.providers.check("aws").state, ProviderState)
    assert_type(vault.providers.load("aws"), Provider)
    assert_type(vault.providers.load("aws").form, CredentialForm)


def embed(folder: Path, person: Interaction, plugin: object) -> None:
    store: CredentialStore = SqliteStore()
    with Unvault(
        "acme-backup",
        directories=Directories.under(folder),
        store=store,
        cache=SecretCache(minutes=5, max_entries=10, jitter=0.2, stale_minutes=60),
        plugins={"acme": plugin},
        extensions=["audit", plugin],
        block=["aws"],
        discover=False,
        environ={"UNVAULT_ACME_TOKEN": "…"},
        interaction=person,
        clock=Clock(),
        parallel=4,
    ) as vault:
        assert_type(vault, Unvault)
    with Unvault("acme-backup", stale_minutes=60, clock=Clock(chance=lambda: 0.0)) as vault:
        assert_type(vault.cache.statistics().failures, int)
    with Unvault.in_memory(block=["aws"]) as vault:
        assert_type(vault, Unvault)


async def from_asyncio(folder: Path) -> None:
    async with AsyncUnvault(parallel=4) as vault:
        assert_type(vault, AsyncUnvault)
        assert_type(await vault.fetch("prod/db"), Secret)
        assert_type(await vault.fetch_many(["prod/db"]), Sequence[Secret | UnvaultError])
        assert_type(vault.list("prod"), AsyncIterator[SecretInfo])
        assert_type([info async for info in vault.list("prod")], list[SecretInfo])
        assert_type(await vault.render("…"), str)
        await vault.render_file(folder / "in", folder / "out")
        assert_type(await vault.credentials.list(), Sequence[StoredCredential])
        assert_type(await vault.credentials.test("prod"), Session)
        assert_type(await vault.providers.check("aws"), ProviderInfo)
        assert_type(await vault.cache.minutes(), float)
        assert_type(vault.cache.clear(), int)
        assert_type(vault.sync, Unvault)
        Redactor().follow(vault)


# --------------------------------------------------------------------------- authors of providers

FORM = CredentialForm(
    "Acme",
    types=[
        CredentialType(
            "token",
            label="An access token",
            fields=[
                Field("server", kind=Kind.URL, required=True, aliases=("serverAddress",)),
                Field("method", kind="choice", choices=[Choice("a"), "b"], default="a"),
                Field("token", kind="secret", visible_when={"method": "a"}),
                Field("port", kind=Kind.INTEGER, pattern=r"\d+", pattern_help="digits"),
                Field("verify", kind="flag", default=True),
            ],
        )
    ],
)


class Client:
    """What the author's SDK has."""

    def read(self, path: str) -> bytes:
        raise NotImplementedError(path)


@hookimpl
def describe_credential_form() -> CredentialForm:
    return FORM


@hookimpl
def describe_secret_form() -> SecretForm:
    return SecretForm(fields=[Field("name", required=True), Field("key")], path="name", field="key")


@hookimpl
def authenticate(credential: Credential, interaction: Interaction | None) -> Session:
    assert_type(credential.answers["token"], str | bool | int)
    assert_type(credential.answers.text("token"), str | None)
    assert_type(credential.answers.path("file"), Path | None)
    assert_type(credential.kept.text("refresh"), str | None)
    if interaction is not None:
        assert_type(interaction.ask("The code?", hidden=True), str)
        assert_type(interaction.open_page("https://vault.example"), bool)
        interaction.tell("Type it in there.")
    return Session(
        client=Client(), identity="me", expires=datetime.now(UTC), renewed={"refresh": "…", "n": 1}
    )


@hookimpl
def fetch_secret(session: Session, request: SecretRequest) -> Secret:
    assert_type(request.path, str)
    assert_type(request.get("version"), str | bool | int | None)
    client: Client = session.client
    if not request.path:
        raise SecretNotFound("there is none", hint="look again", candidates=("a", "b"))
    return Secret(client.read(request.path), version="1", created=datetime.now(UTC))


@hookimpl
def fetch_secrets(session: Session, requests: Sequence[SecretRequest]) -> Sequence[Outcome]:
    outcomes: list[Outcome] = []
    for request in requests:
        try:
            outcomes.append(fetch_secret(session, request))
        except UnvaultError as error:
            outcomes.append(error)
    return outcomes


@hookimpl
def list_secrets(session: Session, prefix: str) -> Iterable[SecretInfo]:
    yield SecretInfo(prefix + "a", version="1", created=datetime.now(UTC), note="disabled")


@hookimpl
def close_session(session: Session) -> None:
    del session


class Audit:
    """An extension."""

    @hookimpl(wrapper=True)
    def fetch_secret(self, request: SecretRequest) -> Iterator[None]:
        yield
