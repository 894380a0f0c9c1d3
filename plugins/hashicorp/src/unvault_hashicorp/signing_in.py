"""Signs in with a credential of any type."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from unvault.hookspecs import Keep
from unvault.model import Credential, Session
from unvault_hashicorp import forms
from unvault_hashicorp.connection import Connection, connection_from


def sign_in(credential: Credential, keep: Keep) -> Session:
    """Return a session for a credential; see `unvault_hashicorp.plugin.authenticate`."""
    if credential.type == "cloud":
        from unvault_hashicorp import hcp

        return hcp.sign_in(credential)
    from unvault_hashicorp.tokens import session_of_method, session_of_token

    if credential.type is None:
        from unvault_hashicorp.ambient import ambient

        connection, token = ambient(os.environ, _home())
    else:
        connection = connection_from(credential.answers)
        token = credential.answers.text("access_token") or ""
    _warn_of_danger(connection)
    if credential.answers.get("auth_method", forms.TOKEN) == forms.TOKEN:
        return session_of_token(connection, token)
    return session_of_method(connection, credential, keep)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # nobody's: a container without a user
        return None


def _warn_of_danger(connection: Connection) -> None:
    if not connection.verify and connection.address.lower().startswith("https:"):
        logging.getLogger("unvault.hashicorp").warning(
            "DANGER: the certificate of %s is not verified (skip_verify): whoever can redirect the"
            " connection reads every token and secret",
            connection.address,
        )
