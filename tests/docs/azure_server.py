"""Azure, as pages speak of it: servers behind Azure's own names, and what the reader did before.

A page that names `VAULT` is run with it. In pages, ids are those that Microsoft's own pages show.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from tests.docs.console import Stage
from tests.servers.azure import Azure
from tests.servers.entra_directory import App, Federated
from tests.servers.key_vault_content import Vault
from tests.servers.tokens import Issuer

VAULT = "contoso-app"
_TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
_CLIENT = "00001111-aaaa-2222-bbbb-3333cccc4444"
_OLD = "0123456789abcdef0123456789abcdef"


@contextmanager
def served(folder: Path) -> Iterator[Stage]:
    """Yield what a page finds, whose home is a folder."""
    data = folder / "azure-server"
    data.mkdir()
    with Azure(trustme.CA(), data) as azure:
        robot, ann = azure.entra.app("robot"), azure.entra.person("ann")
        _fill(azure.vaults.new(VAULT).allow(robot).allow(ann))
        _prepare(folder, robot)
        azure.put_az(folder / "azure-programs", ann)
        path = f"{folder / 'azure-programs'}{os.pathsep}{os.environ['PATH']}"
        shown = {_TENANT: azure.entra.tenant.id, _CLIENT: robot.client_id}
        yield Stage(shown, {**azure.environment, "PATH": path})


def _fill(vault: Vault) -> None:
    vault.put("db", json.dumps({"user": "app", "password": "correct-horse"}))
    vault.latest("db").number = _OLD
    vault.put("db", json.dumps({"user": "app", "password": "hunter2"}))
    vault.put("api-key", "k1")
    vault.put_certificate("tls", "-----BEGIN PRIVATE KEY-----\n…\n")
    vault.put_key("signing", curve=True)


def _prepare(home: Path, robot: App) -> None:
    """Do what the reader did before: make a secret, and let the pipeline's issuer be trusted."""
    issuer = Issuer()
    robot.federated.append(Federated("https://id.example.com", "job 7", issuer.public_key))
    claims = {"iss": "https://id.example.com", "aud": "api://AzureADTokenExchange"}
    (home / "client-secret.txt").write_text(robot.new_secret())
    (home / "token").write_text(issuer.issue(sub="job 7", **claims))
