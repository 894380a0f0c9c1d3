"""Connections: the pool that hvac sends through, and HCP too."""

from __future__ import annotations

import os
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any

from unvault_hashicorp._errors import TooLarge, refuse
from unvault_hashicorp.connection import Connection

if TYPE_CHECKING:
    from requests import Response

_POOL = 32
"""Connections that are kept open: as many as may fetch at the same time."""

_CHUNK = 1 << 16
_LARGEST = 32 << 20
"""How many bytes an answer may have: thirty times what a vault keeps by default."""

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class Pool:
    """Sends requests, and returns answers that are successes; others raise `Refused`.

    It has what hvac uses of a session of requests. It reads the environment now, and not at each
    request, and no ``~/.netrc``; what is the same for all requests is prepared once. It follows no
    redirect, since hvac's token header would go to whatever host is named, and keeps no cookies.

    Args:
        connection: Where the server is, and how to reach it.
    """

    def __init__(self, connection: Connection) -> None:
        from requests import Request
        from requests.adapters import HTTPAdapter
        from requests.utils import get_environ_proxies

        bundle = next((os.environ[name] for name in _BUNDLES if os.environ.get(name)), True)
        self.verify = (connection.ca or bundle) if connection.verify else False
        self.cert = connection.certificate
        self.proxies = get_environ_proxies(connection.address)
        self.headers: dict[str, str] = {}
        self._adapter = HTTPAdapter(pool_connections=2, pool_maxsize=_POOL, max_retries=0)
        # Nothing is packed: a small answer may be a large one.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        self._blank = Request("GET", connection.address, headers=headers).prepare()
        if not connection.verify:
            _warn_in_our_own_words(connection.address)

    def request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        headers: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
        json: Any = None,
        data: dict[str, Any] | None = None,
        **_same_for_all: object,
    ) -> Response:
        """Send a request.

        Args:
            method: The HTTP method.
            url: The whole address, encoded.
            timeout: Seconds until the answer has to be there.
            headers: More than those of all requests.
            params: Of the query.
            json: To be sent as JSON.
            data: To be sent as a form.
            _same_for_all: What hvac repeats with each request, and was told to this pool.

        Raises:
            Refused: The answer is no success.
            OSError, ValueError: There is none; all of requests' exceptions are one of them.
        """
        end = time.monotonic() + timeout
        prepared = self._blank.copy()
        prepared.method = method.upper()
        prepared.url = url
        if params:
            prepared.prepare_url(url, params)
        prepared.headers.update(self.headers)
        prepared.headers.update(headers or {})
        if json is not None or data is not None:
            prepared.prepare_body(data, None, json)
        response = self._adapter.send(
            prepared, timeout=timeout, verify=self.verify, cert=self.cert, proxies=self.proxies
        )
        _read(response, end)
        refuse(response)
        return response

    def close(self) -> None:
        """Close the connections; it can be used again afterwards."""
        self._adapter.close()


def _read(response: Response, end: float) -> None:
    """Read an answer to its end: in time, and no more than it may be."""
    import requests.exceptions as sent
    import urllib3.exceptions as below

    parts: list[bytes] = []
    left = _LARGEST
    try:
        while part := response.raw.read1(_CHUNK):
            parts.append(part)
            left -= len(part)
            if left < 0:
                raise TooLarge
            if time.monotonic() > end:
                raise sent.ReadTimeout("it trickles")
    except (TooLarge, sent.ReadTimeout):
        response.raw.close()
        raise
    except below.ReadTimeoutError as error:
        raise sent.ReadTimeout(str(error)) from None
    except below.HTTPError as error:
        raise sent.ChunkedEncodingError(str(error)) from None
    response.raw.release_conn()
    response.raw = BytesIO(b"".join(parts))


def _warn_in_our_own_words(address: str) -> None:
    """Silence the warning that urllib3 gives at each connection, for this host only.

    Signing in has warned already, and a program that takes warnings for errors would fail.
    """
    import re
    import warnings
    from urllib.parse import urlsplit

    from urllib3.exceptions import InsecureRequestWarning

    host = re.escape(urlsplit(address).hostname or "")
    warnings.filterwarnings("ignore", rf".*to host '{host}'", InsecureRequestWarning)
