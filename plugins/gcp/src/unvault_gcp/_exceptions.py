"""Translates what the libraries raise, other than for an answer, into unvault's errors.

Of an exception's own text nothing is shown: only a few known phrases are looked for in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from unvault.errors import CredentialMissing, Unavailable, UnvaultError
from unvault_gcp._errors import no_answer, timed_out

_Made = Callable[[str, str], UnvaultError]


def _timed_out(_text: str, where: str) -> UnvaultError:
    return timed_out(where)


def _away(_text: str, where: str) -> UnvaultError:
    return Unavailable(f"{where} cannot be reached", hint="check the endpoint and the network")


def _unknown_host(_text: str, where: str) -> UnvaultError:
    return Unavailable(
        f"the name of the host of {where} is not known here",
        hint="check the location, the endpoint, the universe domain and the network's name servers",
    )


def _cut(_text: str, where: str) -> UnvaultError:
    return Unavailable(f"{where} broke the connection", hint="try again in a while")


def _proxy(_text: str, where: str) -> UnvaultError:
    return Unavailable(
        f"the proxy on the way to {where} cannot be used, or does not let through",
        hint="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
    )


def _cut_behind_proxy(_text: str, where: str) -> UnvaultError:
    return Unavailable(
        f"the connection to {where}, by way of a proxy, was broken",
        hint="try again in a while; and check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
    )


def _untrusted(text: str, where: str) -> UnvaultError:
    if re.search(_BROKEN_OFF, text):
        return _cut(text, where)
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text.lower():
        why, hint = "does not speak TLS", "give the endpoint with http://"
    elif re.search("ostname mismatch|not valid for|eer name|Hostname Verification", text):
        why, hint = "has a TLS certificate for another host", "check the endpoint"
    elif "expired" in text:
        why, hint = "has a TLS certificate that has expired", "tell who runs it"
    elif "certificate verify failed" in text.lower().replace("_", " "):
        why = "has a TLS certificate that is not trusted"
        hint = "name the CA's file: the field ca_file, or SSL_CERT_FILE"
    else:
        why, hint = "agrees on no TLS", "check the endpoint, and what is on the way to it"
    return Unavailable(f"{where} {why}", hint=hint)


def _garbled(_text: str, where: str) -> UnvaultError:
    return no_answer(where)


def _no_such_file(_text: str, _where: str) -> UnvaultError:
    return Unavailable(
        "a file with certificates cannot be read, or is none",
        hint="check the field ca_file, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and SSL_CERT_FILE",
    )


def _not_given(_text: str, where: str) -> UnvaultError:
    return CredentialMissing(
        f"{where} cannot be read, or holds none",
        hint="check credential_source in the configuration file, and what it names",
    )


def _misconfigured(_text: str, _where: str) -> UnvaultError:
    return CredentialMissing(
        "the configuration file cannot be used",
        hint="write it anew: gcloud iam workload-identity-pools create-cred-config; a program that"
        " it names is run only where GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES is 1",
    )


HTTP: Mapping[str, _Made] = {
    "ConnectTimeoutError": _timed_out,
    "ReadTimeoutError": _timed_out,
    "TimeoutError": _timed_out,
    "NameResolutionError": _unknown_host,
    "NewConnectionError": _away,
    "ProxyError": _proxy,
    "ProxySchemeUnknown": _proxy,
    "ProxySchemeUnsupported": _proxy,
    "SSLError": _untrusted,
    "SSLCertVerificationError": _untrusted,
    "ProtocolError": _cut,
    "IncompleteRead": _cut,
    "LocationValueError": _away,
    "TooLarge": _garbled,
    "NoCertificates": _no_such_file,
    "FileNotFoundError": _no_such_file,
    "PermissionError": _no_such_file,
    "IsADirectoryError": _no_such_file,
    "OSError": _away,
}
"""What an exception of urllib3's or the system's becomes, by the name of its class."""

_BROKEN_OFF = r"EOF occurred|closed \(EOF\)"
"""What TLS says where the other side hung up, while it was agreed on or later."""

AGAIN = frozenset({"NameResolutionError", "NewConnectionError", "ProtocolError", "IncompleteRead"})
"""Those after which the same may work in a moment."""

AUTH: dict[str, _Made] = {
    "TimeoutError": _timed_out,
    "TransportError": _away,
    "ResponseError": _garbled,
    "RefreshError": _not_given,
    "OAuthError": _not_given,
    "MutualTLSChannelError": _misconfigured,
    "ClientCertError": _misconfigured,
    "DefaultCredentialsError": _misconfigured,
    "InvalidResource": _misconfigured,
    "InvalidType": _misconfigured,
    "InvalidValue": _misconfigured,
    "MalformedError": _misconfigured,
    "InvalidOperation": _misconfigured,
    "OSError": _not_given,
}
"""What an exception of google-auth's becomes, by the name of its class."""

READING: dict[str, _Made] = {
    "LookupError": _not_given,
    "ValueError": _not_given,
    "SubprocessError": _timed_out,
    "TypeError": _misconfigured,
    "AttributeError": _misconfigured,
}
"""What others become that reading a file, or what a program prints, raises."""

GENERIC_AUTH = frozenset(
    {
        # Of ways of using google-auth that are not used here.
        *("ReauthFailError", "ReauthSamlChallengeFailError", "UserAccessTokenError"),
        # What all others are made from.
        "GoogleAuthError",
    }
)
"""Exceptions of google-auth's that have no better word than that it failed."""


def http_error(error: Exception, where: str) -> tuple[UnvaultError, bool]:
    """Return the error for a request without an answer, and whether it may work in a moment."""
    # urllib3 blames the proxy for whatever breaks before an answer, also long after the proxy did
    # all that it has to do: what it closes, it counts as never connected.
    origin = getattr(error, "original_error", None)
    if isinstance(origin, ConnectionError):
        return _cut_behind_proxy("", where), True
    for kind in type(error).__mro__:
        if kind.__name__ in HTTP:
            failed = HTTP[kind.__name__](str(error), where)
            passing = {kind.__name__, type(origin).__name__} & AGAIN
            return failed, bool(passing or re.search(_BROKEN_OFF, str(error)))
    return _unknown(error, where), False


def auth_error(error: Exception, where: str) -> UnvaultError:
    """Return the error for what google-auth raised before anybody was asked, or with no reason."""
    known = AUTH | READING
    for kind in type(error).__mro__:
        if kind.__name__ in GENERIC_AUTH:
            break
        if kind.__name__ in known:
            return known[kind.__name__]("", where)
    return _unknown(error, where)


_GRPC: tuple[tuple[str, _Made], ...] = (
    ("HTTP proxy", _proxy),
    ("CERTIFICATE_VERIFY_FAILED", _untrusted),
    ("handshake failed", _untrusted),
    ("Hostname Verification", _untrusted),
    ("Peer name", _untrusted),
    ("address lookup failed", _unknown_host),
    ("DNS resolution failed", _unknown_host),
    ("errors resolving", _unknown_host),
    ("Failed parsing HTTP/2", _garbled),
    ("failed to connect", _away),
    ("Socket closed", _cut),
    ("onnection reset", _cut),
    ("GOAWAY", _cut),
)
"""What gRPC says where no server did, and what it becomes: most specific first."""


def grpc_error(details: str, where: str, *, proxied: bool) -> UnvaultError | None:
    """Return the error for a call that no server answered; None where one did.

    Args:
        details: What gRPC says.
        where: Who was asked.
        proxied: Whether by a proxy, which is all that was connected to, then.
    """
    for phrase, made in _GRPC:
        if phrase in details:
            return (_proxy if proxied and made is _away else made)(details, where)
    return None


def _unknown(error: Exception, where: str) -> UnvaultError:
    return Unavailable(
        f"asking {where} failed ({type(error).__name__}); the message is withheld, since it might"
        " hold a secret",
        hint="check the credential's fields",
    )
