"""Somebody who signs in at a page of Entra ID with a real browser."""

from __future__ import annotations

from tests.servers.chromium import Tab
from tests.servers.entra_directory import Person

_NAME, _PASSWORD = "[name=loginfmt]", "[name=passwd]"
_SCOPES, _PROBLEM = "#scopes", "#problem:not(:empty)"
_END = "body:not(:has(form))"


def signed_in(tab: Tab, person: Person, *, accept: bool = True) -> Tab:
    """Do what the pages ask for, until they ask no more; return the window.

    Args:
        tab: Where the page is opened.
        person: Who signs in.
        accept: Whether to allow what the application wants to do.
    """
    tab.fill(_NAME, person.name)
    tab.fill(_PASSWORD, person.password)
    tab.click("[value=sign-in]")
    if tab.wait_for(_SCOPES, _END, _PROBLEM) == _SCOPES:
        tab.click(f"[value={'accept' if accept else 'cancel'}]")
        tab.wait_for(_END)
    return tab
