"""A home with every kind of canary in it, and all that is to be searched for them afterwards."""

from __future__ import annotations

import json
import logging
import os
import shutil
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest
from tests.apps.cli.conftest import home, process, unvault  # noqa: F401  # fixtures
from tests.canary.canaries import KEPT, PASSPHRASE, TOKEN, VALUE, VARIABLE, Canaries
from tests.fakes import Site

from unvault_cli.main import main

NEST = Path(__file__).with_name("nest.py")


class Place(NamedTuple):
    """Where a command is run."""

    canaries: Canaries
    root: Path
    """Everything is below it."""
    inputs: Path
    """What was written by the test itself, and may hold canaries."""

    @property
    def log(self) -> str:
        """What the provider wrote down."""
        log = self.inputs / "nest.log"
        return log.read_text("utf-8") if log.exists() else ""

    def left(self) -> list[str]:
        """Return the canaries that were left behind in files."""
        return self.canaries.found_below(self.root, self.inputs)


@pytest.fixture(scope="session")
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def place(
    canaries: Canaries,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,  # noqa: F811
    prepared: Path,
) -> Place:
    """Return a place with a provider, a stored credential, a local vault and variables."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    write_inputs(inputs, canaries)
    for name in ("tmp", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path / "tmp"))
    install(monkeypatch, inputs)
    shutil.copytree(prepared / "home", home)
    for name in ("UNVAULT_ACME_TOKEN", "UNVAULT_NEST_TOKEN", "INSOMNIA_OTHER_SECRET"):
        monkeypatch.setenv(name, canaries[VARIABLE])
    for name in ("UNVAULT_PASSPHRASE", "UNVAULT_NEW_PASSPHRASE", "UNVAULT_LOCAL_PASSPHRASE"):
        monkeypatch.setenv(name, canaries[PASSPHRASE])
    return Place(canaries, tmp_path, inputs)


def write_inputs(folder: Path, canaries: Canaries) -> None:
    """Write down what a person, and the vault, know."""
    tokens = [canaries[TOKEN], canaries[VARIABLE]]
    told = {"value": canaries[VALUE], "kept": canaries[KEPT], "tokens": tokens}
    (folder / "nest.json").write_text(json.dumps(told), "utf-8")
    (folder / "token").write_text(canaries[TOKEN], "utf-8")
    (folder / "value").write_text(canaries[VALUE], "utf-8")
    (folder / "values.json").write_text(json.dumps({"fresh": canaries[VALUE]}), "utf-8")
    (folder / "request.txt").write_text("password {% vault 'mine/value' %}\n", "utf-8")
    (folder / "wrong.txt").write_text("{% vault 'mine/value' %} {% vault 'mine/x' %}\n", "utf-8")


def install(monkeypatch: pytest.MonkeyPatch, inputs: Path) -> None:
    """Install the provider, for this process and those it starts."""
    site = Site(inputs / "site", monkeypatch)
    site.provider("nest", NEST.read_text("utf-8"))
    monkeypatch.setenv("NEST_FILE", str(inputs / "nest.json"))


@pytest.fixture(scope="session")
def prepared(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home once, for every test to have a copy of it."""
    folder = tmp_path_factory.mktemp("prepared")
    inputs = folder / "inputs"
    inputs.mkdir()
    write_inputs(inputs, canaries)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("UNVAULT_", "INSOMNIA_"))]:
            patch.delenv(name)
        install(patch, inputs)
        patch.setenv("UNVAULT_HOME", str(folder / "home"))
        token = f"token={inputs / 'token'}"
        added = ("credentials", "add", "nest", "--name", "mine", "--field-file", token)
        assert main(added) == 0
        assert main(("local", "set", "value", "--file", str(inputs / "value"))) == 0
        assert main(("local", "set", "value", "--file", str(inputs / "value"))) == 0
    return folder


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """Return what hears everything that is logged, at any level, by whatever logger."""
    heard: list[str] = []

    def hear(_: logging.Logger, record: logging.LogRecord) -> None:
        heard.append(f"{record.name} {record.getMessage()} {vars(record)!r}")
        if record.exc_info and record.exc_info[1] is not None:
            error = traceback.TracebackException.from_exception(
                record.exc_info[1], capture_locals=True
            )
            heard.extend(error.format())

    with (
        mock.patch.object(logging.Logger, "isEnabledFor", return_value=True),
        mock.patch.object(logging.Logger, "handle", hear),
    ):
        yield lambda: "\n".join(heard)
