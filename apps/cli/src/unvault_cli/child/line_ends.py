"""Line ends on the way from a program's own terminal to the person's. POSIX only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unvault_cli.child.relay import Masker
    from unvault_cli.child.terminal import Terminal


class LineEnds:
    """A masker that takes back what a program's terminal did to line ends, where it is done again.

    The inner terminal puts a carriage return before each line feed. So does the outer one while it
    is not raw, as when the program is in the background: then there would be two.

    Args:
        masker: Takes the secrets out.
        terminal: Both terminals.
    """

    def __init__(self, masker: Masker, terminal: Terminal) -> None:
        self._masker = masker
        self._terminal = terminal
        self._held = b""

    @property
    def pending(self) -> int:
        """How many bytes wait for what comes after them."""
        return self._masker.pending + len(self._held)

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be shown with one more piece of the output."""
        return self._once(self._masker.feed(chunk))

    def release(self) -> bytes:
        """Return what a person may wait for, though something may yet belong to it."""
        return self._once(self._masker.release()) + self._rest()

    def flush(self) -> bytes:
        """Return the rest: nothing comes after it."""
        return self._once(self._masker.flush()) + self._rest()

    def _once(self, content: bytes) -> bytes:
        content = self._rest() + content
        if not self._terminal.ends_lines:
            return content
        if content.endswith(b"\r"):
            content, self._held = content[:-1], b"\r"
        return content.replace(b"\r\n", b"\n")

    def _rest(self) -> bytes:
        rest, self._held = self._held, b""
        return rest
