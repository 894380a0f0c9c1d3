"""What a reference points at: a vault, and a secret or a key in it."""

from __future__ import annotations

import re

import attrs

from unvault.errors import InvalidReference
from unvault.model import SecretRequest
from unvault_azure.connection import Connection

SECRETS, KEYS = "secrets", "keys"

_COLLECTIONS = {SECRETS: SECRETS, KEYS: KEYS, "certificates": SECRETS}
"""Where what an address names is read: a certificate with its key is a secret of the same name."""

_URL = re.compile(r"(?i:https)://([A-Za-z0-9.-]+(?::[0-9]{1,5})?)/([a-z]+)/(.+)")
_VAULT = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]")
_NAME = re.compile(r"[A-Za-z0-9-]{1,127}")
_VERSION = re.compile(r"[A-Za-z0-9]{1,64}")
_NUMBER = re.compile(r"[0-9a-f]{32}")
"""How versions look that Key Vault made."""

_FORMS = "VAULT/NAME, VAULT/NAME/VERSION, or https://VAULT.{domain}/secrets/NAME"


@attrs.frozen
class Wanted:
    """A secret or a key, as a vault is asked for it."""

    host: str
    """The vault's host, with its port where that is another one than that of https."""
    collection: str
    """What it is one of: `SECRETS` or `KEYS`."""
    name: str
    """Its name."""
    version: str | None = None
    """Which version; None for the newest."""
    any_time: bool = False
    """Whether it is wanted too where it is not valid yet, or has expired."""

    @property
    def path(self) -> str:
        """Where it is in the vault."""
        parts = [self.collection, self.name, *filter(None, [self.version])]
        return f"/{'/'.join(parts)}"

    @property
    def what(self) -> str:
        """What messages call it."""
        return f"the {'key' if self.collection == KEYS else 'secret'} {self.name!r}"


def wanted(request: SecretRequest, connection: Connection) -> Wanted:
    """Return what a request asks of which vault.

    Raises:
        InvalidReference: It points at nothing, or at a host that no token may be sent to.
    """
    path = request.path.rstrip("/")
    asked = KEYS if request.get("secret_type") == "key" else SECRETS
    if "://" in path or path.lower().startswith("https:"):
        host, named, rest = _of_address(path, connection)
        if asked == KEYS and named != KEYS:
            raise InvalidReference(
                f"the address is one of {named}, and secret_type says that it is a key",
                hint="leave out secret_type: the address says what it is",
            )
        asked = _COLLECTIONS[named]
    else:
        vault, _, rest = path.partition("/")
        host = host_of(vault, connection)
    name, _, version = rest.partition("/")
    if name in _COLLECTIONS and version and not _NUMBER.fullmatch(version):
        raise InvalidReference(
            f"the path has {name!r} in the place of a secret's name",
            hint="only whole addresses have that in them; write VAULT/NAME or VAULT/NAME/VERSION",
        )
    if not _NAME.fullmatch(name):
        why = "it has no name that a secret may have, of letters, digits and hyphens"
        raise _not_understood(connection, why)
    return Wanted(
        host,
        asked,
        name,
        _version(version, request, connection),
        any_time=request.get("any_time") is True,
    )


def host_of(vault: str, connection: Connection) -> str:
    """Return the host of a vault that is named by its short name.

    Raises:
        InvalidReference: No vault may be called that.
    """
    if not _VAULT.fullmatch(vault):
        raise _not_understood(connection, "it begins with no name that a vault may have")
    return f"{vault.lower()}.{connection.cloud.domain}"


def is_trusted(host: str, connection: Connection) -> bool:
    """Say whether a token may be sent to a host, which may have a port."""
    return is_vault(host, connection) or not connection.allowed_hosts.isdisjoint(
        {host, host.removesuffix(":443")}
    )


def is_vault(host: str, connection: Connection) -> bool:
    """Say whether a host is one of the vaults of the credential's cloud."""
    vault, _, domain = host.removesuffix(":443").partition(".")
    return domain == connection.cloud.domain and _VAULT.fullmatch(vault) is not None


def _of_address(path: str, connection: Connection) -> tuple[str, str, str]:
    """Return the host that an address names, the collection, and the rest of it."""
    found = _URL.fullmatch(path)
    if found is None:
        raise _not_understood(connection, "it is no address of a secret or a key")
    host, named, rest = found[1].lower(), found[2], found[3]
    if not is_trusted(host, connection):
        raise InvalidReference(
            f"the host {host!r} is no vault of the cloud {connection.cloud.name!r}, whose vaults"
            f" end with .{connection.cloud.domain}: a token is not sent to a stranger",
            hint="check the address, and the credential's field cloud; where it is right, name the"
            " host in the credential's field allowed_hosts",
        )
    if named not in _COLLECTIONS:
        raise _not_understood(connection, f"it is an address of {named!r}")
    return host, named, rest


def _version(version: str, request: SecretRequest, connection: Connection) -> str | None:
    """Return the version that is asked for, in whichever place."""
    other = request.get("version")
    if version and other is not None and str(other) != version:
        raise InvalidReference(
            "the path names one version, and the parameter version another",
            hint="leave out one of them",
        )
    asked = version or (None if other is None else str(other))
    if asked is not None and not _VERSION.fullmatch(asked):
        raise _not_understood(connection, "its version is none")
    return asked


def _not_understood(connection: Connection, why: str) -> InvalidReference:
    forms = _FORMS.format(domain=connection.cloud.domain)
    return InvalidReference(f"the path points at no secret: {why}", hint=f"write {forms}")
