"""Signs in with a credential of any type: gets a token to send with requests.

The SDK would leave that to each call, where a token that cannot be had turns into a server that
cannot be reached. Here it is done before, so that an error says what went wrong; and no library
starts requests of its own, such as the one about the regions that a key may be used in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from unvault.errors import CredentialMissing
from unvault.hookspecs import Find
from unvault.model import Credential, Session
from unvault_gcp import adc, forms, key_files, service_accounts
from unvault_gcp.asking import Web
from unvault_gcp.connection import Connection, connection_of
from unvault_gcp.federation import by_federation
from unvault_gcp.key_files import Seen
from unvault_gcp.tokens import Caller
from unvault_gcp.vault import Vault


def sign_in(credential: Credential, find: Find) -> Session:
    """Return a session for a credential; see `unvault_gcp.plugin.authenticate`."""
    connection = connection_of(credential.answers)
    web = Web(connection)
    try:
        caller = _caller(credential, web, find)
        connection = _in_universe(connection, caller)
        vault = Vault(connection, web, caller)
    except BaseException:
        web.close()
        raise
    return Session(client=vault, identity=caller.name, expires=caller.expires)


def _caller(credential: Credential, web: Web, find: Find) -> Caller:
    answers = credential.answers
    if credential.type == forms.SERVICE_ACCOUNT:
        path = answers.path("key_file")
        seen = Seen.now(path) if path else None
        return attrs.evolve(service_accounts.by_key(web, *key_files.key_of(answers)), file=seen)
    if credential.type == forms.WORKLOAD_IDENTITY:
        path = Path(answers.path("config_file") or "")  # the form requires it
        content = key_files.read(path, "check the field config_file")
        return by_federation(web, content, f"the configuration file {str(path)!r}")
    if credential.type == forms.IMPERSONATION:
        return _impersonated(credential, web, find)
    return adc.find(web)


def _impersonated(credential: Credential, web: Web, find: Find) -> Caller:
    answers = credential.answers
    name = answers.text("source")
    source = find(name) if name else Credential(credential.provider)
    with _asking(connection_of(source.answers) if name else web.connection) as theirs:
        caller = _caller(source, theirs, find)
    universe = _in_universe(web.connection, caller).universe
    delegates = re.split(r"\s*,\s*", answers.text("delegates") or "")
    return service_accounts.by_impersonation(
        web,
        caller,
        str(answers["service_account"]),
        endpoint=answers.text("iam_endpoint") or f"https://iamcredentials.{universe}",
        delegates=[each for each in delegates if each],
        lifetime=int(answers.get("lifetime") or 3600),
    )


@contextmanager
def _asking(connection: Connection) -> Iterator[Web]:
    web = Web(connection)
    try:
        yield web
    finally:
        web.close()


def _in_universe(connection: Connection, caller: Caller) -> Connection:
    """Return a connection to the cloud that the caller is of.

    Raises:
        CredentialMissing: The credential names another one: the token is not for that.
    """
    if caller.universe is None:
        return connection
    if connection.own_universe not in {None, caller.universe}:
        raise CredentialMissing(
            f"what signs in is of the universe {caller.universe!r}, and the credential names"
            f" {connection.own_universe!r}",
            hint="leave out the field universe_domain, or use another key",
        )
    return attrs.evolve(connection, universe=caller.universe)
