"""What a person fills in: to sign in, and to point at a secret."""

from __future__ import annotations

from unvault.forms import Choice, CredentialForm, CredentialType, Field, Kind, SecretForm
from unvault_azure.clouds import CHINA, CLOUDS, GOVERNMENT, PUBLIC

BROWSER, DEVICE_CODE = "browser", "device_code"
CLIENT_SECRET, CLIENT_CERTIFICATE = "client_secret", "client_certificate"
MANAGED_IDENTITY, WORKLOAD_IDENTITY, CLI = "managed_identity", "workload_identity", "cli"

_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"

_CONNECTION = (
    Field(
        "cloud",
        help="Which Azure: it says where to sign in, and what vaults' addresses end with.",
        kind=Kind.CHOICE,
        default=PUBLIC.name,
        choices=[
            Choice(PUBLIC.name, "Azure"),
            Choice(CHINA.name, "Azure in China (21Vianet)"),
            Choice(GOVERNMENT.name, "Azure for the US government"),
        ],
    ),
    Field(
        "authority",
        help="Where to sign in, where it is not the cloud's own Entra ID.",
        kind=Kind.URL,
        pattern="https://.*",
        pattern_help="an address with https://",
    ),
    Field(
        "allowed_hosts",
        label="Allowed hosts",
        help="Hosts that a token may be sent to although they are none of the cloud's vaults, with"
        " commas between them; such as vault.example.com,localhost:8443.",
        pattern=r"[A-Za-z0-9.-]+(:[0-9]{1,5})?( *, *[A-Za-z0-9.-]+(:[0-9]{1,5})?)*",
        pattern_help="names of hosts, each with or without a port, and commas between them",
    ),
    Field(
        "timeout",
        help="Seconds to wait for each answer, all tries together.",
        kind=Kind.INTEGER,
        default=10,
        pattern="[1-9][0-9]{0,3}",
        pattern_help="1 to 9999 seconds",
    ),
)


def _tenant(help: str, *, required: bool) -> Field:
    return Field(
        "tenant_id",
        label="Tenant",
        help=help,
        required=required,
        pattern="[A-Za-z0-9.-]{1,256}",
        pattern_help="a directory (tenant) id, or a domain of it",
        aliases=("tenantId",),
    )


def _client(help: str, *, required: bool) -> Field:
    return Field(
        "client_id",
        label="Client id",
        help=help,
        required=required,
        pattern="[A-Za-z0-9-]{1,64}",
        pattern_help="an application (client) id",
        aliases=("clientId",),
    )


_APP = (
    _tenant("The directory (tenant) that the application is in.", required=True),
    _client("The application (client) id.", required=True),
)

_PERSON = (
    _tenant("Only accounts of this directory (tenant); by default any's.", required=False),
    _client(
        "The application to sign in to, where yours has one; by default that of the Azure CLI.",
        required=False,
    ),
)

CREDENTIAL_FORM = CredentialForm(
    "Azure Key Vault",
    help="A person's account, an application's secret or certificate, or the identity of the"
    " machine.",
    ambient="what the Azure SDK finds by itself: AZURE_* variables, a workload identity, the"
    " managed identity of the machine, or who is signed in with az or azd. No browser is opened",
    permissions={
        "get": "the role Key Vault Secrets User on the vault or the secret,\n"
        "or in an access policy of the vault: secrets/get",
        "get a key's public part": "the role Key Vault Crypto User,\n"
        "or in an access policy of the vault: keys/get",
        "list": "the role Key Vault Secrets User on the vault,\n"
        "or in an access policy of the vault: secrets/list",
        "be told that a secret was deleted, and not only that it is not there": "the role Key Vault"
        " Secrets Officer,\nor in an access policy of the vault: secrets/get",
    },
    types=[
        CredentialType(
            BROWSER,
            label="An account, in the browser",
            help="A page of Microsoft's opens, where you sign in.",
            named_by_sign_in=True,
            fields=[
                *_PERSON,
                Field(
                    "redirect_port",
                    label="Redirect port",
                    help="Port of this machine that the page comes back to, where the application's"
                    " registration names one; by default any that is free.",
                    kind=Kind.INTEGER,
                    pattern=_PORT,
                    pattern_help="1 to 65535",
                ),
                Field(
                    "wait",
                    help="Seconds that there are to sign in on the page.",
                    kind=Kind.INTEGER,
                    default=300,
                    pattern="[1-9][0-9]{0,3}",
                    pattern_help="1 to 9999 seconds",
                ),
                *_CONNECTION,
            ],
        ),
        CredentialType(
            DEVICE_CODE,
            label="An account, on another device",
            help="You are shown a code to type in on a page, on this machine or another one.",
            named_by_sign_in=True,
            fields=[*_PERSON, *_CONNECTION],
        ),
        CredentialType(
            CLIENT_SECRET,
            label="An application's secret",
            fields=[
                *_APP,
                Field(
                    "client_secret",
                    label="Client secret",
                    kind=Kind.SECRET,
                    required=True,
                    aliases=("clientSecret",),
                ),
                *_CONNECTION,
            ],
        ),
        CredentialType(
            CLIENT_CERTIFICATE,
            label="An application's certificate",
            fields=[
                *_APP,
                Field(
                    "certificate_path",
                    label="Certificate file",
                    help="A file with certificate and private key, as PEM or PKCS #12.",
                    kind=Kind.FILE,
                    required=True,
                    aliases=("certificatePath",),
                ),
                Field(
                    "certificate_password",
                    label="Password of the file",
                    kind=Kind.SECRET,
                    aliases=("certificatePassword",),
                ),
                *_CONNECTION,
            ],
        ),
        CredentialType(
            MANAGED_IDENTITY,
            label="The managed identity of the machine",
            fields=[
                _client(
                    "Of a user-assigned identity; by default the machine's own.", required=False
                ),
                *_CONNECTION,
            ],
        ),
        CredentialType(
            WORKLOAD_IDENTITY,
            label="A workload identity",
            help="A token of another issuer that an application trusts, such as a pod's.",
            fields=[
                *_APP,
                Field(
                    "token_file",
                    label="Token file",
                    help="A file with the token, read at each sign-in.",
                    kind=Kind.FILE,
                    required=True,
                ),
                *_CONNECTION,
            ],
        ),
        CredentialType(
            CLI,
            label="Who is signed in with az",
            help="The account of the Azure CLI, which has to be installed.",
            fields=[
                _tenant("Which directory (tenant); by default that of the vault.", required=False),
                *_CONNECTION,
            ],
        ),
    ],
)

SECRET_FORM = SecretForm(
    fields=[
        Field(
            "secret_identifier",
            label="Secret identifier",
            help="VAULT/NAME, VAULT/NAME/VERSION, or the whole address, such as"
            f" https://VAULT.{CLOUDS[0].domain}/secrets/NAME.",
            required=True,
            aliases=("secretIdentifier",),
        ),
        Field(
            "secret_type",
            label="Secret type",
            help="Whether it is a secret, or a key, of which the public part is read.",
            kind=Kind.CHOICE,
            default="secret",
            choices=[Choice("secret", "Secret"), Choice("key", "Key (public JSON Web Key)")],
            aliases=("secretType",),
        ),
        Field("version", help="Which version, by its id; the newest one by default."),
        Field(
            "any_time",
            label="At any time",
            help="Read it too where it is not valid yet, or has expired.",
            kind=Kind.FLAG,
            default=False,
        ),
    ],
    path=["secret_identifier"],
)
