"""The good provider with one defect each: what the contract suite has to find."""

from __future__ import annotations

import http.client
import json
import logging
import time
from typing import Any

from tests.fakes.bad import HINT, Client, GoodProvider
from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    CredentialRejected,
    SecretNotFound,
    SessionExpired,
    Unavailable,
    UnvaultError,
)
from unvault.forms import CredentialForm, CredentialType, Field, SecretForm
from unvault.model import SecretInfo, Session
from unvault.secret import Secret

# ------------------------------------------------------------------------------------ the forms


class ShowsPassword(GoodProvider):
    def form(self):
        form = super().form()
        user = CredentialType("user", fields=[Field("user"), Field("password")])
        return CredentialForm(form.label, types=[*form.types, user], ambient=form.ambient)


class NoAmbientWord(GoodProvider):
    def form(self):
        return CredentialForm("Good", types=super().form().types)


class NamesNothing(GoodProvider):
    def secret_form(self):
        fields = [Field("name"), *super().secret_form().fields[1:]]
        return SecretForm(fields=fields, path=["name"], field="key")


class ChangesItsMind(GoodProvider):
    asked = 0

    def form(self):
        self.asked += 1
        form = super().form()
        return CredentialForm(f"Good {self.asked}", types=form.types, ambient=form.ambient)


class OddForm(CredentialForm):
    """One that no schema can bring back."""


class HasOddForm(GoodProvider):
    def form(self):
        form = super().form()
        return OddForm(form.label, types=form.types, ambient=form.ambient)


class ImportsItsSdk(GoodProvider):
    def form(self):
        import jsonschema

        return super().form() if jsonschema else None


class AsksTheNetwork(GoodProvider):
    def form(self):
        import socket

        socket.getaddrinfo("localhost", 80)
        return super().form()


# ----------------------------------------------------------------------------------- signing in


class TellsTwoLines(GoodProvider):
    def sign_in(self, credential):
        session = super().sign_in(credential)
        return Session(client=session.client, identity="somebody\nelse")


class WantsAnswers(GoodProvider):
    def sign_in(self, credential):
        import os

        if "GOOD_TOKEN" not in os.environ:
            _ = credential.answers["token"]
        return super().sign_in(credential)


class IgnoresTheEnvironment(GoodProvider):
    def sign_in(self, credential):
        if not credential.answers:
            raise CredentialMissing("there is no token", hint=HINT)
        return super().sign_in(credential)


class DeniesTheRefused(GoodProvider):
    def sign_in(self, credential):
        try:
            return super().sign_in(credential)
        except CredentialRejected:
            raise AccessDenied("no", hint=HINT) from None


class DeniesTheEnded(GoodProvider):
    def read(self, session, request):
        try:
            return super().read(session, request)
        except SessionExpired:
            raise AccessDenied("no", hint=HINT) from None


class SignsInByItself(GoodProvider):
    def sign_in(self, credential):
        session = super().sign_in(credential)
        session.client.again = credential.answers.text("token")
        return session

    def read(self, session, request):
        client = session.client
        try:
            return super().read(session, request)
        except SessionExpired:
            client.session = str(client.ask("/login", token=client.again))
            return super().read(session, request)


# --------------------------------------------------------------------------------------- values


class Changes(GoodProvider):
    """One that makes something else of values."""

    def read(self, session, request):
        found = super().read(session, request)
        return Secret(self.changed(found.reveal()), version=found.version)

    def changed(self, value: bytes) -> bytes:
        raise NotImplementedError


class MendsLines(Changes):
    def changed(self, value):
        return value.replace(b"\r\n", b"\n")


class WritesPython(Changes):
    def changed(self, value):
        return repr(json.loads(value)).encode() if value.startswith(b"{") else value


class KnowsTextOnly(Changes):
    def changed(self, value):
        return value.decode(errors="replace").encode()


class CutsOff(Changes):
    def changed(self, value):
        return value[:60_000]


class WritesLatin(Changes):
    def changed(self, value):
        return value.replace("ü".encode(), "ü".encode("latin-1"))


class TakesEmptyForMissing(Changes):
    def changed(self, value):
        if not value:
            raise SecretNotFound("there is no secret", hint=HINT)
        return value


class ReadsTheNewest(GoodProvider):
    def read(self, session, request):
        super().read(session, request)  # so that a version that is not there is told
        found = session.client.ask("/secret", name=request.path)
        return Secret(bytes.fromhex(found["value"]), version=found["version"])


class Misses(GoodProvider):
    """One that raises something else for some statuses."""

    class client(Client):  # noqa: N801  # the attribute of GoodProvider
        statuses: tuple[int, ...] = ()
        said = ""

        def checked(self, status, said, name):
            if status in self.statuses and (not self.said or said == self.said):
                raise SecretNotFound(f"there is no secret {name!r}", hint=HINT)
            return super().checked(status, said, name)


class MissesVersions(Misses):
    class client(Misses.client):  # noqa: N801
        statuses, said = (404,), "version"


class MissesDeleted(Misses):
    class client(Misses.client):  # noqa: N801
        statuses = (410,)


class MissesDenied(Misses):
    class client(Misses.client):  # noqa: N801
        statuses = (403,)


class HelpsNobody(GoodProvider):
    def read(self, session, request):
        try:
            return super().read(session, request)
        except UnvaultError as error:
            if type(error) is SecretNotFound:
                error.hint = None
            raise


class StumblesOverDots(GoodProvider):
    def read(self, session, request):
        if ".." in request.path:
            raise ValueError("dots")
        return super().read(session, request)


# ------------------------------------------------------------------------------------- failures


class Confuses(Client):
    """A client that takes an exception for something else, for one kind of request."""

    target: str
    kind: type[Exception] | tuple[type[Exception], ...]

    def send(self, target: str, token: str) -> tuple[int, Any]:
        try:
            return super().send(target, token)
        except self.kind:
            if target.startswith(self.target):
                raise AccessDenied("no", hint=HINT) from None
            raise


class Misreads(Client):
    """A client that takes a status for something else, for one kind of request."""

    target: str
    status: int

    def exchange(self, target: str, token: str) -> tuple[int, Any]:
        status, said = super().exchange(target, token)
        if status == self.status and target.startswith(self.target):
            raise AccessDenied("no", hint=HINT)
        return status, said


def confusing(asked: str, kind: Any) -> type[GoodProvider]:
    """Return a provider that takes an exception for something else."""
    client = type("Client", (Confuses,), {"target": asked, "kind": kind})
    return type("Confused", (GoodProvider,), {"client": client})


def misreading(asked: str, wrong: int) -> type[GoodProvider]:
    """Return a provider that takes a status for something else."""
    client = type("Client", (Misreads,), {"target": asked, "status": wrong})
    return type("Misled", (GoodProvider,), {"client": client})


GONE = (ConnectionError, http.client.HTTPException)


class Chokes(GoodProvider):
    class client(Client):  # noqa: N801
        def exchange(self, target, token):
            try:
                return self.send(target, token)
            except (OSError, http.client.HTTPException):
                return super().exchange(target, token)  # which tells it as it should


class WaitsForEver(GoodProvider):
    def read(self, session, request):
        time.sleep(3)
        return super().read(session, request)


# -------------------------------------------------------------------------------------- secrecy


class TellsTheToken(GoodProvider):
    def sign_in(self, credential):
        try:
            return super().sign_in(credential)
        except CredentialRejected:
            token = credential.answers.text("token")
            raise CredentialRejected(f"the token {token} was refused", hint=HINT) from None


class ChainsTheToken(GoodProvider):
    def sign_in(self, credential):
        try:
            return super().sign_in(credential)
        except CredentialRejected:
            inner = ValueError(credential.answers.text("token"))
            raise CredentialRejected("the token was refused", hint=HINT) from inner


class RepeatsTheAnswer(GoodProvider):
    class client(Client):  # noqa: N801
        def exchange(self, target, token):
            status, said = super().exchange(target, token)
            if status == 500:
                raise Unavailable(f"the vault failed: {said}", hint=HINT)
            return status, said


class LogsTheAnswerOfAFailure(GoodProvider):
    class client(Client):  # noqa: N801
        def exchange(self, target, token):
            status, said = super().exchange(target, token)
            if status == 500:
                logging.getLogger("bad.client").debug("the vault failed: %s", said)
            return status, said


class LogsTheToken(GoodProvider):
    def sign_in(self, credential):
        token = credential.answers.text("token")
        logging.getLogger("bad.client").debug("signing in with %s", token)
        return super().sign_in(credential)


class PrintsTheValue(GoodProvider):
    def read(self, session, request):
        found = super().read(session, request)
        print(found.reveal())
        return found


class ShowsTheToken(GoodProvider):
    class client(Client):  # noqa: N801
        def __init__(self, address, token, timeout):
            self.token = token
            super().__init__(address, token, timeout)

        def __repr__(self):
            return f"Client({self.token!r})"


# ------------------------------------------------------------------------------- threads and many


class RemembersTheRequest(GoodProvider):
    def read(self, session, request):
        session.client.wanted = request
        time.sleep(0.005)
        return super().read(session, session.client.wanted)


class EndsAtFirst(GoodProvider):
    ended = False

    def read(self, session, request):
        if not self.ended:
            self.ended = True
            raise SessionExpired("the session ended", hint=HINT)
        return super().read(session, request)


class KeepsOneClient(GoodProvider):
    last: Any = None

    def sign_in(self, credential):
        session = super().sign_in(credential)
        self.last = session
        return session

    def read(self, session, request):
        return super().read(self.last, request)


class Reorders(GoodProvider):
    def read_all(self, session, requests):
        found = super().read_all(session, requests)
        return found if len(found) < 4 else found[::-1]


class FailsAsAWhole(GoodProvider):
    def read_all(self, session, requests):
        return [self.read(session, request) for request in requests]


class ListsExactly(GoodProvider):
    def browse(self, session, prefix):
        return (SecretInfo(name) for name in session.client.ask("/list") if name == prefix)


class ListsAll(GoodProvider):
    def browse(self, session, prefix):
        return (SecretInfo(name) for name in session.client.ask("/list"))


class FailsToClose(GoodProvider):
    def close(self, session):
        raise ValueError("closed already")


class ClosesForGood(GoodProvider):
    closed = 0

    def close(self, session):
        self.closed += 1

    def sign_in(self, credential):
        if self.closed:
            raise Unavailable("it is closed", hint=HINT)
        return super().sign_in(credential)
