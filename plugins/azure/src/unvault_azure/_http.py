"""Sends requests for the SDK: within a deadline, following no redirect.

The SDK's own way of sending keeps no deadline, and reads certificates anew for each connection.
It is imported when somebody signs in.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3  # noqa: TID253  # nothing of the plugin imports this module before a sign-in
from azure.core.exceptions import (  # noqa: TID253
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from urllib3.exceptions import (  # noqa: TID253
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util.ssl_ import create_urllib3_context  # noqa: TID253

from unvault.errors import Unavailable
from unvault_azure._pools import in_time
from unvault_azure.deadlines import seconds_left

_POOL = 64
"""Connections to a host that are kept open: as many as may fetch at the same time."""

_CHUNK = 1 << 16
_LARGEST = 8 << 20
"""How many bytes an answer may have. A secret has 25 kB."""

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name the authorities to trust, as the SDK reads them."""

_OF_THE_MACHINE = "169.254."
"""How addresses begin that belong to the machine itself: its token is no proxy's business."""

_DISCOVERY = "/.well-known/openid-configuration"
"""What is asked first of Entra ID: MSAL does not say what it answers where there is no tenant."""


_TROUBLE: ContextVar[list[Exception] | None] = ContextVar("unvault-azure-trouble", default=None)


@contextmanager
def trouble() -> Iterator[list[Exception]]:
    """Yield what goes wrong meanwhile, in this context, when something is sent.

    The SDK does not say it where it tries several ways to sign in, one after another.
    """
    noted: list[Exception] = []
    token = _TROUBLE.set(noted)
    try:
        yield noted
    finally:
        _TROUBLE.reset(token)


class Answer:
    """An answer that was read to its end.

    It has what MSAL uses of one.

    Args:
        status: The HTTP status.
        headers: As they came; found in any case of letters.
        content: The body.
    """

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code = status
        self.headers = headers
        self.content = content

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    @property
    def reason(self) -> str:
        """What the status means; nobody is told."""
        return f"status {self.status_code}"

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.content)

    def raise_for_status(self) -> None:
        """Raise ``HttpResponseError`` where it is no success."""
        if self.status_code >= 400:
            response: Any = self  # which has as much of one as is looked at
            raise HttpResponseError(self.reason, response=response)


class Sender:
    """Sends requests and reads answers, on connections that are kept.

    The environment is read once: which proxy, and which authorities are trusted.

    Raises:
        Unavailable: The file of these authorities cannot be read.
    """

    def __init__(self) -> None:
        self._tls = _context()
        self._proxies = getproxies()
        self._managers: dict[str, urllib3.PoolManager] = {}
        self._by_host: dict[str, urllib3.PoolManager] = {}
        self._lock = Lock()

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        *,
        connect: float | None = None,
    ) -> Answer:
        """Send a request, and return its answer, whatever it says.

        Args:
            method: The HTTP method.
            url: Where to.
            headers: Of the request.
            body: Of the request.
            connect: Seconds within which there has to be a connection, if not within all.

        Raises:
            AzureError: There is none.
        """
        left = seconds_left()
        end = time.monotonic() + left
        try:
            response = self._manager(url).urlopen(
                method,
                url,
                body=body,
                headers={"Accept-Encoding": "identity", **(headers or {})},
                timeout=urllib3.Timeout(connect=min(left, connect or left), read=left),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            answer = Answer(response.status, response.headers, _read(response, end))
        except HTTPError as error:
            failed = _failure(error)
        except (OSError, ValueError) as error:
            failed = ServiceRequestError("it was not sent", error=error)
        else:
            return _told(url, answer)
        note(url, failed)
        raise failed

    def close(self) -> None:
        """Close the connections; it can be used again afterwards."""
        for manager in [*self._managers.values()]:
            manager.clear()

    def _manager(self, url: str) -> urllib3.PoolManager:
        """Return what sends to an address: by a proxy, where the environment says so."""
        host = url.split("/", 3)[2]
        found = self._by_host.get(host)
        if found is None:
            with self._lock:
                proxy = self._proxy_for(url)
                if proxy not in self._managers:
                    self._managers[proxy] = self._made(proxy)
                found = self._by_host[host] = self._managers[proxy]
        return found

    def _proxy_for(self, url: str) -> str:
        parts = urlsplit(url)
        if (parts.hostname or "").startswith(_OF_THE_MACHINE):
            return ""
        proxy = self._proxies.get(parts.scheme) or self._proxies.get("all") or ""
        if not proxy or proxy_bypass(parts.netloc):
            return ""
        return proxy if "://" in proxy else f"http://{proxy}"

    def _made(self, proxy: str) -> urllib3.PoolManager:
        options: dict[str, Any] = {"maxsize": _POOL, "ssl_context": self._tls}
        if not proxy:
            return in_time(urllib3.PoolManager(**options))
        parts = urlsplit(proxy)
        if parts.username is not None:
            login = f"{parts.username}:{parts.password or ''}"
            options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=login)
        return in_time(urllib3.ProxyManager(proxy, **options))


def _told(url: str, answer: Answer) -> Answer:
    """Return an answer, unless it says that there is no such tenant."""
    if answer.status_code == 429 or answer.status_code >= 500:
        response: Any = answer
        note(url, HttpResponseError(answer.reason, response=response))
    if answer.status_code >= 400 and url.partition("?")[0].endswith(_DISCOVERY):
        response = answer  # which has as much of one as is looked at
        raise ClientAuthenticationError(answer.reason, response=response)
    return answer


def note(url: str, failed: Exception) -> None:
    """Note what went wrong, for `trouble`; not that a machine has no identity: nothing is wrong."""
    noted = _TROUBLE.get()
    if noted is not None and not url.startswith(f"http://{_OF_THE_MACHINE}"):
        noted.append(failed)


def _context() -> ssl.SSLContext:
    """Return what all connections are secured with."""
    bundle = next((os.environ[name] for name in _BUNDLES if os.environ.get(name)), None)
    if bundle is None:
        import certifi

        bundle = certifi.where()
    context = create_urllib3_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    try:
        if os.path.isdir(bundle):  # noqa: PTH112  # what a variable names
            context.load_verify_locations(capath=bundle)
        else:
            context.load_verify_locations(cafile=bundle)
    except OSError as error:
        raise Unavailable(
            f"the file of the trusted authorities cannot be read: {bundle!r}",
            hint=f"check {', '.join(_BUNDLES)}",
        ) from error
    return context


def _read(response: urllib3.BaseHTTPResponse, end: float) -> bytes:
    """Read an answer to its end: in time, and no more than it may be."""
    parts: list[bytes] = []
    left = _LARGEST
    failed: Exception | None = None
    while failed is None and (part := response.read1(_CHUNK)):
        parts.append(part)
        left -= len(part)
        if left < 0:
            failed = ServiceResponseError("the answer is too large")
        elif time.monotonic() > end:
            failed = ServiceResponseTimeoutError("the answer trickles")
    if failed is not None:
        response.close()
        raise failed
    response.release_conn()
    return b"".join(parts)


def _failure(error: HTTPError) -> ServiceRequestError | ServiceResponseError:
    """Return the SDK's exception for where there is no answer."""
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return ServiceRequestTimeoutError("no connection in time", error=error)
    if isinstance(error, ReadTimeoutError):
        return ServiceResponseTimeoutError("no answer in time", error=error)
    # urllib3 blames the proxy where the server beyond it hung up: the connection forgot its way.
    hung_up = isinstance(error, ProxyError) and isinstance(error.original_error, ConnectionError)
    if isinstance(error, ProtocolError) or hung_up:
        return ServiceResponseError("the connection broke", error=error)
    if isinstance(error, NewConnectionError | ProxyError | SSLError):
        return ServiceRequestError("no connection", error=error)
    return ServiceRequestError("it was not sent", error=error)
