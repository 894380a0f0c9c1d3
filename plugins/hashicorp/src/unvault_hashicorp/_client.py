"""The only file that knows hvac and what is beneath it."""

from __future__ import annotations

from typing import Any, TypedDict
from urllib.parse import quote

from unvault.clock import Clock
from unvault.errors import CredentialRejected, InvalidReference, Unavailable, UnvaultError
from unvault.retries import Retries
from unvault_hashicorp._errors import (
    WANTS_TLS,
    Refused,
    again_or_not,
    lost,
    no_vault,
    outage,
)
from unvault_hashicorp._http import Pool
from unvault_hashicorp.connection import Connection
from unvault_hashicorp.sharing import Shared

_HEALTH_SECONDS = 2.0
_ALIVE_SECONDS = 1.0
"""How long a token that was found alive is taken for alive."""

Reply = dict[str, Any]
"""The JSON object that a server answers with."""


class _Options(TypedDict, total=False):
    json: object
    params: dict[str, object]


class Client:
    """One server, one pool of connections and one token.

    Args:
        connection: Where the server is.
        token: The token; empty before signing in.
        patience: How often and how long something is tried; as the connection says by default.
    """

    def __init__(
        self, connection: Connection, token: str = "", *, patience: Retries | None = None
    ) -> None:
        from hvac.adapters import JSONAdapter

        self.connection = connection
        self._session = Pool(connection)
        self._retries = patience or Retries(connection.timeout)
        self._adapter = JSONAdapter(
            base_uri=connection.address,
            token=token or None,
            session=self._session,
        )
        self._elapsed = Clock().elapsed
        self._alive_until: float | None = None
        self._dead = False
        self._looking: Shared[bool] = Shared()

    @property
    def address(self) -> str:
        """The server's address."""
        return self.connection.address

    @property
    def token(self) -> str:
        """The token that is sent; empty before signing in."""
        return self._adapter.token or ""

    @token.setter
    def token(self, token: str) -> None:
        self._adapter.token = token or None
        self._alive_until, self._dead = None, False

    def read(self, path: str, namespace: str, **params: object) -> Reply:
        """Return what a GET brings.

        Args:
            path: The path behind ``/v1/``, not encoded.
            namespace: Where; empty for the root namespace.
            params: Of the query.

        Raises:
            Refused: The server's answer is no success.
            Unavailable: There is none, or it says that the server cannot answer now.
        """
        options: _Options = {"params": params} if params else {}
        return self._ask("get", path, namespace, options, once=False)

    def write(self, path: str, namespace: str, body: object = None, *, once: bool = True) -> Reply:
        """Return what a POST brings.

        Args:
            path: The path behind ``/v1/``, not encoded.
            namespace: Where; empty for the root namespace.
            body: What is sent, as JSON.
            once: Whether it matters that it is not done twice: then nothing is tried again that
                may have been done.

        Raises:
            Refused: The server's answer is no success.
            Unavailable: There is none, or it says that the server cannot answer now.
        """
        return self._ask("post", path, namespace, {"json": body or {}}, once=once)

    def look_up(self) -> Reply | None:
        """Return what the server says of the token; None where the token is not valid.

        An empty reply is of a token that is valid, and may not look itself up.

        Raises:
            CredentialRejected: There is no such namespace.
            Unavailable: The server cannot be reached, or cannot answer.
        """
        try:
            data = self.read("auth/token/lookup-self", self.connection.auth_namespace).get("data")
        except Refused as refused:
            if refused.token_is_dead:
                return None
            if refused.status == 403:
                return {}
            if refused.says("namespace not found"):
                raise no_such_namespace(self.connection.auth_namespace) from None
            raise unexpected(refused, self.address) from None
        return data if isinstance(data, dict) else {}

    def is_alive(self) -> bool:
        """Say whether the token is still valid: asked once where many want to know.

        Raises:
            Unavailable: The server cannot be reached, or cannot answer.
        """
        if self._dead:
            return False
        until = self._alive_until
        if until is not None and self._elapsed() < until:
            return True
        return self._looking.ask("alive", self._find_out)

    def close(self) -> None:
        """Close the connections; it can be used again afterwards."""
        self._session.close()

    def _find_out(self) -> bool:
        self._dead = self.look_up() is None
        self._alive_until = self._elapsed() + _ALIVE_SECONDS
        return not self._dead

    def _ask(
        self, method: str, path: str, namespace: str, options: _Options, *, once: bool
    ) -> Reply:
        url = f"/v1/{quote(checked(path), safe='/~')}"
        statuses: list[int] = []

        def attempt(seconds: float) -> Reply:
            # Built anew each time: hvac writes its own into it.
            headers = {"X-Vault-Namespace": namespace} if namespace else {}
            try:
                reply = self._adapter.request(
                    method, url, headers=headers, timeout=seconds, **options
                )
            except Refused as refused:
                statuses.append(refused.status)
                error = again_or_not(refused, self.address, once=once)
                if error is None:
                    raise
                failed: UnvaultError = error
            except (OSError, ValueError, RecursionError) as error:  # requests' own are one of them
                statuses.append(0)
                failed = lost(error, self.address, once=once)
            else:
                if isinstance(reply, dict):
                    return reply
                if getattr(reply, "status_code", 200) == 204:
                    return {}
                failed = no_vault(self.address)
            raise failed from None

        try:
            return self._retries.call(attempt)
        except Unavailable as error:
            failed = self._explained(statuses[-1], error) if statuses else error
        raise failed from None

    def _explained(self, status: int, error: Unavailable) -> Unavailable:
        """Return the error for a server that cannot answer, in its own words where it has some."""
        if status not in {472, 473, 501, 503}:
            return error
        health = self._health()
        if health.get("initialized") is False:
            return outage(501, self.address)
        if health.get("sealed") is True:
            return outage(503, self.address, "is sealed")
        if health.get("standby") is True:
            return outage(473, self.address, "is a standby, and does not reach the active one")
        return error

    def _health(self) -> Reply:
        """Return what the server says of itself; nothing where it cannot say."""
        try:
            found = self._adapter.request("get", "/v1/sys/health", timeout=_HEALTH_SECONDS)
        except Refused as refused:
            found = refused.body
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def part(reply: object, name: str) -> Reply:
    """Return the object that an answer has under a name; an empty one where it has none."""
    found = reply.get(name) if isinstance(reply, dict) else None
    return found if isinstance(found, dict) else {}


def checked(path: str) -> str:
    """Return a path that stays as it is on its way.

    Raises:
        InvalidReference: It has a part that HTTP libraries would take away.
    """
    if {"", ".", ".."}.intersection(path.strip("/").split("/")):
        raise InvalidReference(
            "the path has an empty part, or one that is '.' or '..'",
            hint="give the whole path, without them",
        )
    return path


def no_such_namespace(namespace: str) -> CredentialRejected:
    """Return the error for a namespace where nobody can sign in."""
    return CredentialRejected(
        f"there is no namespace {namespace!r} to sign in",
        hint="check namespace and auth_namespace",
    )


def unexpected(refused: Refused, address: str) -> Unavailable:
    """Return the error for an answer that does not fit the question."""
    if 300 <= refused.status < 400:
        return Unavailable(
            f"the server at {address} sends to another address, and no token goes there by itself",
            hint="if it is a standby: use the active server's address, or that of the cluster",
        )
    if refused.says(WANTS_TLS):
        return Unavailable(
            f"the server at {address} speaks TLS", hint="give its address with https://"
        )
    return Unavailable(
        f"the server at {address} answered with status {refused.status};"
        " its text is withheld, since it might hold a secret",
        hint="check the address and the path; the server's own log tells more",
    )
