"""What a plain `get` loads: every module costs every run its time, so none comes back unseen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault
from tests.fakes import Site

LOADED = """
import sys
from unvault_cli.main import main
code = main(sys.argv[1:])
print(__import__("json").dumps([*sys.modules]), file=sys.stderr)
sys.exit(code)
"""

NEVER = {
    "asyncio",
    "cattr",
    "cattrs",
    "concurrent.futures",
    "difflib",
    "email",
    "importlib.metadata",
    "logging",
    "rich",
    "ssl",
    "subprocess",
    "tempfile",
    "traceback",
    "unvault.aio",
    "unvault.checking",
    "unvault.credentials",
    "unvault.health",
    "unvault.rendering",
    "unvault.template",
    "unvault.threads",
    "unvault_cli.asking",
    "unvault_cli.report",
    "zipfile",
}
"""What no plain `get` needs, whatever the provider: an SDK may load some of them for itself."""

STORE = {
    "cryptography",
    "keyring",
    "sqlite3",
    "unvault.data_key",
    "unvault.protection",
    "unvault.sealed",
    "unvault.sqlite_file",
    "unvault.store",
}
"""What opens a store, and so is not needed where there is none."""


def loaded_by(*arguments: str, environ: dict[str, str] | None = None) -> set[str]:
    """Return the modules that a command loaded, but for those a tool had loaded before."""
    bare = subprocess.run(
        [sys.executable, "-c", "import json, sys; print(json.dumps([*sys.modules]))"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environ,
    )
    assert done.returncode == 0, done.stderr
    return {*json.loads(done.stderr)} - ({*json.loads(bare.stdout)} - {"json"})


def test_get_without_a_store_opens_none(unvault: Unvault, site: Site, home: Path) -> None:
    assert unvault is not None
    site.provider("plain")
    loaded = loaded_by("get", "plain/a")
    assert "provider_plain" in loaded
    assert not loaded & (NEVER | STORE)
    assert not (home / "data").exists()


def test_get_from_the_local_vault_opens_that_one(unvault: Unvault) -> None:
    unvault("local", "set", "x", stdin=b"hunter2")
    loaded = loaded_by("get", "local/x")
    assert not loaded & NEVER
    assert "unvault.store" not in loaded  # there is no stored credential
    assert {"cryptography", "sqlite3"} <= loaded


def test_a_store_without_the_credential_is_read_and_not_unlocked(
    unvault: Unvault, site: Site
) -> None:
    site.provider("plain")
    unvault("cache", "ttl", "10")
    loaded = loaded_by("get", "plain/a")
    assert not loaded & (NEVER | {"cryptography"})
    assert "sqlite3" in loaded


@pytest.mark.skipif(os.name != "posix", reason="starts a program as POSIX does")
def test_run_loads_what_get_does_and_what_hands_on_output(unvault: Unvault) -> None:
    unvault("local", "set", "x", stdin=b"hunter2")
    loaded = loaded_by("run", "--set", "PW=local/x", "--", "true")
    assert not loaded & (NEVER | {"dotenv", "pty", "selectors", "shutil", "socket", "tty"})
    assert "unvault.redaction" in loaded
    got = loaded_by("get", "local/x")
    small = {"_bisect", "bisect", "fcntl", "html", "html.entities", "select", "signal", "termios"}
    more = {name for name in loaded - got - small if not name.startswith("unvault")}
    assert {name.partition(".")[0] for name in more} <= {"ahocorasick_rs"}


def test_what_describes_itself_needs_no_core() -> None:
    loaded = loaded_by("get", "--help")
    assert not loaded & (NEVER | STORE | {"attr", "pluggy", "unvault.client"})


ENDING = """
import gc, sys
from unvault_cli.main import main, script
how = sys.argv.pop()
{"script": script, "main": main, "arguments": lambda: main(sys.argv[1:])}[how]()
print(gc.get_freeze_count() > 0, file=sys.stderr)
"""


@pytest.mark.parametrize(("how", "left"), [("script", True), ("main", False), ("arguments", False)])
def test_only_the_script_leaves_what_it_loaded_to_the_system(how: str, left: bool) -> None:
    command = [sys.executable, "-c", ENDING, "--version", how]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stdout.startswith(b"unvault ")
    assert done.stderr.split() == [str(left).encode()]


RUN_AS_MODULE = """
import gc, runpy, sys
try:
    runpy.run_module("unvault_cli", run_name="__main__", alter_sys=True)
finally:
    print(gc.get_freeze_count() > 0, file=sys.stderr)
"""


def test_what_is_installed_is_the_script() -> None:
    project = Path(__file__).parents[3] / "apps" / "cli" / "pyproject.toml"
    told = tomllib.loads(project.read_text(encoding="utf-8"))
    assert told["project"]["scripts"] == {"unvault": "unvault_cli.main:script"}
    command = [sys.executable, "-c", RUN_AS_MODULE, "--version"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stderr.split() == [b"True"]
