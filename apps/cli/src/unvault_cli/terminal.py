"""How a provider asks the person at the terminal to do something."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from unvault_cli.hardening import credentials_aside
from unvault_cli.output import note, note_lines
from unvault_cli.prompts import ask, ask_hidden, ask_new, on_terminal

if TYPE_CHECKING:
    from unvault.hookspecs import Interaction


class Terminal:
    """An `unvault.hookspecs.Interaction` on the terminal."""

    def tell(self, message: str) -> None:
        """Show a message; where it has several lines, none can pass for one of the program's."""
        note_lines(message, indent="  ")

    def open_page(self, address: str) -> bool:
        """Show a page's address, and open it where there is a browser with windows."""
        note(f"Open this page: {address}")
        if not address.startswith(("https://", "http://")) or not _has_windows():
            return False
        import webbrowser

        try:
            with credentials_aside():
                return webbrowser.open(address)
        except (webbrowser.Error, OSError):
            return False

    def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask for a line of text, unseen where ``hidden``; for a new passphrase, twice.

        Raises:
            InteractionRequired: The person ended the input instead.
        """
        try:
            if not hidden:
                return ask(question)
            return ask_new(question) if question.startswith("new ") else ask_hidden(question)
        except EOFError:
            pass
        from unvault.errors import InteractionRequired

        raise InteractionRequired("the question was not answered", hint="run the command again")


def terminal() -> Interaction | None:
    """Return the person at the terminal, or None where nobody is there to be asked."""
    return Terminal() if on_terminal() else None


def _has_windows() -> bool:
    """Say whether a page opens in a window; a browser inside the terminal would be in the way."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
