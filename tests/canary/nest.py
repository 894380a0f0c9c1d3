"""A provider with a canary in every corner. What it is asked for decides how it fails.

It reads what it is to know from the file that ``NEST_FILE`` names, and notes there what it did.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unvault import errors
from unvault.errors import CredentialRejected, SecretNotFound, UnvaultError
from unvault.forms import Choice, CredentialForm, CredentialType, Field, SecretForm
from unvault.hookspecs import hookimpl
from unvault.model import Credential, SecretInfo, SecretRequest, Session
from unvault.secret import Secret

FILE = "NEST_FILE"


def known() -> dict[str, Any]:
    """Return what it knows."""
    return json.loads(Path(os.environ[FILE]).read_text("utf-8"))


def note(what: str) -> None:
    """Write down what it did, beside the file."""
    with Path(os.environ[FILE]).with_suffix(".log").open("a", encoding="utf-8") as log:
        log.write(f"{what}\n")


if FILE in os.environ:
    note(f"imported with {json.dumps(dict(os.environ))}")


@hookimpl
def describe_credential_form() -> CredentialForm:
    trees = Field("tree", kind="choice", choices=[Choice("oak"), Choice("fir")], default="oak")
    token = Field("token", kind="secret", required=True)
    return CredentialForm(
        "Nest", types=[CredentialType("token", fields=[token, trees])], ambient="an open tree"
    )


@hookimpl
def describe_secret_form() -> SecretForm:
    name, number, key = Field("name", required=True), Field("n", kind="integer"), Field("key")
    return SecretForm(fields=[name, number, key], path=["name"], field="key")


@hookimpl
def authenticate(credential: Credential) -> Session:
    token = credential.answers.text("token")
    note("signed in")
    if token == "refuse":
        fail(known(), "CredentialRejected")
    if token is not None and token not in known()["tokens"]:
        raise CredentialRejected("the nest refused the token", hint="ask for a new one")
    return Session(
        client=known(), identity="a bird", details={"tree": "oak"}, renewed={"key": known()["kept"]}
    )


@hookimpl
def fetch_secret(session: Session, request: SecretRequest) -> Secret:
    value = session.client["value"]
    note(f"fetched {request.path}")
    what, _, more = request.path.partition("/")
    if what == "raise":
        fail(session.client, more)
    if what == "crash":
        crash(more, value)
    if what == "wait":
        wait()
    kinds = {"value": value, "json": json.dumps({"password": value, "port": 1})}
    kinds |= {"binary": f"\udcff{value}".encode(errors="surrogateescape")}
    kinds |= {"deep": f'{{"a": {"[" * 90_000}"{value}"{"]" * 90_000}}}'}
    kinds |= {"surrogate": f'{{"a": "\\ud800{json.dumps(value)[1:]}}}'}
    if what == "raw":
        return value
    if what not in kinds:
        raise SecretNotFound("there is no such egg", hint="look at the list", candidates=[*kinds])
    return Secret(kinds[what], version="1")


@hookimpl
def list_secrets(session: Session, prefix: str) -> Iterator[SecretInfo]:
    held = session.client["value"]
    if prefix.startswith("raise/"):
        fail(session.client, prefix.removeprefix("raise/"))
    if prefix == "raw":
        yield held
    yield from (SecretInfo(name, version="1") for name in ("json", "value"))


@hookimpl
def close_session(session: Session) -> None:
    if session.client.get("fails to close"):
        raise RuntimeError(session.client["value"])


class Foreign(Exception):
    """An exception whose text, attributes and notes are all secret."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.response = {"body": value}
        self.add_note(f"it was {value}")


class Wordless(Exception):
    """An exception that cannot be told."""

    def __str__(self) -> str:
        raise RuntimeError(vars(self)["value"])

    __repr__ = __str__


def fail(client: dict[str, Any], kind: str) -> None:
    """Raise an exception of a kind, with the value wherever an exception has room for one."""
    value = client["value"]
    local_copy = {"headers": [value]}
    origin = ExceptionGroup(value, [Foreign(value), ValueError(value)])
    own = getattr(errors, kind, None)
    if own is None:
        raise foreign(kind, value) from origin
    try:
        raise KeyError(local_copy["headers"][0])
    except KeyError:
        error: UnvaultError = own("it did not work", hint="try again")
        error.add_note(value)
        error.response = local_copy
        raise error from origin


def foreign(kind: str, value: str) -> BaseException:
    """Return an exception that is none of the core's."""
    content = value.encode("utf-16")
    made = {
        "UnicodeDecodeError": lambda: UnicodeDecodeError("utf-8", content, 0, 1, value),
        "JSONDecodeError": lambda: json.JSONDecodeError(value, value, 0),
        "ExceptionGroup": lambda: ExceptionGroup(value, [Foreign(value)]),
        "BaseExceptionGroup": lambda: BaseExceptionGroup(value, [SystemExit(value)]),
        "OSError": lambda: OSError(2, value, value),
        "Wordless": lambda: vars(error := Wordless()).update(value=value) or error,
        "Foreign": lambda: Foreign(value),
    }
    import builtins

    return made.get(kind, lambda: getattr(builtins, kind)(value))()


FOREIGN = (
    *("ValueError", "UnicodeDecodeError", "JSONDecodeError", "ExceptionGroup", "Foreign"),
    *("BaseExceptionGroup", "SystemExit", "KeyboardInterrupt", "GeneratorExit", "MemoryError"),
    *("RecursionError", "OSError", "Wordless", "BrokenPipeError", "EOFError", "StopIteration"),
    *("Warning", "BaseException"),
)
"""Kinds of exceptions that are none of the core's."""


def crash(how: str, value: str) -> None:
    """Bring the process down while it holds the value."""
    held = [value] * 3
    if how == "recursion":
        crash(how, held[0])
    if how == "thread":
        thread = threading.Thread(target=crash, args=("segfault", value))
        thread.start()
        thread.join()
    if how == "segfault":
        ctypes.string_at(0)
    if how == "abort":
        os.abort()
    if how == "exit":
        sys.exit(value)
    if how == "memory":
        held.append("x" * (1 << 62))


def wait() -> None:
    """Say that it waits, and wait until it may go on."""
    place = Path(os.environ[FILE])
    place.with_suffix(".waiting").touch()
    for _ in range(600):
        if place.with_suffix(".go").exists():
            return
        time.sleep(0.05)
