"""Workload identity pools: whom others vouch for."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Pool:
    """A workload identity pool with one provider.

    Args:
        name: Its resource name.
        address: Where tokens are exchanged.
    """

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.audience = f"//iam.googleapis.com/{name}/providers/issuer"
        self.token_audience = f"https://iam.googleapis.com/{name}"
        """What the issuer's tokens have to be meant for."""
        self._address = address

    def principal(self, subject: str) -> str:
        """Return by what name somebody of the pool is granted roles."""
        return f"principal://iam.googleapis.com/{self.name}/subject/{subject}"

    def configuration(
        self, token_file: Path, *, account: object = None, real_names: bool = False
    ) -> dict[str, Any]:
        """Return what the file of an external account holds.

        Args:
            token_file: Where the issuer's token is.
            account: The service account to impersonate, if there is one.
            real_names: Name Google's own servers, and not this one.
        """
        sts = "https://sts.googleapis.com" if real_names else self._address
        iam = "https://iamcredentials.googleapis.com" if real_names else self._address
        made = {
            "type": "external_account",
            "audience": self.audience,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{sts}/v1/token",
            "credential_source": {"file": str(token_file)},
            "universe_domain": "googleapis.com",
        }
        if account is not None:
            made["service_account_impersonation_url"] = (
                f"{iam}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
            )
        return made
