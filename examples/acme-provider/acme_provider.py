"""A complete provider for unvault, in one file: copy it, and put your vault in Acme's place.

Acme keeps its secrets in a JSON file that answers only to whoever knows the file's token::

    {"token": "t0ken", "regions": {"eu": {"db/main": ["first value", {"user": "app"}]}, "us": {}}}

A secret is the list of its versions, the oldest first; a version that was deleted is null.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from unvault.errors import (
    CredentialMissing,
    CredentialRejected,
    SecretDeleted,
    SecretNotFound,
    Unavailable,
    VersionNotFound,
)
from unvault.forms import Choice, CredentialForm, CredentialType, Field, SecretForm
from unvault.hookspecs import hookimpl
from unvault.model import Credential, SecretInfo, SecretRequest, Session
from unvault.secret import Secret
from unvault.suggestions import nearest

Secrets = Mapping[str, list[Any]]
"""What a region of Acme's holds: the versions of each secret."""


@hookimpl
def describe_credential_form() -> CredentialForm:
    """Say what a person fills in to sign in; prompts, pages and variables are made from this."""
    regions = [Choice("eu", "Europe", aliases=("eu-west",)), Choice("us", "United States")]
    token = CredentialType(
        "token",
        label="Access token",
        fields=[
            Field("file", help="The file Acme gave you.", kind="file", required=True),
            Field("token", help="The token that opens it.", kind="secret", required=True),
            Field("region", kind="choice", choices=regions, default="eu"),
        ],
    )
    return CredentialForm("Acme", types=[token], ambient="nothing: Acme always wants a token")


@hookimpl
def describe_secret_form() -> SecretForm:
    """Say what points at a secret: ``acme/<name>?version=<version>#<key>``."""
    name = Field("name", required=True)
    version = Field("version", help="Counted from 1; the newest by default.", kind="integer")
    key = Field("key", help="Which field of a secret that has several.")
    return SecretForm(fields=[name, version, key], path=["name"], field="key")


@hookimpl
def authenticate(credential: Credential) -> Session:
    """Sign in. The answers are checked against the form; without any, there is no way in."""
    path, token = credential.answers.path("file"), credential.answers.text("token")
    region = credential.answers.text("region") or "eu"
    if path is None or token is None:
        raise CredentialMissing(
            "Acme needs a file and its token",
            hint="store them: unvault credentials add",
        )
    content = _read(path)
    held = str(content.get("token", "")).encode(errors="replace")
    if not held or not hmac.compare_digest(token.encode(), held):
        raise CredentialRejected("Acme refused the token", hint="ask Acme for a new one")
    return Session(client=partial(_secrets, path, region), identity=f"acme {region}")


@hookimpl
def fetch_secret(session: Session, request: SecretRequest) -> Secret:
    """Fetch one secret: as JSON, where it has fields; the core takes out the one that is wanted."""
    secrets: Secrets = session.client()
    versions = secrets.get(request.path)
    if not versions:
        near = nearest(request.path, secrets)
        raise SecretNotFound(
            f"Acme has no secret {request.path!r}",
            hint="list what there is: unvault list acme",
            candidates=near,
        )
    wanted = request.get("version")
    number = len(versions) if wanted is None else int(wanted)
    if not 1 <= number <= len(versions):
        raise VersionNotFound(
            f"{request.path!r} has no version {number}",
            hint=f"its versions are 1 to {len(versions)}",
        )
    value = versions[number - 1]
    if value is None:
        raise SecretDeleted(
            f"version {number} of {request.path!r} was deleted",
            hint="name an older version, or store a new one",
        )
    return Secret(value if isinstance(value, str) else json.dumps(value), version=str(number))


@hookimpl
def list_secrets(session: Session, prefix: str) -> Iterator[SecretInfo]:
    """Browse: names and versions, never values."""
    secrets: Secrets = session.client()
    for name, versions in sorted(secrets.items()):
        if name.startswith(prefix):
            there = [number for number, value in enumerate(versions, 1) if value is not None]
            version, note = (str(there[-1]), None) if there else (None, "deleted")
            yield SecretInfo(name, version=version, note=note)


def _secrets(path: Path, region: str) -> Secrets:
    found: Secrets = _read(path).get("regions", {}).get(region, {})
    return found


def _read(path: Path) -> dict[str, Any]:
    check = "check the credential's file"
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        why = f"Acme cannot be reached: {path}: {error.strerror}"
        raise Unavailable(why, hint=check) from error
    except ValueError:
        content = None  # the error is raised below: this one holds the file's content
    if not isinstance(content, dict):
        raise Unavailable(f"Acme does not answer in JSON: {path}", hint=check)
    return content
