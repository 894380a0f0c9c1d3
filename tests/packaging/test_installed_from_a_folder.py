"""Providers written in one file, installed by pip from a folder, and met by the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

_PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{dist}"
version = "1.2.3"

[project.entry-points."unvault.providers"]
{id} = "{module}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""

_GOOD = """
from unvault import CredentialForm, CredentialType, Field, Secret, Session, hookimpl

@hookimpl
def describe_credential_form():
    token = Field("token", kind="secret", required=True)
    return CredentialForm("One file", types=[CredentialType("token", fields=[token])])

@hookimpl
def authenticate(credential):
    return Session(client=credential.answers.text("token"), identity="somebody")

@hookimpl
def fetch_secret(session, request):
    return Secret(f"{request.path} for {session.client}")
"""

_FOLDERS = {
    "one-file": ("onefile", _GOOD),
    "raises": ("raises", "raise RuntimeError('no licence found')"),
    "misspelt": ("misspelt", _GOOD + "\n@hookimpl\ndef fetch_secrte(session, request): ...\n"),
    "lacking": ("lacking", _GOOD.split("@hookimpl\ndef fetch_secret", maxsplit=1)[0]),
    "twin-one": ("twin", _GOOD),
    "twin-two": ("twin", _GOOD),
    "kept-out": ("keptout", _GOOD),
}
"""Distribution: the provider's id, and what its one file holds."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Install each folder, as an author does who tries out a provider."""
    folders = []
    for dist, (provider, code) in _FOLDERS.items():
        folder = tmp_path / "folders" / dist
        folder.mkdir(parents=True)
        module = dist.replace("-", "_") + "_provider"
        project = _PROJECT.format(dist=dist, id=provider, module=module)
        (folder / "pyproject.toml").write_text(project)
        (folder / f"{module}.py").write_text(dedent(code))
        folders.append(str(folder))
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, "--no-index", "--disable-pip-version-check", "--target", str(target), *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def unvault(installed: Path, tmp_path: Path) -> Any:
    """Return a function that runs the command with those providers installed."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        environment = {
            **kept,
            "HOME": str(tmp_path),
            "UNVAULT_HOME": str(tmp_path / "home"),
            "UNVAULT_BLOCK": "keptout",
            "PYTHONPATH": str(installed),
            **variables,
        }
        return subprocess.run(
            [sys.executable, "-m", "unvault_cli", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


def test_each_is_listed_as_it_stands_and_none_harms_another(unvault: Any) -> None:
    listed = unvault("providers", "--json")
    assert listed.returncode == 0, listed.stderr
    rows = json.loads(listed.stdout)["providers"]
    by_distribution = {row["distribution"]: row for row in rows}
    states = {name: by_distribution[name]["state"] for name in _FOLDERS}
    assert states == {
        "one-file": "ready",
        "raises": "broken",
        "misspelt": "broken",
        "lacking": "broken",
        "twin-one": "conflict",
        "twin-two": "conflict",
        "kept-out": "blocked",
    }
    reasons = {name: by_distribution[name]["reason"] for name in _FOLDERS}
    assert "no licence found" in reasons["raises"]
    assert "fetch_secrte" in reasons["misspelt"]
    assert "fetch_secret" in reasons["lacking"]
    assert "twin-one 1.2.3" in reasons["twin-two"]
    assert "twin-two 1.2.3" in reasons["twin-one"]
    assert "UNVAULT_BLOCK" in by_distribution["kept-out"]["reason"] or reasons["kept-out"]
    assert by_distribution["one-file"]["version"] == "1.2.3"
    assert by_distribution["unvault-local"]["state"] == "ready"

    used = unvault("get", "onefile/a/path", UNVAULT_ONEFILE_TOKEN="t0ken")
    assert (used.returncode, used.stdout) == (0, "a/path for t0ken")

    for provider in ("raises", "misspelt", "lacking", "twin", "keptout"):
        refused = unvault("get", f"{provider}/a/path")
        assert refused.returncode == 7, (provider, refused)
        assert "Traceback" not in refused.stderr

    local = unvault("list", "local")
    assert local.returncode == 0, local.stderr

    doctor = unvault("doctor")
    assert doctor.returncode == 1
    told = doctor.stdout + doctor.stderr
    for provider, word in (
        ("raises", "no licence found"),
        ("misspelt", "fetch_secrte"),
        ("lacking", "fetch_secret"),
        ("twin", "twin-one"),
        ("keptout", "blocked"),
    ):
        assert provider in told
        assert word in told
