"""Translates what a server answers, and what the way to it does, into unvault's errors.

No text of an answer is shown: it may hold what was sent, or what was asked for. Only what a server
says when it refuses a sign-in is told, without the credential's own secrets.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    CredentialRejected,
    TimedOut,
    Unavailable,
    UnvaultError,
)
from unvault.errors import Throttled as TooMany
from unvault.retries import Again

if TYPE_CHECKING:
    import requests

AGAIN = frozenset({412, 429, 472, 473, 500, 502, 503, 504})
"""Answers after which the same may work in a moment."""

NOT_DONE = frozenset({412, 429, 472, 473, 503})
"""Those of them that say for sure that nothing was done."""

_STATES = {
    412: "has not yet caught up with what was written last",
    429: "asks to be asked less often",
    472: "is a standby of a disaster-recovery cluster, which answers nothing",
    473: "is a performance standby that cannot answer",
    500: "failed",
    501: "is not initialized",
    502: "is behind a gateway that cannot reach it",
    503: "is sealed, or down for maintenance",
    504: "is behind a gateway that does not hear from it in time",
}
_REASONS = (
    "invalid role or secret ID",
    "invalid role ID",
    "invalid secret id",
    "invalid username or password",
    "error validating token",
    "audience claim does not match any bound audience",
    "claim does not match any associated bound claim values",
    "token is expired",
    "invalid subject",
    "service account name not authorized",
    "namespace not authorized",
    "could not be found",
    "missing role",
    "missing client token",
    "invalid certificate or no client certificate supplied",
    "no chain matching all constraints",
    "unauthorized through CIDR",
    "user is locked",
    "namespace not found",
    "no handler for route",
    "permission denied",
)
WANTS_TLS = "Client sent an HTTP request to an HTTPS server"
"""What a server written in Go says to who does not speak TLS."""


class Refused(Exception):
    """An answer that is no success, with what was understood of it. Its text is not in ours."""

    def __init__(
        self, status: int, errors: Iterable[str] = (), body: Any = None, after: float | None = None
    ) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.errors = tuple(errors)
        self.body = body
        self.after = after

    def says(self, *phrases: str) -> bool:
        """Say whether one of the server's errors holds one of these phrases."""
        return any(phrase in error for error in self.errors for phrase in phrases)

    @property
    def token_is_dead(self) -> bool:
        """Whether a 403 means that the token is not valid, not that a policy forbids it.

        Vault and OpenBao say ``permission denied`` to a token they do not know and ``1 error
        occurred: * permission denied`` to one whose policies do not allow it; newer ones add
        ``invalid token`` to the first.
        """
        if self.status != 403:
            return False
        return self.says("invalid token", "bad token") or self.errors == ("permission denied",)


class TooLarge(ValueError):
    """An answer that is larger than any that a vault gives."""


def refuse(response: requests.Response, *_: Any, **__: Any) -> None:
    """Raise `Refused` for an answer that is no success: a response hook of requests."""
    if response.status_code in {200, 204}:
        return
    body: Any = None
    with contextlib.suppress(ValueError):
        body = response.json()  # read to its end, so that the connection can be used again
    errors = body.get("errors") if isinstance(body, dict) else None
    told = [each for each in errors if isinstance(each, str)] if isinstance(errors, list) else []
    if response.status_code == 400 and WANTS_TLS.encode() in response.content[:200]:
        told = [WANTS_TLS]
    raise Refused(response.status_code, told, body, _seconds(response.headers.get("Retry-After")))


def again_or_not(refused: Refused, address: str, *, once: bool) -> UnvaultError | None:
    """Return the error for an answer after which the same may work; None for any other answer.

    Args:
        refused: The answer.
        address: The server's address.
        once: Whether it matters that what was asked for is not done twice.

    Raises:
        Again: The same may be tried in a moment.
    """
    if refused.status not in _STATES:
        return None
    error = outage(refused.status, address)
    if refused.status in (NOT_DONE if once else AGAIN):
        raise Again(error, after=refused.after) from None
    return error


def outage(status: int, address: str, state: str | None = None) -> Unavailable:
    """Return the error for a server that cannot answer now."""
    kind = TooMany if status == 429 else Unavailable
    hints = {
        501: "somebody has to initialize it: bao operator init, or vault operator init",
        503: "if it is sealed, somebody has to unseal it: bao operator unseal",
    }
    return kind(
        f"the server at {address} {state or _STATES[status]}",
        hint=hints.get(status, "try again in a while"),
    )


def lost(error: Exception, address: str, *, once: bool) -> UnvaultError:
    """Return the error for a request that got no answer.

    Raises:
        Again: The same may be tried in a moment.
    """
    import requests.exceptions as sent

    if isinstance(error, sent.Timeout):  # it had all the time there was
        return TimedOut(
            f"the server at {address} did not answer in time",
            hint="check the address and the network, or give the credential a longer timeout",
        )
    if isinstance(error, sent.SSLError):
        return _untrusted(error, address)
    if isinstance(error, sent.ProxyError):
        return _again(
            f"the proxy on the way to {address} cannot be used", "check HTTPS_PROXY and HTTP_PROXY"
        )
    if isinstance(error, sent.ConnectionError):
        return _unheard(str(error), address, once=once)
    if isinstance(error, sent.ChunkedEncodingError | sent.ContentDecodingError):
        return _cut(address, refused=False, once=once)
    return _not_sent(error, address)


def _not_sent(error: Exception, address: str) -> UnvaultError:
    """Return the error for what stood in the way on this side."""
    import requests.exceptions as sent

    if isinstance(error, sent.InvalidProxyURL):
        return Unavailable(
            f"the address of the proxy on the way to {address} is not valid",
            hint="check HTTPS_PROXY and HTTP_PROXY",
        )
    if type(error) is OSError:  # all that requests raises itself is more precise
        return CredentialMissing(
            "the file or folder of the certificates to trust is not there",
            hint="check REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and SSL_CERT_FILE",
        )
    if isinstance(error, TooLarge):
        return Unavailable(
            f"the server at {address} answers with more than 32 MiB", hint="check the path"
        )
    return Unavailable(
        f"the server at {address} cannot be asked ({type(error).__name__})",
        hint="check the address",
    )


def _unheard(text: str, address: str, *, once: bool) -> UnvaultError:
    if "NameResolution" in text or "getaddrinfo" in text:
        return _again(f"the name of the server at {address} is not known", "check the address")
    if "CERTIFICATE_REQUIRED" in text or "certificate required" in text:
        return Unavailable(
            f"the server at {address} wants a client certificate",
            hint="give the credential the fields client_cert and client_key",
        )
    return _cut(address, refused="NewConnectionError" in text, once=once)


def no_vault(address: str) -> Unavailable:
    """Return the error for an answer that no vault would give."""
    return Unavailable(
        f"what answers at {address} is no Vault server",
        hint="check the address: scheme, host and port, without a path",
    )


def rejected(refused: Refused, method: str, mount: str) -> CredentialRejected:
    """Return the error for a sign-in that the server refused.

    Of its reason only words are repeated that are known to be a server's own: the others may be
    the credential's, in whatever writing.

    Args:
        refused: The answer.
        method: The authentication method.
        mount: Where it should be mounted.
    """
    reason = ", ".join(phrase for phrase in _REASONS if refused.says(phrase))
    if not reason and refused.errors:
        reason = "its reason is withheld, as it might hold a part of the credential"
    hint = "check the credential's fields"
    if refused.says("namespace not found"):
        hint = "check namespace and auth_namespace"
    elif refused.says("invalid role or secret ID", "invalid secret id"):
        hint += "; a secret id expires, and may be used up: unvault credentials edit NAME"
        hint += " --field-file secret_id=- takes another one"
    elif refused.status in {403, 404}:  # OpenBao does not tell strangers what is mounted
        hint += f", that {method} is mounted at {mount!r} (auth_mount), and the namespace"
    return CredentialRejected(
        f"the server refused to sign in by {method}" + (f": {reason}" if reason else ""), hint=hint
    )


def denied(path: str, capability: str = "read") -> AccessDenied:
    """Return the error for a path that the token's policies do not allow.

    Args:
        path: The path, as a policy has to name it.
        capability: What the policy has to allow.
    """
    doing = {"read": "read", "list": "list"}.get(capability, "write to")
    return AccessDenied(
        f"the token may not {doing} {path!r}",
        hint=f'its policies need: path "{path}" {{ capabilities = ["{capability}"] }}',
    )


def no_certificate() -> CredentialMissing:
    """Return the error for a client certificate that the TLS library does not take."""
    return CredentialMissing(
        "the client certificate cannot be used: it is no PEM file, or its key is missing or"
        " another one's",
        hint="check the fields client_cert and client_key",
    )


def _again(message: str, hint: str) -> Unavailable:
    raise Again(Unavailable(message, hint=hint)) from None


def _cut(address: str, *, refused: bool, once: bool) -> Unavailable:
    error = Unavailable(
        f"the server at {address} {'cannot be reached' if refused else 'broke the connection'}",
        hint="check the address, and that the server runs",
    )
    if refused or not once:
        raise Again(error) from None
    return error


def _untrusted(error: Exception, address: str) -> UnvaultError:
    text = str(error)
    if "PEM lib" in text or "KEY_VALUES_MISMATCH" in text:
        return no_certificate()
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text.lower():
        return Unavailable(
            f"what answers at {address} does not speak TLS", hint="try it with http://"
        )
    if "ostname mismatch" in text or "doesn't match" in text or "not valid for" in text:
        why, hint = "is for another host", "use the name that the certificate is for"
    elif "expired" in text:
        why, hint = "has expired", "tell who runs the server"
    elif "certificate required" in text.lower() or "CERTIFICATE_REQUIRED" in text:
        return Unavailable(
            f"the server at {address} wants a client certificate",
            hint="give the credential the fields client_cert and client_key",
        )
    else:
        why, hint = "is not trusted", "name its CA: the field ca_file, or VAULT_CACERT"
    return Unavailable(f"the TLS certificate of the server at {address} {why}", hint=hint)


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"[0-9]{1,6}", text.strip()) else None
