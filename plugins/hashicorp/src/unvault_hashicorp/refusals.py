"""What it means that a server refuses to read a path."""

from __future__ import annotations

from unvault.errors import InvalidReference, UnvaultError
from unvault_hashicorp._client import Client, unexpected
from unvault_hashicorp._errors import WANTS_TLS, Refused, denied
from unvault_hashicorp.mounts import session_expired


def refusal(refused: Refused, client: Client, path: str, capability: str = "read") -> UnvaultError:
    """Return the error for an answer that is no success, and not that there is nothing.

    Whether a 403 is the token's end or a policy's word is asked where the text leaves it open.

    Args:
        refused: The answer.
        client: Asks for the token.
        path: The path that was asked for, as a policy has to name it.
        capability: What a policy has to allow for it.
    """
    if refused.status == 403:
        return denied(path, capability) if client.is_alive() else session_expired()
    if refused.status in {400, 405} and not refused.says(WANTS_TLS):
        return InvalidReference(
            f"the server refuses what is asked of {path!r}; its reason is withheld, as it might"
            " hold a secret",
            hint="check the path and its parameters; one that has to be written to needs data="
            if capability == "read"
            else "check the path and what data= sends; the server's own log tells more",
        )
    return unexpected(refused, client.address)
