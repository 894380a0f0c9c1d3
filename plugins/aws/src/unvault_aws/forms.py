"""What a person fills in: to sign in, and to point at a secret."""

from __future__ import annotations

from unvault.forms import Choice, CredentialForm, CredentialType, Field, Kind, SecretForm

TEMPORARY, KEYS, FILE, SSO = "temporary", "keys", "file", "sso"
ASSUME_ROLE, WEB_IDENTITY = "assume_role", "web_identity"

_REGION = Field(
    "region",
    help="Such as eu-west-1. A secret that is named by its ARN is asked for in the ARN's region.",
    pattern="[a-z0-9-]{1,63}",
    pattern_help="lower-case letters, digits and -",
)

_CONNECTION = (
    _REGION,
    Field(
        "endpoint",
        help="Address of Secrets Manager, where it is not AWS's own: of a VPC endpoint, or of"
        " another server that speaks its API.",
        kind=Kind.URL,
    ),
    Field(
        "sts_endpoint",
        label="STS endpoint",
        help="Address of STS; by default AWS's own, or the endpoint where that is none of AWS's.",
        kind=Kind.URL,
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

_KEYS = (
    Field("access_key_id", label="Access key id", required=True, aliases=("accessKeyId",)),
    Field(
        "secret_access_key",
        label="Secret access key",
        kind=Kind.SECRET,
        required=True,
        aliases=("secretAccessKey",),
    ),
)

_FILES = (
    Field(
        "file_path",
        label="Credentials file",
        help="Where it is not ~/.aws/credentials, or what AWS_SHARED_CREDENTIALS_FILE names.",
        kind=Kind.FILE,
        aliases=("filePath",),
        private=True,
    ),
    Field(
        "config_file_path",
        label="Config file",
        help="Where it is not ~/.aws/config, or what AWS_CONFIG_FILE names.",
        kind=Kind.FILE,
        aliases=("configFilePath",),
    ),
    Field(
        "enable_cache",
        label="Read the files once",
        help="Otherwise a file that was changed is read again before the next fetch.",
        kind=Kind.FLAG,
        default=False,
        aliases=("enableCache",),
    ),
)

_ROLE = (
    Field(
        "role_arn",
        label="Role ARN",
        help="Such as arn:aws:iam::123456789012:role/reader.",
        required=True,
        pattern=r"arn:[a-z0-9-]+:iam::[0-9]{12}:role/[\x21-\x7e]+",
        pattern_help="arn:aws:iam::ACCOUNT:role/NAME",
        aliases=("roleArn",),
    ),
    Field(
        "session_name",
        label="Session name",
        help="What the account's audit log shows.",
        default="unvault",
        pattern=r"[A-Za-z0-9_+=,.@-]{2,64}",
        pattern_help="2 to 64 letters, digits and _+=,.@-",
        aliases=("sessionName",),
    ),
    Field(
        "duration",
        help="Seconds that a sign-in lasts: 900 or more, and as many as the role allows.",
        kind=Kind.INTEGER,
        pattern="[1-9][0-9]{0,4}",
        pattern_help="a number of seconds",
    ),
)


def _policy(action: str, *, resource: str) -> str:
    return f'{{\n  "Effect": "Allow",\n  "Action": "{action}",\n  "Resource": "{resource}"\n}}'


_ARN = "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-??????"

CREDENTIAL_FORM = CredentialForm(
    "AWS Secrets Manager",
    help="Keys, a profile of the AWS files, IAM Identity Center (SSO), or a role.",
    ambient="what the AWS SDK finds by itself: AWS_* variables, the profile of ~/.aws that"
    " AWS_PROFILE names or the default one, a web identity, or the role of the container or"
    " machine",
    permissions={
        "get": _policy("secretsmanager:GetSecretValue", resource=_ARN),
        "get what a KMS key of one's own encrypts, in addition": _policy(
            "kms:Decrypt", resource="arn:aws:kms:REGION:ACCOUNT:key/ID"
        ),
        "get many with few requests and not one by one, in addition": _policy(
            "secretsmanager:BatchGetSecretValue", resource="*"
        ),
        "list": _policy("secretsmanager:ListSecrets", resource="*"),
    },
    types=[
        CredentialType(
            TEMPORARY,
            label="Temporary keys",
            fields=[
                *_KEYS,
                Field(
                    "session_token",
                    label="Session token",
                    kind=Kind.SECRET,
                    required=True,
                    aliases=("sessionToken",),
                ),
                *_CONNECTION,
            ],
        ),
        CredentialType(
            KEYS,
            label="Long-lived keys",
            help="An IAM user's keys, which do not expire.",
            fields=[*_KEYS, *_CONNECTION],
        ),
        CredentialType(
            FILE,
            label="A profile of the AWS files",
            help="A section of the credentials file or the config file.",
            fields=[
                Field("section", help="The profile's name.", default="default"),
                *_FILES,
                *_CONNECTION,
            ],
        ),
        CredentialType(
            SSO,
            label="IAM Identity Center (SSO)",
            help="A profile of the config file that says how to sign in by SSO.",
            fields=[
                Field(
                    "section",
                    help="The profile's name.",
                    required=True,
                    pattern="[A-Za-z0-9_-]+",
                    pattern_help="an SSO session name: letters, digits, - and _ only",
                ),
                *_FILES,
                *_CONNECTION,
            ],
        ),
        CredentialType(
            ASSUME_ROLE,
            label="Assume a role",
            fields=[
                *_ROLE,
                Field(
                    "source",
                    label="Source credential",
                    help="The stored credential for AWS that may assume the role; without one, what"
                    " the AWS SDK finds by itself.",
                ),
                Field(
                    "external_id",
                    label="External id",
                    help="Where the role's owner asks for one.",
                    aliases=("externalId",),
                ),
                *_CONNECTION,
            ],
        ),
        CredentialType(
            WEB_IDENTITY,
            label="Web identity",
            help="A token of an OIDC provider that the role trusts, such as a pod's.",
            fields=[
                Field(
                    "token_file",
                    label="Token file",
                    help="A file with the token, read at each sign-in.",
                    kind=Kind.FILE,
                    required=True,
                ),
                *_ROLE,
                *_CONNECTION,
            ],
        ),
    ],
)

SECRET_FORM = SecretForm(
    fields=[
        Field(
            "name",
            help="The secret's name or ARN; a secret of another account needs its ARN.",
            required=True,
            aliases=("SecretId",),
        ),
        Field("version_id", help="Which version, by its id.", aliases=("VersionId",)),
        Field(
            "version_stage",
            help="Which version, by its label, such as AWSPREVIOUS; AWSCURRENT by default.",
            aliases=("VersionStage",),
        ),
        Field(
            "secret_type",
            help="In a look-up: whether key counts. The whole of a plain text is its value.",
            kind=Kind.CHOICE,
            default="kv",
            choices=[Choice("kv", "Key/value"), Choice("plaintext", "Plain text")],
            aliases=("SecretType",),
        ),
        Field(
            "key",
            help="Which key of the secret.",
            visible_when={"secret_type": "kv"},
            aliases=("SecretKey",),
        ),
    ],
    path=["name"],
    field="key",
)
