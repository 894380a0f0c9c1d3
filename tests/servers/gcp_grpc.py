"""Secret Manager over gRPC, with the SDK's own messages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.cloud.secretmanager_v1 import types
from grpc_status import rpc_status

from tests.servers.gcp_answers import Asked, Refused, Reply

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
METHODS: dict[str, tuple[Any, Any]] = {
    "AccessSecretVersion": (types.AccessSecretVersionRequest, types.AccessSecretVersionResponse),
    "GetSecretVersion": (types.GetSecretVersionRequest, types.SecretVersion),
    "GetSecret": (types.GetSecretRequest, types.Secret),
    "ListSecrets": (types.ListSecretsRequest, types.ListSecretsResponse),
    "ListSecretVersions": (types.ListSecretVersionsRequest, types.ListSecretVersionsResponse),
}
"""The request and the answer of each method."""
_THREADS = 64

Answer = Callable[[Asked, Any, str], Any]
"""Called with what is asked, the request and the header ``authorization``."""


class Dropped(Exception):
    """There is no answer: the connection was reset."""


class Unanswered(Exception):
    """There is no answer, for ever."""


class GrpcServer:
    """Two ports of 127.0.0.1, one of them with TLS, while it is used as a context manager.

    Args:
        answer: Answers a request, or raises `Refused`, `Unanswered` or `Dropped`.
        key: The certificate's key, as PEM.
        chain: The certificate, as PEM.
    """

    def __init__(self, answer: Answer, key: bytes, chain: bytes) -> None:
        self.peers: set[str] = set()
        """The addresses that requests came from: one for each connection."""
        self._answer = answer
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, thread_name_prefix="gcp"),
            options=[("grpc.so_reuseport", 0)],
        )
        handlers = {name: self._handler(name) for name in METHODS}
        generic = grpc.method_handlers_generic_handler(SERVICE, handlers)
        self._server.add_generic_rpc_handlers((generic,))
        self.plain_port: int = self._server.add_insecure_port("127.0.0.1:0")
        credentials = grpc.ssl_server_credentials([(key, chain)])
        self.port: int = self._server.add_secure_port("127.0.0.1:0", credentials)

    def start(self) -> None:
        """Listen."""
        self._server.start()

    def stop(self) -> None:
        """End all connections."""
        self._server.stop(None).wait(5)

    def _handler(self, method: str) -> Any:
        request, answer = METHODS[method]

        def handle(asked: Any, context: Any) -> Any:
            return self._handle(method, asked, context)

        def written(told: Any) -> bytes:
            return told.body if isinstance(told, Reply) else answer.serialize(told)

        return grpc.unary_unary_rpc_method_handler(handle, request.deserialize, written)

    def _handle(self, method: str, request: Any, context: Any) -> Any:
        self.peers.add(context.peer())
        headers = dict(context.invocation_metadata())
        name = getattr(request, "name", None) or getattr(request, "parent", "")
        host = context._rpc_event.call_details.host.decode().partition(":")[0]
        try:
            asked = Asked("grpc", method, name, host, headers)
            return self._answer(asked, request, headers.get("authorization", ""))
        except Refused as refused:
            context.abort_with_status(rpc_status.to_status(refused.as_status()))
        except (Dropped, Unanswered):
            done = threading.Event()
            if context.add_callback(done.set):
                done.wait()  # until the client gives up, or the server ends
            context.abort(grpc.StatusCode.CANCELLED, "")
