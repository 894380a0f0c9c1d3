"""What requests are sent with: a token, whose it is, and how it was come by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from unvault_gcp.key_files import Seen

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""What tokens are asked for: the one scope that Secret Manager accepts."""


@attrs.frozen
class Caller:
    """Who signed in, and the token for it."""

    token: str = attrs.field(repr=False)
    """What requests are sent with."""
    expires: datetime
    """When it ends."""
    name: str | None = None
    """The email address of the service account, where it is known."""
    project: str | None = None
    """The project that goes with it."""
    quota_project: str | None = None
    """The project that requests are counted for, where that is another one."""
    universe: str | None = None
    """The domain of the cloud it is of, where it is known."""
    origin: str = ""
    """What it is and where it comes from, for a person to read."""
    advice: str = "check the credential"
    """What to do where the token is not accepted."""
    file: Seen | None = None
    """The file that it was read from, where there is one."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that say who asks."""
        known = {"authorization": f"Bearer {self.token}"}
        if self.quota_project:
            known["x-goog-user-project"] = self.quota_project
        return known
