"""The server for GCP as a process of its own: it takes no time from ours.

Prints where it is as JSON, and ends when its standard input does. Is started as
``python -m benchmarks.gcp_server FOLDER MILLISECONDS``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import trustme
from tests.servers.gcp import Gcp

PROJECT = "acme"
PASSWORD = "invented-password"
NAMES = [f"many-{number}" for number in range(200)]


@attrs.frozen
class Served:
    """A server with some secrets, ``prod-db`` and those of `NAMES`, and who may read them."""

    endpoints: dict[str, str]
    """Its ``HOST:PORT`` for ``grpc`` and for ``rest``, over TLS."""
    key_file: str
    """The key of a service account."""
    environment: dict[str, str]
    """Variables by which its certificate is trusted."""


@contextmanager
def served(folder: Path, *, milliseconds: float = 0) -> Iterator[Served]:
    """Yield a server whose answers come later by so many milliseconds.

    Args:
        folder: Where its files are; the servers of one folder have one CA, since gRPC reads what it
            trusts once in a process.
        milliseconds: How much later.
    """
    kept = folder / "authority"
    if not kept.exists():
        made = trustme.CA()
        kept.write_bytes(made.cert_pem.bytes() + made.private_key_pem.bytes())
    command = [sys.executable, "-m", "benchmarks.gcp_server", str(folder), str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Served(**json.loads(process.stdout.readline()))
        process.stdin.close()


def _main(name: str, milliseconds: str) -> None:
    folder = Path(name)
    kept = (folder / "authority").read_bytes()
    with Gcp(trustme.CA.from_pem(kept, kept), folder) as gcp:
        for secret in ("prod-db", *NAMES):
            gcp.put(PROJECT, secret, {"user": "app", "password": PASSWORD})
        gcp.milliseconds = float(milliseconds)
        # Not by the one port for everything: what is behind it answers sooner.
        ports = {"grpc": gcp.grpc.port, "rest": gcp.rest.port}
        made = Served(
            {transport: f"127.0.0.1:{port}" for transport, port in ports.items()},
            str(gcp.reader(project=PROJECT).key_file(folder / f"key-{milliseconds}.json")),
            gcp.environment,
        )
        print(json.dumps(attrs.asdict(made)), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main(*sys.argv[1:])
