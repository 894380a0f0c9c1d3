"""What a person fills in: to sign in, and to point at a secret."""

from __future__ import annotations

from unvault.forms import Choice, CredentialForm, CredentialType, Field, Kind, SecretForm

TOKEN, APPROLE, USERPASS = "token", "approle", "userpass"
JWT, KUBERNETES, CERT = "jwt", "kubernetes", "cert"

SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105  # a path

HCP_API = "https://api.cloud.hashicorp.com"
HCP_AUTH = "https://auth.idp.hashicorp.com"
HCP_AUDIENCE = "https://api.hashicorp.cloud"


def _for(*methods: str) -> dict[str, list[str | bool | int]]:
    return {"auth_method": [*methods]}


SERVER_ADDRESS = Field(
    "server_address",
    label="Server address",
    help="Such as https://vault.example.com:8200.",
    kind=Kind.URL,
    required=True,
    aliases=("serverAddress",),
)

_METHODS = (
    Field(
        "auth_method",
        label="Authentication method",
        kind=Kind.CHOICE,
        default=TOKEN,
        choices=[
            Choice(TOKEN, "Token"),
            Choice(APPROLE, "AppRole", aliases=("appRole",)),
            Choice(USERPASS, "User name and password"),
            Choice(JWT, "JWT"),
            Choice(KUBERNETES, "Kubernetes service account"),
            Choice(CERT, "TLS certificate"),
        ],
        aliases=("authMethod",),
    ),
    Field(
        "access_token",
        label="Token",
        kind=Kind.SECRET,
        required=True,
        visible_when=_for(TOKEN),
    ),
    Field("role_id", label="Role id", required=True, visible_when=_for(APPROLE)),
    Field(
        "secret_id",
        label="Secret id",
        help="Empty where the role needs none, or where a wrapped one is given.",
        kind=Kind.SECRET,
        visible_when=_for(APPROLE),
    ),
    Field(
        "wrapped_secret_id",
        label="Wrapped secret id",
        help="The token of a response-wrapped secret id, which is unwrapped at the first sign-in.",
        kind=Kind.SECRET,
        visible_when=_for(APPROLE),
    ),
    Field("username", label="User name", required=True, visible_when=_for(USERPASS)),
    Field("password", kind=Kind.SECRET, required=True, visible_when=_for(USERPASS)),
    Field(
        "jwt",
        label="JWT",
        help="The token itself; empty where it is in a file.",
        kind=Kind.SECRET,
        visible_when=_for(JWT),
    ),
    Field(
        "jwt_file",
        label="JWT file",
        help="A file with the token, read at each sign-in.",
        kind=Kind.FILE,
        visible_when=_for(JWT),
    ),
    Field(
        "token_file",
        label="Service account token file",
        help="Read at each sign-in.",
        kind=Kind.FILE,
        default=SERVICE_ACCOUNT_TOKEN,
        visible_when=_for(KUBERNETES),
    ),
    Field(
        "role",
        help="The role to sign in as; for JWT and certificates the mount may have a default.",
        visible_when=_for(JWT, KUBERNETES, CERT),
    ),
    Field(
        "auth_mount",
        label="Mount of the method",
        help="Where the authentication method is mounted; its own name by default.",
        visible_when=_for(APPROLE, USERPASS, JWT, KUBERNETES, CERT),
    ),
    Field(
        "client_cert",
        label="Client certificate",
        help="A PEM file: to sign in with, or where the server asks every client for one.",
        kind=Kind.FILE,
    ),
    Field(
        "client_key",
        label="Client key",
        help="The certificate's key as a PEM file, where it is not in the same one.",
        kind=Kind.FILE,
        private=True,
    ),
)

_CONNECTION = (
    Field(
        "auth_namespace",
        label="Namespace to sign in",
        help="Only where it is another one than the secrets'; / for the root namespace.",
    ),
    Field(
        "ca_file",
        label="CA file",
        help="A PEM file with the certificates to trust, for a server with a CA of its own.",
        kind=Kind.FILE,
    ),
    Field(
        "skip_verify",
        label="Trust any certificate",
        help="DANGEROUS: whoever can redirect the connection reads every token and secret.",
        kind=Kind.FLAG,
        default=False,
    ),
    Field(
        "timeout",
        help="Seconds to wait for each answer of the server, all tries together.",
        kind=Kind.INTEGER,
        default=10,
        pattern="[1-9][0-9]{0,3}",
        pattern_help="1 to 9999 seconds",
    ),
)

CREDENTIAL_FORM = CredentialForm(
    "HashiCorp Vault",
    help="A Vault or OpenBao server, HCP Vault Dedicated, or HCP Vault Secrets.",
    ambient="VAULT_ADDR, VAULT_TOKEN or ~/.vault-token, VAULT_NAMESPACE, VAULT_CACERT,"
    " VAULT_CAPATH, VAULT_CLIENT_CERT, VAULT_CLIENT_KEY and VAULT_SKIP_VERIFY, or their BAO_ twins",
    permissions={
        "get": 'path "secret/data/app" {  # KV version 1: "secret/app"\n'
        '  capabilities = ["read"]\n}',
        "get with data": 'path "pki/issue/web" {\n  capabilities = ["update"]\n}',
        "list": 'path "secret/metadata/*" {  # KV version 1: "secret/*"\n'
        '  capabilities = ["list"]\n}',
    },
    types=[
        CredentialType(
            "on_prem",
            label="Vault or OpenBao server",
            fields=[
                SERVER_ADDRESS,
                *_METHODS,
                Field("namespace", help="Where the secrets are; empty for the root namespace."),
                *_CONNECTION,
            ],
            aliases=("onPrem",),
        ),
        CredentialType(
            "dedicated",
            label="HCP Vault Dedicated",
            fields=[
                SERVER_ADDRESS,
                *_METHODS,
                Field("namespace", help="Where the secrets are.", default="admin"),
                *_CONNECTION,
            ],
            aliases=("cloudVaultDedicated",),
        ),
        CredentialType(
            "cloud",
            label="HCP Vault Secrets",
            help="HashiCorp ended this service on 2026-07-01; the addresses can be those of another"
            " server that speaks its API.",
            fields=[
                Field("client_id", label="Client id", required=True),
                Field("client_secret", label="Client secret", kind=Kind.SECRET, required=True),
                Field(
                    "organization_id",
                    label="Organization id",
                    help="Then references may leave it out, with the project's.",
                ),
                Field("project_id", label="Project id"),
                Field("api_address", label="API address", kind=Kind.URL, default=HCP_API),
                Field("auth_address", label="Sign-in address", kind=Kind.URL, default=HCP_AUTH),
                Field("audience", default=HCP_AUDIENCE),
                *(field for field in _CONNECTION if field.name in {"ca_file", "timeout"}),
            ],
        ),
    ],
)

SECRET_FORM = SecretForm(
    fields=[
        Field(
            "organization_id",
            help="HCP Vault Secrets only.",
            aliases=("organizationId",),
        ),
        Field("project_id", help="HCP Vault Secrets only.", aliases=("projectId",)),
        Field("app_name", help="HCP Vault Secrets only.", aliases=("appName",)),
        Field(
            "mount",
            label="Mount",
            help="Where the secrets engine is mounted, such as secret.",
            aliases=("secretEnginePath",),
        ),
        Field(
            "name",
            help="The secret's path in the engine.",
            required=True,
            aliases=("secretName",),
        ),
        Field(
            "kv",
            label="KV version",
            help="Found out by itself where it is not given.",
            kind=Kind.CHOICE,
            choices=[Choice("1", "KV v1", aliases=("v1",)), Choice("2", "KV v2", aliases=("v2",))],
            aliases=("kvVersion",),
        ),
        Field(
            "version",
            help="Which version, as a number; the newest by default.",
            kind=Kind.INTEGER,
        ),
        Field(
            "engine",
            help="logical reads any path as it is, such as a database engine's credentials.",
            kind=Kind.CHOICE,
            default="kv",
            choices=[Choice("kv", "Key/value"), Choice("logical", "Any readable path")],
        ),
        Field(
            "data",
            help="A JSON object to send to a logical path, which then is written, not read: what a"
            " pki engine issues.",
        ),
        Field("namespace", help="Another namespace than the credential's."),
        Field(
            "namespace_header",
            help="false puts the namespace into the path instead of a header.",
            kind=Kind.FLAG,
            default=True,
            aliases=("sendNamespaceViaHeader",),
        ),
        Field("key", help="Which field of the secret.", aliases=("secretKey",)),
    ],
    path=["organization_id", "project_id", "app_name", "mount", "name"],
    field="key",
)
