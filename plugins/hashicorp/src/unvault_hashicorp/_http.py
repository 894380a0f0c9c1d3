"""Connections: the pool of requests that hvac sends through, and HCP too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from unvault_hashicorp._errors import refuse
from unvault_hashicorp.connection import Connection

if TYPE_CHECKING:
    import requests

_POOL = 32
"""Connections that are kept open: as many as may fetch at the same time."""

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def open_session(connection: Connection) -> requests.Session:
    """Return a pool of connections, whose answers are successes or raise `Refused`.

    It reads the environment now, and not at each request. What is the same for all requests is
    prepared once: the way of `requests.Session.request` takes a quarter of a fetch from a vault
    nearby.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies

    class Pool(requests.Session):
        """Sends a copy of one prepared request; neither cookies nor redirects are followed."""

        def request(  # type: ignore[override]  # the few arguments that hvac and HCP give
            self,
            method: str,
            url: str,
            *,
            timeout: float,
            headers: dict[str, str] | None = None,
            params: dict[str, Any] | None = None,
            **body: Any,
        ) -> requests.Response:
            prepared = blank.copy()
            prepared.method = method.upper()
            if params:
                prepared.prepare_url(url, params)
            else:
                prepared.url = url  # encoded already
            prepared.headers.update(self.headers)
            prepared.headers.update(headers or {})
            if sent := {name: body[name] for name in ("json", "data") if body.get(name)}:
                prepared.prepare_body(sent.get("data"), None, sent.get("json"))
            response = adapter.send(
                prepared, timeout=timeout, verify=verify, cert=certificate, proxies=proxies
            )
            refuse(response)
            return response

    proxies = get_environ_proxies(connection.address)
    bundle = next((os.environ[name] for name in _BUNDLES if os.environ.get(name)), True)
    verify = (connection.ca or bundle) if connection.verify else False
    certificate = connection.certificate
    if not connection.verify:
        _warn_in_our_own_words(connection.address)
    adapter = HTTPAdapter(pool_connections=2, pool_maxsize=_POOL, max_retries=0)
    session = Pool()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    blank = requests.Request("GET", connection.address).prepare()
    return session


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
