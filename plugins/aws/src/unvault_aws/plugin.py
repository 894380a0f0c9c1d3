"""The hooks through which unvault uses AWS Secrets Manager."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unvault.forms import CredentialForm, SecretForm
from unvault.hookspecs import Find, Interaction, hookimpl
from unvault.model import Credential, Outcome, SecretInfo, SecretRequest, Session
from unvault.secret import Secret
from unvault_aws import forms


@hookimpl
def describe_credential_form() -> CredentialForm:
    """Return what it takes to sign in: keys, a profile of the AWS files, SSO, or a role."""
    return forms.CREDENTIAL_FORM


@hookimpl
def describe_secret_form() -> SecretForm:
    """Return what points at a secret: its name or ARN, its version, and a key of it."""
    return forms.SECRET_FORM


@hookimpl
def authenticate(credential: Credential, interaction: Interaction | None, find: Find) -> Session:
    """Get keys to sign requests with. With those that a credential holds, nobody is asked.

    Raises:
        CredentialMissing: There are no keys, no such section of a file, or no source.
        CredentialRejected: STS or the SSO portal refused.
        InteractionRequired: Somebody has to sign in by SSO.
        Unavailable: AWS cannot be reached, or does not answer in time.
    """
    from unvault_aws.signing_in import sign_in

    return sign_in(credential, interaction, find)


@hookimpl
def describe_session(session: Session) -> Session:
    """Ask STS whose the keys are; this needs no permission.

    Raises:
        CredentialRejected: The keys are not valid.
        Unavailable: STS cannot be reached, or does not answer in time.
    """
    from unvault_aws.identity import described

    return described(session)


@hookimpl
def fetch_secret(session: Session, request: SecretRequest) -> Secret:
    """Return a secret, as it was stored: text or bytes.

    Raises:
        SecretNotFound: There is none; `VersionNotFound` and `SecretDeleted` are more precise.
        AccessDenied: The keys' policies do not allow it, or those of the KMS key.
        SessionExpired: The keys are not valid any more, and others can be had.
        CredentialRejected: The keys are not valid, and no others can be had.
        Unavailable: Secrets Manager cannot be reached, or does not answer in time.
    """
    found: Secret = session.client.fetch(request)
    return found


@hookimpl
def fetch_secrets(session: Session, requests: Sequence[SecretRequest]) -> Sequence[Outcome]:
    """Return an outcome for each secret: asked for twenty at a time, where that is allowed.

    Raises:
        SessionExpired: The keys are not valid any more, and others can be had.
    """
    found: Sequence[Outcome] = session.client.fetch_all(requests)
    return found


@hookimpl
def list_secrets(session: Session, prefix: str) -> Iterator[SecretInfo]:
    """Return the secrets of the credential's region whose names start with a prefix.

    Raises:
        AccessDenied: The keys' policies do not allow to list.
    """
    found: Iterator[SecretInfo] = session.client.browse(prefix)
    return found


@hookimpl
def close_session(session: Session) -> None:
    """Close the connections."""
    session.client.close()
