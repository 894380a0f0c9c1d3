"""Translates what the AWS SDK raises about AWS's files and variables, and ways to keys.

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
    Unavailable,
    UnvaultError,
)

Made = Callable[[Any, str], UnvaultError]
"""Makes the error for an exception, and for who was asked."""


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


_FAULTS = {
    "does not exist": "a source_profile names a profile that is not there",
    "contains both": "a profile has source_profile and credential_source, and may have one only",
    "is not valid": "credential_source is none of Environment, Ec2InstanceMetadata, EcsContainer",
    "must have credentials": "the profile that source_profile names has no keys, nor a way to some",
    "web identity": "a web identity's token has no role: role_arn, or AWS_ROLE_ARN",
}
"""What is wrong with a profile, by words of the SDK's. The rest of its text is not shown."""


def _misconfigured(error: Any, _where: str) -> UnvaultError:
    said = str(error.kwargs.get("error_msg", ""))
    fault = next((fault for words, fault in _FAULTS.items() if words in said), None)
    if fault is None:
        fault = "what the AWS files or the AWS_* variables say of the keys cannot be used"
    return CredentialMissing(
        fault, hint="correct it in the config file; `aws sts get-caller-identity` may say more"
    )


def _circle(error: Any, _where: str) -> UnvaultError:
    return CredentialMissing(
        "source_profile leads in a circle: back to the profile"
        f" {str(error.kwargs.get('source_profile', ''))!r}",
        hint="let one of the profiles have keys of its own",
    )


def _wrong(*names: str) -> Made:
    """Return what makes the error for a setting that has only a few values."""

    def made(_error: Any, _where: str) -> UnvaultError:
        return CredentialMissing(
            f"what {' or '.join(names)} says, or the profile in its place, cannot be used",
            hint="correct it, or leave it out",
        )

    return made


def no_keys_from_program(why: str) -> UnvaultError:
    """Return the error for a ``credential_process`` that brought no keys.

    Args:
        why: What is wrong with it, and nothing of what it printed.
    """
    return CredentialRejected(
        f"the program that credential_process names did not give any keys: {why}",
        hint="run it by itself, to see why",
    )


def _not_retrieved(error: Any, _where: str) -> UnvaultError:
    if error.kwargs.get("provider") == "custom-process":
        return no_keys_from_program("it failed, or said that it has none")
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


KINDS: Mapping[str, Made] = {
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
    "InfiniteLoopConfigError": _circle,
    "UnknownCredentialError": _misconfigured,
    "UnknownTokenProviderError": _misconfigured,
    "InvalidDefaultsMode": _wrong("AWS_DEFAULTS_MODE"),
    "InvalidRetryConfigurationError": _wrong("AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"),
    "InvalidMaxRetryAttemptsError": _wrong("AWS_MAX_ATTEMPTS"),
    "InvalidRetryModeError": _wrong("AWS_RETRY_MODE"),
    "InvalidSTSRegionalEndpointsConfigError": _wrong("AWS_STS_REGIONAL_ENDPOINTS"),
    "InvalidIMDSEndpointError": _wrong("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
    "InvalidIMDSEndpointModeError": _wrong("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"),
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
}
"""What an exception of the SDK's becomes, by the name of its class."""
