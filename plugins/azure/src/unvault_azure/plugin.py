"""The hooks through which unvault uses Azure Key Vault."""

from __future__ import annotations

from collections.abc import Iterator

from unvault.forms import CredentialForm, SecretForm
from unvault.hookspecs import Interaction, Keep, hookimpl
from unvault.model import Credential, SecretInfo, SecretRequest, Session
from unvault.secret import Secret
from unvault_azure import forms


@hookimpl
def describe_credential_form() -> CredentialForm:
    """Return what it takes to sign in: a person, an application, or the machine itself."""
    return forms.CREDENTIAL_FORM


@hookimpl
def describe_secret_form() -> SecretForm:
    """Return what points at a secret: its vault, its name and its version."""
    return forms.SECRET_FORM


@hookimpl
def authenticate(credential: Credential, interaction: Interaction | None, keep: Keep) -> Session:
    """Get a token. With what an earlier sign-in kept, nobody is asked.

    Raises:
        CredentialMissing: There is nothing to sign in with.
        CredentialRejected: Entra ID refused.
        AccessDenied: The person said no, or the organization does not allow it.
        InteractionRequired: Somebody has to sign in.
        Unavailable: Entra ID cannot be reached, or does not answer in time.
    """
    from unvault_azure.signing_in import sign_in

    return sign_in(credential, interaction, keep)


@hookimpl
def describe_session(session: Session) -> Session:
    """Say whose the token is; where a person signed in earlier, see whether that is still good.

    Raises:
        InteractionRequired: Somebody has to sign in again.
        Unavailable: Entra ID cannot be reached, or does not answer in time.
    """
    from unvault_azure.identity import described

    return described(session)


@hookimpl
def fetch_secret(session: Session, request: SecretRequest) -> Secret:
    """Return a secret as it was stored, or a key's public part as a JSON Web Key.

    Raises:
        InvalidReference: It points at nothing, or at a host that no token may be sent to.
        SecretNotFound: There is none; `VersionNotFound` and `SecretDeleted` are more precise.
        AccessDenied: Who signed in may not read it, or not from this network.
        SessionExpired: The token is not valid any more, and another one can be had.
        CredentialRejected: The vault belongs to another tenant.
        Unavailable: The vault cannot be reached, or does not answer in time.
    """
    found: Secret = session.client.fetch(request)
    return found


@hookimpl
def list_secrets(session: Session, prefix: str) -> Iterator[SecretInfo]:
    """Return the secrets of a vault whose paths start with a prefix, which names the vault.

    Raises:
        InvalidReference: The prefix does not say which vault.
        AccessDenied: Who signed in may not list.
    """
    found: Iterator[SecretInfo] = session.client.browse(prefix)
    return found


@hookimpl
def close_session(session: Session) -> None:
    """Let go of the tokens, and close the connections."""
    session.client.close()
