"""One account of AWS: its secrets, users and roles, as its owner keeps them."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import attrs

if TYPE_CHECKING:
    from tests.servers.ministack import Ministack

ROOT_SECRET = "root-secret-key"
"""The secret key of every account's root. Ministack does not check what root signs."""
_STS = "AWSSecurityTokenServiceV20110615"
_numbers = itertools.count(1)


@attrs.frozen
class Keys:
    """What a caller signs with."""

    access_key: str
    secret_key: str = attrs.field(repr=False)
    session_token: str | None = attrs.field(default=None, repr=False)
    expires: float | None = None
    """When they do, in seconds since 1970; None for those that do not."""

    def for_boto(self) -> dict[str, str | None]:
        """Return what ``boto3.client`` and ``boto3.Session`` take."""
        return {
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "aws_session_token": self.session_token,
        }

    def for_file(self, section: str = "default") -> str:
        """Return a section of a credentials file."""
        lines = [f"{name} = {value}" for name, value in self.for_boto().items() if value]
        return "\n".join([f"[{section}]", *lines, ""])

    def for_environment(self) -> dict[str, str]:
        """Return the variables of the SDK."""
        return {name.upper(): value for name, value in self.for_boto().items() if value}


class Stored(NamedTuple):
    """Where a secret's value was put."""

    arn: str
    version_id: str


def allow(*actions: str, on: object = "*", when: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a statement of a policy: actions such as ``secretsmanager:GetSecretValue``.

    Args:
        actions: What is allowed.
        on: ARN or ARNs of what it is allowed on.
        when: The condition, such as ``{"StringEquals": {"sts:ExternalId": "x"}}``.
    """
    return _statement("Allow", actions, on, when)


def deny(*actions: str, on: object = "*", when: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a statement that denies what others allow."""
    return _statement("Deny", actions, on, when)


@attrs.frozen
class Account:
    """An account, in one region; what its root does is not among the requests of a proxy.

    Secrets of one name in two regions or two accounts are two secrets. Users and roles belong to
    all regions. An access key of twelve digits is the root of the account of that number.
    """

    server: Ministack
    number: str
    region: str

    @property
    def root(self) -> Keys:
        """The keys of the account's root, who may do everything. They are not verified."""
        return Keys(self.number, ROOT_SECRET)

    def in_region(self, region: str) -> Account:
        """Return the same account in another region."""
        return attrs.evolve(self, region=region)

    def put(
        self,
        name: str,
        value: str | bytes | Mapping[str, Any],
        *,
        stages: tuple[str, ...] = ("AWSCURRENT",),
        key: str | None = None,
    ) -> Stored:
        """Put a value: a new secret or a new version.

        Args:
            name: The secret's name.
            value: Text, bytes for SecretBinary, or what becomes a JSON object.
            stages: The labels of the version, for one that is not the first.
            key: A KMS key for a new secret. Ministack notes it and asks no KMS for it.
        """
        told: dict[str, Any] = (
            {"SecretBinary": base64.b64encode(value).decode()}
            if isinstance(value, bytes)
            else {"SecretString": value if isinstance(value, str) else json.dumps(value)}
        )
        if any(each["Name"] == name for each in self._all_named(name)):
            told |= {"SecretId": name, "VersionStages": [*stages]}
            answer = self.secrets("PutSecretValue", **told)
        else:
            told |= {"Name": name} | ({"KmsKeyId": key} if key else {})
            answer = self.secrets("CreateSecret", **told)
        return Stored(answer["ARN"], answer["VersionId"])

    def delete(self, name: str, *, days: int = 7) -> None:
        """Delete a secret after so many days, 7 to 30; at once with none."""
        how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        self.secrets("DeleteSecret", SecretId=name, **how)

    def restore(self, name: str) -> None:
        """Keep a secret whose deletion was scheduled."""
        self.secrets("RestoreSecret", SecretId=name)

    def user(self, *statements: Mapping[str, Any], name: str | None = None) -> Keys:
        """Make a user who may do what the statements say, or add these; and return new keys."""
        name = name or f"user-{next(_numbers)}"
        if f"<UserName>{name}</UserName>" not in self.iam("ListUsers"):
            self.iam("CreateUser", UserName=name)
        if statements:
            self.iam(
                "PutUserPolicy",
                UserName=name,
                PolicyName=f"policy-{next(_numbers)}",
                PolicyDocument=_policy(*statements),
            )
        made = self.iam("CreateAccessKey", UserName=name)
        return Keys(_element(made, "AccessKeyId"), _element(made, "SecretAccessKey"))

    def disable(self, keys: Keys, user: str) -> None:
        """Disable a user's keys."""
        told = {"UserName": user, "AccessKeyId": keys.access_key, "Status": "Inactive"}
        self.iam("UpdateAccessKey", **told)

    def role(
        self,
        *statements: Mapping[str, Any],
        name: str | None = None,
        principal: Mapping[str, Any] | None = None,
        external_id: str | None = None,
    ) -> str:
        """Make a role that may do what the statements say, and return its ARN.

        Args:
            statements: What it may do.
            name: Of the role.
            principal: Who may assume it; by default all users of this account. With
                ``{"Federated": ARN}`` it is a role for web identities.
            external_id: What has to be told for that.
        """
        name = name or f"role-{next(_numbers)}"
        web = "Federated" in (principal or ())
        action = "sts:AssumeRoleWithWebIdentity" if web else "sts:AssumeRole"
        when = {"StringEquals": {"sts:ExternalId": external_id}} if external_id else None
        trust = {
            **_statement("Allow", (action,), None, when),
            "Principal": principal or {"AWS": f"arn:aws:iam::{self.number}:root"},
        }
        told = {"RoleName": name, "AssumeRolePolicyDocument": _policy(trust)}
        made = self.iam("CreateRole", **told)
        if statements:
            self.iam(
                "PutRolePolicy",
                RoleName=name,
                PolicyName="policy",
                PolicyDocument=_policy(*statements),
            )
        return _element(made, "Arn")

    def oidc_provider(self, host: str) -> str:
        """Return the ARN by which this account's roles name an issuer of web identities."""
        return f"arn:aws:iam::{self.number}:oidc-provider/{host}"

    def assume(self, role: str, *, seconds: int = 3600, session: str = "test") -> Keys:
        """Return keys of a role that end after so many seconds; AWS gives none below 900."""
        told = {"RoleArn": role, "RoleSessionName": session, "DurationSeconds": seconds}
        made = self._json("sts", f"{_STS}.AssumeRole", told)["Credentials"]
        return Keys(
            made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], made["Expiration"]
        )

    def secrets(self, action: str, **told: Any) -> Any:
        """Ask Secrets Manager as root, and return its JSON.

        Raises:
            NotAnswered: The answer is no success.
        """
        return self._json("secretsmanager", f"secretsmanager.{action}", told)

    def kms(self, action: str, **told: Any) -> Any:
        """Ask KMS as root, and return its JSON."""
        return self._json("kms", f"TrentService.{action}", told)

    def iam(self, action: str, **told: str) -> str:
        """Ask IAM as root, and return its XML."""
        form = urlencode({"Action": action, "Version": "2010-05-08", **told})
        headers = self._headers("iam", "application/x-www-form-urlencoded")
        return self.server.send(form, headers).decode()

    def _all_named(self, name: str) -> list[dict[str, Any]]:
        filters = [{"Key": "name", "Values": [name]}]
        return self.secrets("ListSecrets", Filters=filters, IncludePlannedDeletion=True)[
            "SecretList"
        ]

    def _json(self, service: str, target: str, told: Mapping[str, Any]) -> Any:
        headers = self._headers(service, "application/x-amz-json-1.1") | {"X-Amz-Target": target}
        answer = self.server.send(json.dumps(told), headers)
        return json.loads(answer) if answer else None

    def _headers(self, service: str, kind: str) -> dict[str, str]:
        """Return headers as root's: what root signs is not checked, so that it is not signed."""
        scope = f"{self.number}/20250101/{self.region}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
        return {"Content-Type": kind, "Authorization": signed}


def _statement(
    effect: str, actions: tuple[str, ...], on: object, when: Mapping[str, Any] | None
) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": effect, "Action": [*actions]}
    if on is not None:
        made["Resource"] = on
    if when is not None:
        made["Condition"] = when
    return made


def _policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


def _element(xml: str, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", xml)
    assert found, xml
    return found[1]
