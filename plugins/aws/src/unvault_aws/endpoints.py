"""Addresses of AWS's services, as the environment and the AWS files configure them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from unvault.checking import check_answer
from unvault.errors import CredentialMissing
from unvault.forms import Field, Kind

SERVICES = ("secretsmanager", "sts", "sso", "sso-oidc")
"""Services that are asked, as the SDK calls them."""

_ADDRESS = Field("endpoint", kind=Kind.URL)
_NAMES = {"secretsmanager": "secrets_manager", "sso-oidc": "sso_oidc"}
_HINT = "it has to be an address such as http://127.0.0.1:4566; or leave it out for AWS's own"


def check_endpoints(sdk: Any, services: Iterable[str] = SERVICES) -> None:
    """Check the addresses that the SDK would take from the environment and the AWS files.

    Args:
        sdk: A session of the SDK's.
        services: Whose addresses.

    Raises:
        CredentialMissing: One is no address; it says where that was set, and not what.
    """
    if sdk.get_config_variable("ignore_configured_endpoint_urls"):
        return
    for service in services:
        # The first is the one that counts.
        where, address = next(_configured(sdk, _NAMES.get(service, service)), ("", ""))
        try:
            if address:
                check_answer(_ADDRESS, address)
            continue
        except ValueError as error:
            problem = str(error)
        raise CredentialMissing(f"what {where} says {problem}", hint=_HINT)


def _configured(sdk: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield the addresses of a service, most specific first, and where each was set."""
    for variable in (f"AWS_ENDPOINT_URL_{name.upper()}", "AWS_ENDPOINT_URL"):
        if address := os.environ.get(variable):
            yield f"the variable {variable}", address
    profile = sdk.get_scoped_config()
    profile_name = sdk.get_config_variable("profile") or "default"
    section = profile.get("services")
    if section is not None:
        told = _services(sdk, section, profile_name).get(name, {})
        where = f"{name} in the section [services {section}]"
        if not isinstance(told, Mapping):
            raise CredentialMissing(
                f"{where} has its address on the same line",
                hint="below the line that names the service, indented: endpoint_url = ADDRESS",
            )
        if address := told.get("endpoint_url"):
            yield f"endpoint_url of {where}", address
    if address := profile.get("endpoint_url"):
        yield f"endpoint_url of the profile {profile_name!r}", address


def _services(sdk: Any, section: str, profile: str) -> Mapping[str, Any]:
    known: Mapping[str, Mapping[str, Any]] = sdk.full_config.get("services", {})
    if section not in known:
        raise CredentialMissing(
            f"the profile {profile!r} names a section [services {section}] that is not there",
            hint="add it to the config file, or take the line services out of the profile",
        )
    return known[section]
