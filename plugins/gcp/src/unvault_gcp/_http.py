"""Sends requests over HTTP: within a deadline, and never more than one should answer.

It is imported when the first request is sent, since it is built on urllib3.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any

import attrs
import certifi  # noqa: TID253  # nothing of the plugin imports this module before
from urllib3 import HTTPHeaderDict, PoolManager, ProxyManager, Timeout  # noqa: TID253
from urllib3.exceptions import HTTPError, ReadTimeoutError  # noqa: TID253

from unvault_gcp._in_time import POOLS
from unvault_gcp.connection import Connection, bundle, proxy_of

_POOL = 64
"""Connections that are kept open: more than anybody fetches at the same time."""

_CHUNK = 1 << 16
_LARGEST = 8 << 20
"""How many bytes an answer may have. A page of a list has some ten thousand."""


class NoCertificates(Exception):
    """A file that is named as one with certificates holds none that can be used."""


class TooLarge(Exception):
    """An answer is larger than any that is expected."""


@attrs.frozen
class Reply:
    """An answer."""

    status: int
    """The HTTP status."""
    headers: HTTPHeaderDict
    """Its headers."""
    body: bytes = attrs.field(repr=False)
    """All of its body."""


class Sender:
    """Sends requests, and reads the answers; several threads may use it.

    It follows no redirect, since a token would go to whatever host is named.

    Args:
        connection: What to trust, and how patient to be.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._managers: dict[str | None, PoolManager] = {}
        self._proxies: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def send(
        self,
        method: str,
        url: str,
        *,
        seconds: float,
        headers: Mapping[str, str],
        body: bytes | None = None,
        directly: bool = False,
    ) -> Reply:
        """Send a request, and return its answer, whatever it says.

        Args:
            method: The HTTP method.
            url: The whole address, encoded.
            seconds: Until the answer has to be there.
            headers: All of them.
            body: What to send.
            directly: By no proxy: what is asked is part of this machine.

        Raises:
            HTTPError, OSError, NoCertificates, TooLarge, ValueError: There is none to be used.
        """
        end = time.monotonic() + seconds
        response: Any = self._manager(url, directly=directly).urlopen(
            method,
            url,
            body=body,
            headers=dict(headers),
            redirect=False,
            retries=False,
            timeout=Timeout(total=seconds),
            preload_content=False,
            decode_content=False,
        )
        return Reply(response.status, response.headers, _read(response, end))

    def close(self) -> None:
        """Close the connections; it can be used again afterwards."""
        for manager in [*self._managers.values()]:
            manager.clear()

    def _manager(self, url: str, *, directly: bool) -> PoolManager:
        proxy = None if directly else self._proxy(url)
        found = self._managers.get(proxy)
        if found is None:
            with self._lock:  # or each of many threads would have connections of its own
                found = self._managers.get(proxy)
                if found is None:
                    found = self._managers[proxy] = self._made(proxy)
        return found

    def _proxy(self, url: str) -> str | None:
        origin = "/".join(url.split("/", 3)[:3])
        if origin not in self._proxies:
            self._proxies[origin] = proxy_of(url)
        return self._proxies[origin]

    def _made(self, proxy: str | None) -> PoolManager:
        known = self._connection.ca_file or bundle() or certifi.where()
        try:
            trusted = ssl.create_default_context(cafile=str(known))
        except ssl.SSLError:
            trusted = None
        if trusted is None:
            raise NoCertificates
        options: dict[str, Any] = {"num_pools": 8, "maxsize": _POOL, "ssl_context": trusted}
        if proxy is None:
            made = PoolManager(**options)
        else:
            headers = _authorization(proxy)
            made = ProxyManager(proxy, proxy_ssl_context=trusted, proxy_headers=headers, **options)
        made.pool_classes_by_scheme = POOLS
        return made


def _authorization(proxy: str) -> Mapping[str, str]:
    from urllib.parse import unquote, urlsplit

    from urllib3.util import make_headers

    parts = urlsplit(proxy)
    if not parts.username:
        return {}
    name, password = unquote(parts.username), unquote(parts.password or "")
    return make_headers(proxy_basic_auth=f"{name}:{password}")


def _read(response: Any, end: float) -> bytes:
    """Read an answer to its end: in time, and no more than it may be."""
    parts: list[bytes] = []
    left = _LARGEST
    try:
        while response.length_remaining != 0 and (part := response.read1(_CHUNK)):
            parts.append(part)
            left -= len(part)
            if left < 0:
                raise TooLarge
            if time.monotonic() > end:
                raise ReadTimeoutError(None, None, "it trickles")  # type: ignore[arg-type]
    except (HTTPError, OSError, TooLarge):
        response.close()
        raise
    response.release_conn()
    return b"".join(parts)
