"""The command under test: in this process where that is enough, otherwise in one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.fakes import Site

from unvault_cli.main import main

TOKEN = "t0ken-canary-3141"
"""What opens Acme's file in these tests, and must never show."""


class Result(NamedTuple):
    """What became of a command."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The standard output as text."""
        return self.out.decode()

    @property
    def json(self) -> Any:
        """The standard output as the one JSON document it has to be."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error that ``--json`` wrote to the standard error."""
        found = json.loads(self.err.splitlines()[-1])
        assert found["schema"] == "unvault.error/1"
        return found["error"]


Unvault = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a home of its own, and none of this machine's variables."""
    for name in [*os.environ]:
        if name.startswith(("UNVAULT_", "INSOMNIA_", "_UNVAULT", "XDG_", "PYTHONPATH")):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("UNVAULT_HOME", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def unvault(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Unvault:
    """Run the command in this process."""

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            capfdbinary.readouterr()
            code = main(arguments)
            sys.stdout.flush()
            captured = capfdbinary.readouterr()
        return Result(code, captured.out, captured.err.decode())

    return run


@pytest.fixture
def process() -> Unvault:
    """Run the command in a process of its own."""

    def run(
        *arguments: str,
        stdin: bytes = b"",
        environ: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "unvault_cli", *arguments],
            input=stdin,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            env={**os.environ, **(environ or {})},
            check=False,
            timeout=60,
            **options,
        )
        return Result(done.returncode, done.stdout or b"", done.stderr.decode())

    return run


@pytest.fixture
def acme_file(tmp_path: Path) -> Path:
    """Write the file that Acme, the example provider, keeps its secrets in."""
    file = tmp_path / "acme.json"
    regions = {"eu": {"db/main": ["first", {"user": "app"}]}, "us": {"db/us": ["howdy"]}}
    file.write_text(json.dumps({"token": TOKEN, "regions": regions}), "utf-8")
    return file


@pytest.fixture
def prod(unvault: Unvault, acme_file: Path) -> str:
    """Store a credential for Acme, and return its name."""
    added = unvault(
        *("credentials", "add", "acme", "--name", "prod"),
        *("--field", f"file={acme_file}", "--field-file", "token=-"),
        stdin=TOKEN.encode(),
    )
    assert added.code == 0, added.err
    return "prod"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a folder to install invented distributions in."""
    place = Site(tmp_path / "site", monkeypatch)
    yield place
    place.forget()
