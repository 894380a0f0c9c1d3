"""A good provider over HTTP, a plain one in memory, and the same with one defect each."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    CredentialRejected,
    SecretDeleted,
    SecretNotFound,
    SessionExpired,
    Throttled,
    TimedOut,
    Unavailable,
    UnvaultError,
    VersionNotFound,
)
from unvault.forms import CredentialForm, CredentialType, Field, SecretForm
from unvault.hookspecs import hookimpl
from unvault.model import Credential, Outcome, SecretInfo, SecretRequest, Session
from unvault.secret import Secret

HINT = "look at the list"


class PlainProvider:
    """The smallest one: a dictionary."""

    secrets: ClassVar[dict[str, bytes]] = {}

    @hookimpl
    def describe_credential_form(self) -> CredentialForm:
        token = CredentialType("token", fields=[Field("token", kind="secret")])
        return CredentialForm("Plain", types=[token], ambient="everybody may read")

    @hookimpl
    def authenticate(self) -> Session:
        return Session(client=self.secrets)

    @hookimpl
    def fetch_secret(self, session: Session, request: SecretRequest) -> Secret:
        if request.path not in session.client:
            raise SecretNotFound(f"there is no secret {request.path!r}", hint=HINT)
        return Secret(session.client[request.path])


class Client:
    """A connection for each request: the simplest that threads may share."""

    def __init__(self, address: str, token: str, timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        self.session = ""
        self.session = str(self.ask("/login", token=token))

    def ask(self, path: str, *, token: str = "", **query: str) -> Any:
        status, said = self.exchange(f"{path}?{urlencode(query)}", token)
        if status == 429:
            raise Throttled("the vault is busy", hint="wait a while")
        if status >= 500:
            raise Unavailable("the vault failed", hint="look at its log")
        if status == 401 and path == "/login":
            raise CredentialRejected("the vault refused the token", hint="make a new one")
        if status == 401:
            raise SessionExpired("the session ended", hint="sign in again")
        return self.checked(status, said, query.get("name", ""))

    def checked(self, status: int, said: Any, name: str) -> Any:
        if status == 403:
            raise AccessDenied(f"{name!r} may not be read", hint="ask its owner")
        if status == 410:
            raise SecretDeleted(f"{name!r} was deleted", hint="restore it")
        if status == 404 and said == "version":
            raise VersionNotFound(f"{name!r} has no such version", hint=HINT)
        if status == 404:
            raise SecretNotFound(f"there is no secret {name!r}", hint=HINT)
        return said

    def exchange(self, target: str, token: str) -> tuple[int, Any]:
        try:
            return self.send(target, token)
        except TimeoutError as error:
            raise TimedOut("the vault does not answer", hint="try later") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable("the vault cannot be reached", hint="check its address") from error
        except ValueError:
            pass  # what it holds may be a value
        raise Unavailable("the vault does not answer in JSON", hint="check its address")

    def send(self, target: str, token: str) -> tuple[int, Any]:
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=self.timeout
        )
        try:
            headers = {"X-Session": self.session, "X-Token": token, "Connection": "close"}
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


class GoodProvider:
    """One that keeps the whole contract. Its defective kin override one method each."""

    client: type[Client] = Client

    @hookimpl
    def describe_credential_form(self) -> CredentialForm:
        return self.form()

    def form(self) -> CredentialForm:
        fields = [
            Field("address", kind="url", required=True),
            Field("token", kind="secret", required=True),
            Field("timeout", help="In tenths of seconds.", kind="integer", default=100),
        ]
        return CredentialForm(
            "Good",
            types=[CredentialType("token", fields=fields)],
            ambient="GOOD_ADDRESS and GOOD_TOKEN",
        )

    @hookimpl
    def describe_secret_form(self) -> SecretForm:
        return self.secret_form()

    def secret_form(self) -> SecretForm:
        fields = [Field("name", required=True), Field("version", kind="integer"), Field("key")]
        return SecretForm(fields=fields, path=["name"], field="key")

    @hookimpl
    def authenticate(self, credential: Credential) -> Session:
        return self.sign_in(credential)

    def sign_in(self, credential: Credential) -> Session:
        import os

        answers = credential.answers
        address = answers.text("address") or os.environ.get("GOOD_ADDRESS")
        token = answers.text("token") or os.environ.get("GOOD_TOKEN")
        if not address or not token:
            raise CredentialMissing("there is nothing to sign in with", hint="set GOOD_TOKEN")
        client = self.client(address, token, int(answers.get("timeout", 100)) / 10)
        return Session(client=client, identity="somebody")

    @hookimpl
    def fetch_secret(self, session: Session, request: SecretRequest) -> Secret:
        return self.read(session, request)

    def read(self, session: Session, request: SecretRequest) -> Secret:
        version = request.get("version")
        more = {} if version is None else {"version": str(version)}
        found = session.client.ask("/secret", name=request.path, **more)
        return Secret(bytes.fromhex(found["value"]), version=found["version"])

    @hookimpl
    def fetch_secrets(self, session: Session, requests: Sequence[SecretRequest]) -> list[Outcome]:
        return self.read_all(session, requests)

    def read_all(self, session: Session, requests: Sequence[SecretRequest]) -> list[Outcome]:
        return [self.outcome(session, request) for request in requests]

    def outcome(self, session: Session, request: SecretRequest) -> Outcome:
        try:
            return self.read(session, request)
        except SessionExpired:
            raise
        except UnvaultError as error:
            return error

    @hookimpl
    def list_secrets(self, session: Session, prefix: str) -> Iterator[SecretInfo]:
        return self.browse(session, prefix)

    def browse(self, session: Session, prefix: str) -> Iterator[SecretInfo]:
        names = session.client.ask("/list")
        return (SecretInfo(name) for name in names if name.startswith(prefix))

    @hookimpl
    def close_session(self, session: Session) -> None:
        self.close(session)

    def close(self, session: Session) -> None:
        """Nothing is open."""
