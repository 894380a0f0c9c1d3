"""What a reference asks of Secret Manager, and what becomes of the answer."""

from __future__ import annotations

import re

import attrs

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    InvalidReference,
    SecretDeleted,
    SecretDestroyed,
    SecretNotFound,
    UnvaultError,
    VersionNotFound,
)
from unvault.model import SecretRequest
from unvault_gcp._errors import DENIED, MISSING, UNFIT, Refused, denied_for, unexpected
from unvault_gcp.forms import LATEST

_PARTS = re.compile(
    "projects/(?P<project>[^/]+)(?:/locations/(?P<location>[^/]+))?"
    "/secrets/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?"
)
_PREFIX = re.compile(
    "projects/(?P<project>[^/]+)/(?:locations/(?P<location>[^/]+)/)?(?!l).*", re.DOTALL
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PROJECT = re.compile(r"(?:[a-z0-9.-]{1,200}:)?[a-z0-9-]{1,63}")
_LOCATION = re.compile(r"[a-z0-9-]{1,63}")
_VERSION = re.compile(r"[1-9][0-9]{0,18}|[A-Za-z][A-Za-z0-9_-]{0,62}")


@attrs.frozen
class Wanted:
    """A version of a secret, as Secret Manager is asked for it."""

    project: str
    """The project's id or number."""
    name: str
    """The secret's own name."""
    version: str
    """A number, an alias or ``latest``."""
    location: str | None = None
    """Where a regional secret is; None for a global one."""

    @property
    def parent(self) -> str:
        """The resource that holds the secret."""
        place = f"/locations/{self.location}" if self.location else ""
        return f"projects/{self.project}{place}"

    @property
    def secret(self) -> str:
        """The secret's resource name."""
        return f"{self.parent}/secrets/{self.name}"

    @property
    def resource(self) -> str:
        """The version's resource name."""
        return f"{self.secret}/versions/{self.version}"


def wanted(request: SecretRequest, project: str | None) -> Wanted:
    """Return what a request asks of Secret Manager.

    Args:
        request: It.
        project: That of secrets with a bare name, where there is one.

    Raises:
        InvalidReference: It cannot be the name of anything, or says two things at once.
        CredentialMissing: It is a bare name, and nothing says which project is meant.
    """
    given = {
        name: str(value)
        for name in ("project", "location", "version")
        if (value := request.get(name)) is not None
    }
    if given.get("version") == LATEST:  # which is also what is asked where nobody says anything
        del given["version"]
    if "/" not in request.path:
        parts = {"name": request.path}
    else:
        found = _PARTS.fullmatch(request.path)
        if found is None:
            raise _misnamed()
        parts = {name: text for name, text in found.groupdict().items() if text is not None}
        if "location" in given and "location" not in parts:
            raise _twofold("location")
    for name in given.keys() & parts.keys():
        if given[name] != parts[name]:
            raise _twofold(name)
    known = {"version": LATEST, **given, **parts}
    if "project" not in known:
        known["project"] = own_project(project)
    secret = Wanted(**known)
    _check(secret)
    return secret


def own_project(project: str | None) -> str:
    """Return the project of secrets with a bare name.

    Args:
        project: What the credential or the environment names, if anything.

    Raises:
        CredentialMissing: Nothing says which one is meant, or it can be no project's id.
    """
    if project is None:
        raise CredentialMissing(
            "nothing says which project the secret is in",
            hint="give the credential the field project, set GOOGLE_CLOUD_PROJECT, or name the"
            " secret in full: projects/PROJECT/secrets/NAME",
        )
    if not _PROJECT.fullmatch(project):
        raise CredentialMissing(
            "what is named as the project of secrets is no project's id",
            hint="give the credential the field project; or correct project_id in the key,"
            " GOOGLE_CLOUD_PROJECT, or what gcloud config set project wrote",
        )
    return project


def _check(secret: Wanted) -> None:
    for pattern, text, what in (
        (_PROJECT, secret.project, "a project has an id, such as my-project, or a number"),
        (_LOCATION, secret.location, "a location is such as europe-west3"),
        (_NAME, secret.name, "a secret's name has letters, digits, - and _, and 255 at the most"),
        (_VERSION, secret.version, "a version is a number from 1 on, an alias or latest"),
    ):
        if text is not None and not pattern.fullmatch(text):
            raise InvalidReference(what, hint="check the name and the parameters")


def is_of(resource: str, secret: Wanted) -> bool:
    """Say whether an answer's resource name is that of a version as it was wanted.

    The project may be named by its number, and the version is.

    Args:
        resource: The answer's.
        secret: What was asked for.
    """
    *place, number = resource.split("/")
    *wanted_place, version = secret.resource.split("/")
    if not re.fullmatch("[1-9][0-9]{0,18}", number):
        return False
    same = [*place[:1], *place[2:]] == [*wanted_place[:1], *wanted_place[2:]]
    return same and (version == number or not version.isdecimal())


def refusal_of(refusal: Refused, secret: Wanted) -> UnvaultError:
    """Return the error for an answer that is no success, and not about the token.

    Args:
        refusal: The answer.
        secret: What was asked for.
    """
    named = f"the secret {secret.secret!r}"
    if refusal.code in MISSING:
        return _missing(refusal, secret, named)
    if refusal.code in UNFIT:
        return _unfit(refusal, secret, named)
    if refusal.code in DENIED:
        return denied_for(refusal, secret.project) or AccessDenied(
            f"{named} may not be read, or is not there",
            hint="the role roles/secretmanager.secretAccessor on the secret allows it (the"
            " permission secretmanager.versions.access); check the project and the name, too",
        )
    return unexpected(refusal, "Secret Manager")


def _place_of(secret: Wanted) -> str:
    """Return what gcloud has to be told besides a secret's name."""
    place = f" --location={secret.location}" if secret.location else ""
    return f" --project={secret.project}{place}"


def _missing(refusal: Refused, secret: Wanted, named: str) -> UnvaultError:
    if "version" in refusal.said and secret.version != LATEST:
        return VersionNotFound(
            f"there is no version {secret.version!r} of {named}",
            hint=f"leave it out for the latest; gcloud secrets versions list {secret.name}"
            f"{_place_of(secret)} shows those there are",
        )
    if "version" in refusal.said:
        return SecretNotFound(f"{named} has no version yet", hint="add one")
    elsewhere = "its location" if secret.location else "whether it is a regional one (?location=)"
    return SecretNotFound(
        f"there is no secret {secret.secret!r}, or it has no versions",
        hint=f"check the project and the name, and {elsewhere}",
    )


def _unfit(refusal: Refused, secret: Wanted, named: str) -> UnvaultError:
    which = f"the version {secret.version!r} of {named}"
    if "destroyed" in refusal.said:
        return SecretDestroyed(
            f"{which} is destroyed, and cannot be brought back",
            hint="use another version, or add one",
        )
    if "disabled" in refusal.said:
        version = secret.version if secret.version.isdecimal() else "VERSION"
        return SecretDeleted(
            f"{which} is disabled",
            hint=f"gcloud secrets versions enable {version} --secret={secret.name}"
            f"{_place_of(secret)}, or use another version",
        )
    return SecretDeleted(f"{which} cannot be read as it is now", hint="see to its state")


def listed(prefix: str, project: str | None) -> tuple[Wanted, str]:
    """Return what a prefix of references asks for a list of.

    Args:
        prefix: What the references are to begin with.
        project: That of secrets with a bare name, where there is one.

    Returns:
        The project and location, and what stands before a secret's own name in references.

    Raises:
        InvalidReference: It does not say which project or location is meant.
        CredentialMissing: It is that of bare names, and nothing says which project is meant.
    """
    if not prefix.startswith("projects/"):
        return Wanted(own_project(project), "", ""), ""
    found = _PREFIX.fullmatch(prefix)
    if found is None:
        raise InvalidReference(
            "the prefix does not say which project or location is meant",
            hint="projects/PROJECT/ or projects/PROJECT/locations/LOCATION/, each with the slash at"
            " its end, lists what is there",
        )
    place = Wanted(found["project"], "x", LATEST, found["location"])
    _check(place)
    return place, f"{place.parent}/secrets/"


def _misnamed() -> InvalidReference:
    return InvalidReference(
        "the path is no name of a secret",
        hint="NAME, projects/PROJECT/secrets/NAME or projects/PROJECT/locations/LOCATION/secrets/"
        "NAME, each with /versions/VERSION where one is meant; a name has no /",
    )


def _twofold(name: str) -> InvalidReference:
    return InvalidReference(
        f"the path and the parameter {name} do not say the same",
        hint=f"leave out the parameter {name}: the path says it all",
    )
