"""From a credential to the vault it stands for."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from unvault.directories import Directories
from unvault.errors import InteractionRequired
from unvault.model import Credential
from unvault.protection import KeyFile, Passphrase, SystemKeyring
from unvault_local.vault import LocalVault

if TYPE_CHECKING:
    from unvault.hookspecs import Interaction


def vault_for(
    credential: Credential,
    interaction: Interaction | None,
    *,
    new_passphrase: Callable[[], str] | None = None,
) -> LocalVault:
    """Return the vault that a credential stands for. Opens nothing yet.

    Args:
        credential: Its ``path`` says where the vault is, and its ``passphrase`` opens it where it
            is protected by one; an empty credential stands for the default vault.
        interaction: Asks for the passphrase where the credential has none.
        new_passphrase: Asks for the passphrase to protect the vault with from now on.
    """
    folders = Directories.default()
    path = credential.answers.path("path") or folders.data / "local.db"

    def ask(what: str) -> str:
        if new_passphrase is not None and what.startswith("new"):
            return new_passphrase()
        return credential.answers.text("passphrase") or _asked(credential, interaction, path)

    protections = (KeyFile(folders.config / "unvault.key"), Passphrase(ask), SystemKeyring())
    option = f" --credential {shlex.quote(credential.name)}" if credential.name else ""
    return LocalVault(path, protections, command=f"unvault local{option}")


def _asked(credential: Credential, interaction: Interaction | None, path: Path) -> str:
    if interaction is not None:
        return interaction.ask(f"Passphrase of the local vault {path}", hidden=True)
    keep = (
        f"give the credential the passphrase: unvault credentials edit "
        f"{shlex.quote(credential.name)}"
        if credential.name
        else "set UNVAULT_LOCAL_PASSPHRASE"
    )
    raise InteractionRequired(
        f"the local vault {path} is protected by a passphrase, and nobody can be asked for it",
        hint=f"run the command in a terminal, or {keep}",
    )
