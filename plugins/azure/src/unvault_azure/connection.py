"""Where Azure is asked, and how patiently."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from unvault.model import Answers
from unvault_azure.clouds import PUBLIC, Cloud, cloud_at, cloud_named

ANY_TENANT = "organizations"
"""Stands for the tenant of whoever signs in."""


@attrs.frozen
class Connection:
    """Where Azure is asked, and how patiently."""

    cloud: Cloud = PUBLIC
    """Which of the clouds."""
    own_authority: str | None = None
    """Address of Entra ID, where it is not the cloud's own."""
    tenant: str | None = None
    """The tenant to sign in to; None for that of whoever signs in."""
    allowed_hosts: frozenset[str] = frozenset()
    """Hosts, with their ports, that a token may be sent to beyond the cloud's vaults."""
    timeout: float = 10
    """Seconds that one piece of work may take, all tries together."""

    @property
    def authority(self) -> str:
        """Address of Entra ID, without a slash at its end."""
        return (self.own_authority or self.cloud.authority).rstrip("/")

    @property
    def scope(self) -> str:
        """What an application asks a token for."""
        return f"{self.cloud.resource}/.default"

    @property
    def persons_scope(self) -> str:
        """What a person consents to."""
        return f"{self.cloud.resource}/user_impersonation"


def connection_of(answers: Answers) -> Connection:
    """Return the connection that a credential's answers describe."""
    hosts = (answers.text("allowed_hosts") or "").lower().split(",")
    return Connection(
        cloud=cloud_named(answers.text("cloud")),
        own_authority=answers.text("authority"),
        tenant=answers.text("tenant_id"),
        allowed_hosts=frozenset(host.strip() for host in hosts if host.strip()),
        timeout=int(answers.get("timeout") or 10),
    )


def ambient_connection(environ: Mapping[str, str]) -> Connection:
    """Return the connection that Azure's own variables describe."""
    authority = environ.get("AZURE_AUTHORITY_HOST", "").strip()
    if not authority:
        return Connection()
    if not authority.lower().startswith("https://"):
        authority = f"https://{authority}"
    cloud = cloud_at(authority)
    return Connection(cloud=cloud or PUBLIC, own_authority=authority)
