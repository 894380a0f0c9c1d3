"""What Secret Manager holds, and what it answers, whatever the transport."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

import attrs
from google.cloud.secretmanager_v1 import types

from tests.servers.gcp_answers import Refused, denied
from tests.servers.gcp_names import NAME, Name, crc32c

_MOST = 65536
_REGIONAL = re.compile(r"secretmanager\.([a-z0-9-]+)\.rep\.")
_T = TypeVar("_T")
Check = Callable[[str, Sequence[str]], bool]
"""Whether the caller has a permission on one of some resources."""


@attrs.define
class Project:
    """A project; its services can be asked for by its id and by its number."""

    id: str
    number: str
    api_enabled: bool = True


@attrs.define
class Version:
    """A version of a secret; without a payload once it is destroyed."""

    number: int
    payload: bytes
    created: datetime
    state: str = "ENABLED"
    destroyed: datetime | None = None


@attrs.define
class _Secret:
    name: Name
    created: datetime
    order: int
    versions: list[Version] = attrs.field(factory=list)
    aliases: dict[str, int] = attrs.field(factory=dict)
    labels: dict[str, str] = attrs.field(factory=dict)


class Secrets:
    """The content of all projects, and the methods of the service.

    Args:
        now: Tells the time, in seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.page_size = 100
        """How many entries a page of a list has at the most."""
        self._now = now
        self._projects: dict[str, Project] = {}
        self._secrets: dict[Name, _Secret] = {}
        self._order = count(1)

    # ---------------------------------------------------------------------- what a test does

    def project(self, name: str) -> Project:
        """Return a project by its id or number; a new one if there is none."""
        if name not in self._projects:
            made = Project(name, f"{secrets.randbelow(10**11) + 10**11}")
            self._projects[made.id] = self._projects[made.number] = made
        return self._projects[name]

    def put(
        self, name: Name, payload: bytes, aliases: Iterable[str], labels: dict[str, str]
    ) -> str:
        """Add a version to a secret, and return its name."""
        assert len(payload) <= _MOST, "a payload is at most 64 KiB"
        self.project(name.project)
        kept = self._secrets.get(name)
        if kept is None:
            kept = self._secrets[name] = _Secret(name, self._time(), next(self._order))
        version = Version(len(kept.versions) + 1, payload, self._time())
        kept.versions.append(version)
        kept.aliases |= dict.fromkeys(aliases, version.number)
        kept.labels |= labels
        return str(name._replace(version=str(version.number)))

    def set_state(self, name: Name, state: str) -> None:
        """Enable, disable or destroy a version."""
        version = self._version(self._secrets[name._replace(version=None)], str(name.version), name)
        version.state = state
        if state == "DESTROYED":
            version.payload, version.destroyed = b"", self._time()

    def remove(self, name: Name) -> None:
        """Delete a secret with all its versions."""
        del self._secrets[name]

    # -------------------------------------------------------------------------- the methods

    def access(self, request: Any, host: str, allows: Check) -> Any:
        name, kept = self._found(request.name, host, allows, "secretmanager.versions.access")
        version = self._version(kept, name.version or "", name)
        shown = self._shown(name, version)
        if version.state != "ENABLED":
            message = f"Secret Version [{shown}] is in {version.state} state."
            raise Refused("FAILED_PRECONDITION", message)
        payload = {"data": version.payload, "data_crc32c": crc32c(version.payload)}
        return types.AccessSecretVersionResponse(name=shown, payload=payload)

    def get_version(self, request: Any, host: str, allows: Check) -> Any:
        name, kept = self._found(request.name, host, allows, "secretmanager.versions.get")
        return self._version_message(name, self._version(kept, name.version or "", name))

    def get_secret(self, request: Any, host: str, allows: Check) -> Any:
        name, kept = self._found(
            request.name, host, allows, "secretmanager.secrets.get", version=False
        )
        return self._secret_message(name, kept)

    def list_secrets(self, request: Any, host: str, allows: Check) -> Any:
        name = self._parsed(request.parent, host, "")
        self._check(name, allows, "secretmanager.secrets.list", on_secret=False)
        project, location = self._canonical(name)[:2]
        fits = _filter(request.filter)
        found = sorted(
            (
                each
                for each in self._secrets.values()
                if each.name[:2] == (project, location) and fits(each)
            ),
            key=lambda each: each.order,
            reverse=True,
        )
        page, token = self._page(found, request)
        listed = [self._secret_message(each.name, each) for each in page]
        return types.ListSecretsResponse(
            secrets=listed, next_page_token=token, total_size=len(found)
        )

    def list_versions(self, request: Any, host: str, allows: Check) -> Any:
        name, kept = self._found(
            request.parent, host, allows, "secretmanager.versions.list", version=False
        )
        page, token = self._page(kept.versions[::-1], request)
        listed = [self._version_message(name, each) for each in page]
        return types.ListSecretVersionsResponse(
            versions=listed, next_page_token=token, total_size=len(kept.versions)
        )

    # ----------------------------------------------------------------------------- privately

    def _found(
        self, text: str, host: str, allows: Check, permission: str, *, version: bool = True
    ) -> tuple[Name, _Secret]:
        name = self._parsed(text, host, "/secrets/*/versions/*" if version else "/secrets/*")
        self._check(name, allows, permission, on_secret=True)
        canonical = self._canonical(name)
        kept = self._secrets.get(canonical._replace(version=None))
        if kept is None:
            shown = self._numbered(canonical._replace(version=None))
            raise Refused("NOT_FOUND", f"Secret [{shown}] not found or has no versions.")
        return canonical, kept

    def _parsed(self, text: str, host: str, rest: str) -> Name:
        """Return a name's parts; refuse one whose endpoint this is not."""
        regional = _REGIONAL.match(host)
        parts = NAME.fullmatch(text)
        name = Name(*parts.groups()) if parts else None
        named = host.startswith("secretmanager.")
        location = regional[1] if regional else None
        if (
            name is None
            or (named and name.location != location)
            or len(rest.split("/")) // 2 != sum(part is not None for part in name[2:])
        ):
            form = f"projects/*{f'/locations/{location}' if location else ''}{rest}"
            message = f"The provided Secret ID [{text}] does not match the expected format [{form}]"
            raise Refused("INVALID_ARGUMENT", message)
        return name

    def _check(self, name: Name, allows: Check, permission: str, *, on_secret: bool) -> None:
        project = self._projects.get(name.project)
        if project is None:
            raise denied(permission, str(name))
        if not project.api_enabled:
            raise _disabled(project)
        over = Name(project.id)
        canonical = self._canonical(name)._replace(version=None)
        if not allows(permission, [str(over), *([str(canonical)] if on_secret else [])]):
            raise denied(permission, str(name))

    def _canonical(self, name: Name) -> Name:
        return name._replace(project=self._projects[name.project].id)

    def _numbered(self, name: Name) -> Name:
        return name._replace(project=self._projects[name.project].number)

    def _version(self, kept: _Secret, asked: str, name: Name) -> Version:
        if asked == "latest":
            number = len(kept.versions)
        else:
            number = int(asked) if asked.isdecimal() else kept.aliases.get(asked, 0)
        if not 0 < number <= len(kept.versions):
            shown = self._numbered(name._replace(version=asked))
            raise Refused("NOT_FOUND", f"Secret Version [{shown}] not found.")
        return kept.versions[number - 1]

    def _shown(self, name: Name, version: Version) -> str:
        return str(self._numbered(name._replace(version=str(version.number))))

    def _version_message(self, name: Name, version: Version) -> Any:
        return types.SecretVersion(
            name=self._shown(name, version),
            create_time=version.created,
            destroy_time=version.destroyed,
            state=types.SecretVersion.State[version.state],
            replication_status={"automatic": {}},
            etag=f'"{version.number:x}{version.state[0]}"',
            client_specified_payload_checksum=True,
        )

    def _secret_message(self, name: Name, kept: _Secret) -> Any:
        return types.Secret(
            name=str(self._numbered(name._replace(version=None))),
            replication={"automatic": {}} if name.location is None else None,
            create_time=kept.created,
            labels=kept.labels,
            version_aliases=kept.aliases,
            etag=f'"{len(kept.versions):x}"',
        )

    def _page(self, found: list[_T], request: Any) -> tuple[list[_T], str]:
        start = 0
        if request.page_token:
            try:
                start = int(base64.b64decode(request.page_token, validate=True))
            except ValueError:
                raise Refused("INVALID_ARGUMENT", "Invalid page token.") from None
        if request.page_size < 0:
            raise Refused("INVALID_ARGUMENT", "Page size must not be negative.")
        end = start + min(request.page_size or self.page_size, self.page_size)
        token = base64.b64encode(str(end).encode()).decode() if end < len(found) else ""
        return found[start:end], token

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def _filter(text: str) -> Callable[[_Secret], bool]:
    """Return what a filter lets through: ``name:`` and ``labels.x=y``, with ``OR`` between them."""
    terms = [term.strip() for term in text.split(" OR ")] if text.strip() else []
    tests = [_term(term) for term in terms]
    return lambda each: not tests or any(test(each) for test in tests)


def _term(term: str) -> Callable[[_Secret], bool]:
    kind, colon, words = term.partition(":")
    if kind == "name" and colon:
        words = words.strip('"').lower()
        return lambda each: words in (each.name.secret or "").lower()
    label = re.fullmatch(r"labels\.([\w-]+)=([\w-]*)", term)
    if label is None:
        raise Refused("INVALID_ARGUMENT", f"Invalid filter: {term}")
    return lambda each: each.labels.get(label[1]) == label[2]


def _disabled(project: Project) -> Refused:
    number = project.number
    message = (
        f"Secret Manager API has not been used in project {number} before or it is disabled. "
        "Enable it by visiting https://console.developers.google.com/apis/api/"
        f"secretmanager.googleapis.com/overview?project={number} then retry."
    )
    about = {"consumer": f"projects/{number}", "service": "secretmanager.googleapis.com"}
    return Refused("PERMISSION_DENIED", message, "SERVICE_DISABLED", "googleapis.com", about)
