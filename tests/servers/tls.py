"""TLS for servers that answer to any name."""

from __future__ import annotations

import ssl
import threading
from typing import Any


def any_name(authority: Any) -> ssl.SSLContext:
    """Return what a server needs to be whoever a client asks for.

    Each name gets a certificate when it is asked for first. A client that names nobody, as one does
    that goes to an address, is shown one for 127.0.0.1 and localhost.

    Args:
        authority: A CA of trustme.
    """
    known: dict[str, ssl.SSLContext] = {}
    lock = threading.Lock()

    def called(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None:
            with lock:
                if name not in known:
                    known[name] = _context(authority, name)
            connection.context = known[name]

    whole = _context(authority, "127.0.0.1", "localhost")
    whole.sni_callback = called
    return whole


def _context(authority: Any, *names: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(made)
    return made
