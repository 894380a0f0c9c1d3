"""The pages of Entra ID, and how they send a browser back."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple
from urllib.parse import urlencode


class Page(NamedTuple):
    """What a browser is answered."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}


def sign_in_page(action: str, flow: str, *, hint: str = "", problem: str = "") -> Page:
    """Return a form for a user name and password."""
    return _page(
        "Sign in to your account",
        f"<p id=problem>{escape(problem)}</p>"
        f"<form method=post action='{escape(action)}'>{_hidden(flow=flow)}"
        f"<input name=loginfmt type=email value='{escape(hint)}'>"
        "<input name=passwd type=password autocomplete=off>"
        "<button name=go value=sign-in>Sign in</button>"
        "<button name=go value=cancel>Cancel</button></form>",
    )


def consent_page(action: str, flow: str, *, name: str, user: str, scopes: list[str]) -> Page:
    """Return a form that asks whether an application may do what it wants."""
    wanted = "".join(f"<li>{escape(each)}</li>" for each in scopes)
    return _page(
        "Permissions requested",
        f"<p>{escape(name)} would like, as {escape(user)}:</p><ul id=scopes>{wanted}</ul>"
        f"<form method=post action='{escape(action)}'>{_hidden(flow=flow)}"
        "<button name=go value=accept>Accept</button>"
        "<button name=go value=cancel>Cancel</button></form>",
    )


def code_page(action: str, *, code: str = "", problem: str = "") -> Page:
    """Return a form for the code that a device shows."""
    return _page(
        "Enter code to allow access",
        f"<p id=problem>{escape(problem)}</p><form method=post action='{escape(action)}'>"
        f"<input name=otc value='{escape(code)}'><button name=go value=next>Next</button></form>",
    )


def error_page(title: str, description: str) -> Page:
    """Return what is shown where a browser must not be sent back."""
    return _page(title, f"<p id=error>{escape(description)}</p>")


def done_page(said: str) -> Page:
    """Return what is shown at the end."""
    return _page(said, "<p id=done>You may close this window.</p>")


def sent_back(uri: str, mode: str, answer: Mapping[str, str]) -> Page:
    """Return what makes a browser bring an answer to an address."""
    if mode == "form_post":
        form = f"<form method=post action='{escape(uri)}'>{_hidden(**answer)}"
        script = "<script>document.forms[0].submit()</script>"
        return _page("Working…", f"{form}<button name=go value=on>Continue</button></form>{script}")
    mark = "#" if mode == "fragment" else "&" if "?" in uri else "?"
    return Page(b"", 302, {"Location": f"{uri}{mark}{urlencode(answer)}"})


def _hidden(**values: str) -> str:
    return "".join(
        f"<input type=hidden name={name} value='{escape(value)}'>" for name, value in values.items()
    )


def _page(title: str, inside: str) -> Page:
    text = f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title>{inside}"
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    return Page(text.encode(), 200, headers)
