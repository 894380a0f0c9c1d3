"""What an empty credential means: the variables and files of the ``vault`` and ``bao`` commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from unvault.errors import CredentialMissing
from unvault_hashicorp.connection import Connection

_FAMILIES = ("BAO_", "VAULT_")  # as the bao command reads them
_YES = {"1", "t", "true", "y", "yes", "on"}


def ambient(environ: Mapping[str, str], home: Path | None) -> tuple[Connection, str]:
    """Return the connection and the token that the environment describes.

    ``BAO_*`` comes before ``VAULT_*``, for each variable, as for OpenBao's own command. But where
    both name a server, the variables of one server's family are not used with the other: a token
    is not sent to a stranger.

    Args:
        environ: The environment.
        home: The home folder, whose ``.vault-token`` holds the token of the last ``vault login``;
            None where there is none.

    Raises:
        CredentialMissing: No server is named, or there is no token.
    """
    get = _reader(environ)
    address = get("ADDR")
    if address is None:
        raise CredentialMissing(
            "nothing says where the server is",
            hint="set VAULT_ADDR (or BAO_ADDR), or store a credential:"
            " unvault credentials add hashicorp --name NAME",
        )
    if not address.lower().startswith(("https://", "http://")):
        raise CredentialMissing(
            "the server's address in VAULT_ADDR or BAO_ADDR does not start with https:// or http://",
            hint="correct it; addresses of sockets are not supported",
        )
    token = get("TOKEN") or _kept_by_login(home)
    if token is None:
        raise CredentialMissing(
            f"there is no token for {address}",
            hint="set VAULT_TOKEN (or BAO_TOKEN), or run `vault login` or `bao login`",
        )
    certificate, key = get("CLIENT_CERT"), get("CLIENT_KEY")
    namespace = (get("NAMESPACE") or "").strip("/")
    connection = Connection(
        address=address,
        namespace=namespace,
        auth_namespace=namespace,
        ca=get("CACERT") or get("CAPATH"),
        certificate=(certificate, key) if certificate and key else certificate,
        verify=(get("SKIP_VERIFY") or "").lower() not in _YES,
    )
    return connection, token


def _reader(environ: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return what reads a variable: of one family only, where each names a server of its own."""
    addresses = {family: environ.get(f"{family}ADDR", "").strip() for family in _FAMILIES}
    named = [family for family in _FAMILIES if addresses[family]]
    differ = len({address.rstrip("/") for address in addresses.values()}) > 1
    families = named[:1] if len(named) > 1 and differ else _FAMILIES

    def read(name: str) -> str | None:
        values = (environ.get(f"{family}{name}", "").strip() for family in families)
        return next((value for value in values if value), None)

    return read


def _kept_by_login(home: Path | None) -> str | None:
    if home is None:
        return None
    try:
        return (home / ".vault-token").read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeError):
        return None
