"""Azure for the benchmarks, as a process of its own: it takes no time from ours.

Prints what it has as JSON. Then each line on its standard input is a number, by how many
milliseconds vaults answer later from now on; to each it prints how many tokens it has given out so
far. It ends with its standard input. Is started as ``python -m benchmarks.azure_server FOLDER``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import trustme
from tests.servers.azure import Azure

PASSWORD = "invented-password"
VAULT, SECRET = "app", "db-password"
NAMES = [f"many-{number}" for number in range(200)]


class Served:
    """The server, as somebody at the other end of the pipes sees it.

    Args:
        says: What it prints.
        hears: What it reads.
    """

    def __init__(self, says: IO[bytes], hears: IO[bytes]) -> None:
        self._says, self._hears = says, hears
        told: Mapping[str, Any] = json.loads(says.readline())
        self.environment: dict[str, str] = told["environment"]
        """By which the real names lead there."""
        self.app: dict[str, str] = told["app"]
        """An application: ``tenant_id``, ``client_id`` and ``client_secret``."""
        self.person: dict[str, str] = told["person"]
        """Somebody: ``name`` and ``password``."""
        self.entra_port: int = told["entra_port"]

    def answer_later(self, milliseconds: float) -> None:
        """Let vaults answer later, by so much, from now on."""
        self._ask(milliseconds)

    def tokens(self) -> int:
        """Return how many access tokens were given out, and answer at once from now on."""
        return self._ask(0)

    def _ask(self, milliseconds: float) -> int:
        self._hears.write(f"{milliseconds}\n".encode())
        self._hears.flush()
        return int(self._says.readline())


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Yield the server, which keeps what it keeps in a folder."""
    command = [sys.executable, "-m", "benchmarks.azure_server", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Served(process.stdout, process.stdin)
        process.stdin.close()


def _main(folder: str) -> None:
    with Azure(trustme.CA(), Path(folder)) as azure:
        person, app = azure.entra.person("ann"), azure.entra.app("robot")
        vault = azure.vaults.new(VAULT).allow(person).allow(app)
        for name in (SECRET, *NAMES):
            vault.put(name, PASSWORD)
        known = {"tenant_id": app.tenant.id, "client_id": app.client_id}
        told = {
            "environment": azure.environment,
            "app": {**known, "client_secret": app.new_secret()},
            "person": {"name": person.name, "password": person.password},
            "entra_port": azure.entra.port,
        }
        print(json.dumps(told), flush=True)
        for line in sys.stdin:
            azure.vaults.milliseconds = float(line)
            print(len(azure.entra.tokens.of_kind("access")), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
