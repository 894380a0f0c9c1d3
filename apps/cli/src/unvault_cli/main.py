"""Where the `unvault` command starts: as a script, and for those who call it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from unvault_cli import __version__
from unvault_cli.interrupts import STOPPED, end_at_once, end_by_signal


def main(args: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. Raises nothing.

    Args:
        args: The arguments; the process's own by default.
    """
    try:
        return _command(sys.argv[1:] if args is None else [*args], alone=False)
    except KeyboardInterrupt:
        return STOPPED


def script() -> int:
    """Run the command in a process that is there for nothing else, and that ends with it.

    Raises:
        KeyboardInterrupt: It was stopped by Ctrl-C. The interpreter then ends by the signal.
    """
    # Nearly all that is made while it starts stays until it ends: to look for garbage every 700
    # objects, as Python does, takes a twentieth of a short command's time.
    gc.set_threshold(50_000)
    try:
        end_at_once()
        return _command(sys.argv[1:], alone=True)
    except KeyboardInterrupt:
        end_by_signal()
        raise
    finally:
        # Taking apart all that was imported, cycle by cycle, would take longer than most commands
        # do. What is to be closed was closed before this.
        gc.freeze()


def _command(given: Sequence[str], *, alone: bool) -> int:
    """Run the command and return its exit code.

    Raises:
        KeyboardInterrupt: It was stopped by Ctrl-C.
    """
    # It needs no more than this, and scripts ask for it often.
    if given == ["--version"] and sys.stdout is not None:
        sys.stdout.write(f"unvault {__version__}\n")
        return 0
    from unvault_cli.running import run

    return run(given, alone=alone)
