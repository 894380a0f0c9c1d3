"""Installed distributions made by hand: modules with their ``*.dist-info`` beside them."""

from __future__ import annotations

import importlib
import os
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from unvault.hookspecs import EXTENSIONS, PROVIDERS

GOOD = """
from unvault.forms import CredentialForm, CredentialType, Field
from unvault.hookspecs import hookimpl
from unvault.model import Session
from unvault.secret import Secret


@hookimpl
def describe_credential_form():
    token = Field("token", kind="secret")
    return CredentialForm("Good", types=[CredentialType("token", fields=[token])])


@hookimpl
def authenticate(credential):
    return Session(client="a client")


@hookimpl
def fetch_secret(session, request):
    return Secret(f"value of {request.path}")
"""
"""A module that keeps the contract."""


def lines(source: str) -> str:
    """Return a source that was indented like the test around it."""
    return textwrap.dedent(source).strip() + "\n"


class Site:
    """A folder on ``sys.path`` with distributions in it; children see it through PYTHONPATH."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        monkeypatch.syspath_prepend(str(folder))
        already = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), already])))

    def module(self, name: str, source: str = GOOD) -> Path:
        """Write a module."""
        file = self.folder / f"{name}.py"
        file.write_text(source, "utf-8")
        importlib.invalidate_caches()
        return file

    def distribution(
        self,
        name: str,
        *,
        version: str = "1.0",
        providers: Mapping[str, str] | None = None,
        extensions: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Path:
        """Write the metadata of an installed distribution: entry points as name to value."""
        info = (folder or self.folder) / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (info / "METADATA").write_text(head, "utf-8")
        groups = {PROVIDERS: providers or {}, EXTENSIONS: extensions or {}}
        text = "".join(
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
            for group, entries in groups.items()
            if entries
        )
        (info / "entry_points.txt").write_text(text, "utf-8")
        importlib.invalidate_caches()
        return info

    def provider(self, name: str, source: str = GOOD, *, version: str = "1.0") -> Path:
        """Install a provider: distribution ``dist-NAME``, module ``provider_NAME``."""
        module = f"provider_{name.replace('-', '_')}"
        self.distribution(f"dist-{name}", version=version, providers={name: module})
        return self.module(module, source)

    def extension(self, name: str, source: str) -> Path:
        """Install an extension: distribution ``dist-NAME``, module ``extension_NAME``."""
        self.distribution(f"dist-{name}", extensions={name: f"extension_{name}"})
        return self.module(f"extension_{name}", source)

    def imported(self) -> set[str]:
        """Return the modules of this folder that this process has imported."""
        return {
            name
            for name, module in list(sys.modules.items())
            if str(getattr(module, "__file__", None) or "").startswith(str(self.folder))
        }

    def forget(self) -> None:
        """Let this process forget the modules it has imported from here."""
        for name in self.imported():
            del sys.modules[name]
