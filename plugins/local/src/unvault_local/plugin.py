"""The hooks through which unvault uses the vault on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from unvault.forms import CredentialForm, CredentialType, Field, Kind, SecretForm
from unvault.hookspecs import Interaction, hookimpl
from unvault.model import Credential, Outcome, SecretInfo, SecretRequest, Session
from unvault.secret import Secret

_CREDENTIAL_FORM = CredentialForm(
    "Local vault",
    help="An encrypted vault on this machine; it needs no account and no network.",
    ambient="the vault local.db in unvault's data folder, made by the first `unvault local set`",
    types=[
        CredentialType(
            "vault",
            label="A vault file",
            fields=[
                Field(
                    "path",
                    label="File",
                    help="Where the vault is, as an absolute path; by default local.db in"
                    " unvault's data folder.",
                    kind=Kind.FILE,
                ),
                Field(
                    "passphrase",
                    help="Only for a vault that is protected by a passphrase; without it, the"
                    " passphrase is asked for when the vault is used.",
                    kind=Kind.SECRET,
                ),
            ],
        )
    ],
)

_SECRET_FORM = SecretForm(
    fields=[
        Field(
            "name",
            help="The secret's name.",
            required=True,
            aliases=("secretName", "SecretId"),
        ),
        Field(
            "version",
            help="Which version, as a number; the newest by default.",
            kind=Kind.INTEGER,
        ),
        Field(
            "key",
            help="Which field of a JSON secret.",
            aliases=("secretKey", "SecretKey"),
        ),
    ],
    path=["name"],
    field="key",
)


@hookimpl
def describe_credential_form() -> CredentialForm:
    """Return what it takes to open a vault: nothing for the default one."""
    return _CREDENTIAL_FORM


@hookimpl
def describe_secret_form() -> SecretForm:
    """Return what points at a secret: its name, its version, and a field of it."""
    return _SECRET_FORM


@hookimpl
def authenticate(credential: Credential, interaction: Interaction | None) -> Session:
    """Open a vault. One that was never written to is empty, and not made by this.

    Raises:
        StoreLocked: The passphrase or the key file is missing or wrong.
        StoreUnreadable: The file is damaged, foreign, of a newer version, or may not be read.
        InteractionRequired: The passphrase is needed and nobody can be asked.
    """
    from unvault_local.opening import vault_for

    vault = vault_for(credential, interaction)
    vault.unlock()
    return Session(client=vault, identity=f"local vault {vault.where}")


@hookimpl
def fetch_secret(session: Session, request: SecretRequest) -> Secret:
    """Return a secret's newest version, or the one that ``?version=`` names.

    Raises:
        SecretNotFound: There is none; `VersionNotFound` and `SecretDeleted` are more precise.
        StoreError: The vault does not open any more, or the value was changed.
    """
    found: Secret = session.client.get(request.path, _version(request))
    return found


@hookimpl
def fetch_secrets(session: Session, requests: Sequence[SecretRequest]) -> Sequence[Outcome]:
    """Return several secrets as they were at one moment, or for each what is wrong with it."""
    wanted = [(request.path, _version(request)) for request in requests]
    outcomes: Sequence[Outcome] = session.client.get_many(wanted)
    return outcomes


@hookimpl
def list_secrets(session: Session, prefix: str) -> Sequence[SecretInfo]:
    """Return the secrets whose names start with a prefix, by name, with their newest versions."""
    found: Sequence[SecretInfo] = session.client.browse(prefix)
    return found


@hookimpl
def close_session(session: Session) -> None:
    """Forget the key that opens the vault."""
    session.client.close()


def _version(request: SecretRequest) -> int | None:
    version = request.get("version")
    return None if version is None else int(version)
