"""Hands tokens to the SDK: for vaults of the credential's cloud, and for nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unvault.errors import AccessDenied
from unvault_azure.connection import Connection
from unvault_azure.tokens import Token, Tokens

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo, TokenRequestOptions


class Bearer:
    """What the SDK asks for tokens, when a vault's challenge says what they have to be for.

    Args:
        tokens: Who gets them.
        connection: Which cloud's vaults they are for.
    """

    def __init__(self, tokens: Tokens, connection: Connection) -> None:
        self.tokens = tokens
        self.last: Token | None = None
        """The token that was handed out last."""
        self._resource = connection.cloud.resource

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Return a token. The SDK calls it so.

        Raises:
            AccessDenied: What it is wanted for is no vault of this cloud.
            UnvaultError: There is none.
        """
        from azure.core.credentials import AccessTokenInfo

        for scope in scopes:
            if scope.removesuffix("/.default").rstrip("/").lower() != self._resource:
                raise refused_challenge()
        asked = options or {}
        token = self.tokens.token(asked.get("tenant_id"), asked.get("claims"))
        self.last = token
        return AccessTokenInfo(token.value, token.ends)


def refused_challenge() -> AccessDenied:
    """Return the error for a server that wants a token for something else."""
    return AccessDenied(
        "the server wants a token for something else than vaults of this cloud, and does not get"
        " one",
        hint="check the vault's address, and the credential's field cloud",
    )
