"""Where AWS is asked, by which files, and how patiently."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import attrs

from unvault.model import Answers

_OWN_DOMAINS = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "api.aws",
    "amazonwebservices.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
)


@attrs.frozen
class Connection:
    """Where AWS is asked, by which files, and how patiently."""

    region: str | None = None
    """The region; None for what the SDK finds by itself."""
    endpoint: str | None = None
    """Address of Secrets Manager, where it is not AWS's own."""
    own_sts_endpoint: str | None = None
    """Address of STS, where a credential names one."""
    timeout: float = 10
    """Seconds that one piece of work may take, all tries together."""
    profile: str | None = None
    """A section of the files; None for what the SDK finds by itself."""
    credentials_file: Path | None = None
    """The credentials file; None for the SDK's own."""
    config_file: Path | None = None
    """The config file; None for the SDK's own."""

    @property
    def sts_endpoint(self) -> str | None:
        """Address of STS; None for AWS's own.

        A server that is none of AWS's speaks for all of it: its keys are no business of AWS's.
        """
        if self.own_sts_endpoint or self.endpoint is None or is_aws(self.endpoint):
            return self.own_sts_endpoint
        return self.endpoint

    def endpoint_in(self, region: str) -> str | None:
        """Return the address of Secrets Manager in a region; None for AWS's own.

        An address of AWS's is good for the region that it was given for.
        """
        if self.endpoint and is_aws(self.endpoint) and self.region not in {None, region}:
            return None
        return self.endpoint


def connection_of(answers: Answers) -> Connection:
    """Return the connection that a credential's answers describe."""
    return Connection(
        region=answers.text("region"),
        endpoint=answers.text("endpoint"),
        own_sts_endpoint=answers.text("sts_endpoint"),
        timeout=int(answers.get("timeout") or 10),
        profile=answers.text("section"),
        credentials_file=answers.path("file_path"),
        config_file=answers.path("config_file_path"),
    )


def is_aws(address: str) -> bool:
    """Say whether an address is one of AWS's own, such as a VPC endpoint's."""
    host = f".{(urlsplit(address).hostname or '').rstrip('.')}"
    return host.endswith(tuple(f".{domain}" for domain in _OWN_DOMAINS))
