"""The least that is a provider: what loading it imports is the core's doing, and nobody else's."""

from __future__ import annotations

from unvault.errors import SecretNotFound
from unvault.forms import CredentialForm, CredentialType, Field, SecretForm
from unvault.hookspecs import hookimpl
from unvault.model import SecretRequest, Session
from unvault.secret import Secret


@hookimpl
def describe_credential_form() -> CredentialForm:
    """Return a form with one field."""
    token = Field("token", kind="secret")
    return CredentialForm("Plain", types=[CredentialType("token", fields=[token])])


@hookimpl
def describe_secret_form() -> SecretForm:
    """Return a form with one field."""
    return SecretForm(fields=[Field("name", required=True)], path=["name"])


@hookimpl
def authenticate() -> Session:
    """Let everybody in."""
    return Session(client=None)


@hookimpl
def fetch_secret(request: SecretRequest) -> Secret:
    """Find nothing.

    Raises:
        SecretNotFound: Always.
    """
    raise SecretNotFound(f"there is no secret {request.path!r}")
