"""Each error says where it happened, what it is and what to do; none shows a secret."""

import copy
import json
import pickle
import threading

import pytest
from tests.plugins.hashicorp.using import (
    at,
    by_approle,
    opened,
    says_nothing_secret,
    told,
)

from unvault.errors import RenderError, UnvaultError
from unvault.reference import Reference

CANARY = "canary-value-7c1e"


@pytest.fixture
def place(namespace):
    """Return a namespace with everything that can go wrong."""
    for number in range(3):
        namespace.write("secret", "app", password=f"{CANARY}-{number}")
    namespace.destroy("secret", "app", 1)
    namespace.delete("secret", "app", 2)
    namespace.write("secret", "denied", password=CANARY)
    namespace.mount("old", version=1)
    namespace.write_v1("old", "app", password=CANARY)
    namespace.mount("pki", "pki")
    return namespace


@pytest.fixture
def answers(place):
    rules = {
        "secret/data/*": "read",
        "secret/data/denied": "deny",
        "old/*": "read",
        "pki/*": "read,update",
    }
    return by_approle(place, place.allow("most", rules))


WRONG = {
    "secret/nothing": "secret-not-found",
    "secret/app?version=1": "secret-destroyed",
    "secret/app?version=2": "secret-deleted",
    "secret/app?version=99": "version-not-found",
    "secret/app?version=0": "invalid-reference",
    "secret/app?version=canary": "invalid-reference",
    "secret/app?nothing=1": "invalid-reference",
    "secret/app#nothing": "field-not-found",
    "secret/app#/password/deep": "field-not-found",
    "secret/denied": "access-denied",
    "secret/denied?engine=logical": "access-denied",
    "secret": "invalid-reference",
    "old/app?version=1": "invalid-reference",
    "old/nothing": "secret-not-found",
    "old/app#nothing": "field-not-found",
    "pki/app": "invalid-reference",
    "pki/nothing?engine=logical": ("secret-not-found", "invalid-reference", "unavailable"),
    "nowhere/app": ("secret-not-found", "access-denied"),
    "secret/app?engine=logical&data=canary": "invalid-reference",
}


SAID_BY_THE_CORE = {"field-not-found", "invalid-reference"}
"""These list what there is instead of giving a hint."""


@pytest.mark.parametrize("reference", WRONG)
def test_each_error_names_provider_credential_reference_code_and_hint(
    reference, answers, open_unvault
):
    unvault = open_unvault(answers)
    with pytest.raises(UnvaultError) as raised:
        unvault.fetch(f"prod/{reference}")
    error = raised.value
    expected = WRONG[reference]
    assert error.code in ((expected,) if isinstance(expected, str) else expected)
    assert error.provider == "hashicorp"
    assert error.reference == f"prod/{reference}"
    assert error.credential == "prod"
    if error.code not in SAID_BY_THE_CORE:
        assert error.hint
    assert CANARY not in told(error)
    assert answers["secret_id"] not in told(error)
    description = error.describe()
    assert json.loads(json.dumps(description)) == description


def test_no_traceback_repr_or_copy_of_any_error_shows_a_secret(answers, open_unvault):
    unvault = open_unvault(answers)
    assert unvault.fetch("prod/secret/app#password").text() == f"{CANARY}-2"
    for reference in WRONG:
        with pytest.raises(UnvaultError) as raised:
            unvault.fetch(f"prod/{reference}")
        for error in (raised.value, copy.copy(raised.value)):
            shown = told(error)
            assert CANARY not in shown
            for frame in _frames(error):
                assert CANARY not in frame
                assert answers["secret_id"] not in frame


def _frames(error):
    """Yield the variables of the provider's frames, as a crash reporter would send them."""
    traceback = error.__traceback__
    while traceback is not None:
        if "unvault_hashicorp" in traceback.tb_frame.f_code.co_filename:
            yield repr(dict(traceback.tb_frame.f_locals))
        traceback = traceback.tb_next


def test_sessions_and_clients_show_no_token(answers, open_unvault):
    unvault = open_unvault(answers)
    session = unvault.credentials.test("prod")
    assert says_nothing_secret(UnvaultError(repr(session)))
    assert says_nothing_secret(UnvaultError(repr(session.client)))
    assert says_nothing_secret(UnvaultError(str(session.details)))
    with pytest.raises((TypeError, AttributeError)):  # whichever part is reached first
        pickle.dumps(session)


def test_rendering_lists_every_error_with_its_place(answers, open_unvault):
    unvault = open_unvault(answers)
    text = "a {% vault 'prod/secret/app#password' %}\nb {% vault 'prod/secret/nothing' %}\n"
    with pytest.raises(RenderError) as raised:
        unvault.render(text)
    (problem,) = raised.value.problems
    assert (problem.line, problem.error.code) == (2, "secret-not-found")
    assert CANARY not in told(raised.value)


def test_nothing_that_is_stored_or_left_shows_a_secret(answers, tmp_path):
    with opened(answers, home=tmp_path) as unvault:
        unvault.fetch("prod/secret/app")
        for reference in WRONG:
            with pytest.raises(UnvaultError):
                unvault.fetch(f"prod/{reference}")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert CANARY.encode() not in content
            assert answers["secret_id"].encode() not in content


def test_errors_of_threads_are_each_their_own(place, answers, open_unvault):
    before = threading.active_count()
    unvault = open_unvault(answers)
    references = [f"prod/{reference}" for reference in WRONG] * 10
    outcomes = unvault.fetch_many(references, fresh=True)
    for reference, error in zip(references, outcomes, strict=True):
        assert isinstance(error, UnvaultError)
        assert error.reference == reference
    assert threading.active_count() < before + 40


def test_a_secret_in_a_wrong_field_of_a_credential_is_not_shown(place, open_unvault):
    # Somebody pasted the token where the role id belongs.
    answers = at(place, auth_method="approle", role_id=CANARY, secret_id=CANARY)
    place.enable("approle")
    with pytest.raises(UnvaultError) as raised:
        open_unvault(answers).fetch(Reference("prod", "secret/app"))
    assert raised.value.code == "credential-rejected"
    assert says_nothing_secret(raised.value, CANARY)


def test_a_token_with_a_line_break_is_a_clear_error(place, open_unvault):
    answers = at(place, access_token="s.canary\nX-Vault-Namespace: canary")
    with pytest.raises(UnvaultError) as raised:
        open_unvault(answers).fetch("prod/secret/app")
    assert raised.value.code != "provider-fault"
    assert says_nothing_secret(raised.value)


@pytest.mark.parametrize("token", ["s.canaryü", "s.canary\u2013dash", "\x00canary"])
def test_a_token_that_no_header_can_hold_is_a_clear_error(place, token, open_unvault):
    with pytest.raises(UnvaultError) as raised:
        open_unvault(at(place, access_token=token)).fetch("prod/secret/app")
    assert raised.value.code in {"credential-rejected", "unavailable", "invalid-form"}
    assert says_nothing_secret(raised.value)
