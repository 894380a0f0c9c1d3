"""Signs in with a credential of any type: gets a token."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from unvault.errors import InteractionRequired
from unvault.hookspecs import Interaction, Keep
from unvault.model import Credential, Origin, Session
from unvault_azure import forms
from unvault_azure._client import Azure, Vaults
from unvault_azure.connection import Connection, ambient_connection, connection_of
from unvault_azure.entra import Asked, denial_of, entra_error
from unvault_azure.tokens import Token
from unvault_azure.vault import Vault

if TYPE_CHECKING:
    from unvault_azure.machines import Machine
    from unvault_azure.persons import Account, Person

_AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The application of the Azure CLI, which every tenant knows, and which may use Key Vault."""

_BY_PERSON = frozenset({forms.BROWSER, forms.DEVICE_CODE})


def sign_in(credential: Credential, interaction: Interaction | None, keep: Keep) -> Session:
    """Return a session for a credential; see `unvault_azure.plugin.authenticate`."""
    if credential.type is None:
        connection = ambient_connection(os.environ)
    else:
        connection = connection_of(credential.answers)
    azure = Azure(connection)
    asked = _asked(credential, connection)
    try:
        if credential.type in _BY_PERSON:
            return _of_person(credential, azure, asked, interaction, keep)
        return _of_machine(credential, azure, asked)
    except BaseException:
        azure.close()
        raise


def _asked(credential: Credential, connection: Connection) -> Asked:
    host = connection.authority.removeprefix("https://")
    return Asked(
        f"Entra ID at {host}",
        connection.tenant,
        _client(credential),
        _login(credential),
        _change(credential),
    )


def _client(credential: Credential) -> str:
    found = credential.answers.text("client_id")
    if credential.type is None:
        found = os.environ.get("AZURE_CLIENT_ID")
    return found or _AZURE_CLI


def _login(credential: Credential) -> str:
    """Return what signs in anew: a command, or what else there is to do."""
    if credential.type == forms.CLI:
        return "az login"
    if credential.type in _BY_PERSON and credential.origin is Origin.STORED:
        return f"unvault credentials login {shlex.quote(credential.name)}"
    return _change(credential)


def _change(credential: Credential) -> str:
    """Return what changes the credential: a command, or what else there is to do."""
    if credential.type is None:
        return "check the AZURE_* variables, or sign in with az login"
    if credential.origin is Origin.STORED:
        return f"unvault credentials edit {shlex.quote(credential.name)}"
    if credential.origin is Origin.ENVIRONMENT and credential.type not in _BY_PERSON:
        return "check the variables that the credential comes from"
    return "unvault credentials add azure"


def _of_machine(credential: Credential, azure: Azure, asked: Asked) -> Session:
    from unvault_azure.machines import Machine

    machine = Machine(credential.type, azure, credential.answers, asked)
    return _session(azure, machine, machine.token(None, None), asked, renewed=False)


def _of_person(
    credential: Credential,
    azure: Azure,
    asked: Asked,
    interaction: Interaction | None,
    keep: Keep,
) -> Session:
    from unvault_azure.persons import Person, account_of, nobody

    account = account_of(credential.kept)
    if account is not None:
        person = Person(azure, asked.client, account, keep, asked)
        try:
            token = person.token(None, None)
        except InteractionRequired:
            if interaction is None:
                raise
        else:
            # What a stored credential's sign-in renewed, the person has kept already.
            stored = credential.origin is Origin.STORED
            return _session(azure, person, token, asked, renewed=not stored)
    if interaction is None:
        raise nobody(asked, credential.kept.text("user"))
    account = _sign_in_now(credential, azure, asked, interaction)
    person = Person(azure, asked.client, account, keep, asked, fresh=True)
    return _session(azure, person, person.token(None, None), asked, renewed=True)


def _sign_in_now(
    credential: Credential, azure: Azure, asked: Asked, interaction: Interaction
) -> Account:
    """Have a person sign in, and return who did."""
    from unvault_azure.browser import sign_in_by_browser
    from unvault_azure.device import sign_in_by_device
    from unvault_azure.persons import account_in, cache_from

    cache = cache_from()
    if credential.type == forms.BROWSER:
        user = credential.kept.text("user")
        result = sign_in_by_browser(
            azure, credential.answers, interaction, asked, cache=cache, user=user
        )
    else:
        result = sign_in_by_device(azure, interaction, asked, cache)
    if "error" in result:
        raise entra_error(denial_of(result), asked)
    return account_in(result, cache, asked.where)


def _session(
    azure: Azure, tokens: Person | Machine, token: Token, asked: Asked, *, renewed: bool
) -> Session:
    account = getattr(tokens, "account", None)
    return Session(
        client=Vault(Vaults(azure, tokens), tokens, asked, token),
        expires=token.expires,
        renewed=account.kept() if account is not None and renewed else None,
        suggested_name=None if account is None else account.user,
    )
