"""The provider gcp beside Google's bare SDK, over both transports, with a server that verifies."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.cloud import secretmanager

from benchmarks.gcp_server import NAMES, PASSWORD, PROJECT, Served, served
from benchmarks.report import Row
from benchmarks.timing import environment, peak_memory, processes, side_by_side
from unvault import Secret, Unvault
from unvault.directories import Directories

_TRANSPORTS = {"grpc": "gRPC", "rest": "REST"}
_DELAY_MS = 20
# Nothing but this machine is asked: the SDK looks for more in the background.
_NOWHERE = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
_HERE = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1")


def run() -> list[Row]:
    """Return what was measured."""
    with TemporaryDirectory() as name, served(Path(name)) as near:
        home, empty = Path(name, "home"), Path(name, "empty")
        home.mkdir()
        ambient = {
            **near.environment,
            **_NOWHERE,
            **_HERE,
            "HOME": str(home),
            "GOOGLE_APPLICATION_CREDENTIALS": near.key_file,
            "GRPC_VERBOSITY": "NONE",
        }
        with environment(ambient):
            return [
                *_one(near, Directories.under(home / "near")),
                *_many(Path(name), Directories.under(home / "far")),
                *_whole_process(near, empty),
            ]


def _one(server: Served, folders: Directories) -> list[Row]:
    """Fetch one secret again and again: past the cache, and from it."""
    rows = []
    for transport in _TRANSPORTS:
        _store(folders, server, transport)
    time.sleep(3)  # a store that was changed just now is read at each fetch
    for transport, label in _TRANSPORTS.items():
        bare = _client(server, transport)
        with Unvault(directories=folders) as vault:
            reference = f"{_name(transport)}/prod-db#password"
            ours, theirs = side_by_side(
                [
                    lambda: _check(vault.fetch(reference, fresh=True).text()),  # noqa: B023  # now
                    lambda: _bare(bare, "prod-db"),  # noqa: B023  # now
                ],
                rounds=2_000,
                warm_up=100,
            )
        what, beside = f"one fetch, past the cache, over {label}", f"Google's SDK over {label}"
        rows.append(Row(what, ours * 1e3, theirs * 1e3, beside, at_most=1.1))
    return rows


def _many(folder: Path, folders: Directories) -> list[Row]:
    """Fetch many secrets from a server that is far away; each time with new clients."""
    rows = []
    with served(folder, milliseconds=_DELAY_MS) as far:
        for transport, label in _TRANSPORTS.items():
            _store(folders, far, transport)

            def ours() -> None:
                with Unvault(directories=folders) as vault:
                    _fetch_all(vault, _name(transport))  # noqa: B023  # called now

            def theirs() -> None:
                client = _client(far, transport)  # noqa: B023  # called now
                for name in NAMES:
                    _bare(client, name)

            many, one_by_one = side_by_side([ours, theirs], rounds=3, warm_up=0, least=True)
            what = f"{len(NAMES)} fetches, {_DELAY_MS} ms away, over {label}"
            beside = "Google's SDK, one after another"
            rows.append(Row(what, many, one_by_one, beside, unit="s", faster=10))
    return rows


def _whole_process(server: Served, home: Path) -> list[Row]:
    """Start a command that prints a secret."""
    get = [str(Path(sys.executable).with_name("unvault")), "get", "gcp/prod-db#password"]
    script = [sys.executable, str(Path(__file__).with_name("bare_gcp.py"))]
    rows = []
    for transport, label in _TRANSPORTS.items():
        environ = {
            **os.environ,
            "UNVAULT_HOME": str(home),
            "UNVAULT_GCP_TYPE": "adc",
            "UNVAULT_GCP_TRANSPORT": transport,
            "UNVAULT_GCP_ENDPOINT": f"https://{server.endpoints[transport]}",
            "ENDPOINT": server.endpoints["grpc"],
        }
        ours, bare = processes([get, script], environ, rounds=25, prints=PASSWORD)
        what, beside = f"unvault get over {label}", "a script with Google's SDK over gRPC"
        bound = 1.3 if transport == "grpc" else 0.85
        rows.append(Row(what, ours * 1e3, bare * 1e3, beside, at_most=bound))
        if hasattr(os, "wait4"):
            ours, bare = (peak_memory(each, environ) for each in (get, script))
            rows.append(Row(f"{what}, peak memory", ours, bare, beside, unit="MB"))
    return rows


def _name(transport: str) -> str:
    return f"over-{transport}"


def _store(folders: Directories, server: Served, transport: str) -> None:
    """Store a credential."""
    given: dict[str, Any] = {
        "key": Path(server.key_file).read_text("utf-8"),
        "transport": transport,
        "endpoint": f"https://{server.endpoints[transport]}",
    }
    with Unvault(directories=folders) as vault:
        draft = vault.credentials.draft("gcp", "service_account", given, name=_name(transport))
        vault.credentials.add(draft)


def _client(server: Served, transport: str) -> Any:
    options = {"api_endpoint": server.endpoints[transport]}
    return secretmanager.SecretManagerServiceClient.from_service_account_file(
        server.key_file, transport=transport, client_options=options
    )


def _fetch_all(vault: Unvault, head: str) -> None:
    for found in vault.fetch_many(f"{head}/{name}#password" for name in NAMES):
        assert isinstance(found, Secret), found
        _check(found.text())


def _bare(client: Any, name: str) -> None:
    answer = client.access_secret_version(name=f"projects/{PROJECT}/secrets/{name}/versions/latest")
    _check(json.loads(answer.payload.data)["password"])


def _check(password: str) -> None:
    assert password == PASSWORD
