"""The hooks through which unvault uses Google Cloud Secret Manager."""

from __future__ import annotations

from collections.abc import Iterator

from unvault.forms import CredentialForm, SecretForm
from unvault.hookspecs import Find, hookimpl
from unvault.model import Credential, SecretInfo, SecretRequest, Session
from unvault.secret import Secret
from unvault_gcp import forms


@hookimpl
def describe_credential_form() -> CredentialForm:
    """Return what it takes to sign in: a key, what Google's own tools use, or a federation."""
    return forms.CREDENTIAL_FORM


@hookimpl
def describe_secret_form() -> SecretForm:
    """Return what points at a secret: its name, its version, and a key of it."""
    return forms.SECRET_FORM


@hookimpl
def authenticate(credential: Credential, find: Find) -> Session:
    """Get a token to send with requests. With a service account's key, nobody is asked.

    Raises:
        CredentialMissing: There is nothing to sign in with, or a file of it cannot be used.
        CredentialRejected: Who gives tokens refused.
        AccessDenied: The service account may not be impersonated.
        Unavailable: Who gives tokens cannot be reached, or does not answer in time.
    """
    from unvault_gcp.signing_in import sign_in

    return sign_in(credential, find)


@hookimpl
def describe_session(session: Session) -> Session:
    """Find out whether the token is accepted: by listing, whether that is allowed or not.

    Raises:
        CredentialRejected: It is not.
        Unavailable: Secret Manager cannot be reached, or does not answer in time.
    """
    from unvault_gcp.identity import described

    return described(session)


@hookimpl
def fetch_secret(session: Session, request: SecretRequest) -> Secret:
    """Return a secret's payload, as it was stored; its checksum was verified.

    Raises:
        InvalidReference: It cannot be the name of a secret or of a version.
        SecretNotFound: There is none; `VersionNotFound`, `SecretDeleted` and `SecretDestroyed` are
            more precise.
        AccessDenied: It is not allowed.
        SessionExpired: The token is not valid any more.
        CredentialRejected: The token was never accepted.
        Unavailable: Secret Manager cannot be reached, or does not answer in time.
    """
    found: Secret = session.client.fetch(request)
    return found


@hookimpl
def list_secrets(session: Session, prefix: str) -> Iterator[SecretInfo]:
    """Return the secrets of a project whose names start with a prefix.

    The project is the credential's, or the one that a prefix ``projects/P/`` names.

    Raises:
        InvalidReference: The prefix does not say which project or location is meant.
        CredentialMissing: It is that of bare names, and nothing says which project is meant.
        AccessDenied: It is not allowed.
    """
    found: Iterator[SecretInfo] = session.client.browse(prefix)
    return found


@hookimpl
def close_session(session: Session) -> None:
    """Close the connections."""
    session.client.close()
