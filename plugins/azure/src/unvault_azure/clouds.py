"""The clouds that there are: where each signs in, and what its vaults are called."""

from __future__ import annotations

import attrs


@attrs.frozen
class Cloud:
    """One of Microsoft's clouds, which know nothing of each other."""

    name: str
    """What the form calls it."""
    authority: str
    """Address of its Entra ID."""
    other_authorities: tuple[str, ...]
    """Other hosts that Entra ID has there."""
    domain: str
    """What the hosts of its vaults end with."""

    @property
    def resource(self) -> str:
        """What a token for its vaults is for."""
        return f"https://{self.domain}"


PUBLIC = Cloud(
    "public",
    "https://login.microsoftonline.com",
    ("login.microsoft.com", "login.windows.net", "sts.windows.net"),
    "vault.azure.net",
)
CHINA = Cloud(
    "china",
    "https://login.chinacloudapi.cn",
    ("login.partner.microsoftonline.cn",),
    "vault.azure.cn",
)
GOVERNMENT = Cloud(
    "usgov",
    "https://login.microsoftonline.us",
    ("login.usgovcloudapi.net",),
    "vault.usgovcloudapi.net",
)

CLOUDS = (PUBLIC, CHINA, GOVERNMENT)
"""All of them, the usual one first."""


def cloud_named(name: str | None) -> Cloud:
    """Return a cloud by its name; the usual one where there is none of that name."""
    return next((cloud for cloud in CLOUDS if cloud.name == name), PUBLIC)


def cloud_at(authority: str) -> Cloud | None:
    """Return the cloud that an address or host of Entra ID belongs to, if it is one of these."""
    host = authority.lower().removeprefix("https://").partition("/")[0]
    for cloud in CLOUDS:
        if host in {cloud.authority.removeprefix("https://"), *cloud.other_authorities}:
            return cloud
    return None
