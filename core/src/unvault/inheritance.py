"""What the programs that unvault starts get of its environment: not what opens vaults."""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES = ("UNVAULT_", "INSOMNIA_")
"""How the variables begin that may hold credentials and passphrases."""

SETTINGS = frozenset({"UNVAULT_BLOCK", "UNVAULT_EXTENSIONS", "UNVAULT_HOME"})
"""Those of them that say how unvault is to work, and hold no secret."""


def holds_credentials(variable: str) -> bool:
    """Say whether an environment variable may hold what opens a vault.

    That goes by its name, whatever provider it is for, so that one of a provider that is not
    installed counts too. What a vault's own tools read, such as ``VAULT_TOKEN``, does not.
    """
    name = variable.upper()  # on Windows, case makes no difference
    return name.startswith(FAMILIES) and name not in SETTINGS


def without_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables that may hold what opens a vault."""
    return {name: text for name, text in environ.items() if not holds_credentials(name)}
