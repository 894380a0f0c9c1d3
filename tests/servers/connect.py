"""A proxy behind which the real names are, and which lets nothing else through."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tests.servers.aws_proxy import AwsProxy
from tests.servers.serving import Connection, Seen, Serving


class Connect(Serving):
    """What ``HTTPS_PROXY`` names: it answers for some hosts from servers of the test.

    An SDK needs no endpoint of the test's, then: it asks for the host that it would really ask, and
    `hosts` has each one, those that were refused too. Requests come over TLS, for which the SDK has
    to trust the authority::

        with Connect(authority, tmp_path, aws_hosts(ministack.address, sso.address)) as connect:
            environment = connect.environment  # HTTPS_PROXY, AWS_CA_BUNDLE …
            connect.at("secretsmanager.eu-west-1.amazonaws.com").fail("ThrottlingException")

    Args:
        authority: A CA of trustme.
        folder: Where the CA's certificate is put.
        servers: The address that answers for each host.
    """

    def __init__(self, authority: Any, folder: Path, servers: Mapping[str, str]) -> None:
        super().__init__()
        self.hosts: list[str] = []
        """The hosts that were asked for, in order."""
        self.refused: list[str] = []
        """Those of them that nobody answered for."""
        self.ca_file = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*servers).configure_cert(tls)
        self._proxies = {host: AwsProxy(address, tls) for host, address in servers.items()}
        self._stack = contextlib.ExitStack()

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which an SDK goes through this proxy, whatever it asks."""
        bundle = {"AWS_CA_BUNDLE": str(self.ca_file)}
        return {"HTTP_PROXY": self.address, "HTTPS_PROXY": self.address, "NO_PROXY": "", **bundle}

    def at(self, host: str) -> AwsProxy:
        """Return what counts and spoils the requests for a host."""
        return self._proxies[host]

    def respond(self, seen: Seen, connection: Connection) -> None:
        tunnel = seen.method == "CONNECT"
        host = urlsplit(f"//{seen.path}" if tunnel else seen.path).hostname or ""
        proxy = self._proxies.get(host) if tunnel else None
        with self.lock:
            self.hosts.append(host)
            if proxy is None:
                self.refused.append(host)
        connection.close_connection = True
        if proxy is None:
            connection.answer(403, headers={"Connection": "close"})
            return
        connection.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.wfile.flush()
        there = ("127.0.0.1", proxy.port)
        with contextlib.suppress(OSError), socket.create_connection(there) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _pass(connection.connection, link)

    def __enter__(self) -> Self:
        for proxy in self._proxies.values():
            self._stack.enter_context(proxy)
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._stack.close()


def aws_hosts(
    services: str, sso: str | None = None, *, region: str = "eu-west-1"
) -> dict[str, str]:
    """Return who answers for AWS's own names in a region.

    Args:
        services: The address for Secrets Manager and STS.
        sso: The address for IAM Identity Center.
        region: Of all of them.
    """
    named = {f"{each}.{region}.amazonaws.com": services for each in ("secretsmanager", "sts")}
    if sso is not None:
        named |= {f"{each}.{region}.amazonaws.com": sso for each in ("portal.sso", "oidc")}
    return named


def _pass(one: socket.socket, other: socket.socket) -> None:
    """Pass on what each side says until one of them ends."""
    while True:
        for ready in select.select([one, other], [], [])[0]:
            said = ready.recv(65536)
            if not said:
                return
            (other if ready is one else one).sendall(said)
