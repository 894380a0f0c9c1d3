"""Whatever shows an object, shows no secret: every public name, in every way to look at it."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import io
import json
import logging
import os
import pickle
import pprint
import reprlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import cattrs
import pytest
from rich.console import Console
from rich.pretty import pretty_repr
from tests.canary import nest
from tests.canary.canaries import KEPT, PASSPHRASE, TOKEN, VALUE, VARIABLE, Canaries
from tests.canary.conftest import write_inputs
from tests.fakes import client_for

import unvault
from unvault import (
    Answers,
    AsyncUnvault,
    Credential,
    Directories,
    Origin,
    Secret,
    SecretCache,
    Session,
    SqliteStore,
    Unvault,
)
from unvault.cache import CacheKey

NOTHING = {
    *("Choice", "Clock", "CredentialForm", "CredentialStore", "CredentialType", "Directories"),
    *("Field", "Interaction", "Kind", "Origin", "Outcome", "ProviderInfo", "ProviderState"),
    *("Reference", "SecretForm", "SecretInfo", "SecretRequest", "StoredCredential"),
    *("UnvaultError", "hookimpl", "__version__"),
}
"""Public names of what is handed no secret, or is no class of objects."""


class World:
    """Where objects come from."""

    def __init__(self, canaries: Canaries, folder: Path) -> None:
        self.canaries = canaries
        self.folder = folder

    def secret(self) -> Secret:
        moment = datetime(2030, 1, 1, tzinfo=UTC)
        return Secret(self.canaries[VALUE], version="1", created=moment, expires=moment)

    def answers(self) -> Answers:
        return Answers({"token": self.canaries[TOKEN], "tree": "oak"})

    def credential(self) -> Credential:
        kept = Answers({"key": self.canaries[KEPT]})
        return Credential("fake", "token", self.answers(), "mine", "1", 1, Origin.STORED, kept)

    def session(self) -> Session:
        client = self.canaries[TOKEN]
        renewed = {"key": self.canaries[KEPT]}
        return Session(client, "a bird", renewed=renewed, credential=self.credential())

    def cache(self) -> SecretCache:
        cache = SecretCache()
        cache.fetch(CacheKey("fake", "1", 1, "x", ()), lambda: Secret(self.canaries[VALUE]))
        return cache

    def store(self) -> SqliteStore:
        store = SqliteStore()
        store.add("mine", "fake", "token", self.answers())
        assert store.get("mine") is not None
        return store

    def vault(self) -> Unvault:
        variables = {"UNVAULT_FAKE_TOKEN": self.canaries[VARIABLE]}
        variables["UNVAULT_PASSPHRASE"] = self.canaries[PASSPHRASE]
        home = Directories.under(self.folder)
        made = client_for(nest, environ=variables, cache=self.cache(), directories=home)
        made.credentials.add(made.credentials.draft("fake", "token", self.answers(), name="mine"))
        made.fetch("fake/value")
        made.fetch("mine/json#password")
        return made

    def redactor(self) -> Any:
        redactor = import_module("unvault.redaction").Redactor()
        redactor.add(self.secret())
        assert self.canaries[VALUE] not in redactor.redact(f"it is {self.canaries[VALUE]}")
        return redactor

    def redacting_filter(self) -> Any:
        return import_module("unvault.log_redaction").RedactingFilter(self.redactor())

    def twin(self) -> AsyncUnvault:
        return AsyncUnvault(self.vault())


MAKERS: Mapping[str, Callable[[World], object]] = {
    "Answers": World.answers,
    "AsyncUnvault": World.twin,
    "Credential": World.credential,
    "RedactingFilter": World.redacting_filter,
    "Redactor": World.redactor,
    "Secret": World.secret,
    "SecretCache": World.cache,
    "Session": World.session,
    "SqliteStore": World.store,
    "Unvault": World.vault,
}


@pytest.fixture
def world(canaries: Canaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    write_inputs(tmp_path, canaries)
    monkeypatch.setenv("NEST_FILE", str(tmp_path / "nest.json"))
    return World(canaries, tmp_path)


def test_every_public_name_is_looked_at_or_holds_nothing() -> None:
    """A new public name fails here until somebody has said whether it may hold a secret."""
    assert {*unvault.__all__} <= {*MAKERS} | NOTHING
    assert not {*MAKERS} & NOTHING


@pytest.mark.parametrize("name", sorted({*MAKERS} & {*unvault.__all__}))
def test_no_way_to_look_at_an_object_shows_a_secret(world: World, name: str) -> None:
    made = MAKERS[name](world)
    for way, shown in _looks(made):
        assert world.canaries.found(shown) == [], f"{way}: {shown}"


def _looks(made: Any) -> Iterator[tuple[str, str]]:
    """Yield what is shown of an object, in every way that is no request for its secret."""
    ways: Mapping[str, Callable[[Any], object]] = {
        "repr": repr,
        "str": str,
        "ascii": ascii,
        "format": "{0} {0!r}".format,
        "width": "{0:}".format,
        "percent": lambda each: "%s %r" % (each, each),  # noqa: UP031
        "pprint": pprint.pformat,
        "reprlib": reprlib.repr,
        "rich": pretty_repr,
        "json": lambda each: json.dumps({"it": each}, default=str),
        "json by repr": lambda each: json.dumps([each], default=repr),
        "nested": lambda each: f"{[each]} {(each,)} {{'it': {each!r}}}",
        "logging": _logged,
        "copy": lambda each: repr(copy.copy(each)),
    }
    for name, way in ways.items():
        yield name, str(way(made))
    # Not only as it is written, but each attribute that it has, hidden ones too.
    for name, value in inspect.getmembers(made):
        if name != "client":  # a session's is the provider's own: whatever it may be
            yield f"getmembers {name}", repr(value)
    yield "dir", " ".join(dir(made))
    yield "vars", repr(getattr(made, "__dict__", None))
    if attrs.has(type(made)):
        gone = attrs.filters.exclude("client")
        yield "asdict", repr(attrs.asdict(made, filter=gone))
        yield "astuple", repr(attrs.astuple(made, filter=gone))
        if not isinstance(made, Session):
            yield "cattrs", repr(cattrs.unstructure(made))
    # Tools that report errors walk into these, and into whatever is in them.
    assert not dataclasses.is_dataclass(made)
    assert not isinstance(made, Mapping | Sequence | Set)
    yield "rich.inspect", _inspected(made)
    yield "pickle", _pickled(made)


def _logged(made: object) -> str:
    return logging.LogRecord("x", 10, "x", 1, "%s %r", (made, made), None).getMessage()


def _inspected(made: object) -> str:
    from rich import inspect as look

    if isinstance(made, Session):
        return ""  # it shows the client, which is the provider's own
    console = Console(file=io.StringIO(), width=2_000)
    look(made, console=console, private=True, methods=False, value=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _pickled(made: object) -> str:
    try:
        return pickle.dumps(made).decode("latin-1")
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        return f"refused: {error}"


@pytest.mark.parametrize("name", sorted({*MAKERS} & {*unvault.__all__}))
def test_what_holds_a_secret_is_not_pickled(world: World, name: str) -> None:
    assert _pickled(MAKERS[name](world)).startswith("refused: ")


def test_a_secret_that_was_asked_for_is_there(world: World) -> None:
    """The objects above really hold what is not shown."""
    value, token = world.canaries[VALUE], world.canaries[TOKEN]
    assert world.secret().text() == value
    assert world.answers()["token"] == token
    assert world.session().client == token
    vault = world.vault()
    assert vault.fetch("mine/json#password").text() == value
    assert vault.cached("fake/value") is not None
    assert vault.credentials.get("mine").answers["token"] == token
    secret = world.secret().picklable()
    assert world.canaries.found(pickle.dumps(secret)) == [VALUE]


FAILING = """
from unvault import Answers, Credential, Secret, Session

def answers(digit):
    return Answers({"token": "hunter" + digit * 9})

def credential(digit):
    return Credential("x", "t", answers(digit))

def session(digit):
    return Session("hunter" + digit * 9, renewed={"key": "hunter" + digit * 9})

def secret(digit):
    return Secret("hunter" + digit * 9)

def pytest_generate_tests(metafunc):
    metafunc.parametrize("make", [answers, credential, session, secret])

def test_that_fails(make):
    one, other = make("2"), make("3")
    assert one == other

def test_that_fails_inside(make):
    one, other = [make("2")], [make("3"), make("2")]
    assert one == other

def test_that_misses(make):
    assert make("2") in [make("3")]
"""


def test_the_report_of_a_failed_test_shows_no_secret(tmp_path: Path) -> None:
    """pytest shows the variables of frames, both sides of a comparison, and how they differ."""
    file = tmp_path / "test_failing.py"
    file.write_text(FAILING, "utf-8")
    options = ("-vv", "--showlocals", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    assert "12 failed" in done.stdout, done.stdout + done.stderr
    assert "********" in done.stdout
    shown = [line for line in done.stdout.splitlines() if "hunter2" in line or "hunter3" in line]
    assert shown == []
