"""Translates what the AWS SDK raises, other than for an answer, into unvault's errors.

Of an exception's own text nothing is shown but a profile's name and a file's path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from unvault.errors import (
    CredentialMissing,
    CredentialRejected,
    InteractionRequired,
    TimedOut,
    Unavailable,
    UnvaultError,
)
from unvault_aws._errors import no_answer

_Made = Callable[[Any, str], UnvaultError]


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


def no_keys(_error: object = None, _where: str = "") -> UnvaultError:
    """Return the error for where the SDK finds nothing to sign with."""
    return CredentialMissing(
        "the AWS SDK finds no keys",
        hint="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or store a"
        " credential: unvault credentials add aws --name NAME",
    )


def _partial(error: Any, _where: str) -> UnvaultError:
    missing = error.kwargs.get("cred_var")
    known = isinstance(missing, str) and re.fullmatch("[A-Za-z_ ,]{1,80}", missing)
    return CredentialMissing(
        f"the keys are not complete: {missing if known else 'a part of them'} is missing",
        hint="add it to the section of the file, or to the environment",
    )


def no_region(_error: object = None, _where: str = "") -> UnvaultError:
    """Return the error for a secret whose region nobody knows."""
    return CredentialMissing(
        "nothing says which region the secret is in",
        hint="give the credential the field region, set AWS_DEFAULT_REGION, or name the secret by"
        " its ARN",
    )


def _no_such_region(_error: Any, _where: str) -> UnvaultError:
    return CredentialMissing(
        "there is no such region", hint="check the field region, and AWS_DEFAULT_REGION"
    )


def _no_profile(error: Any, _where: str) -> UnvaultError:
    return CredentialMissing(
        f"there is no profile {str(error.kwargs.get('profile', ''))!r} in the AWS files",
        hint="check AWS_PROFILE and the field section; aws configure list-profiles shows those"
        " there are",
    )


def _unreadable(error: Any, _where: str) -> UnvaultError:
    return CredentialMissing(
        f"the file {str(error.kwargs.get('path', ''))!r} cannot be read, or is no file of AWS's"
        " kind",
        hint="correct it, or check the fields file_path and config_file_path",
    )


def _misconfigured(_error: Any, _where: str) -> UnvaultError:
    return CredentialMissing(
        "what the AWS files or the AWS_* variables say cannot be used",
        hint="check the profile: a role needs source_profile or credential_source, and no circle;"
        " `aws sts get-caller-identity` may say more",
    )


def _not_retrieved(error: Any, _where: str) -> UnvaultError:
    if error.kwargs.get("provider") == "custom-process":
        return CredentialRejected(
            "the program that credential_process names did not give any keys",
            hint="run it by itself, to see why",
        )
    return CredentialRejected(
        "the way to keys that the AWS files or variables name did not bring any",
        hint="check credential_source in the profile; `aws sts get-caller-identity` may say more",
    )


def _metadata(_error: Any, _where: str) -> UnvaultError:
    return Unavailable(
        "the machine's own source of keys did not answer",
        hint="check that it has a role, AWS_EC2_METADATA_SERVICE_ENDPOINT, and that it answers with"
        " a token (IMDSv2)",
    )


def _no_metadata_address(_error: Any, _where: str) -> UnvaultError:
    return CredentialMissing(
        "what AWS_EC2_METADATA_SERVICE_ENDPOINT or its MODE says, or ec2_metadata_service_endpoint"
        " in the profile, cannot be used",
        hint="it has to be an address such as http://169.254.169.254, its mode IPv4 or IPv6; or"
        " leave them out",
    )


def _somebody(_error: Any, _where: str) -> UnvaultError:
    return InteractionRequired(
        "somebody has to sign in again", hint="run aws sso login, or aws login, for the profile"
    )


def _incomplete_sdk(_error: Any, _where: str) -> UnvaultError:
    return CredentialMissing(
        "the profile needs a part of the AWS SDK that is not installed",
        hint='install it: pip install "botocore[crt]"',
    )


def _wrong_endpoint(_error: Any, _where: str) -> UnvaultError:
    return CredentialMissing(
        "there is no address for that region and these settings",
        hint="check the region, the endpoint, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT and"
        " AWS_ENDPOINT_URL",
    )


def _garbled(_error: Any, where: str) -> UnvaultError:
    return no_answer(where)


KINDS: Mapping[str, _Made] = {
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
    "NoCredentialsError": no_keys,
    "NoAuthTokenError": no_keys,
    "PartialCredentialsError": _partial,
    "CredentialRetrievalError": _not_retrieved,
    "NoRegionError": no_region,
    "InvalidRegionError": _no_such_region,
    "UnknownRegionError": _no_such_region,
    "InvalidHostLabelError": _no_such_region,
    "ServiceNotInRegionError": _wrong_endpoint,
    "UnknownEndpointError": _wrong_endpoint,
    "UnknownFIPSEndpointError": _wrong_endpoint,
    "EndpointVariantError": _wrong_endpoint,
    "BaseEndpointResolverError": _wrong_endpoint,
    "InvalidEndpointConfigurationError": _wrong_endpoint,
    "EndpointResolutionError": _wrong_endpoint,
    "EndpointProviderError": _wrong_endpoint,
    "ProfileNotFound": _no_profile,
    "ConfigParseError": _unreadable,
    "ConfigNotFound": _unreadable,
    "InvalidConfigError": _misconfigured,
    "InfiniteLoopConfigError": _misconfigured,
    "UnknownCredentialError": _misconfigured,
    "UnknownTokenProviderError": _misconfigured,
    "InvalidDefaultsMode": _misconfigured,
    "InvalidRetryConfigurationError": _misconfigured,
    "InvalidMaxRetryAttemptsError": _misconfigured,
    "InvalidRetryModeError": _misconfigured,
    "InvalidSTSRegionalEndpointsConfigError": _misconfigured,
    "InvalidIMDSEndpointError": _no_metadata_address,
    "InvalidIMDSEndpointModeError": _no_metadata_address,
    "MetadataRetrievalError": _metadata,
    "RefreshWithMFAUnsupportedError": _somebody,
    "TokenRetrievalError": _somebody,
    "SSOError": _somebody,
    "SSOTokenLoadError": _somebody,
    "UnauthorizedSSOTokenError": _somebody,
    "LoginError": _somebody,
    "LoginRefreshRequired": _somebody,
    "LoginTokenLoadError": _somebody,
    "LoginAuthorizationCodeError": _somebody,
    "LoginInsufficientPermissions": _somebody,
    "MissingDependencyException": _incomplete_sdk,
    "ResponseParserError": _garbled,
    "ChecksumError": _garbled,
}
"""What an exception of the SDK's becomes, by the name of its class: most specific first."""

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
    return (
        Unavailable(
            f"the AWS SDK failed while it asked {where} ({type(error).__name__}); its message is"
            " withheld, since it might hold a secret",
            hint="check the credential's fields, and update botocore",
        ),
        False,
    )
