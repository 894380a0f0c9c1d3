"""Tokens: whose they are, how long they live, and how a session gets one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import attrs

from unvault.errors import AuthenticationError, CredentialRejected, Unavailable
from unvault.forms import Answer
from unvault.hookspecs import Keep
from unvault.model import Credential, Session
from unvault_hashicorp._client import Client, Reply, part
from unvault_hashicorp._errors import Refused
from unvault_hashicorp.connection import Connection, check_token
from unvault_hashicorp.methods import log_in, mount_of
from unvault_hashicorp.vault import Vault

_NEAR_SECONDS = 70
"""A token that has less than this left, or a third of its life, is renewed or replaced."""

_LONGEST_SECONDS = 10 * 365 * 86400
"""What a server says to live longer is taken to live ten years: times have an end."""

_NAMES = ("username", "role_name", "role", "cert_name", "common_name", "service_account_name")


@attrs.frozen
class Token:
    """What is known of a token."""

    value: str = attrs.field(repr=False)
    """The token itself."""
    seconds: int | None
    """How long it lives from now on; None: for ever, or it is not known."""
    life: int
    """How long it lived when it was new, in seconds."""
    renewable: bool
    """Whether it can be renewed."""
    policies: tuple[str, ...]
    """What it may do, by name."""
    owner: str | None
    """Whose it is, as a person would say it."""

    @property
    def is_near_its_end(self) -> bool:
        """Whether it has to be renewed or replaced."""
        return self.seconds is not None and self.seconds <= min(_NEAR_SECONDS, self.life / 3)


def session_of_token(connection: Connection, token: str) -> Session:
    """Return a session that uses a token which somebody else signed in for.

    It is renewed near its end where that can be done.

    Raises:
        CredentialRejected: The token is not valid.
        Unavailable: The server cannot be reached, or cannot answer.
    """
    client = Client(connection, check_token(token))
    found = _look_up(client)
    if found is None:
        raise CredentialRejected(
            f"the server at {client.address} does not accept the token: it is wrong, has expired,"
            " was revoked, or is of another namespace",
            hint="get another one, and check the namespace",
        )
    if found.is_near_its_end:
        found = _renewed(client, found) or found
    return _session(client, found)


def session_of_method(connection: Connection, credential: Credential, keep: Keep) -> Session:
    """Return a session of the token that an earlier sign-in kept, or else sign in.

    A kept token is renewed near its end where that can be done. Where it cannot, and nor can
    anybody sign in anew, it is used as long as it lives.

    Raises:
        CredentialRejected: The server refused the credential.
        Unavailable: The server cannot be reached, or cannot answer.
    """
    client = Client(connection, credential.kept.text("token") or "")
    kept = _look_up(client) if client.token else None
    if kept is not None and kept.is_near_its_end:
        kept = _renewed(client, kept) or kept
    if kept is not None and not kept.is_near_its_end:
        return _session(client, kept)
    more = {name: credential.kept[name] for name in credential.kept if name != "token"}

    def keep_now(fields: Mapping[str, Answer]) -> None:
        more.update(fields)
        keep(fields)

    try:
        auth = log_in(client, credential, keep_now)
    except (AuthenticationError, Unavailable):
        if kept is None or not kept.seconds:
            raise
        client.token = kept.value
        return _session(client, kept)
    token = _of_auth(auth, mount_of(credential))
    client.token = token.value
    return _session(client, token, keep={**more, "token": token.value})


def _look_up(client: Client) -> Token | None:
    data = client.look_up()
    if data is None:
        return None
    expires = data.get("expire_time")
    mount = str(data.get("path") or "").removeprefix("auth/").partition("/login")[0]
    policies = (*_names(data.get("policies")), *_names(data.get("identity_policies")))
    return Token(
        client.token,
        seconds=_whole(data.get("ttl")) if expires else None,
        life=_whole(data.get("creation_ttl")),
        renewable=bool(data.get("renewable")),
        policies=_names(policies),
        owner=_owner(data.get("meta"), mount, str(data.get("display_name") or "")),
    )


def _renewed(client: Client, token: Token) -> Token | None:
    """Return a token with a longer life; None where it cannot have one."""
    if not token.renewable:
        return None
    try:
        reply = client.write("auth/token/renew-self", client.connection.auth_namespace, once=False)
    except (Refused, Unavailable):
        return None  # its policies may forbid it, or it ended just now; or it lives on for a while
    auth = part(reply, "auth")
    seconds = _whole(auth.get("lease_duration"))
    if token.seconds is not None and seconds <= token.seconds:
        return None  # it has reached the longest life that it can have
    return attrs.evolve(token, seconds=seconds, life=max(token.life, seconds))


def _of_auth(auth: Reply, mount: str) -> Token:
    seconds = _whole(auth.get("lease_duration"))
    return Token(
        str(auth["client_token"]),
        seconds=seconds or None,
        life=seconds,
        renewable=bool(auth.get("renewable")),
        policies=_names(auth.get("policies") or ()),
        owner=_owner(auth.get("metadata"), mount, ""),
    )


def _session(client: Client, token: Token, keep: Mapping[str, Answer] | None = None) -> Session:
    expires = None
    if token.seconds is not None:
        expires = datetime.now(UTC) + timedelta(seconds=token.seconds)
    owner = token.owner or "somebody"
    return Session(
        client=Vault(client, expires),
        identity=f"{owner} at {client.address}",
        expires=expires,
        details=_details(client.connection, token),
        renewed=keep,
    )


def _details(connection: Connection, token: Token) -> dict[str, str]:
    details = {"policies": ", ".join(token.policies) or "(not said)", "token": _life(token)}
    if connection.namespace:
        details["namespace"] = connection.namespace
    if connection.auth_namespace != connection.namespace:
        details["signed in at namespace"] = connection.auth_namespace or "(root)"
    if not connection.verify:
        details["DANGER"] = "the server's certificate is not verified (skip_verify)"
    return details


def _life(token: Token) -> str:
    if token.seconds is None:
        return "does not expire, or does not say when" if not token.policies else "does not expire"
    renewable = "renewable" if token.renewable else "not renewable"
    return f"{_duration(token.seconds)} left, {renewable}"


def _duration(seconds: int) -> str:
    """Return a duration in its two largest units, such as ``1 h 59 min``."""
    sizes = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    parts: list[str] = []
    for unit, size in sizes.items():
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def _owner(meta: object, mount: str, otherwise: str) -> str | None:
    """Return whose a token is: a name, and the mount where it signed in."""
    known = meta if isinstance(meta, dict) else {}
    name = next((str(known[each]) for each in _NAMES if known.get(each)), otherwise)
    if not name:
        return mount or None
    return f"{name} ({mount})" if mount and not mount.startswith("token/") else name


def _names(policies: object) -> tuple[str, ...]:
    listed = policies if isinstance(policies, list | tuple) else ()
    return tuple(dict.fromkeys(str(each) for each in listed))


def _whole(number: object) -> int:
    return min(max(number, 0), _LONGEST_SECONDS) if isinstance(number, int) else 0
