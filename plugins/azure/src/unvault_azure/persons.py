"""A person's sign-in: kept encrypted, and renewed without the person for as long as that goes.

MSAL asks Entra ID. Its cache of tokens is `Credential.kept`, and no file of its own.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from unvault.errors import InteractionRequired, SessionExpired, Unavailable
from unvault.forms import Answer
from unvault.hookspecs import Keep
from unvault.model import Answers
from unvault_azure._client import Azure
from unvault_azure._errors import no_answer
from unvault_azure.connection import ANY_TENANT
from unvault_azure.entra import Asked, denial_of, ended, entra_error
from unvault_azure.tokens import Token

_CAPABILITIES = ["CP1"]
"""That a vault may say what it misses in a token: then one is asked for that has it."""


@attrs.frozen
class Account:
    """Who signed in, and with what the next token can be had."""

    id: str
    """What MSAL knows it by."""
    user: str
    """The user name."""
    tenant: str
    """The tenant that the tokens of the sign-in are of."""
    cache: str = attrs.field(repr=False)
    """MSAL's cache, with the refresh token and the tokens that were got."""

    def kept(self) -> Mapping[str, Answer]:
        """Return what is to be kept of it."""
        return {"account": self.id, "user": self.user, "tenant": self.tenant, "cache": self.cache}


def account_of(kept: Answers) -> Account | None:
    """Return who signed in earlier; None where nobody did, or where it has ended."""
    parts = [kept.text(name) for name in ("account", "user", "tenant", "cache")]
    return Account(*map(str, parts)) if all(parts) else None


class Person:
    """Gets tokens for a person who signed in.

    Args:
        azure: What asks.
        client: The application that was signed in to.
        account: Who signed in.
        keep: Keeps what was renewed.
        asked: In what circumstances Entra ID is asked, as messages tell it.
        fresh: Whether the person signed in just now.
    """

    def __init__(
        self,
        azure: Azure,
        client: str,
        account: Account,
        keep: Keep,
        asked: Asked,
        *,
        fresh: bool = False,
    ) -> None:
        self.account = account
        self._azure = azure
        self._client = client
        self._keep = keep
        self._asked = asked
        self._fresh = fresh
        self._realm = azure.connection.tenant or ANY_TENANT
        self._tokens = _tokens_in(account.cache, azure.connection.persons_scope)
        self._lock = threading.Lock()

    def token(self, tenant: str | None, claims: str | None) -> Token:
        """Return a token that is good for a while; see `unvault_azure.tokens.Tokens`."""
        realm = self._realm_of(tenant)
        found = self._tokens.get(realm)
        if found is not None and found.is_good and not claims:
            return found
        with self._lock:
            newer = self._tokens.get(realm)
            if newer is not None and newer.is_good and newer is not found:
                return newer
            try:
                return self._renewed(realm, claims)
            except Unavailable:
                if newer is not None and newer.is_alive and not claims:
                    return newer
                raise

    def replace(self, token: Token) -> None:
        """Get another token in place of one that a vault did not accept, and keep it."""
        with self._lock:
            for realm, found in [*self._tokens.items()]:
                if found.value == token.value:
                    self._renewed(realm, None)

    def check(self) -> None:
        """Get another token, to see whether that still works."""
        if self._fresh:
            return
        try:
            with self._lock:
                self._renewed(self._realm, None)
        except InteractionRequired as error:
            failed = SessionExpired(error.message, hint=error.hint)
        else:
            return
        raise failed

    def forget(self) -> None:
        """Let go of the tokens."""
        self._tokens = {}
        self.account = attrs.evolve(self.account, cache="")

    def _realm_of(self, tenant: str | None) -> str:
        """Return where a token for a tenant is asked for: the person's own needs no other one."""
        return self._realm if tenant in {None, self.account.tenant, self._realm} else str(tenant)

    def _renewed(self, realm: str, claims: str | None) -> Token:
        """Get a token without the person, and keep it with what brings the next one.

        Raises:
            InteractionRequired: Only the person can get one. What was kept is let go of, so that
                the next sign-in asks.
        """
        if not self.account.cache:
            raise ended(self._asked)
        asked = self._asked if realm == self._realm else attrs.evolve(self._asked, tenant=realm)
        cache = cache_from(self.account.cache)
        result = self._azure.work(partial(self._ask, cache, realm, claims), asked)
        if result is None or "error" in result:
            denial = denial_of(result or {"error": "invalid_grant"})
            if not denial.needs_a_person:
                raise entra_error(denial, asked)
            if realm == self._realm:
                self._keep({"user": self.account.user})
                self.forget()
            raise ended(asked, denial.number)
        token = token_of(result, asked.where)
        self._tokens[realm] = token
        self._fresh = True
        self.account = attrs.evolve(self.account, cache=cache.serialize())
        self._keep(self.account.kept())
        return token

    def _ask(self, cache: Any, realm: str, claims: str | None) -> Any:
        app = app_for(self._azure, self._client, realm, cache)
        known = [each for each in app.get_accounts() if each["home_account_id"] == self.account.id]
        if not known:
            return None
        result = app.acquire_token_silent_with_error(
            [self._azure.connection.persons_scope],
            known[0],
            force_refresh=True,
            claims_challenge=claims,
        )
        raise_if_passing(result, self._asked)
        return result


def app_for(azure: Azure, client: str, realm: str, cache: Any) -> Any:
    """Return MSAL's idea of an application that people sign in to.

    Args:
        azure: What asks.
        client: The application's id.
        realm: The tenant, or what stands for any.
        cache: Where MSAL keeps what it gets.
    """
    import msal

    from unvault_azure._quiet import hush
    from unvault_azure._sending import MsalClient

    hush()
    return msal.PublicClientApplication(
        client,
        authority=f"{azure.connection.authority}/{realm}",
        token_cache=cache,
        http_client=MsalClient(azure.sender),
        client_capabilities=_CAPABILITIES,
        # It would ask Microsoft's public cloud whether the authority is one; that is ours to say.
        instance_discovery=False,
    )


def cache_from(text: str = "") -> Any:
    """Return a cache of MSAL's, with what was kept of an earlier one."""
    from msal import SerializableTokenCache

    cache = SerializableTokenCache()
    if text:
        cache.deserialize(text)
    return cache


def raise_if_passing(result: object, asked: Asked) -> None:
    """Raise what says to try again, where an answer says that the same may work in a moment.

    Raises:
        Again: It does.
    """
    if isinstance(result, Mapping) and "error" in result:
        denial = denial_of(result)
        if denial.may_pass:
            from unvault.retries import Again

            raise Again(entra_error(denial, asked))


def token_of(result: Mapping[str, Any], where: str) -> Token:
    """Return the token in an answer.

    Raises:
        Unavailable: There is none.
    """
    value, seconds = result.get("access_token"), result.get("expires_in")
    if not isinstance(value, str) or not isinstance(seconds, int):
        raise no_answer(where)
    now = int(time.time())
    return Token(value, now, now + seconds)


def account_in(result: Mapping[str, Any], cache: Any, where: str) -> Account:
    """Return who signed in, as an answer tells it.

    Args:
        result: The answer.
        cache: MSAL's, with what came of it.
        where: Who answered.

    Raises:
        Unavailable: It does not tell.
    """
    claims = result.get("id_token_claims")
    known = [*cache.search(cache.CredentialType.ACCOUNT)]
    if not isinstance(claims, Mapping) or not known:
        raise no_answer(where)
    user = claims.get("preferred_username") or claims.get("upn") or known[0].get("username")
    tenant = claims.get("tid")
    if not isinstance(user, str) or not user or not isinstance(tenant, str):
        raise no_answer(where)
    return Account(str(known[0]["home_account_id"]), user, tenant, cache.serialize())


def _tokens_in(cache: str, scope: str) -> dict[str, Token]:
    """Return the tokens for a scope in MSAL's cache, by tenant, without importing MSAL."""
    try:
        entries = [*json.loads(cache).get("AccessToken", {}).values()]
        found = [
            (
                str(each["realm"]),
                Token(str(each["secret"]), int(each["cached_at"]), int(each["expires_on"])),
            )
            for each in entries
            if scope in str(each["target"]).split()
        ]
    except (ValueError, KeyError, TypeError, AttributeError):  # of another version of MSAL's
        return {}
    return dict(sorted(found, key=lambda each: each[1].ends))


def nobody(asked: Asked, user: str | None) -> InteractionRequired:
    """Return the error for where nobody is signed in, and nobody can be asked to.

    Args:
        asked: In what circumstances.
        user: Who was signed in, if somebody was.
    """
    if user:
        return InteractionRequired(
            f"the sign-in of {user!r} has ended, and nobody can be asked to sign in again",
            hint=f"sign in again, on a terminal: {asked.login}",
        )
    return InteractionRequired(
        "nobody is signed in, and nobody can be asked to",
        hint=f"sign in, on a terminal: {asked.login}",
    )
