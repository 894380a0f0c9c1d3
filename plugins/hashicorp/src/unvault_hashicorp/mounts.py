"""Which secrets engine a path belongs to: asked once for each."""

from __future__ import annotations

import threading

import attrs

from unvault.errors import SecretNotFound, SessionExpired, UnvaultError
from unvault_hashicorp._client import Client, Reply, part, unexpected
from unvault_hashicorp._errors import Refused
from unvault_hashicorp.sharing import Shared


@attrs.frozen
class Mount:
    """A secrets engine, and where it is mounted."""

    path: str
    """Without slashes at its ends, such as ``team/kv``."""
    kind: str
    """The engine, such as ``kv`` or ``database``."""
    version: int | None = None
    """Of a KV engine: 1 or 2."""
    guessed: bool = False
    """Whether the token may not know, and it is what the path looks like."""

    def holds(self, path: str) -> bool:
        """Say whether a path is in it."""
        return path == self.path or path.startswith(f"{self.path}/")


class Mounts:
    """Finds mounts by asking what the vault command asks, which needs no policy of its own.

    ``sys/internal/ui/mounts/PATH`` answers every token that may do anything under the mount.

    Args:
        client: What asks.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, tuple[Mount, ...]] = {}
        self._lock = threading.Lock()
        self._asking: Shared[Mount] = Shared()

    def find(self, path: str, namespace: str) -> Mount | None:
        """Return the mount that a path belongs to; None where there is none that can be seen.

        Raises:
            SecretNotFound: There is no such namespace.
            SessionExpired: The token is not valid any more.
            Unavailable: The server cannot be reached, or cannot answer.
        """
        first = path.partition("/")[0]
        for _ in range(2):  # another path that begins alike may be of another mount
            known = self._of(path, namespace)
            if known is not None:
                return known
            # Two hundred paths of one mount cause one question.
            told = self._asking.ask((namespace, first), lambda: self._ask(path, namespace))
            if told.holds(path):
                return told if told.kind else None
        told = self._ask(path, namespace)
        return told if told.kind else None

    def list(self, namespace: str) -> tuple[Mount, ...]:
        """Return the mounts that the token may see.

        Raises:
            UnvaultError: They cannot be told.
        """
        try:
            reply = self._client.read("sys/internal/ui/mounts", namespace)
        except Refused as refused:
            failed = self.refused(refused)
        else:
            found = part(part(reply, "data"), "secret")
            return tuple(_mount(path, part(found, path)) for path in found)
        raise failed

    def refused(self, refused: Refused) -> UnvaultError:
        """Return the error for an answer to any question that is no success."""
        if refused.status == 403 and not self._client.is_alive():
            return session_expired()
        return unexpected(refused, self._client.address)

    def _of(self, path: str, namespace: str) -> Mount | None:
        mounts = self._known.get(namespace, ())
        return next((mount for mount in mounts if mount.holds(path)), None)

    def _ask(self, path: str, namespace: str) -> Mount:
        """Ask for a path's mount; one of no kind stands for that the token may not know."""
        try:
            reply = self._client.read(f"sys/internal/ui/mounts/{path}", namespace)
        except Refused as refused:
            if refused.status == 404 and refused.says("namespace not found"):
                raise no_namespace(namespace) from None
            if refused.status not in {400, 403, 404}:
                raise unexpected(refused, self._client.address) from None
            if refused.status == 403 and not self._client.is_alive():
                raise session_expired() from None
            return Mount(path, "")
        data = part(reply, "data")
        mount = _mount(str(data.get("path") or path), data)
        with self._lock:
            self._known[namespace] = (*self._known.get(namespace, ()), mount)
        return mount


def session_expired() -> SessionExpired:
    """Return the error for a token that is not valid any more."""
    return SessionExpired(
        "the token is not valid any more: it has expired, or was revoked",
        hint="sign in anew; a token that was given has to be replaced by another one",
    )


def no_namespace(namespace: str) -> SecretNotFound:
    """Return the error for a namespace that does not exist, or cannot be seen."""
    return SecretNotFound(
        f"there is no namespace {namespace!r}, or the token may not see it",
        hint="check the credential's namespace, or the parameter of the reference",
    )


def _mount(path: str, told: Reply) -> Mount:
    kind = str(told.get("type") or "")
    options = part(told, "options")
    version = 2 if str(options.get("version")) == "2" else 1
    return Mount(path.strip("/"), kind, version if kind in {"kv", "generic"} else None)
