"""The provider aws beside bare boto3 and AWS's own command, with a server that verifies signatures.

AWS's own command, of version 1, has an environment of its own: it needs another botocore.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from tests.servers.aws_account import Account, Keys, allow
from tests.servers.aws_proxy import AwsProxy
from tests.servers.ministack import Ministack

from benchmarks.report import Row
from benchmarks.slow import slow
from benchmarks.timing import environment, peak_memory, processes, side_by_side
from unvault import Secret, Unvault
from unvault.directories import Directories

_PASSWORD = "invented-password"
_REGION = "eu-west-1"
_AMBIENT = "aws/prod/db#password"
_NAMES = [f"many/{number}" for number in range(200)]
_DELAY_MS = 20


def run() -> list[Row]:
    """Return what was measured."""
    with TemporaryDirectory() as name, Ministack(_made(name, "served")) as server:
        keys = _fill(server.new_account())
        ambient = {
            **keys.for_environment(),
            "HOME": str(_made(name, "home")),
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_ENDPOINT_URL": server.address,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        folders = Directories.under(_made(name, "stored"))
        with environment(ambient):
            return [
                *_one(server.address, keys, folders),
                *_many(server.address, keys, folders),
                *_whole_process(_made(name, "empty")),
            ]


def _fill(account: Account) -> Keys:
    """Put what is fetched, and return the keys of somebody who may."""
    for secret in ("prod/db", *_NAMES):
        account.put(secret, {"user": "app", "password": _PASSWORD})
    return account.user(
        allow("secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue")
    )


def _one(address: str, keys: Keys, folders: Directories) -> list[Row]:
    """Fetch one secret again and again: past the cache, and from it."""
    bare = boto3.client("secretsmanager")
    _store(folders, "stored", address, keys)
    reference = "stored/prod/db#password"
    with Unvault(directories=folders) as vault:
        stored, ambient, theirs = side_by_side(
            [
                lambda: _check(vault.fetch(reference, fresh=True).text()),
                lambda: _check(vault.fetch(_AMBIENT, fresh=True).text()),
                lambda: _bare(bare, "prod/db"),
            ],
            rounds=2_000,
            warm_up=100,
        )
        [hits] = side_by_side(  # a hit is too short to be timed by itself
            [lambda: [vault.fetch(reference) for _ in range(100)]], rounds=500, warm_up=20
        )
    what = "one fetch, past the cache"
    ours = {"with stored keys": stored, "with AWS_ACCESS_KEY_ID": ambient}
    return [
        *(
            Row(f"{what}, {how}", seconds * 1e3, theirs * 1e3, "bare boto3", at_most=1.1)
            for how, seconds in ours.items()
        ),
        Row("one fetch, from the cache", hits * 1e4, theirs * 1e6, "bare boto3", unit="us"),
    ]


def _many(server: str, keys: Keys, folders: Directories) -> list[Row]:
    """Fetch many secrets from a server that is far away; each time with new clients."""
    with slow(server, _DELAY_MS, keeps_host=True) as address:
        _store(folders, "far", address, keys)

        def ours() -> None:
            with Unvault(directories=folders) as vault:
                _fetch_all(vault, "far")

        def theirs() -> None:
            client = boto3.client("secretsmanager", endpoint_url=address)
            for name in _NAMES:
                _bare(client, name)

        many, one_by_one = side_by_side([ours, theirs], rounds=4, warm_up=0, least=True)
    what = f"{len(_NAMES)} fetches, {_DELAY_MS} ms away"
    beside = "bare boto3, one after another"
    return [
        Row(what, many, one_by_one, beside, unit="s", faster=15),
        Row("requests for them", _requests(server, keys, folders), unit="", limit=11),
    ]


def _requests(server: str, keys: Keys, folders: Directories) -> int:
    """Count, before the server, what many fetches ask for."""
    with AwsProxy(server) as proxy:
        _store(folders, "counted", proxy.address, keys)
        with Unvault(directories=folders) as vault:
            _fetch_all(vault, "counted")
        return len(proxy.requests)


def _whole_process(home: Path) -> list[Row]:
    """Start a command that prints a secret."""
    get = [str(Path(sys.executable).with_name("unvault")), "get", _AMBIENT]
    script = [sys.executable, str(Path(__file__).with_name("bare_boto3.py"))]
    aws = [str(_aws()), "secretsmanager", "get-secret-value", "--secret-id", "prod/db"]
    environ = {**os.environ, "UNVAULT_HOME": str(home)}
    commands = (get, script, aws)
    ours, bare, own = processes(commands, environ, rounds=25, prints=_PASSWORD)
    beside = "aws secretsmanager get-secret-value"
    rows = [
        Row("unvault get", ours * 1e3, bare * 1e3, "a script with boto3", at_most=1.3),
        Row("unvault get", ours * 1e3, own * 1e3, beside, at_most=0.8),
    ]
    if hasattr(os, "wait4"):
        ours, bare, own = (peak_memory(each, environ) for each in commands)
        what = "unvault get, peak memory"
        rows += [
            Row(what, ours, bare, "a script with boto3", unit="MB", at_most=1.15),
            Row(what, ours, own, beside, unit="MB"),
        ]
    return rows


def _aws() -> Path:
    """Return AWS's own command, which has an environment of its own."""
    found = Path(sys.prefix) / "awscli" / "bin" / "aws"
    if not found.exists():
        raise SystemExit(f"there is no command at {found}: `make bench` installs it")
    return found


def _store(folders: Directories, name: str, address: str, keys: Keys) -> None:
    """Store a credential."""
    given: dict[str, Any] = {
        "access_key_id": keys.access_key,
        "secret_access_key": keys.secret_key,
        "region": _REGION,
        "endpoint": address,
    }
    with Unvault(directories=folders) as vault:
        vault.credentials.add(vault.credentials.draft("aws", "keys", given, name=name))


def _fetch_all(vault: Unvault, head: str) -> None:
    for found in vault.fetch_many(f"{head}/{name}#password" for name in _NAMES):
        assert isinstance(found, Secret), found
        _check(found.text())


def _made(folder: str, name: str) -> Path:
    made = Path(folder, name)
    made.mkdir()
    return made


def _bare(client: Any, name: str) -> None:
    answer = client.get_secret_value(SecretId=name)
    _check(json.loads(answer["SecretString"])["password"])


def _check(password: str) -> None:
    assert password == _PASSWORD
