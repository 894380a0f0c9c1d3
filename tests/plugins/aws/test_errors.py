"""What the SDK raises and AWS answers has a word of ours, and tells no secret."""

from __future__ import annotations

import gzip
import inspect
import json
from pathlib import Path

import botocore
import botocore.exceptions
import botocore.parsers
import pytest
from tests.plugins.aws.using import told

from unvault.errors import ProviderFault, UnvaultError
from unvault_aws import _configuration, _errors
from unvault_aws._errors import Refused, refused, rejected, unexpected
from unvault_aws._exceptions import AGAIN, GENERIC, KINDS, sdk_error


def classes():
    modules = (botocore.exceptions, botocore.parsers)
    return {
        name: kind
        for module in modules
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception)
        and not issubclass(kind, Warning)
        and kind.__module__ == module.__name__
    }


def made(kind):
    """Return an exception of a class, with a canary in all that it tells."""
    fields = {}
    while True:
        try:
            return kind(**fields)
        except KeyError as missing:
            fields[missing.args[0]] = "canary-1"
        except TypeError:  # it takes its fields in order
            return kind(*["canary-1"] * (len(inspect.signature(kind).parameters)))


SEEN = {name: kind for name, kind in classes().items() if name != "ClientError"}


def test_there_are_classes_to_look_at():
    assert len(SEEN) > 90
    assert {"NoCredentialsError", "SSLError", "ResponseParserError"} <= SEEN.keys()


@pytest.mark.parametrize("name", sorted(SEEN))
def test_every_exception_of_the_sdk_is_mapped_or_generic_on_purpose(name):
    assert (name in KINDS) != (name in GENERIC)
    kind = SEEN[name]
    if issubclass(kind, botocore.exceptions.ClientError):
        return  # it has an answer, which is read
    failed, again = sdk_error(made(kind), "Secrets Manager in eu-west-1")

    assert isinstance(failed, UnvaultError)
    assert not isinstance(failed, ProviderFault)
    assert failed.hint
    assert failed.message
    assert again == (name in AGAIN)
    named = {"ProfileNotFound", "ConfigParseError", "ConfigNotFound", "InfiniteLoopConfigError"}
    if name not in named:  # names and paths
        assert "canary" not in told(failed)


def test_no_name_is_listed_that_the_sdk_does_not_have():
    assert (KINDS.keys() | GENERIC) - SEEN.keys() == set()


def test_an_exception_that_nobody_knows_yet_tells_its_class_only():
    class NewError(botocore.exceptions.BotoCoreError):
        fmt = "canary-1"

    failed, _ = sdk_error(NewError(), "STS")
    assert "NewError" in failed.message
    assert "canary" not in told(failed)


def modelled():
    """Return the errors that the SDK's models name for what is asked here."""
    data = Path(botocore.__file__).parent / "data"
    operations = {
        "secretsmanager": {"GetSecretValue", "BatchGetSecretValue", "ListSecrets"},
        "sts": {"AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"},
    }
    found = set()
    for service, asked in operations.items():
        (file,) = data.glob(f"{service}/*/service-2.json.gz")
        model = json.loads(gzip.decompress(file.read_bytes()))
        for name in asked:
            for error in model["operations"][name].get("errors", ()):
                shape = model["shapes"][error["shape"]]
                found.add(shape.get("error", {}).get("code", error["shape"]))
    return found


def test_every_code_of_the_models_is_known():
    known = set().union(
        *(value for value in vars(_errors).values() if isinstance(value, frozenset))
    )
    in_place = {
        *("ResourceNotFoundException", "InvalidRequestException"),  # reading
        *("InvalidIdentityToken", "IDPRejectedClaim", "RegionDisabledException"),  # roles
        *("InvalidContextAssertion",),  # no context is sent
        *("MalformedPolicyDocument", "PackedPolicyTooLarge"),  # no policies are sent
    }
    assert modelled() - known - in_place == set()


def test_no_code_is_of_two_kinds():
    kinds = [value for value in vars(_errors).values() if isinstance(value, frozenset)]
    codes = [code for kind in kinds for code in kind]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("code", sorted(_errors.REJECTED | _errors.EXPIRED | _errors.SKEWED))
@pytest.mark.parametrize("renewable", [True, False])
def test_an_answer_to_the_keys_says_whether_signing_in_again_helps(code, renewable):
    failed = rejected(Refused(code, 400), "STS", "do this", renewable=renewable)

    assert failed is not None
    expected = "session-expired" if renewable and code not in _errors.SKEWED else None
    assert failed.code == (expected or "credential-rejected")
    assert failed.hint


def test_of_an_answer_nothing_is_kept_but_what_is_known():
    answer = {
        "Error": {"Code": "AccessDeniedException", "Message": "canary-1: Access to KMS is no"},
        "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {"retry-after": "7"}},
    }
    found = refused(answer)

    assert found.said == {"kms"}
    assert (found.status, found.after) == (400, 7.0)
    assert "canary" not in told(found)
    assert "canary" not in told(unexpected(found, "STS"))


def test_the_name_of_a_mapped_class_is_that_of_its_error():
    assert all(callable(make) for make in KINDS.values())
    assert not KINDS.keys() & GENERIC
    assert KINDS.keys() >= AGAIN
    assert _configuration.no_region().hint
