"""Which secrets engine a path belongs to: asked once for each."""

from __future__ import annotations

import threading

import attrs

from unvault.clock import Clock
from unvault.errors import SecretNotFound, SessionExpired, UnvaultError
from unvault_hashicorp._client import Client, Reply, part, unexpected
from unvault_hashicorp._errors import Refused, no_vault
from unvault_hashicorp.asking import Place
from unvault_hashicorp.sharing import Shared

_YOUNG_SECONDS = 1.0
"""A mount that was asked for so lately is not asked for again where a secret is missing."""


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
    asked: float = attrs.field(default=0.0, eq=False)
    """When it was asked for, by the clock that only elapses."""

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
        self._elapsed = Clock().elapsed
        self._asking: Shared[Mount] = Shared()

    def find(self, place: Place, *, anew: bool = False) -> Mount | None:
        """Return the mount that a path belongs to; None where there is none that can be seen.

        Raises:
            SecretNotFound: There is no such namespace.
            SessionExpired: The token is not valid any more.
            Unavailable: The server cannot be reached, or cannot answer.
        """
        path = place.path
        if anew:
            self._forget(place)
        first = path.partition("/")[0]
        for _ in range(2):  # another path that begins alike may be of another mount
            known = self._of(place)
            if known is not None:
                return known
            # Two hundred paths of one mount cause one question.
            told = self._asking.ask((place.namespace, first), lambda: self._ask(place))
            if told.kind and told.holds(path):
                return told
            if told.path == path:
                return None
        told = self._ask(place)
        return told if told.kind else None

    def is_old(self, place: Place) -> bool:
        """Say whether a path's mount is known for long enough to have been changed meanwhile."""
        mount = self._of(place)
        return mount is not None and self._elapsed() > mount.asked + _YOUNG_SECONDS

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

    def _of(self, place: Place) -> Mount | None:
        mounts = self._known.get(place.namespace, ())
        return next((mount for mount in mounts if mount.holds(place.path)), None)

    def _forget(self, place: Place) -> None:
        with self._lock:
            mounts = self._known.get(place.namespace, ())
            self._known[place.namespace] = tuple(
                mount for mount in mounts if not mount.holds(place.path)
            )

    def _ask(self, place: Place) -> Mount:
        """Ask for a path's mount; one of no kind stands for that the token may not know."""
        try:
            asked = place.asked(f"sys/internal/ui/mounts/{place.path}")
            reply = self._client.read(asked, place.header)
        except Refused as refused:
            if refused.status == 404 and refused.says("namespace not found"):
                raise no_namespace(place.namespace) from None
            if refused.status not in {400, 403, 404}:
                raise unexpected(refused, self._client.address) from None
            if refused.status == 403 and not self._client.is_alive():
                raise session_expired() from None
            return Mount(place.path, "")
        data = part(reply, "data")
        mount = attrs.evolve(_mount(str(data.get("path") or ""), data), asked=self._elapsed())
        if not mount.holds(place.path):
            raise no_vault(self._client.address)
        with self._lock:
            self._known[place.namespace] = (*self._known.get(place.namespace, ()), mount)
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
