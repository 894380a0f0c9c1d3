"""Translates what the SDK raises into unvault's errors. Of an exception's text nothing is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from unvault.errors import (
    CredentialMissing,
    CredentialRejected,
    InteractionRequired,
    TimedOut,
    Unavailable,
    UnvaultError,
)
from unvault_azure._errors import no_answer

_IN_A_CHAIN = "failed to retrieve a token from the included credentials"
"""What the SDK says where none of several ways to sign in led anywhere."""

_OTHER_TENANT = "not configured to acquire tokens for tenant"
"""What it says where a vault belongs to another tenant than what was found."""

_NO_CLI = "Failed to invoke the Azure"
"""What it says where az or azd did not end in time."""

_NO_REASON = "Authentication failed: None"
"""What it says of an answer that has neither a token nor an error in it."""

_Made = Callable[[Any, str], UnvaultError]


def _timed_out(_error: Any, where: str) -> UnvaultError:
    return TimedOut(
        f"{where} did not answer in time",
        hint="check the network, or give the credential a longer timeout",
    )


def _cut(_error: Any, where: str) -> UnvaultError:
    return Unavailable(f"{where} broke the connection", hint="try again in a while")


def _away(error: Any, where: str) -> UnvaultError:
    inner = getattr(error, "inner_exception", None)
    kinds = _names(inner)
    if "SSLError" in kinds:
        return _untrusted(str(inner), where)
    if "ProxyError" in kinds and "Tunnel connection failed" in str(inner):
        return Unavailable(
            f"the proxy on the way does not lead to {where}",
            hint="check the vault's name and the cloud, and HTTPS_PROXY and NO_PROXY",
        )
    if "ProxyError" in kinds:
        return Unavailable(
            f"the proxy on the way to {where} cannot be used",
            hint="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
        )
    if "NameResolutionError" in kinds:
        return Unavailable(
            f"{where} cannot be reached: there is no such host",
            hint="check the vault's name, the cloud and the network",
        )
    return Unavailable(f"{where} cannot be reached", hint="check the address and the network")


def _untrusted(text: str, where: str) -> UnvaultError:
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text.lower():
        why, hint = "does not speak TLS", "check the address"
    elif "ostname mismatch" in text or "not valid for" in text:
        why, hint = "has a TLS certificate for another host", "check the address"
    elif "expired" in text:
        why, hint = "has a TLS certificate that has expired", "tell who runs it"
    else:
        why = "has a TLS certificate that is not trusted"
        hint = "name the authority's file: REQUESTS_CA_BUNDLE"
    return Unavailable(f"{where} {why}", hint=hint)


def other_tenant() -> UnvaultError:
    """Return the error for where the vault belongs to another tenant than the credential."""
    return CredentialRejected(
        "the vault belongs to another tenant than the credential",
        hint="account, application and vault have to belong to one organization: check the field"
        " tenant_id, or AZURE_TENANT_ID",
    )


def _nothing_found(error: Any, _where: str) -> UnvaultError:
    if _NO_CLI in str(getattr(error, "message", "")):
        return TimedOut(
            "az, or azd, did not answer in time",
            hint="see how long it takes: az account show; a credential of the type cli may have a"
            " longer timeout",
        )
    return CredentialMissing(
        "the Azure SDK finds nothing to sign in with",
        hint="sign in with az login, set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET,"
        " or store a credential: unvault credentials add azure",
    )


def _not_signed_in(error: Any, where: str) -> UnvaultError:
    if _OTHER_TENANT in str(getattr(error, "message", "")):
        return other_tenant()
    if _IN_A_CHAIN in str(getattr(error, "message", ""))[:200]:
        return _nothing_found(error, where)
    if getattr(error, "message", "") == _NO_REASON:
        return no_answer(where)
    return CredentialRejected(f"{where} gives no token", hint="check the credential's fields")


def _somebody(_error: Any, _where: str) -> UnvaultError:
    return InteractionRequired(
        "somebody has to sign in", hint="unvault credentials login NAME, or az login"
    )


def _garbled(_error: Any, where: str) -> UnvaultError:
    return no_answer(where)


def _elsewhere(_error: Any, where: str) -> UnvaultError:
    return Unavailable(
        f"{where} sends us elsewhere, and a token is not sent there", hint="check the address"
    )


KINDS: Mapping[str, _Made] = {
    # azure.core
    "ServiceRequestTimeoutError": _timed_out,
    "ServiceResponseTimeoutError": _timed_out,
    "ServiceRequestError": _away,
    "ServiceResponseError": _cut,
    "IncompleteReadError": _cut,
    "DecodeError": _garbled,
    "ODataV4Error": _garbled,
    "SerializationError": _garbled,
    "DeserializationError": _garbled,
    "TooManyRedirectsError": _elsewhere,
    "JSONDecodeError": _garbled,
    # azure.identity
    "AuthenticationRequiredError": _somebody,
    "CredentialUnavailableError": _nothing_found,
    "ClientAuthenticationError": _not_signed_in,
    # msal
    "ManagedIdentityError": _nothing_found,
    "MsalServiceError": _not_signed_in,
    "BrowserInteractionTimeoutError": _somebody,
    "IdTokenError": _garbled,
}
"""What an exception of the SDK's becomes, by the name of its class: most specific first."""

GENERIC = frozenset(
    {
        # What all others are made from.
        *("AzureError", "HttpResponseError", "MsalError"),
        # A vault's answers are read here, and not by the SDK.
        *("ResourceExistsError", "ResourceNotFoundError", "ResourceModifiedError"),
        *("ResourceNotModifiedError",),
        # The SDK, or this plugin, uses it wrongly.
        *("StreamConsumedError", "StreamClosedError", "ResponseNotReadError"),
    }
)
"""Exceptions of the SDK's that have no better word than that it failed."""

AGAIN = frozenset({"ServiceRequestError", "ServiceResponseError", "IncompleteReadError"})
"""Those after which the same may work in a moment."""

_FIRST = frozenset(
    {
        *("ServiceRequestError", "ServiceResponseError", "DecodeError", "JSONDecodeError"),
        "TooManyRedirectsError",
    }
)
"""What the SDK may have made something else of: it says that nobody could be authenticated where
Entra ID cannot be reached."""


def sdk_error(error: Exception, where: str) -> tuple[UnvaultError, bool]:
    """Return the error for what the SDK raised, and whether the same may work in a moment.

    Args:
        error: It; an answer of Entra ID's or a vault's that is in it was read before.
        where: Who was asked.
    """
    first = [each for each in chain(error) if not _FIRST.isdisjoint(_names(each))]
    for each in (*first, error):
        for name in _names(each):
            if name in KINDS:
                return KINDS[name](each, where), name in AGAIN and not _is_for_good(each)
            if name in GENERIC:
                break
    return (
        Unavailable(
            f"the Azure SDK failed while it asked {where} ({type(error).__name__}); its message is"
            " withheld, since it might hold a secret",
            hint="check the credential's fields, and update azure-identity and azure-core",
        ),
        False,
    )


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, and those that it was made from."""
    seen: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in seen:
        seen.append(each)
        yield each
        each = each.__cause__ or each.__context__


def _names(error: object) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__]


def _is_for_good(error: BaseException) -> bool:
    return "SSLError" in _names(getattr(error, "inner_exception", None))
