"""The bare SDK."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import secretmanager
from google.oauth2 import service_account
from tests.servers.gcp_accounts import ServiceAccount


def client(credentials: Any, endpoint: str | None = None, *, transport: str = "grpc") -> Any:
    """Return a client of the SDK's; for Google's own name, where no endpoint is given."""
    options = {"api_endpoint": endpoint} if endpoint else {}
    return secretmanager.SecretManagerServiceClient(
        credentials=credentials, transport=transport, client_options=options
    )


def keyed(account: ServiceAccount, **changes: Any) -> Any:
    """Return the SDK's credentials for a new key of an account, some members of it changed."""
    return service_account.Credentials.from_service_account_info(account.key(**changes))


def asked(made: Any, name: str, **options: Any) -> Any:
    """Return the payload of a version, which is asked for once."""
    options = {"retry": None, "timeout": 10} | options
    return made.access_secret_version(name=name, **options).payload


def code_of(made: Any, name: str, **options: Any) -> tuple[int, str]:
    """Return the status and the reason with which a request for a version is refused."""
    with pytest.raises(GoogleAPICallError) as caught:
        asked(made, name, **options)
    return int(caught.value.code), caught.value.reason or ""
