"""What an empty credential means: the variables and files of the ``vault`` and ``bao`` commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from unvault.errors import CredentialMissing
from unvault_hashicorp.connection import Connection, check_address, check_namespace

_FAMILIES = ("BAO_", "VAULT_")  # as the bao command reads them
_YES = {"1", "t", "true"}  # as Go reads a flag


def ambient(environ: Mapping[str, str], home: Path | None) -> tuple[Connection, str]:
    """Return the connection and the token that the environment describes.

    ``BAO_*`` comes before ``VAULT_*``, for each variable, as for OpenBao's own command. But where
    both name a server, and not the same one, the other family is not used, and neither is the file,
    which does not say whose token it holds: a token is not sent to a stranger.

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
    check_address(address, "VAULT_ADDR or BAO_ADDR")
    token = get("TOKEN") or (None if _differ(environ) else _kept_by_login(home))
    if token is None:
        hint = "set VAULT_TOKEN (or BAO_TOKEN), or run `vault login` or `bao login`"
        if _differ(environ):
            hint = (
                "set BAO_TOKEN: as BAO_ADDR and VAULT_ADDR name different servers, VAULT_TOKEN and"
                " ~/.vault-token are not used for this one"
            )
        raise CredentialMissing(f"there is no token for {address}", hint=hint)
    certificate, key = get("CLIENT_CERT"), get("CLIENT_KEY")
    namespace = check_namespace((get("NAMESPACE") or "").strip("/"))
    connection = Connection(
        address=address,
        namespace=namespace,
        auth_namespace=namespace,
        ca=_there(get("CACERT") or get("CAPATH"), "VAULT_CACERT or VAULT_CAPATH"),
        certificate=(certificate, key) if certificate and key else certificate,
        verify=(get("SKIP_VERIFY") or "").lower() not in _YES,
    )
    return connection, token


def _reader(environ: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return what reads a variable: of one family only, where each names a server of its own."""
    families = _FAMILIES[:1] if _differ(environ) else _FAMILIES

    def read(name: str) -> str | None:
        values = (environ.get(f"{family}{name}", "").strip() for family in families)
        return next((value for value in values if value), None)

    return read


def _there(path: str | None, variable: str) -> str | None:
    if path is None or Path(path).exists():
        return path
    raise CredentialMissing(f"there is no file {path!r}", hint=f"correct {variable}")


def _differ(environ: Mapping[str, str]) -> bool:
    """Say whether each family names a server of its own."""
    addresses = {environ.get(f"{family}ADDR", "").strip().rstrip("/") for family in _FAMILIES}
    return len(addresses - {""}) > 1


def _kept_by_login(home: Path | None) -> str | None:
    if home is None:
        return None
    try:
        return (home / ".vault-token").read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeError):
        return None
