"""Everything that requests can raise, and every status of a server, becomes an error of ours."""

from __future__ import annotations

from collections.abc import Iterator

import hvac.exceptions
import pytest
import requests
import requests.exceptions

from unvault.errors import (
    AccessDenied,
    InvalidReference,
    SessionExpired,
    Throttled,
    TimedOut,
    Unavailable,
    UnvaultError,
)
from unvault.retries import Again
from unvault_hashicorp._client import unexpected
from unvault_hashicorp._errors import AGAIN, NOT_DONE, Refused, again_or_not, lost, refuse
from unvault_hashicorp.refusals import refusal

ADDRESS = "https://vault.test:8200"
CANARY = "canary-577215"


def subclasses(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def answered(status: int, body: bytes = b"{}") -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = body
    return response


def refused(status: int, *errors: str) -> Refused:
    return Refused(status, errors)


def translated(error: Exception, *, once: bool) -> tuple[UnvaultError, bool]:
    """Return what becomes of an exception, and whether it is tried again."""
    try:
        return lost(error, ADDRESS, once=once), False
    except Again as again:
        return again.error, True


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize(
    "kind",
    sorted({*subclasses(requests.exceptions.RequestException)}, key=lambda kind: kind.__name__),
)
def test_every_exception_of_requests_is_an_outage_without_its_text(kind, once):
    try:
        original = kind(f"the header {CANARY} is wrong")
    except TypeError:  # requests.exceptions.JSONDecodeError
        original = kind("the text", f"the body {CANARY}", 0)
    error, _ = translated(original, once=once)
    assert isinstance(error, Unavailable)
    assert CANARY not in str(error)
    assert ADDRESS in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (requests.exceptions.ConnectTimeout("x"), TimedOut, "did not answer in time"),
        (requests.exceptions.ReadTimeout("x"), TimedOut, "did not answer in time"),
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"), Unavailable, "is not trusted"),
        (requests.exceptions.SSLError("Hostname mismatch"), Unavailable, "is for another host"),
        (requests.exceptions.SSLError("certificate has expired"), Unavailable, "has expired"),
        (requests.exceptions.SSLError("WRONG_VERSION_NUMBER"), Unavailable, "does not speak TLS"),
        (requests.exceptions.ProxyError("x"), Unavailable, "the proxy"),
        (requests.exceptions.ConnectionError("NameResolutionError"), Unavailable, "not known"),
        (requests.exceptions.ConnectionError("NewConnectionError"), Unavailable, "be reached"),
        (requests.exceptions.ConnectionError("aborted"), Unavailable, "broke the connection"),
        (requests.exceptions.ChunkedEncodingError("x"), Unavailable, "broke the connection"),
    ],
)
def test_what_is_told_of_a_request_without_an_answer(error, kind, words):
    found, _ = translated(error, once=False)
    assert type(found) is kind
    assert words in found.message


def test_what_may_have_been_done_is_not_done_twice():
    cut = requests.exceptions.ConnectionError("Connection aborted")
    refused_at_once = requests.exceptions.ConnectionError("NewConnectionError")
    assert translated(cut, once=False)[1]
    assert not translated(cut, once=True)[1]
    assert translated(refused_at_once, once=True)[1], "nobody heard it"


def test_every_status_of_hvacs_exceptions_is_translated():
    """hvac's own mapping of statuses is the list; a status it learns is noticed here."""
    kinds = {*subclasses(hvac.exceptions.VaultError)}
    by_status = {
        type(error): status
        for status in range(400, 600)
        if type(error := hvac.exceptions.VaultError.from_status(status, "x"))
        is not hvac.exceptions.UnexpectedError
    }
    never_raised = {
        hvac.exceptions.UnexpectedError,  # any other status
        hvac.exceptions.ParamValidationError,  # by methods that are not used here
        hvac.exceptions.UnsupportedOperation,  # of no status
        hvac.exceptions.PreconditionFailed,  # of no status
    }
    assert kinds == by_status.keys() | never_raised
    wanted = {
        400: InvalidReference,
        401: Unavailable,
        403: AccessDenied,
        404: Unavailable,  # where it cannot mean that there is no secret
        429: Throttled,
        500: Unavailable,
        501: Unavailable,
        502: Unavailable,
        503: Unavailable,
    }
    assert {*by_status.values()} == {*wanted}
    for status, kind in wanted.items():
        assert type(of_status(status)) is kind


def of_status(status: int, *, once: bool = False) -> UnvaultError:
    class Alive:
        address = ADDRESS

        def is_alive(self) -> bool:
            return True

    try:
        found = again_or_not(refused(status), ADDRESS, once=once)
    except Again as again:
        return again.error
    return found or refusal(refused(status), Alive(), "secret/data/app")


@pytest.mark.parametrize("status", range(300, 600))
def test_any_status_has_an_error_with_a_hint_and_its_address_or_path(status):
    error = of_status(status)
    assert isinstance(error, UnvaultError)
    assert error.hint
    assert ADDRESS in error.message or "secret/data/app" in error.message


def test_which_statuses_are_tried_again():
    for status in range(300, 600):
        for once, again in ((False, AGAIN), (True, NOT_DONE)):
            try:
                again_or_not(refused(status), ADDRESS, once=once)
            except Again:
                assert status in again
            else:
                assert status not in again
    assert {412, 429, 472, 473, 500, 502, 503, 504} == AGAIN


@pytest.mark.parametrize(
    ("errors", "dead"),
    [
        (["permission denied"], True),
        (["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"], True),
        (["bad token"], True),
        (["1 error occurred:\n\t* permission denied\n\n"], False),
        ([], False),
    ],
)
def test_a_dead_token_and_a_policy_are_told_apart(errors, dead):
    assert refused(403, *errors).token_is_dead is dead
    assert not refused(404, *errors).token_is_dead


def test_a_403_of_a_token_that_died_is_the_end_of_the_session():
    class Dead:
        address = ADDRESS

        def is_alive(self) -> bool:
            return False

    assert isinstance(refusal(refused(403), Dead(), "x"), SessionExpired)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>canary-577215</html>",
        b'"canary-577215"',
        b'["canary-577215"]',
        b'{"errors": "canary-577215"}',
        b'{"errors": {"canary-577215": 1}}',
        b'{"errors": [1, null, {"canary-577215": 2}]}',
        b'{"errors": ["canary-577215"], "data": "canary-577215"}',
        b"\xff\xfe\x00canary-577215",
    ],
)
def test_no_body_however_odd_fails_or_shows(body):
    with pytest.raises(Refused) as caught:
        refuse(answered(500, body))
    assert CANARY not in f"{caught.value}{caught.value!r}"
    for told in (unexpected(caught.value, ADDRESS), of_status(500)):
        assert CANARY not in str(told)


@pytest.mark.parametrize(
    ("text", "seconds"), [("3", 3.0), (" 7 ", 7.0), ("soon", None), ("-1", None), (None, None)]
)
def test_the_pause_that_a_server_asks_for(text, seconds):
    response = answered(429)
    if text is not None:
        response.headers["Retry-After"] = text
    with pytest.raises(Refused) as caught:
        refuse(response)
    assert caught.value.after == seconds


def test_a_redirect_says_that_no_token_goes_elsewhere():
    error = of_status(307)
    assert isinstance(error, Unavailable)
    assert "no token goes there" in error.message
