"""unvault takes secrets out of external vaults and puts them where they are needed.

::

    from unvault import Unvault

    with Unvault() as vault:
        password = vault.fetch("prod/db/main#password").text()

The names below are the public ones. Each is imported when it is first used, so that a program
pays for what it needs: ``import unvault`` alone reads and loads nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it, whose import takes as long as a bare interpreter
if TYPE_CHECKING:
    from unvault.aio import AsyncUnvault
    from unvault.cache import SecretCache
    from unvault.client import Unvault
    from unvault.clock import Clock
    from unvault.directories import Directories
    from unvault.errors import UnvaultError
    from unvault.forms import Choice, CredentialForm, CredentialType, Field, Kind, SecretForm
    from unvault.hookspecs import Interaction, hookimpl
    from unvault.log_redaction import RedactingFilter
    from unvault.model import (
        Answers,
        Credential,
        Origin,
        Outcome,
        SecretInfo,
        SecretRequest,
        Session,
    )
    from unvault.provider import ProviderInfo, ProviderState
    from unvault.redaction import Redactor
    from unvault.reference import Reference
    from unvault.secret import Secret
    from unvault.sqlite_store import SqliteStore
    from unvault.store import CredentialStore, StoredCredential

__version__ = "0.1.0"

__all__ = [
    "Answers",
    "AsyncUnvault",
    "Choice",
    "Clock",
    "Credential",
    "CredentialForm",
    "CredentialStore",
    "CredentialType",
    "Directories",
    "Field",
    "Interaction",
    "Kind",
    "Origin",
    "Outcome",
    "ProviderInfo",
    "ProviderState",
    "RedactingFilter",
    "Redactor",
    "Reference",
    "Secret",
    "SecretCache",
    "SecretForm",
    "SecretInfo",
    "SecretRequest",
    "Session",
    "SqliteStore",
    "StoredCredential",
    "Unvault",
    "UnvaultError",
    "__version__",
    "hookimpl",
]

_HOMES = {
    "aio": ("AsyncUnvault",),
    "cache": ("SecretCache",),
    "client": ("Unvault",),
    "clock": ("Clock",),
    "directories": ("Directories",),
    "errors": ("UnvaultError",),
    "forms": ("Choice", "CredentialForm", "CredentialType", "Field", "Kind", "SecretForm"),
    "hookspecs": ("Interaction", "hookimpl"),
    "log_redaction": ("RedactingFilter",),
    "model": (
        "Answers",
        "Credential",
        "Origin",
        "Outcome",
        "SecretInfo",
        "SecretRequest",
        "Session",
    ),
    "provider": ("ProviderInfo", "ProviderState"),
    "redaction": ("Redactor",),
    "reference": ("Reference",),
    "secret": ("Secret",),
    "sqlite_store": ("SqliteStore",),
    "store": ("CredentialStore", "StoredCredential"),
}


def __getattr__(name: str) -> object:
    """Import a public name from the module it lives in."""
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f"unvault.{home}"), name)
            return value
    raise AttributeError(f"module 'unvault' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted({*globals(), *__all__})
