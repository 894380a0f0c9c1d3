"""Machines of Google's: tokens of the service account that one runs as, from its metadata server.

How to ask it is google-auth's. Whether to ask it is ours: google-auth would ask on any machine, for
some nine seconds where nobody answers. Here it is asked only where something says that this is such
a machine.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from unvault.errors import CredentialMissing, Unavailable
from unvault_gcp.asking import Answer, Web
from unvault_gcp.refreshing import About, Request, refreshed
from unvault_gcp.tokens import SCOPE, Caller

WHERE = "the machine's metadata server"
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
_FLAVOR = {"Metadata-Flavor": "Google"}
_ADVICE = "see that the machine's service account is enabled"


class _Request(Request):
    """Asks the metadata server, by no proxy, and believes nobody else."""

    def __call__(self, url: str, *args: Any, **options: Any) -> Answer:
        """Return an answer; see `Request`.

        Raises:
            CredentialMissing: The machine runs as no service account.
            Unavailable: There is none, or of somebody else.
        """
        answer = super().__call__(url, *args, **options)
        if answer.status == 404 and "/service-accounts/" in url:
            raise CredentialMissing(
                "this machine runs as no service account", hint="give it one, or store a credential"
            )
        if answer.is_good and not _is_genuine(answer):
            raise Unavailable(
                f"what answers in place of {WHERE} is something else",
                hint="check GCE_METADATA_HOST, or set NO_GCE_CHECK=true where this is no machine of"
                " Google's",
            )
        return answer


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
    from google.auth.compute_engine import Credentials

    credentials = Credentials(default_scopes=[SCOPE])
    token, expires = refreshed(credentials, _asking(web), About("the machine's sign-in", _ADVICE))
    return Caller(
        token,
        expires,
        name=credentials.service_account_email,
        origin="the service account of this machine",
        advice=_ADVICE,
    )


def project_of_machine(web: Web) -> str | None:
    """Return the project that this machine is in; None where its server does not say."""
    answer = _asking(web)(_url("project/project-id", _HOST), headers=_FLAVOR)
    return answer.text.strip() or None if answer.is_good else None


def _asking(web: Web) -> _Request:
    return _Request(web, elsewhere=WHERE, directly=True)


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

    known: dict[str, Any] = {"seconds": _GLANCE_SECONDS, "headers": _FLAVOR, "directly": True}
    try:
        return _is_genuine(web.once(WHERE, "GET", _url("", _ADDRESS), **known))
    except (Again, Unavailable):
        return False


def _is_genuine(answer: Answer) -> bool:
    return answer.headers.get("Metadata-Flavor") == _FLAVOR["Metadata-Flavor"]


def _url(path: str, plain: str) -> str:
    host = os.environ.get("GCE_METADATA_HOST") or os.environ.get("GCE_METADATA_ROOT") or plain
    return f"http://{host}/computeMetadata/v1/{path}"
