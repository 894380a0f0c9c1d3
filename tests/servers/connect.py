"""A proxy behind which the real names are, and which lets nothing else through."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tests.servers.aws_proxy import AwsProxy
from tests.servers.serving import Connection, Seen, Serving
from tests.servers.wire import pass_on


class Connect(Serving):
    """What ``HTTPS_PROXY`` names: it answers for some hosts from servers of the test.

    An SDK needs no endpoint of the test's, then: it asks for the host that it would really ask, and
    `hosts` has each one, those that were refused too. Requests come over TLS, for which the SDK has
    to trust the authority::

        with Connect(authority, tmp_path, aws_hosts(ministack.address, sso.address)) as connect:
            environment = connect.environment  # HTTPS_PROXY, AWS_CA_BUNDLE …
            connect.at("secretsmanager.eu-west-1.amazonaws.com").fail("ThrottlingException")

    A server that has certificates for its names itself is passed all that comes, whatever protocol
    that is: HTTP/2 and gRPC too. It is also asked what is asked without TLS::

        with Connect(authority, tmp_path, tunnels=gcp.hosts) as connect:
            environment = gcp.environment | connect.environment

    Args:
        authority: A CA of trustme.
        folder: Where the CA's certificate is put.
        servers: The address that answers for each host.
        tunnels: The port that answers for each host by itself.
    """

    def __init__(
        self,
        authority: Any,
        folder: Path,
        servers: Mapping[str, str] | None = None,
        *,
        tunnels: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        self.hosts: list[str] = []
        """The hosts that were asked for, in order."""
        self.refused: list[str] = []
        """Those of them that nobody answered for."""
        self.ca_file = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self._proxies: dict[str, AwsProxy] = {}
        if servers:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(*servers).configure_cert(tls)
            self._proxies = {host: AwsProxy(address, tls) for host, address in servers.items()}
        self._tunnels = dict(tunnels or {})
        self._stack = contextlib.ExitStack()

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which an SDK goes through this proxy, whatever it asks."""
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), self.address) | {"NO_PROXY": ""}
        lower = {name.lower(): value for name, value in proxies.items()}  # all that gRPC knows
        return proxies | lower | {"AWS_CA_BUNDLE": str(self.ca_file)}

    def at(self, host: str) -> AwsProxy:
        """Return what counts and spoils the requests for a host."""
        return self._proxies[host]

    def respond(self, seen: Seen, connection: Connection) -> None:
        tunnel = seen.method == "CONNECT"
        host = urlsplit(f"//{seen.path}" if tunnel else seen.path).hostname or ""
        port = self._port(host, tunnel=tunnel)
        with self.lock:
            self.hosts.append(host)
            if port is None:
                self.refused.append(host)
        connection.close_connection = True
        if port is None:
            connection.answer(403, headers={"Connection": "close"})
        elif tunnel:
            connection.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            connection.wfile.flush()
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port)) as link,
            ):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pass_on(connection.connection, link)
        else:
            _ask(port, seen, connection)

    def _port(self, host: str, *, tunnel: bool) -> int | None:
        proxy = self._proxies.get(host) if tunnel else None
        return self._tunnels.get(host) if proxy is None else proxy.port

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


def _ask(port: int, seen: Seen, connection: Connection) -> None:
    """Ask what a client asks without a tunnel."""
    parts = urlsplit(seen.path)
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        link.request(seen.method, path, seen.body or None, seen.headers)
        reply = link.getresponse()
        headers = {"Content-Type": "", **dict(reply.getheaders()), "Connection": "close"}
        headers.pop("Content-Length", None)
        connection.answer(reply.status, reply.read(), headers)
    except OSError:
        connection.answer(502, headers={"Connection": "close"})
    finally:
        link.close()
