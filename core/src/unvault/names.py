"""What credentials and secrets may be called."""

from __future__ import annotations

from unvault.errors import InvalidName


def check_name(name: str, *, what: str, longest: int) -> None:
    """Check a name that a person chooses.

    Args:
        name: The name.
        what: What is called by it, such as ``credential``, for the message.
        longest: How many characters it may have.

    Raises:
        InvalidName: It is empty, too long, not printable, or has white space around it.
    """
    why = None
    if not name or name != name.strip():
        why = "is empty, or has white space around it"
    elif len(name) > longest:
        why = f"is longer than {longest} characters"
    elif not name.isprintable():
        why = "has a character that cannot be printed"
    if why:
        raise InvalidName(f"a {what} cannot be called {shortened(name)}: the name {why}")


def shortened(name: str, limit: int = 60) -> str:
    """Return a name in quotes, for a message: escaped, and cut where it is very long."""
    return repr(name if len(name) <= limit else name[:limit] + "…")
