"""Application default credentials: what Google's own tools and libraries use on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from unvault.errors import CredentialMissing
from unvault_gcp import machine
from unvault_gcp.asking import Web
from unvault_gcp.federation import by_federation
from unvault_gcp.key_files import Content, Seen, checked, read, text_in
from unvault_gcp.service_accounts import by_key, by_url
from unvault_gcp.tokens import Caller
from unvault_gcp.users import by_refresh_token, by_workforce_token

_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
_FILE = "application_default_credentials.json"


def find(web: Web) -> Caller:
    """Sign in with application default credentials.

    They are looked for in Google's order: the file that a variable names, the file of gcloud, the
    metadata server of the machine.

    Raises:
        CredentialMissing: There are none, or a file of them cannot be used.
        UnvaultError: What they name gave no token.
    """
    path = _path()
    if path is not None:
        named = f"the file {str(path)!r}"
        advice = f"check {_VARIABLE}" if os.environ.get(_VARIABLE) else _LOGIN
        seen = Seen.now(path)
        caller = attrs.evolve(_by_file(web, read(path, advice), named, advice), file=seen)
    else:
        found = machine.by_metadata(web)
        if found is None:
            raise _nothing()
        caller = found
    project = _project_of_environment() or caller.project
    if project is None and not web.connection.project:
        project = _project_of_gcloud() if path else machine.project_of_machine(web)
    quota = os.environ.get("GOOGLE_CLOUD_QUOTA_PROJECT") or caller.quota_project
    return attrs.evolve(caller, project=project, quota_project=quota)


_LOGIN = "sign in anew: gcloud auth application-default login"


def _path() -> Path | None:
    named = os.environ.get(_VARIABLE)
    if named:
        return Path(named)
    known = _folder() / _FILE
    return known if known.is_file() else None


def _folder() -> Path:
    """Return the folder where gcloud keeps what it knows."""
    named = os.environ.get("CLOUDSDK_CONFIG")
    if named:
        return Path(named)
    if os.name == "nt":
        return Path(os.environ.get("APPDATA") or "C:\\") / "gcloud"
    try:
        return Path.home() / ".config" / "gcloud"
    except RuntimeError:  # nobody knows whose home it would be
        return Path("/nowhere")


def _by_file(web: Web, content: Content, named: str, advice: str) -> Caller:
    kind = content.get("type")
    makers: Mapping[object, Callable[[], Caller]] = {
        "service_account": lambda: by_key(web, checked(content, named, advice), named),
        "authorized_user": lambda: by_refresh_token(web, content, named),
        "external_account": lambda: by_federation(web, content, named),
        "external_account_authorized_user": lambda: by_workforce_token(web, content, named),
        "impersonated_service_account": lambda: _impersonated(web, content, named, advice),
    }
    if not isinstance(kind, str) or kind not in makers:
        raise CredentialMissing(
            f"{named} cannot be used: its type is none of those that are known",
            hint=f"{advice}; the types are {', '.join(map(str, makers))}",
        )
    return makers[kind]()


def _impersonated(web: Web, content: Content, named: str, advice: str) -> Caller:
    source: Any = content.get("source_credentials")
    target, delegates = content.get("service_account_impersonation_url"), content.get("delegates")
    if not isinstance(source, dict) or not isinstance(target, str):
        raise CredentialMissing(
            f"{named} cannot be used: it has no source_credentials, or does not say whom to"
            " impersonate",
            hint=advice,
        )
    if source.get("type") == "impersonated_service_account":
        raise CredentialMissing(
            f"{named} cannot be used: its source is impersonated in its turn",
            hint="name those on the way as delegates",
        )
    caller = _by_file(web, source, named, advice)
    on_the_way = [str(each) for each in delegates] if isinstance(delegates, list) else []
    found = by_url(web, caller, target, delegates=on_the_way)
    return attrs.evolve(found, quota_project=text_in(content, "quota_project_id"))


def _project_of_environment() -> str | None:
    names = ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT")
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _project_of_gcloud() -> str | None:
    """Return the project that gcloud is set to, as its files say."""
    from configparser import ConfigParser, Error

    if os.environ.get("CLOUDSDK_CORE_PROJECT"):
        return os.environ["CLOUDSDK_CORE_PROJECT"]
    folder = _folder()
    parser = ConfigParser(interpolation=None)
    try:
        name = os.environ.get("CLOUDSDK_ACTIVE_CONFIG_NAME")
        name = name or (folder / "active_config").read_text(encoding="utf-8").strip()
        file = folder / "configurations" / f"config_{name}"
        parser.read_string(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, Error):
        return None
    return parser.get("core", "project", fallback=None) or None


def _nothing() -> CredentialMissing:
    return CredentialMissing(
        f"there are no application default credentials: {_VARIABLE} is not set, there is no file"
        f" {str(_folder() / _FILE)!r}, and this is no machine of Google's",
        hint="gcloud auth application-default login, or store a credential: unvault credentials"
        " add gcp --name NAME",
    )
