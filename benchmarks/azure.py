"""The provider azure beside the bare SDK, with servers of Entra ID and Key Vault over TLS."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from tests.servers.visitor import Visitor

from benchmarks.azure_server import NAMES, PASSWORD, SECRET, VAULT, Served, served
from benchmarks.report import Row
from benchmarks.timing import environment, peak_memory, processes, side_by_side
from unvault import Secret, Unvault
from unvault.directories import Directories

_DELAY_MS = 20
_FETCHES = 1_000
_PATH = f"{VAULT}/{SECRET}"


def run() -> list[Row]:
    """Return what was measured."""
    with TemporaryDirectory() as name, served(_made(name, "served")) as server:
        variables = {**server.environment, "HOME": str(_made(name, "home"))}
        folders = Directories.under(_made(name, "stored"))
        _store(folders, server)
        with environment(variables):
            return [
                *_one(server, folders),
                *_many(server, folders),
                *_whole_process(server, folders, Path(name, "stored")),
            ]


def _one(server: Served, folders: Directories) -> list[Row]:
    """Fetch one secret again and again: past the cache, and from it."""
    before = server.tokens()
    with Unvault(directories=folders) as vault:
        for _ in range(_FETCHES):
            _check(vault.fetch(f"robot/{_PATH}", fresh=True).text())
    tokens = server.tokens() - before
    with Unvault(directories=folders) as vault, _bare(server) as bare:
        app, person, theirs = side_by_side(
            [
                lambda: _check(vault.fetch(f"robot/{_PATH}", fresh=True).text()),
                lambda: _check(vault.fetch(f"ann/{_PATH}", fresh=True).text()),
                lambda: _check(bare.get_secret(SECRET).value),
            ],
            rounds=1_500,
            warm_up=50,
        )
        [hits] = side_by_side(  # a hit is too short to be timed by itself
            [lambda: [vault.fetch(f"ann/{_PATH}") for _ in range(100)]], rounds=500, warm_up=20
        )
    what, beside = "one fetch, past the cache", "bare azure-keyvault-secrets"
    ours = {"by an application": app, "by a person": person}
    return [
        *(
            Row(f"{what}, {how}", seconds * 1e3, theirs * 1e3, beside, at_most=1.1)
            for how, seconds in ours.items()
        ),
        Row("one fetch, from the cache", hits * 1e4, theirs * 1e6, beside, unit="us"),
        Row(f"tokens for {_FETCHES:,} fetches", tokens, unit="", limit=1),
    ]


def _many(server: Served, folders: Directories) -> list[Row]:
    """Fetch many secrets from vaults that are far away; each time with new clients."""

    def ours() -> None:
        with Unvault(directories=folders) as vault:
            for found in vault.fetch_many(f"robot/{VAULT}/{name}" for name in NAMES):
                assert isinstance(found, Secret), found
                _check(found.text())

    def theirs() -> None:
        with _bare(server) as client:
            for name in NAMES:
                _check(client.get_secret(name).value)

    server.answer_later(_DELAY_MS)
    many, one_by_one = side_by_side([ours, theirs], rounds=4, warm_up=0, least=True)
    server.answer_later(0)
    what = f"{len(NAMES)} fetches, {_DELAY_MS} ms away"
    beside = "bare azure-keyvault-secrets, one after another"
    return [Row(what, many, one_by_one, beside, unit="s", faster=10)]


def _whole_process(server: Served, folders: Directories, home: Path) -> list[Row]:
    """Start a command that prints a secret: by a person who signed in before."""
    get = [str(Path(sys.executable).with_name("unvault")), "get", f"ann/{_PATH}"]
    # Not with its own folder in the path (-P), where this module is called as the SDK's package.
    script = [sys.executable, "-P", str(Path(__file__).with_name("bare_azure.py"))]
    own = {f"AZURE_{name.upper()}": value for name, value in server.app.items()}
    environ = {**os.environ, **own, "UNVAULT_HOME": str(home)}
    ours, bare = processes((get, script), environ, rounds=25, prints=PASSWORD)
    what, beside = "unvault get, signed in before", "a script with the SDK"
    rows = [Row(what, ours * 1e3, bare * 1e3, beside, at_most=1.3)]
    if hasattr(os, "wait4"):
        ours, bare = (peak_memory(each, environ) for each in (get, script))
        rows.append(Row(f"{what}, peak memory", ours, bare, beside, unit="MB"))
    return rows


def _store(folders: Directories, server: Served) -> None:
    """Store both credentials, and sign the person in."""
    at_home = _AtHome(server)
    with (
        environment(server.environment),
        Unvault(directories=folders, interaction=at_home) as vault,
    ):
        add, draft = vault.credentials.add, vault.credentials.draft
        add(draft("azure", "client_secret", server.app, name="robot"))
        made = draft("azure", "browser", {}, name="ann")
        add(made, session=vault.credentials.test(made))


class _AtHome:
    """Somebody at a browser."""

    def __init__(self, server: Served) -> None:
        self._visitor = Visitor(server.entra_port, **server.person)

    def tell(self, message: str) -> None:
        """Hear it."""

    def open_page(self, address: str) -> bool:
        """Sign in there, meanwhile."""
        threading.Thread(target=self._visitor.sign_in, args=(address,)).start()
        return True

    def ask(self, question: str, *, hidden: bool = False) -> str:
        """Answer nothing: nobody asks."""
        raise NotImplementedError


def _bare(server: Served) -> Any:
    proof = ClientSecretCredential(**server.app)
    return SecretClient(f"https://{VAULT}.vault.azure.net", proof)


def _made(folder: str, name: str) -> Path:
    made = Path(folder, name)
    made.mkdir()
    return made


def _check(password: str | None) -> None:
    assert password == PASSWORD
