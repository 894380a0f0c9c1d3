"""How long a whole process takes that does little, beside an interpreter that does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Row
from benchmarks.timing import processes
from unvault import Unvault
from unvault.directories import Directories

_VALUE = "an invented value"
_ANSWERS = {"server_address": "https://vault.example.com:8200", "access_token": "invented"}
_ROUNDS = 40
_EMBEDDED = "import unvault; print(unvault.Unvault().fetch('local/greeting').text())"


def run() -> list[Row]:
    """Return what was measured."""
    command = str(Path(sys.executable).with_name("unvault"))
    with TemporaryDirectory() as home:
        environ = {"HOME": home, "PATH": os.environ["PATH"], "UNVAULT_HOME": f"{home}/unvault"}
        store = [command, "local", "set", "greeting"]
        subprocess.run(store, input=_VALUE.encode(), env=environ, check=True, capture_output=True)
        with Unvault(directories=Directories.under(Path(home, "unvault")), environ={}) as vault:
            draft = vault.credentials.draft("hashicorp", "on_prem", _ANSWERS, name="prod")
            vault.credentials.add(draft)
        # No `prints`: they print different things. Any exit code but 0 ends the benchmark.
        bare, version, get, providers, credentials, importing, embedded = processes(
            [
                [sys.executable, "-c", "pass"],
                [command, "--version"],
                [command, "get", "local/greeting"],
                [command, "providers"],  # with verdicts: the rounds to warm up find them out
                [command, "credentials", "list"],
                [sys.executable, "-c", "import unvault"],
                [sys.executable, "-c", _EMBEDDED],
            ],
            environ,
            rounds=_ROUNDS,
        )
    rows: list[tuple[str, float, float | None]] = [
        ("unvault --version", version, 4),
        ("unvault get local/greeting", get, 10),
        ("unvault providers", providers, None),
        ("unvault credentials list", credentials, None),
        ("a program that imports unvault", importing, None),
        ("a program that fetches one secret", embedded, None),
    ]
    return [
        Row(what, ours * 1e3, bare * 1e3, "python -c pass", at_most=bound)
        for what, ours, bound in rows
    ]
