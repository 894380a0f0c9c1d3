"""Keeps what the command's process holds out of core dumps, and from programs it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

CORE_LIMIT = "unvault_cli.core_limit"
"""Where the click context's ``meta`` has what `no_core_dumps` returned; `main()` sets no limit."""


class CoreLimit(NamedTuple):
    """How large a core dump may become, in bytes; -1 is without a bound."""

    soft: int
    """What holds."""
    hard: int
    """How far the process may raise it."""


def no_core_dumps() -> CoreLimit | None:
    """Let this process leave no core dump behind, should it crash.

    Programs that it starts inherit this; `allow_core_dumps` gives one its caller's limit back.

    Returns:
        The limit before; None where the platform has none, or does not let it be changed.
    """
    try:
        import resource
    except ImportError:  # Windows
        return None
    before = CoreLimit(*resource.getrlimit(resource.RLIMIT_CORE))
    # One byte is too little for any dump. To a program that dumps are piped to, Linux gives them
    # whatever the limit is, unless it is exactly this.
    least = 1 if sys.platform == "linux" and before.hard != 0 else 0
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (least, before.hard))
    except (OSError, ValueError):
        return None
    return before


def allow_core_dumps(limit: CoreLimit | None) -> None:
    """Take back what `no_core_dumps` did: in a child, before it becomes another program.

    Args:
        limit: What that returned.
    """
    if limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, limit)


@contextmanager
def credentials_aside() -> Iterator[None]:
    """Take what may open a vault out of the environment meanwhile.

    For programs that other code starts, and that would inherit it. The core has read it before.
    """
    from unvault.inheritance import holds_credentials

    names = [name for name in os.environ if holds_credentials(name)]
    taken = {name: text for name in names if (text := os.environ.pop(name, None)) is not None}
    try:
        yield
    finally:
        os.environ.update(taken)
