"""What the libraries raise and Google answers has a word of ours, and tells no secret."""

from __future__ import annotations

import inspect

import google.api_core.exceptions as api
import google.auth.exceptions as auth
import grpc
import pytest
import urllib3.exceptions
from google.rpc import error_details_pb2
from tests.plugins.gcp.using import told

from unvault.errors import (
    CredentialRejected,
    ProviderFault,
    SessionExpired,
    Unavailable,
    UnvaultError,
)
from unvault.model import SecretRequest
from unvault.retries import Again
from unvault_gcp import _errors, _exceptions
from unvault_gcp._errors import HTTP_CODES, Refused, denied_for, outage, refused, rejected
from unvault_gcp._exceptions import auth_error, grpc_error, http_error
from unvault_gcp._sdk import code_of, failure_of
from unvault_gcp.reading import refusal_of, wanted

KINDS = ("THROTTLED", "SLOW", "TRANSIENT", "REJECTED", "DENIED", "MISSING", "UNFIT", "WRONG")
CODES = {code for kind in (*KINDS, "GENERIC") for code in getattr(_errors, kind)}
SECRET = wanted(SecretRequest("db"), "acme")

NO_ANSWERS = {
    # Of a client layer that is not used: nothing here raises them.
    *("GoogleAPIError", "GoogleAPICallError", "RetryError", "AsyncRestUnsupportedParameterError"),
    *("DuplicateCredentialArgs", "MissingStatusHeaderError", "ResumableTransferError"),
    *("TransferStalledError", "UnseekableStreamError", "UploadCancelledError"),
    # Of statuses that say no more than that there is none of the answers that are known.
    *("Redirection", "MovedPermanently", "NotModified", "TemporaryRedirect", "ResumeIncomplete"),
    *("ClientError", "ServerError", "MethodNotAllowed", "LengthRequired"),
}
"""Exceptions of the SDK's that stand for no code of an answer."""


def classes(module, parent):
    return {
        name: kind
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, parent) and kind.__module__ == module.__name__
    }


API = classes(api, Exception)


def test_there_are_classes_to_look_at():
    assert len(API) > 30
    assert {"NotFound", "PermissionDenied", "ServiceUnavailable", "TooManyRequests"} <= API.keys()
    assert NO_ANSWERS - API.keys() == set()


@pytest.mark.parametrize("name", sorted(API))
def test_every_exception_of_the_sdk_stands_for_a_code_that_is_known_or_for_none(name):
    """The SDK makes its exceptions from codes: each of them is one of ours, and none is left."""
    kind = API[name]
    code = code_of(kind) if issubclass(kind, api.GoogleAPICallError) else "UNKNOWN"
    if name in NO_ANSWERS:
        assert code == "UNKNOWN"
        return
    assert code in CODES
    assert code != "UNKNOWN" or name == "Unknown"

    failed = refusal_of(Refused(code), SECRET)
    if code in _errors.REJECTED:
        failed = rejected("Secret Manager", "do this", renewable=False)
    assert isinstance(failed, UnvaultError)
    assert not isinstance(failed, ProviderFault)
    assert failed.hint


def test_every_code_of_grpcs_is_known_and_of_one_kind():
    assert {code.name for code in grpc.StatusCode} - {"OK"} == CODES
    kinds = [code for kind in (*KINDS, "GENERIC") for code in getattr(_errors, kind)]
    assert len(kinds) == len(set(kinds))
    assert set(HTTP_CODES.values()) <= CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_an_answer_has_the_same_word_of_ours_over_both_transports(code):
    refusal = refused(code, "canary-1", ["canary-2"], 7.0)
    failed = outage(refusal, "Secret Manager")
    if not refusal.may_pass:
        failed = refusal_of(refusal, SECRET)

    assert failed.hint
    assert "canary" not in told(failed)
    assert "canary" not in told(refusal)
    assert refusal.after == 7.0


@pytest.mark.parametrize("said", sorted(set(_errors.REASONS.values()) - {"expired"}))
def test_each_reason_that_is_known_has_a_word_of_its_own(said):
    failed = denied_for(Refused("PERMISSION_DENIED", [said]), "acme")

    assert failed is not None
    assert failed.hint


@pytest.mark.parametrize(
    ("renewable", "kind"), [(True, SessionExpired), (False, CredentialRejected)]
)
def test_an_answer_to_the_token_says_whether_signing_in_again_helps(renewable, kind):
    assert isinstance(rejected("Secret Manager", "do this", renewable=renewable), kind)


AUTH = classes(auth, Exception)


@pytest.mark.parametrize("name", sorted(AUTH))
def test_every_exception_of_google_auths_is_mapped_or_generic_on_purpose(name):
    assert (name in _exceptions.AUTH) != (name in _exceptions.GENERIC_AUTH)
    failed = auth_error(AUTH[name]("canary-1"), "the place")

    assert isinstance(failed, UnvaultError)
    assert failed.hint
    assert "canary" not in told(failed)


def test_no_name_is_listed_that_google_auth_does_not_have():
    known = _exceptions.AUTH.keys() | _exceptions.GENERIC_AUTH
    assert known - AUTH.keys() == {"OSError", "TimeoutError"} - AUTH.keys()


WEB = {
    name: kind
    for name, kind in classes(urllib3.exceptions, Exception).items()
    if not issubclass(kind, Warning)
}


@pytest.mark.parametrize("name", sorted(WEB))
def test_whatever_urllib3_raises_is_one_of_our_errors(name):
    made = WEB[name].__new__(WEB[name])
    made.args = ("canary-1",)
    for attribute in ("expected", "length", "partial"):  # what some of them tell of
        setattr(made, attribute, 7)
    failed, _ = http_error(made, "Secret Manager")

    assert isinstance(failed, UnvaultError)
    assert failed.hint
    assert "canary" not in told(failed)


@pytest.mark.parametrize(
    ("behind", "may_pass"),
    [
        (urllib3.exceptions.NewConnectionError(None, "canary"), True),
        (ConnectionResetError("canary"), True),
        (OSError("Tunnel connection failed: 403 canary"), False),
    ],
)
def test_by_way_of_a_proxy_the_same_may_pass_as_without_one(behind, may_pass):
    failed, again = http_error(urllib3.exceptions.ProxyError("canary", behind), "it")

    assert again is may_pass
    assert "HTTPS_PROXY" in failed.hint
    assert "canary" not in told(failed)


def test_an_exception_that_nobody_knows_yet_tells_its_class_only():
    class NewError(Exception):
        pass

    for failed in (
        http_error(NewError("canary-1"), "it")[0],
        auth_error(NewError("canary-1"), "it"),
    ):
        assert "NewError" in failed.message
        assert "canary" not in told(failed)


def test_what_a_server_says_by_grpc_is_not_taken_for_what_grpc_says():
    assert grpc_error("the service is overloaded", "it", proxied=False) is None


def raised(made):
    """Return what the SDK raises for an answer, as it is to us."""
    failed = failure_of(made, proxied=False)
    assert "canary" not in told(failed)
    return failed


def test_an_answer_of_the_sdk_s_is_told_by_its_code_and_its_reason():
    info = error_details_pb2.ErrorInfo(reason="SERVICE_DISABLED", domain="googleapis.com")
    found = raised(api.Forbidden("canary-1", error_info=info))

    assert found.code == "PERMISSION_DENIED"
    assert found.said == {"off"}
    assert raised(api.TooManyRequests("canary-1")).code == "RESOURCE_EXHAUSTED"
    assert raised(api.NotFound("Secret Version [canary-1] not found")).said == {"version"}


def test_what_grpc_says_of_a_server_that_is_not_there_may_pass():
    failed = raised(api.ServiceUnavailable("failed to connect to all addresses; canary-1"))

    assert isinstance(failed, Again)
    assert "cannot be reached" in failed.error.message


def test_what_is_no_answer_at_all_tells_its_class_only():
    failed = raised(ValueError("Cannot invoke RPC on closed channel! canary-1"))

    assert isinstance(failed, Unavailable)
    assert "ValueError" in failed.message
