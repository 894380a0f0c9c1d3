"""Machines of Google's: tokens of the service account that one runs as, from its metadata server.

The metadata server is asked only where something says that this is such a machine. On any other,
to ask it may take as long as one is willing to wait.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from unvault.errors import CredentialMissing, Unavailable
from unvault_gcp.asking import Answer, Web
from unvault_gcp.tokens import Caller, token_in

WHERE = "the machine's metadata server"
ORIGIN = "the service account of this machine"
_HOST = "metadata.google.internal"
_ADDRESS = "169.254.169.254"
"""The same, for who would rather not wait for a name server that does not know it."""

_SIGNS = (
    *("GCE_METADATA_HOST", "GCE_METADATA_ROOT"),
    *("K_SERVICE", "K_REVISION", "CLOUD_RUN_JOB", "FUNCTION_TARGET"),
    *("GAE_ENV", "GAE_RUNTIME", "GAE_INSTANCE"),
)
"""Variables that are set on Cloud Run, Cloud Functions and App Engine, or by who means it."""

_CLUSTER = "KUBERNETES_SERVICE_HOST"
"""A variable that is set in every cluster: also in those that are not Google's."""

_PRODUCT = Path("/sys/class/dmi/id/product_name")
_GLANCE_SECONDS = 0.5
_ACCOUNT = "instance/service-accounts/default"


def by_metadata(web: Web) -> Caller | None:
    """Have a token of the service account that this machine runs as; None where it is none.

    Raises:
        CredentialMissing: The machine runs as no service account.
        Unavailable: It is such a machine, and its metadata server does not answer.
    """
    if os.environ.get("NO_GCE_CHECK", "").lower() == "true":
        return None
    if not _is_googles() and not (os.environ.get(_CLUSTER) and _answers(web)):
        return None
    answer = _asked(web, f"{_ACCOUNT}/token")
    if answer.status == 404:
        raise CredentialMissing(
            "this machine runs as no service account", hint="give it one, or store a credential"
        )
    return Caller(
        token_in(_genuine(answer), WHERE, value="access_token", seconds="expires_in"),
        origin=ORIGIN,
        advice="see that the machine's service account is enabled",
    )


def project_of_machine(web: Web) -> str | None:
    """Return the project that this machine is in; None where its server does not say."""
    answer = _asked(web, "project/project-id")
    return answer.text.strip() or None if answer.is_good else None


def name_of_machine(web: Web) -> str | None:
    """Return the email address of the service account that this machine runs as."""
    answer = _asked(web, f"{_ACCOUNT}/email")
    return answer.text.strip() or None if answer.is_good else None


def _is_googles() -> bool:
    if any(os.environ.get(name) for name in _SIGNS):
        return True
    try:
        return _PRODUCT.read_text(encoding="utf-8").startswith("Google")
    except (OSError, UnicodeError):
        return False


def _answers(web: Web) -> bool:
    """Say, after a moment at the most, whether there is a metadata server of Google's."""
    from unvault.retries import Again

    try:
        url = _url("", _ADDRESS)
        answer = web.once(WHERE, "GET", url, seconds=_GLANCE_SECONDS, **_options())
    except (Again, Unavailable):
        return False
    return answer.headers.get("Metadata-Flavor") == "Google"


def _asked(web: Web, path: str) -> Answer:
    return web.ask(WHERE, "GET", _url(path, _HOST), **_options())


def _genuine(answer: Answer) -> Answer:
    if answer.headers.get("Metadata-Flavor") != "Google":
        raise Unavailable(
            f"what answers in place of {WHERE} is something else",
            hint="check GCE_METADATA_HOST, or set NO_GCE_CHECK=true where this is no machine of"
            " Google's",
        )
    return answer


def _url(path: str, plain: str) -> str:
    host = os.environ.get("GCE_METADATA_HOST") or os.environ.get("GCE_METADATA_ROOT") or plain
    return f"http://{host}/computeMetadata/v1/{path}"


def _options() -> dict[str, Any]:
    return {"headers": {"Metadata-Flavor": "Google"}, "directly": True}
