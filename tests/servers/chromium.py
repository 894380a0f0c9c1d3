"""A real browser without a screen: Debian's Chromium, spoken to through a pipe.

It speaks the DevTools protocol on file descriptors 3 and 4 (``--remote-debugging-pipe``), so that
nothing else is needed: no driver, no library, no port.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import pytest

from tests.servers.process import end_process, start_process

COMMAND = Path("/usr/bin/chromium")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-features=AutofillServerCommunication,OptimizationHints,MediaRouter",
    "--disable-sync",
    "--ignore-certificate-errors",  # its certificates are those of the test's own authority
    "--proxy-server=http://127.0.0.1:9",  # nowhere, but for windows that are given a proxy
    "--remote-debugging-pipe",
)
_LAUNCHER = """
import fcntl, os, sys
hears, says = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(hears, 3)
os.dup2(says, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_PATIENCE = 20.0
"""Seconds to wait for anything: a page, an answer."""


class BrowserFault(Exception):
    """The browser said no, or nothing."""


def chromium_or_skip() -> Path:
    """Return the command; skip the test where there is none, but fail in CI."""
    if COMMAND.exists():
        return COMMAND
    said = f"there is no {COMMAND}: `make test` installs it where it may, with apt-get"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


class Chromium:
    """The browser. It takes a second to start: one does for many tests, each with own `Profile`.

    Args:
        folder: Where it keeps what it keeps; empty.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._number = 0
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self.events: list[dict[str, Any]] = []
        """What it told without being asked, but for what nobody waits for."""

    def __enter__(self) -> Self:
        hears, self._says = os.pipe()
        self._hears, says = os.pipe()
        command = [sys.executable, "-I", "-S", "-c", _LAUNCHER, hears, says, COMMAND]
        self._process = start_process(
            [*command, *_FLAGS, f"--user-data-dir={self._folder / 'profile'}", "about:blank"],
            self._folder,
            keep=(hears, says),
        )
        os.close(hears)
        os.close(says)
        threading.Thread(target=self._listen, daemon=True).start()
        self.ask("Browser.getVersion")
        return self

    def __exit__(self, *_: object) -> None:
        end_process(self._process, signal.SIGTERM)
        os.close(self._says)
        shutil.rmtree(self._folder / "profile", ignore_errors=True)

    def profile(self, proxy: str = "") -> Profile:
        """Return the browser of somebody else: with no cookie, and with a proxy of its own."""
        told = {"proxyServer": proxy} if proxy else {}
        made = self.ask("Target.createBrowserContext", disposeOnDetach=True, **told)
        return Profile(self, made["browserContextId"])

    def ask(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Ask for something of the protocol, and return the answer.

        Raises:
            BrowserFault: It cannot, or does not answer in time.
        """
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with self._lock:
            self._number += 1
            number = self._number
            self._waiting[number] = answers
            said = {"id": number, "method": method, "params": parameters}
            said |= {"sessionId": session} if session else {}
            _write(self._says, json.dumps(said).encode() + b"\0")
        try:
            answer = answers.get(timeout=_PATIENCE)
        except queue.Empty:
            raise BrowserFault(f"no answer to {method}") from None
        finally:
            del self._waiting[number]
        if "error" in answer:
            raise BrowserFault(f"{method}: {answer['error'].get('message')}")
        found: dict[str, Any] = answer["result"]
        return found

    def _listen(self) -> None:
        with os.fdopen(self._hears, "rb") as pipe:
            rest = b""
            while said := pipe.read1(65536):
                *whole, rest = (rest + said).split(b"\0")
                for each in whole:
                    self._hear(json.loads(each))

    def _hear(self, told: dict[str, Any]) -> None:
        waiting = self._waiting.get(told.get("id", 0))
        if waiting is not None:
            waiting.put(told)
        else:
            self.events.append(told)


class Profile:
    """One person's browser: its windows, and what they keep."""

    def __init__(self, browser: Chromium, number: str) -> None:
        self._browser = browser
        self._number = number
        self.tabs: list[Tab] = []
        """All that were opened."""

    def open(self, address: str) -> Tab:
        """Open an address in a window of its own."""
        ask = self._browser.ask
        made = ask("Target.createTarget", url="about:blank", browserContextId=self._number)
        target = made["targetId"]
        session = ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self._browser, target, session)
        self.tabs.append(tab)
        ask("Page.enable", session)
        ask("Page.navigate", session, url=address)
        return tab

    def close(self) -> None:
        """Close all windows, and forget everything."""
        self._browser.ask("Target.disposeBrowserContext", browserContextId=self._number)


class Tab:
    """One window."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    def run(self, script: str) -> Any:
        """Return what a script comes to in the page."""
        told = self._browser.ask(
            "Runtime.evaluate", self._session, expression=script, returnByValue=True
        )
        return told["result"].get("value")

    @property
    def address(self) -> str:
        """Where the page is."""
        return str(self.run("location.href"))

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    def wait_for(self, *selectors: str, seconds: float = _PATIENCE) -> str:
        """Wait until the page has one of these elements, and return which.

        Raises:
            BrowserFault: None of them came.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for each in selectors:
                if self._has(each):
                    return each
            time.sleep(0.02)
        raise BrowserFault(f"nothing of {selectors} came; {self.address} reads {self.text!r}")

    def _has(self, selector: str) -> bool:
        try:
            found = self.run(
                f"document.readyState != 'loading' && !!document.querySelector({selector!r})"
            )
        except BrowserFault:  # the page is just being left
            return False
        return bool(found)

    def fill(self, selector: str, text: str) -> None:
        """Type into a field, over what is there."""
        self.wait_for(selector)
        self.run(f"(e => {{ e.focus(); e.select() }})(document.querySelector({selector!r}))")
        self._browser.ask("Input.insertText", self._session, text=text)

    def click(self, selector: str) -> None:
        """Click on the middle of something."""
        self.wait_for(selector)
        box = self.run(
            f"(e => {{ e.scrollIntoView(); const b = e.getBoundingClientRect();"
            f" return [b.x + b.width / 2, b.y + b.height / 2] }})"
            f"(document.querySelector({selector!r}))"
        )
        where = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self._browser.ask("Input.dispatchMouseEvent", self._session, type=kind, **where)

    def close(self) -> None:
        """Close the window, as somebody does who has had enough."""
        self._browser.ask("Target.closeTarget", targetId=self._target)


def _write(descriptor: int, said: bytes) -> None:
    while said:
        said = said[os.write(descriptor, said) :]
