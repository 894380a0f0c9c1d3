"""What programs under test take for a browser: it only remembers which pages were opened."""

from __future__ import annotations

import stat
import time
from pathlib import Path


class Doorbell:
    """A command for the variable ``BROWSER``, and what it was called with.

    Args:
        folder: Where the command is put.
    """

    def __init__(self, folder: Path) -> None:
        self._heard = folder / "pages.txt"
        self._command = folder / "open-page"
        self._command.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{self._heard}'\n")
        self._command.chmod(self._command.stat().st_mode | stat.S_IXUSR)

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which a program opens pages here."""
        return {"BROWSER": str(self._command)}

    @property
    def pages(self) -> list[str]:
        """The pages that were opened, in order."""
        return self._heard.read_text().splitlines() if self._heard.exists() else []

    def wait(self, number: int = 1, *, seconds: float = 20.0) -> str:
        """Wait until so many pages were opened, and return the last of them."""
        end = time.monotonic() + seconds
        while len(self.pages) < number:
            assert time.monotonic() < end, f"{len(self.pages)} pages were opened"
            time.sleep(0.01)
        return self.pages[number - 1]
