"""What a person fills in: to sign in, and to point at a secret."""

from __future__ import annotations

from unvault.forms import Choice, CredentialForm, CredentialType, Field, Kind, SecretForm

SERVICE_ACCOUNT, ADC = "service_account", "adc"
IMPERSONATION, WORKLOAD_IDENTITY = "impersonation", "workload_identity"
GRPC, REST = "grpc", "rest"

DEFAULT_UNIVERSE = "googleapis.com"
LATEST = "latest"

_PROJECT = r"(?:[a-z0-9.-]{1,200}:)?[a-z0-9-]{1,63}"
_EMAIL = r"[^@\s/,]{1,100}@[A-Za-z0-9.-]{1,200}"

_CONNECTION = (
    Field(
        "project",
        help="The project of secrets that are named by their bare name; by default the one that the"
        " key or the environment names.",
        pattern=_PROJECT,
        pattern_help="a project's id or number",
    ),
    Field(
        "transport",
        help="REST loads less and so starts faster, and passes where gRPC cannot.",
        kind=Kind.CHOICE,
        default=GRPC,
        choices=[Choice(GRPC, "gRPC"), Choice(REST, "REST")],
    ),
    Field(
        "endpoint",
        help="Address of Secret Manager, where it is not Google's own: of a private endpoint, or of"
        " another server that speaks its API.",
        kind=Kind.URL,
    ),
    Field(
        "universe_domain",
        label="Universe domain",
        help="Of a cloud that is not Google's public one; by default what the key file names.",
        pattern=r"[a-z0-9-]+(?:\.[a-z0-9-]+)+",
        pattern_help="a domain, such as googleapis.com",
    ),
    Field(
        "ca_file",
        label="CA file",
        help="A PEM file with the certificates to trust, for a network or server with a CA of its"
        " own.",
        kind=Kind.FILE,
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

CREDENTIAL_FORM = CredentialForm(
    "Google Cloud Secret Manager",
    help="A service account's key, application default credentials, an impersonated service"
    " account, or workload identity federation.",
    ambient="application default credentials: the file that GOOGLE_APPLICATION_CREDENTIALS names,"
    " that of gcloud auth application-default login, or the service account of the machine",
    permissions={
        "get": "gcloud secrets add-iam-policy-binding SECRET \\\n"
        "  --member=serviceAccount:EMAIL --role=roles/secretmanager.secretAccessor\n"
        "(the permission secretmanager.versions.access on the secret)",
        "list": "gcloud projects add-iam-policy-binding PROJECT \\\n"
        "  --member=serviceAccount:EMAIL --role=roles/secretmanager.viewer\n"
        "(the permission secretmanager.secrets.list on the project)",
        "sign in by impersonation": "gcloud iam service-accounts add-iam-policy-binding TARGET \\\n"
        "  --member=serviceAccount:EMAIL --role=roles/iam.serviceAccountTokenCreator\n"
        "(the permission iam.serviceAccounts.getAccessToken on the service account)",
    },
    types=[
        CredentialType(
            SERVICE_ACCOUNT,
            label="Service account key",
            help="A key file of a service account, or its content.",
            fields=[
                Field(
                    "key_file",
                    label="Key file",
                    help="The JSON file, read at each sign-in; empty where its content is given.",
                    kind=Kind.FILE,
                    aliases=("serviceAccountKeyFilePath",),
                    private=True,
                ),
                Field(
                    "key",
                    label="Key",
                    help="The content of the key file, which can be deleted then: on one line,"
                    " where it is typed. Empty where the file is named.",
                    kind=Kind.SECRET,
                ),
                *_CONNECTION,
            ],
        ),
        CredentialType(
            ADC,
            label="Application default credentials",
            help="What Google's own tools and libraries use on this machine.",
            fields=_CONNECTION,
            ambient=True,
        ),
        CredentialType(
            IMPERSONATION,
            label="Impersonate a service account",
            fields=[
                Field(
                    "service_account",
                    label="Service account",
                    help="The one to impersonate: its email address.",
                    required=True,
                    pattern=_EMAIL,
                    pattern_help="such as reader@my-project.iam.gserviceaccount.com",
                ),
                Field(
                    "source",
                    label="Source credential",
                    help="The stored credential for GCP that may impersonate it; without one, the"
                    " application default credentials.",
                ),
                Field(
                    "delegates",
                    help="Service accounts on the way, each of which may impersonate the next, with"
                    " commas between them.",
                    pattern=rf"{_EMAIL}(?:\s*,\s*{_EMAIL}){{0,9}}",
                    pattern_help="email addresses with commas between them",
                ),
                Field(
                    "lifetime",
                    help="Seconds that a sign-in lasts: up to 3600, or 43200 where the organization"
                    " allows it.",
                    kind=Kind.INTEGER,
                    default=3600,
                    pattern="[1-9][0-9]{0,4}",
                    pattern_help="a number of seconds",
                ),
                Field(
                    "iam_endpoint",
                    label="IAM endpoint",
                    help="Address of the IAM Credentials API, where it is not Google's own.",
                    kind=Kind.URL,
                ),
                *_CONNECTION,
            ],
        ),
        CredentialType(
            WORKLOAD_IDENTITY,
            label="Workload identity federation",
            help="A token of another cloud or of an OIDC provider, in place of a key.",
            fields=[
                Field(
                    "config_file",
                    label="Configuration file",
                    help="What gcloud iam workload-identity-pools create-cred-config wrote; read at"
                    " each sign-in.",
                    kind=Kind.FILE,
                    required=True,
                ),
                *_CONNECTION,
            ],
        ),
    ],
)

SECRET_FORM = SecretForm(
    fields=[
        Field(
            "name",
            help="The secret's name, or projects/P/secrets/S, with /versions/V where one is meant.",
            required=True,
            aliases=("secretName",),
        ),
        Field(
            "version",
            help="Which version: its number, an alias of it, or latest.",
            default=LATEST,
        ),
        Field("project", help="Another project than the credential's."),
        Field("location", help="Of a regional secret, such as europe-west3."),
        Field("key", help="Which key of the secret, where it is JSON."),
    ],
    path=["name"],
    field="key",
)
