"""Azure: its authority and its vaults behind their real names, and nothing else."""

from __future__ import annotations

import contextlib
import json
import stat
import sys
from pathlib import Path
from typing import Any, Self

from tests.servers.entra import LOGIN_HOSTS, Entra
from tests.servers.entra_directory import VAULTS, App, Person
from tests.servers.entra_tokens import Key
from tests.servers.key_vault import KeyVaults
from tests.servers.managed_identity import METADATA_HOST, ManagedIdentity
from tests.servers.serving import Connection, Seen, Serving
from tests.servers.tls import any_name
from tests.servers.tunnels import Tunnels


class Stranger(Serving):
    """A server that must never see a token. It answers as a vault would that has any secret.

    Args:
        authority: A CA of trustme.
        entra: What notes the tokens.
    """

    def __init__(self, authority: Any, entra: Entra) -> None:
        super().__init__(any_name(authority))
        self._entra = entra
        self.hosts: set[str] = set()
        """The names that it goes by."""
        self.challenge = ""
        """What it asks for a token with, if it does."""

    def respond(self, seen: Seen, connection: Connection) -> None:
        headers = {name.lower(): value for name, value in seen.headers.items()}
        host = headers.get("host", "").partition(":")[0]
        self._entra.note(host, seen)
        if self.challenge and "authorization" not in headers:
            connection.answer(401, b"{}", {"WWW-Authenticate": self.challenge})
            return
        found = {"value": "forged", "id": f"https://{host}{seen.path.partition('?')[0]}"}
        connection.answer(200, json.dumps(found | {"attributes": {"enabled": True}}).encode())


class Azure(Tunnels):
    """All of it, as a proxy: what `environment` names in ``HTTPS_PROXY``.

    Hosts that are none of Azure's, and vaults that there are not, are refused, as `refused` tells::

        with Azure(authority, tmp_path) as azure:
            ann = azure.entra.person("ann")
            vault = azure.vaults.new("app").allow(ann)
            vault.put("api-key", "canary-1")
            azure.stranger.hosts.add("thief.example.com")
            environment = azure.environment  # HTTPS_PROXY, REQUESTS_CA_BUNDLE …
            assert not azure.strangers_saw

    Args:
        authority: A CA of trustme.
        folder: Where the CA's certificate is put.
        key: What Entra signs tokens with; one of its own by default.
    """

    def __init__(self, authority: Any, folder: Path, key: Key | None = None) -> None:
        super().__init__()
        self.ca_file = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self.entra = Entra(authority, key)
        self.vaults = KeyVaults(authority, self.entra)
        self.stranger = Stranger(authority, self.entra)
        self.identity = ManagedIdentity(self.entra)
        """Of a machine in Azure. No machine has one before it is given to it."""
        self._stack = contextlib.ExitStack()

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which an SDK goes through this proxy, whatever it asks."""
        proxy = {"HTTP_PROXY": self.address, "HTTPS_PROXY": self.address}
        trust = {"REQUESTS_CA_BUNDLE": str(self.ca_file), "SSL_CERT_FILE": str(self.ca_file)}
        return {**proxy, "NO_PROXY": "127.0.0.1,localhost", **trust}

    @property
    def strangers_saw(self) -> list[str]:
        """Hosts that are none of Azure's and saw a token, a code or a password."""
        ours = LOGIN_HOSTS | self.vaults.known.keys()
        return [each.host for each in self.entra.presented if each.host not in ours]

    def port_of(self, host: str) -> int | None:
        if host in LOGIN_HOSTS:
            return self.entra.port
        if host in self.vaults.known:
            return self.vaults.port
        return self.stranger.port if host in self.stranger.hosts else None

    def pass_on(self, host: str, seen: Seen, connection: Connection) -> bool:
        if host != METADATA_HOST or not self.identity.given:
            return False
        path = seen.path.partition(host)[2]
        self.identity.take(seen._replace(path=path), connection)
        return True

    def put_az(self, folder: Path, subject: Person | App | None) -> Path:
        """Make the Azure CLI's command in a folder: signed in as somebody, or as nobody."""
        folder.mkdir(parents=True, exist_ok=True)
        if subject is None:
            said = "ERROR: Please run 'az login' to setup account."
            program = f"import sys\nsys.exit({said!r})\n"
        else:
            token = self.entra.issue(subject, VAULTS)
            told = {"accessToken": token.text, "expires_on": int(token.ends), "tokenType": "Bearer"}
            told |= {"expiresOn": "2030-01-01 00:00:00.000000", "tenant": token.tenant.id}
            program = f"print({json.dumps(told)!r})\n"
        command = folder / "az"
        command.write_text(f"#!{sys.executable}\n{program}")
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        return command

    def __enter__(self) -> Self:
        for server in (self.entra, self.vaults, self.stranger, self.identity):
            self._stack.enter_context(server)
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._stack.close()
