"""Where Google is asked, over what, and how patiently."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from unvault.model import Answers
from unvault_gcp.forms import DEFAULT_UNIVERSE, GRPC

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name the certificates to trust, as other libraries read them."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@attrs.frozen
class Connection:
    """Where Google is asked, over what, and how patiently."""

    project: str | None = None
    """The project that a credential names."""
    transport: str = GRPC
    """``grpc`` or ``rest``."""
    endpoint: str | None = None
    """Address of Secret Manager, where it is not Google's own."""
    universe: str = DEFAULT_UNIVERSE
    """The domain of the cloud's services."""
    own_universe: str | None = None
    """The domain that a credential names."""
    ca_file: Path | None = None
    """The certificates to trust, where a credential names some."""
    timeout: float = 10
    """Seconds that one piece of work may take, all tries together."""

    def address(self, location: str | None) -> str:
        """Return the address of Secret Manager for global secrets, or for those of a location.

        An address of Google's own is that of global secrets; another server speaks for all.
        """
        if self.endpoint and (location is None or not self.is_own(self.endpoint)):
            return self.endpoint.rstrip("/")
        if location is None:
            return f"https://secretmanager.{self.universe}"
        return f"https://secretmanager.{location}.rep.{self.universe}"

    def is_own(self, address: str) -> bool:
        """Say whether an address is one of the cloud's, such as a private endpoint's."""
        host = (urlsplit(address).hostname or "").rstrip(".")
        return f".{host}".endswith(f".{self.universe}")


def connection_of(answers: Answers) -> Connection:
    """Return the connection that a credential's answers describe."""
    universe = answers.text("universe_domain")
    return Connection(
        project=answers.text("project"),
        transport=answers.text("transport") or GRPC,
        endpoint=answers.text("endpoint"),
        universe=universe or os.environ.get("GOOGLE_CLOUD_UNIVERSE_DOMAIN") or DEFAULT_UNIVERSE,
        own_universe=universe,
        ca_file=answers.path("ca_file"),
        timeout=int(answers.get("timeout") or 10),
    )


def bundle() -> str | None:
    """Return the file with the certificates to trust that the environment names."""
    return next((os.environ[name] for name in _BUNDLES if os.environ.get(name)), None)


def holds_certificates(content: bytes) -> bool:
    """Say whether the content of a file looks like certificates in PEM."""
    return bool(re.search(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----", content))


def proxy_of(address: str) -> str | None:
    """Return the address of the proxy that is on the way to another, as the environment says."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(address)
    proxies: Mapping[str, str] = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def keeps_secrets(address: str) -> bool:
    """Say whether what is sent to an address stays unseen: by TLS, or on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
