"""Google's services over HTTP: Secret Manager, and where tokens come from."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from google.protobuf import json_format

from tests.servers.gcp_answers import Asked, Refused, Reply
from tests.servers.gcp_grpc import METHODS, Dropped, Unanswered
from tests.servers.gcp_oauth import Tokens
from tests.servers.serving import Connection, Seen, Serving

_PLACE = r"projects/[^/]+(?:/locations/[^/]+)?"
_ROUTES = {
    "AccessSecretVersion": rf"({_PLACE}/secrets/[^/]+/versions/[^/:]+):access",
    "GetSecretVersion": rf"({_PLACE}/secrets/[^/]+/versions/[^/:]+)",
    "ListSecretVersions": rf"({_PLACE}/secrets/[^/]+)/versions",
    "GetSecret": rf"({_PLACE}/secrets/[^/:]+)",
    "ListSecrets": rf"({_PLACE})/secrets",
}
_NOT_FOUND = (
    b"<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title>"
    b"<p>The requested URL was not found on this server. That's all we know."
)
Answer = Callable[[Asked, Any, str], Any]


class RestServer(Serving):
    """One port of 127.0.0.1 for all that is asked over HTTP.

    Args:
        answer: Answers a request as for `GrpcServer`, but may return a `Reply`.
        tokens: Answers what is asked about tokens.
        tls: With it, the server speaks TLS.
    """

    def __init__(self, answer: Answer, tokens: Tokens, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self._answer = answer
        self._tokens = tokens

    def respond(self, seen: Seen, connection: Connection) -> None:
        try:
            reply = self._reply(seen)
        except Refused as refused:
            reply = Reply(refused.status, refused.as_json())
        except Unanswered:
            self.ended.wait()
            return
        except Dropped:
            connection.reset()
            return
        connection.answer(reply.status, reply.body, reply.headers)

    def _reply(self, seen: Seen) -> Reply:
        headers = {name.lower(): value for name, value in seen.headers.items()}
        host = headers.get("host", "").partition(":")[0]
        path = urlsplit(seen.path).path
        what = self._tokens.what(seen)
        if what is not None:
            told = self._answer(Asked("rest", what, path, host, headers), seen, "")
        else:
            method, name = _route(path) if seen.method == "GET" else ("", "")
            if not method:
                return Reply(404, _NOT_FOUND, {"Content-Type": "text/html; charset=UTF-8"})
            request = _request(method, name, seen)
            asked = Asked("rest", method, name, host, headers)
            told = self._answer(asked, request, headers.get("authorization", ""))
        return told if isinstance(told, Reply) else Reply(200, _json(told, seen))


def _route(path: str) -> tuple[str, str]:
    for method, pattern in _ROUTES.items():
        found = re.fullmatch(f"/v1/{pattern}", path)
        if found:
            return method, unquote(found[1])
    return "", ""


def _request(method: str, name: str, seen: Seen) -> Any:
    """Return the message that gRPC would have brought."""
    query = {key: values[0] for key, values in parse_qs(urlsplit(seen.path).query).items()}
    about = "parent" if method.startswith("List") else "name"
    given = {key: told for key, told in query.items() if not key.startswith("$")}
    message = METHODS[method][0]
    try:
        return message.from_json(json_format.json.dumps({about: name, **given}))
    except json_format.ParseError as error:
        raise Refused("INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from None


def _json(message: Any, seen: Seen) -> bytes:
    numbers = "enum-encoding%3Dint" in seen.path or "enum-encoding=int" in seen.path
    text = json_format.MessageToJson(
        type(message).pb(message), use_integers_for_enums=numbers, indent=2
    )
    return text.encode()
