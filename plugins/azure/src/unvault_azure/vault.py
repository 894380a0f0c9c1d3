"""Vaults with a credential's tokens: reads secrets and keys, and lists secrets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from unvault.errors import InteractionRequired, InvalidReference, UnvaultError
from unvault.model import SecretInfo, SecretRequest
from unvault.secret import Secret
from unvault_azure._client import Vaults
from unvault_azure._errors import (
    Refused,
    deleted,
    denied,
    missing,
    no_answer,
    refusal_of,
    rejected,
    unexpected,
)
from unvault_azure.entra import Asked
from unvault_azure.identifiers import Wanted, host_of, is_trusted, wanted
from unvault_azure.reading import info_of, scheduled_purge, secret_of
from unvault_azure.tokens import Token, Tokens

_PAGE = 25
"""How many secrets a vault lists with one answer at the most."""


class Vault:
    """What a session's hooks use.

    Args:
        vaults: Asks the vaults.
        tokens: Who gets the tokens.
        asked: In what circumstances Entra ID is asked, as messages tell it.
        token: The token of the sign-in.
    """

    def __init__(self, vaults: Vaults, tokens: Tokens, asked: Asked, token: Token) -> None:
        self.tokens = tokens
        self.token: Token | None = token
        self.connection = vaults.azure.connection
        self._vaults = vaults
        self._asked = asked

    def fetch(self, request: SecretRequest) -> Secret:
        """Return a secret, or the public part of a key.

        Raises:
            UnvaultError: See `unvault_azure.plugin.fetch_secret`.
        """
        secret = wanted(request, self.connection)
        try:
            reply = self._ask(secret.host, secret.path)
        except Refused as refusal:
            failed = self._refused(refusal, secret)
        else:
            return secret_of(reply, secret, _called(secret.host))
        raise failed

    def browse(self, prefix: str) -> Iterator[SecretInfo]:
        """Return the secrets of a vault: those whose paths start with a prefix, which names it.

        Raises:
            UnvaultError: See `unvault_azure.plugin.list_secrets`.
        """
        vault, host, names = self._listed(prefix)
        link: str | None = f"/secrets?maxresults={_PAGE}"
        followed: set[str] = set()
        while link is not None:
            if link in followed:
                raise no_answer(_called(host))  # it would go on for ever
            followed.add(link)
            parts = urlsplit(link)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            query.pop("api-version", None)
            reply = self._page(host, parts.path, query)
            entries = reply.get("value")
            if not isinstance(entries, list):
                raise no_answer(_called(host))
            for entry in entries:
                info = info_of(entry, vault)
                if info is not None and info.path.startswith(f"{vault}/{names}"):
                    yield info
            link = self._next(reply.get("nextLink"), host)

    def close(self) -> None:
        """Let go of the tokens, and close the connections."""
        self.token = None
        self._vaults.close()

    def _listed(self, prefix: str) -> tuple[str, str, str]:
        """Return a vault as references call it, its host, and how the names have to begin."""
        if "://" in prefix:
            parts = urlsplit(prefix)
            host = parts.netloc.lower()
            if not is_trusted(host, self.connection):
                wanted(SecretRequest(f"https://{host}/secrets/x"), self.connection)  # says why
            _, collection, names = f"{parts.path}//".split("/", 2)
            if not "secrets".startswith(collection):
                raise InvalidReference(
                    f"only secrets are listed, and the prefix is one of {collection!r}",
                    hint=f"unvault list CREDENTIAL https://{host}/secrets/",
                )
            vault = f"https://{host}/secrets"
            return vault, host, names.strip("/") if collection == "secrets" else ""
        vault, slash, names = prefix.partition("/")
        if not slash:
            raise InvalidReference(
                "which vault is to be listed is not said",
                hint="give its name as the prefix, with a slash: unvault list CREDENTIAL VAULT/",
            )
        return vault, host_of(vault, self.connection), names

    def _page(self, host: str, path: str, query: dict[str, str]) -> Any:
        try:
            return self._ask(host, path, **query)
        except Refused as refusal:
            where = _called(host)
            failed = self._rejected(refusal, host)
            if failed is None and refusal.status == 403:
                failed = denied(refusal, where, "list the secrets of")
            failed = failed or unexpected(refusal, where)
        raise failed

    def _next(self, link: object, host: str) -> str | None:
        """Return where the next page is: in the same vault, or nowhere."""
        if not link:
            return None
        if not isinstance(link, str) or urlsplit(link).netloc.lower() not in {host, f"{host}:443"}:
            raise no_answer(_called(host))
        return link

    def _ask(self, host: str, path: str, **query: str) -> Any:
        asked = attrs.evolve(self._asked, where=_called(host))
        return self._vaults.ask(host, path, asked, **query)

    def _refused(self, refusal: Refused, secret: Wanted) -> UnvaultError:
        failed = self._rejected(refusal, secret.host)
        if failed is not None:
            return failed
        if refusal.status == 404:
            return self._missing(secret)
        return refusal_of(refusal, secret, _called(secret.host))

    def _missing(self, secret: Wanted) -> UnvaultError:
        """Return the error for what is not there: whether it was deleted is asked for."""
        where = _called(secret.host)
        try:
            reply = self._ask(secret.host, f"/deleted{secret.collection}/{secret.name}")
        except (Refused, UnvaultError):  # that may not be asked for, or there is no such thing
            return missing(secret, where)
        return deleted(secret, where, scheduled_purge(reply))

    def _rejected(self, refusal: Refused, host: str) -> UnvaultError | None:
        failed = rejected(refusal, _called(host), self._asked.login)
        if failed is not None and failed.code == "session-expired":
            # Where the sign-in has ended, the next one says so: somebody may have signed in since.
            with contextlib.suppress(InteractionRequired):
                self._vaults.replace_token(host)
        return failed


def _called(host: str) -> str:
    """Return what messages call a vault."""
    return f"the vault {host}"
