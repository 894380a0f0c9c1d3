"""The hooks through which unvault uses HashiCorp Vault, OpenBao and HCP."""

from __future__ import annotations

from collections.abc import Iterator

from unvault.forms import CredentialForm, SecretForm
from unvault.hookspecs import Keep, hookimpl
from unvault.model import Credential, SecretInfo, SecretRequest, Session
from unvault.secret import Secret
from unvault_hashicorp import forms


@hookimpl
def describe_credential_form() -> CredentialForm:
    """Return what it takes to sign in: to a server, to HCP Vault Dedicated, or to HCP."""
    return forms.CREDENTIAL_FORM


@hookimpl
def describe_secret_form() -> SecretForm:
    """Return what points at a secret: its mount and path, its version, and a field of it."""
    return forms.SECRET_FORM


@hookimpl
def authenticate(credential: Credential, keep: Keep) -> Session:
    """Sign in, or go on with the token that an earlier sign-in kept.

    Raises:
        CredentialMissing: The environment says nothing of a server, or has no token.
        CredentialRejected: The server refused the credential.
        Unavailable: The server cannot be reached, is sealed, or does not answer in time.
    """
    from unvault_hashicorp.signing_in import sign_in

    return sign_in(credential, keep)


@hookimpl
def fetch_secret(session: Session, request: SecretRequest) -> Secret:
    """Return a secret: the JSON of all its fields.

    Raises:
        SecretNotFound: There is none; `VersionNotFound`, `SecretDeleted` and `SecretDestroyed` are
            more precise.
        AccessDenied: The token's policies do not allow it.
        SessionExpired: The token is not valid any more.
        Unavailable: The server cannot be reached, is sealed, or does not answer in time.
    """
    found: Secret = session.client.fetch(request)
    return found


@hookimpl
def list_secrets(session: Session, prefix: str) -> Iterator[SecretInfo]:
    """Return the secrets of KV engines whose paths start with a prefix.

    Raises:
        AccessDenied: The token's policies do not allow to list.
    """
    found: Iterator[SecretInfo] = session.client.browse(prefix)
    return found


@hookimpl
def close_session(session: Session) -> None:
    """Close the connections. The token stays valid: the next process may go on with it."""
    session.client.close()
