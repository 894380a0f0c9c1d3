"""Somebody at a browser without a screen or scripts: fast, for what is not about browsers."""

from __future__ import annotations

import http.client
import ssl
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import attrs

_MOST_PAGES = 20


@attrs.define
class Seen:
    """A page that was opened."""

    address: str
    status: int
    text: str
    title: str = ""
    problem: str = ""
    """What was wrong with what its form was told before."""
    fields: dict[str, str] = attrs.field(factory=dict)
    """Of its form, as they are filled."""
    action: str | None = None
    """Where its form goes; None where it has none."""
    buttons: list[tuple[str, str]] = attrs.field(factory=list)


class Visitor:
    """Opens pages, follows where they lead, and keeps their cookies.

    ::

        visitor = Visitor(entra.port, ann.name, ann.password)
        visitor.sign_in(address)  # through the forms, back to http://localhost:PORT

    Args:
        port: Where the server is that all names over TLS lead to.
        name: The user name to sign in with.
        password: The password.
    """

    def __init__(self, port: int, name: str = "", password: str = "") -> None:
        self._port = port
        self._known = {"loginfmt": name, "passwd": password}
        self._cookies: dict[str, str] = {}
        self.pages: list[Seen] = []
        """What was opened, in order."""

    def sign_in(self, address: str, *, accept: bool = True) -> Seen:
        """Open a page and do what the forms ask for, until none asks more; return the last."""
        page = self.open(address)
        for _ in range(_MOST_PAGES):
            if page.action is None or page.problem:
                return page
            page = self.send(page, "accept" if accept else "cancel")
        raise AssertionError(f"there is no end of pages: {page.address}")

    def open(self, address: str) -> Seen:
        """Open a page."""
        return self._ask("GET", address, None)

    def send(self, page: Seen, choice: str = "accept", **fields: str) -> Seen:
        """Fill a page's form, and press the button whose value this is, or the first."""
        told = {**page.fields, **{k: v for k, v in self._known.items() if k in page.fields}}
        pressed = [each for each in page.buttons if each[1] == choice] or page.buttons[:1]
        told |= {**fields, **dict(pressed)}
        assert page.action is not None
        return self._ask("POST", urljoin(page.address, page.action), urlencode(told))

    def _ask(self, method: str, address: str, body: str | None) -> Seen:
        for _ in range(_MOST_PAGES):
            status, headers, text = self._exchange(method, address, body)
            target = headers.get("Location")
            if target is None:
                page = _read(Seen(address, status, text))
                self.pages.append(page)
                return page
            method, address, body = "GET", urljoin(address, target), None
        raise AssertionError(f"redirected for ever: {address}")

    def _exchange(self, method: str, address: str, body: str | None) -> tuple[int, Any, str]:
        parts = urlsplit(address)
        headers = {"Host": parts.netloc, "Cookie": "; ".join(map("=".join, self._cookies.items()))}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            trusting = ssl._create_unverified_context()  # noqa: S323  # it is the test's own server
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self._port, timeout=20, context=trusting
            )
        else:
            connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=20)
        try:
            path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            text = reply.read().decode()
            if parts.scheme == "https" and (cookie := reply.headers.get("Set-Cookie")):
                name, _, value = cookie.partition(";")[0].partition("=")
                self._cookies[name] = value
            return reply.status, reply.headers, text
        finally:
            connection.close()


class _Reader(HTMLParser):
    def __init__(self, page: Seen) -> None:
        super().__init__()
        self._page = page
        self._inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attributes}
        self._inside = told.get("id", tag)
        if tag == "form":
            self._page.action = told.get("action", "")
        elif tag == "input" and "name" in told:
            self._page.fields[told["name"]] = told.get("value", "")
        elif tag == "button":
            self._page.buttons.append((told.get("name", ""), told.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self._page.title += data
        elif self._inside == "problem":
            self._page.problem += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def _read(page: Seen) -> Seen:
    _Reader(page).feed(page.text)
    return page
