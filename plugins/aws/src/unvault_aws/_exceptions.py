"""Translates what the AWS SDK raises, other than for an answer, into unvault's errors.

Of an exception's own text nothing is shown but a profile's name and a file's path.
`unvault_aws._configuration` has what is about AWS's files and variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from unvault.errors import CredentialMissing, TimedOut, Unavailable, UnvaultError
from unvault_aws import _configuration
from unvault_aws._configuration import Made
from unvault_aws._errors import no_answer


def _timed_out(_error: Any, where: str) -> UnvaultError:
    return TimedOut(
        f"{where} did not answer in time",
        hint="check the region, the endpoint and the network, or give the credential a longer"
        " timeout",
    )


def _away(_error: Any, where: str) -> UnvaultError:
    return Unavailable(
        f"{where} cannot be reached", hint="check the region, the endpoint and the network"
    )


def _cut(_error: Any, where: str) -> UnvaultError:
    return Unavailable(f"{where} broke the connection", hint="try again in a while")


def _proxy(_error: Any, where: str) -> UnvaultError:
    return Unavailable(
        f"the proxy on the way to {where} cannot be used",
        hint="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
    )


def _untrusted(error: Any, where: str) -> UnvaultError:
    text = str(error)
    if re.search(r"\[Errno [0-9]+\]|NO_CERTIFICATE_OR_CRL_FOUND|PEM lib", text):
        return CredentialMissing(
            "the file with the CA's certificate cannot be read, or holds none",
            hint="check AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, and ca_bundle in the profile",
        )
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text.lower():
        why, hint = "does not speak TLS", "give the endpoint with http://"
    elif "ostname mismatch" in text or "not valid for" in text:
        why, hint = "has a TLS certificate for another host", "check the endpoint"
    elif "expired" in text:
        why, hint = "has a TLS certificate that has expired", "tell who runs it"
    else:
        why = "has a TLS certificate that is not trusted"
        hint = "name the CA's file: AWS_CA_BUNDLE, or ca_bundle in the profile"
    return Unavailable(f"{where} {why}", hint=hint)


def _no_file(error: OSError) -> UnvaultError:
    return CredentialMissing(
        f"{str(error.filename)!r}, which the AWS files or variables name, cannot be used:"
        f" {error.strerror}",
        hint="check credential_process and web_identity_token_file in the profile, and"
        " AWS_WEB_IDENTITY_TOKEN_FILE",
    )


def _no_text() -> UnvaultError:
    return CredentialMissing(
        "a file that the AWS files or variables name is no text",
        hint="check web_identity_token_file in the profile, and AWS_WEB_IDENTITY_TOKEN_FILE",
    )


def _garbled(_error: Any, where: str) -> UnvaultError:
    return no_answer(where)


KINDS: Mapping[str, Made] = {
    **_configuration.KINDS,
    "ConnectTimeoutError": _timed_out,
    "ReadTimeoutError": _timed_out,
    "ConnectionClosedError": _cut,
    "ResponseStreamingError": _cut,
    "IncompleteReadError": _cut,
    "EndpointConnectionError": _away,
    "ProxyConnectionError": _proxy,
    "InvalidProxiesConfigError": _proxy,
    "SSLError": _untrusted,
    "ConnectionError": _away,
    "HTTPClientError": _away,
    "ResponseParserError": _garbled,
    "ChecksumError": _garbled,
}
"""What an exception of the SDK's becomes, by the name of its class."""

GENERIC = frozenset(
    {
        # The SDK, or this plugin, uses it wrongly.
        *("ApiVersionNotFoundError", "DataNotFoundError", "UnknownServiceError"),
        *("MissingParametersError", "ParamValidationError", "ValidationError", "RangeError"),
        *("UnknownKeyError", "UnknownParameterError", "AliasConflictParameterError"),
        *("UnknownClientMethodError", "UnknownServiceStyle", "OperationNotPageableError"),
        *("PaginationError", "UndefinedModelAttributeError", "MissingServiceIdError"),
        *("UnknownEndpointResolutionBuiltInName", "UnsupportedServiceProtocolsError"),
        *("UnknownSignatureVersionError", "UnsupportedSignatureVersionError"),
        # Of services, or ways of using the SDK, that are not used here.
        *("InvalidDNSNameError", "InvalidS3AddressingStyleError", "UnsupportedS3ArnError"),
        *("UnsupportedS3ControlArnError", "UnsupportedOutpostResourceError"),
        *("UnsupportedS3ConfigurationError", "UnsupportedS3AccesspointConfigurationError"),
        *("UnsupportedS3ControlConfigurationError", "InvalidS3UsEast1RegionalEndpointConfigError"),
        *("InvalidEndpointDiscoveryConfigurationError", "CapacityNotAvailableError"),
        *("WaiterError", "WaiterConfigError", "InvalidExpressionError", "UnseekableStreamError"),
        *("AwsChunkedWrapperError", "FlexibleChecksumError", "InvalidChecksumConfigError"),
        *("MD5UnavailableError", "EventStreamError"),
        *("StubResponseError", "StubAssertionError", "UnStubbedResponseError"),
        # What all others are made from.
        "BotoCoreError",
    }
)
"""Exceptions of the SDK's that have no better word than that it failed."""

AGAIN = frozenset(
    {"ConnectionClosedError", "EndpointConnectionError", "ProxyConnectionError", "ConnectionError"}
    | {"ResponseStreamingError", "IncompleteReadError"}
)
"""Those after which the same may work in a moment."""


def sdk_error(error: Exception, where: str) -> tuple[UnvaultError, bool]:
    """Return the error for what the SDK raised, and whether the same may work in a moment.

    Args:
        error: It; no ``ClientError``, whose answer `refused` reads.
        where: Who was asked.
    """
    names = [kind.__name__ for kind in type(error).__mro__]
    for name in names:
        if name in KINDS:
            return KINDS[name](error, where), name in AGAIN
        if name in GENERIC:
            break
    if isinstance(error, OSError) and error.filename is not None:
        return _no_file(error), False
    if isinstance(error, UnicodeError):
        return _no_text(), False
    return (
        Unavailable(
            f"the AWS SDK failed while it asked {where} ({type(error).__name__}); its message is"
            " withheld, since it might hold a secret",
            hint="check the credential's fields, and update botocore",
        ),
        False,
    )
