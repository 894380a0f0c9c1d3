"""What importing costs: nothing that is not needed, and nothing is done by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = (
    "asyncio",
    "attr",
    "attrs",
    "cattr",
    "cattrs",
    "click",
    "concurrent.futures",
    "cryptography",
    "difflib",
    "importlib.metadata",
    "json",
    "keyring",
    "logging",
    "platformdirs",
    "pluggy",
    "rich",
    "sqlite3",
    "subprocess",
    "unvault_cli",
    "unvault_local",
)

MODULES = f"""
import sys
before = {{*sys.modules}}
import importlib
for name in sys.argv[1:]:
    module, _, attribute = name.partition(":")
    loaded = importlib.import_module(module)
    attribute and getattr(loaded, attribute)
new = {{*sys.modules}} - before
sys.stdout.write(__import__("json").dumps(sorted(new & {{*{HEAVY!r}}})))
"""


def heavy_after(*names: str) -> set[str]:
    """Return which heavy modules a fresh process has loaded after importing these names."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES, *names],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(done.stdout))


def test_importing_unvault_loads_nothing_heavy():
    assert heavy_after("unvault") == set()


def test_importing_the_errors_or_a_reference_loads_little():
    assert heavy_after("unvault.errors") == set()
    assert heavy_after("unvault:Reference") <= {"attr", "attrs"}


def test_importing_the_client_loads_no_slow_library_before_it_is_used():
    unwanted = {
        "asyncio",
        "cattrs",
        "concurrent.futures",
        "cryptography",
        "difflib",
        "importlib.metadata",
        "keyring",
        "unvault_cli",
        "unvault_local",
    }
    assert heavy_after("unvault:Unvault") & unwanted == set()


def test_a_providers_tools_load_no_store():
    wanted = ("unvault:hookimpl", "unvault:Session", "unvault:CredentialForm", "unvault:Secret")
    assert heavy_after(*wanted) & {"sqlite3", "cryptography", "platformdirs", "cattrs"} == set()


TOUCHING = """
import sys
touched = []
def watch(event, args):
    if event in {"sqlite3.connect", "socket.connect", "subprocess.Popen", "os.mkdir", "os.rename"}:
        touched.append(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        touched.append(args[0])
    if event == "os.putenv":
        touched.append(event)
sys.dont_write_bytecode = True
sys.addaudithook(watch)
import unvault
for name in unvault.__all__:
    getattr(unvault, name)
print(touched)
"""


def test_importing_every_name_touches_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", TOUCHING],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "HOME": str(tmp_path), "UNVAULT_HOME": str(tmp_path / "home")},
    )
    assert done.stdout == "[]\n"
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


WARM = """
import sys
from pathlib import Path
from tests.fakes import FakeProvider, client_for
vault = client_for(FakeProvider({"a": "1"}), home=Path("/nowhere"))
vault.fetch("fake/a")
print(sorted({"cattrs", "cryptography", "asyncio", "keyring", "unvault_local"} & {*sys.modules}))
"""


def test_a_first_fetch_without_a_stored_credential_loads_what_it_needs_only():
    done = subprocess.run(
        [sys.executable, "-c", WARM], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "module",
    [
        "aio",
        "cache",
        "client",
        "credentials",
        "environment",
        "health",
        "lookups",
        "provider",
        "providers",
        "rendering",
        "resolver",
        "selection",
        "sessions",
        "template",
    ],
)
def test_each_module_can_be_imported_by_itself(module):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import unvault.{module}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
