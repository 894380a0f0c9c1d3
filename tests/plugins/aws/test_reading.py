"""What a reference can say, and what becomes of it."""

from __future__ import annotations

import json

import pytest
from tests.plugins.aws.using import GET, LIST, by_keys, reader, told
from tests.servers.aws_account import allow
from tests.servers.aws_proxy import asked_for

from unvault import Reference
from unvault.errors import (
    AccessDenied,
    CredentialRejected,
    FieldNotFound,
    InvalidReference,
    SecretDeleted,
    SecretNotFound,
    Throttled,
    TimedOut,
    Unavailable,
    VersionNotFound,
)

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture
def unvault(account, proxy, open_unvault):
    return open_unvault(by_keys(reader(account, LIST), proxy.address, timeout=2))


def test_a_secret_is_found_by_name_by_arn_and_by_a_part_of_it(account, unvault):
    arn = account.put("prod/db", {"password": "canary-1", "port": 5432}).arn

    for path in ("prod/db", arn, arn[:-7]):
        assert unvault.fetch(f"prod/{path}#password").text() == "canary-1"
    assert json.loads(unvault.fetch("prod/prod/db").text()) == {
        "password": "canary-1",
        "port": 5432,
    }


def test_a_name_may_begin_with_a_slash(account, unvault):
    account.put("/prod/db", "canary-slash")
    account.put("prod/db", "canary-plain")

    assert unvault.fetch("prod//prod/db").text() == "canary-slash"
    assert unvault.fetch("prod/prod/db").text() == "canary-plain"


def test_versions_by_id_and_by_label(account, unvault):
    first = account.put("app", "canary-old")
    second = account.put("app", "canary-new")

    assert unvault.fetch("prod/app").text() == "canary-new"
    assert unvault.fetch("prod/app").version == second.version_id
    assert unvault.fetch("prod/app").created is not None
    assert unvault.fetch("prod/app?version_stage=AWSPREVIOUS").text() == "canary-old"
    assert unvault.fetch(f"prod/app?version_id={first.version_id}").text() == "canary-old"


def test_a_binary_secret_comes_as_bytes(account, unvault):
    account.put("raw", b"\x00\xffcanary")

    assert unvault.fetch("prod/raw").reveal() == b"\x00\xffcanary"


def test_a_secret_of_another_region_is_asked_for_there(account, unvault, proxy):
    account.put("app", "canary-here")
    arn = account.in_region("us-east-2").put("app", "canary-there").arn

    assert unvault.fetch(f"prod/{arn}").text() == "canary-there"
    assert unvault.fetch("prod/app").text() == "canary-here"
    scopes = [seen.headers["Authorization"].split("/")[2] for seen in proxy.requests]
    assert scopes == ["us-east-2", "eu-west-1"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("arn:aws:s3:::bucket/key", "none of a secret"),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:x", "none of a secret"),
        ("arn:aws:secretsmanager:evil.example/:123456789012:secret:x", "none of a secret"),
        ("x" * 2049, "longer than"),
    ],
)
def test_what_is_no_secret_is_not_asked_for(unvault, proxy, path, words):
    with pytest.raises(InvalidReference, match=words):
        unvault.fetch(Reference("prod", path))
    assert proxy.requests == []


def test_a_key_that_is_not_there_is_told_without_a_value(account, unvault):
    account.put("app", {"password": "canary-1", "user": "canary-2"})

    with pytest.raises(FieldNotFound) as caught:
        unvault.fetch("prod/app#passwort")
    assert set(caught.value.candidates) <= {"password", "user"}
    assert "canary" not in told(caught.value)


def test_what_is_not_there_is_told_apart(account, unvault):
    account.put("app", "canary-1")
    account.put("gone", "canary-2")
    account.delete("gone")

    with pytest.raises(SecretNotFound, match="no secret 'nope' in eu-west-1") as missing:
        unvault.fetch("prod/nope")
    assert "needs its whole ARN" in str(missing.value.hint)
    with pytest.raises(VersionNotFound, match="label 'NONE'"):
        unvault.fetch("prod/app?version_stage=NONE")
    with pytest.raises(VersionNotFound, match="version '0"):
        unvault.fetch(f"prod/app?version_id={'0' * 32}")
    with pytest.raises(SecretDeleted, match="scheduled for deletion") as deleted:
        unvault.fetch("prod/gone")
    assert "restore-secret" in str(deleted.value.hint)


def test_a_denied_secret_says_which_policy_is_missing(account, proxy, open_unvault):
    arn = account.put("mine", "canary-1").arn
    account.put("other", "canary-2")
    unvault = open_unvault(by_keys(account.user(allow(GET, on=arn)), proxy.address))

    assert unvault.fetch("prod/mine").text() == "canary-1"
    with pytest.raises(AccessDenied) as caught:
        unvault.fetch("prod/other")
    assert '"secretsmanager:GetSecretValue"' in str(caught.value.hint)
    assert "secret:other-??????" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("code", "message", "kind", "words"),
    [
        ("AccessDeniedException", "Access to KMS is not allowed", AccessDenied, "KMS key"),
        ("DecryptionFailure", "canary-x", AccessDenied, "KMS key"),
        ("RequestTimeTooSkewed", "canary-x", CredentialRejected, "time it was signed"),
        (
            "InvalidSignatureException",
            "Signature expired: 20200101T000000Z is now earlier than",
            CredentialRejected,
            "time it was signed",
        ),
        ("ExpiredTokenException", "canary-x", CredentialRejected, "have expired"),
        ("InvalidParameterException", "canary-x", InvalidReference, "does not accept"),
        ("SomethingNewException", "canary-x", Unavailable, "status 400"),
    ],
)
def test_what_aws_refuses_is_told_in_our_words(account, unvault, proxy, code, message, kind, words):
    account.put("app", "canary-1")
    proxy.fail(code, message, where="GetSecret")

    with pytest.raises(kind, match=words) as caught:
        unvault.fetch("prod/app")
    assert caught.value.hint
    assert "canary" not in told(caught.value)
    assert proxy.asked() == 1


@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("InternalServiceError", 500), ("X", 503)]
)
def test_what_may_pass_is_tried_again(account, unvault, proxy, code, status):
    account.put("app", "canary-1")
    proxy.fail(code, status=status, times=2)

    assert unvault.fetch("prod/app").text() == "canary-1"
    assert proxy.asked("GetSecretValue") == 3


def test_a_broken_connection_is_tried_again(account, unvault, proxy):
    account.put("app", "canary-1")
    unvault.fetch("prod/app")
    proxy.reset_used()

    assert unvault.fetch("prod/app", fresh=True).text() == "canary-1"


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (lambda proxy: proxy.fail("ThrottlingException", times=99), Throttled),
        (lambda proxy: proxy.fail("InternalServiceError", status=500, times=99), Unavailable),
        (lambda proxy: proxy.hang(), TimedOut),
        (lambda proxy: proxy.answer(200, body=b"<html>canary-x", times=99), Unavailable),
        (lambda proxy: proxy.answer(200, body=b'{"SecretString": 7}', times=99), Unavailable),
    ],
)
def test_what_does_not_pass_is_given_up_in_time(account, proxy, open_unvault, trouble, kind):
    account.put("app", "canary-1")
    unvault = open_unvault(by_keys(reader(account), proxy.address, timeout=1))
    trouble(proxy)

    with pytest.raises(kind) as caught:
        unvault.fetch("prod/app")
    assert "canary" not in told(caught.value)


def test_a_server_that_is_not_there_is_told(account, open_unvault):
    unvault = open_unvault(by_keys(account.root, "http://127.0.0.1:9", timeout=1))

    with pytest.raises(Unavailable, match="cannot be reached"):
        unvault.fetch("prod/app")


def test_a_certificate_that_nobody_trusts_is_told(account, authority, open_unvault, connect):
    name = "secretsmanager.eu-west-1.amazonaws.com"
    unvault = open_unvault(by_keys(account.root, connect.at(name).address, timeout=1))

    with pytest.raises(Unavailable, match=r"is not trusted|another host") as caught:
        unvault.fetch("prod/app")
    assert caught.value.hint


def test_names_are_listed_from_a_prefix_on(account, unvault, proxy):
    for name in ("app/one", "app/two", "other/app/x", "App/three"):
        account.put(name, "canary-1")

    found = [*unvault.list("prod", "app/")]

    assert [each.path for each in found] == ["app/one", "app/two"]
    assert all(each.version for each in found)
    assert asked_for(proxy.requests[0])["Filters"] == [{"Key": "name", "Values": ["app/"]}]
    assert len([*unvault.list("prod")]) == 4
    assert unvault.fetch("prod/app/one").version == found[0].version


def test_who_may_not_list_is_told(account, proxy, open_unvault):
    unvault = open_unvault(by_keys(reader(account), proxy.address))

    with pytest.raises(AccessDenied, match="may not list") as caught:
        list(unvault.list("prod"))
    assert "ListSecrets" in str(caught.value.hint)


def test_a_proxy_on_the_way_is_used_and_real_names_are_asked(
    account, open_unvault, connect, monkeypatch
):
    account.put("app", "canary-1")
    keys = by_keys(reader(account), "")
    del keys["endpoint"]
    for variable, value in connect.environment.items():
        monkeypatch.setenv(variable, value)
    unvault = open_unvault(keys)

    assert unvault.fetch("prod/app").text() == "canary-1"
    assert unvault.credentials.test("prod").identity
    assert connect.hosts == [
        "secretsmanager.eu-west-1.amazonaws.com",
        "sts.eu-west-1.amazonaws.com",
    ]
    assert connect.refused == []


@pytest.mark.parametrize("name", ["prod/d", "prod/db-AbCdEf", "prod/"])
def test_a_secret_whose_arn_only_begins_like_that_is_another_one(account, unvault, name):
    arn = account.put("prod/db-AbCdEf-old", "canary-1").arn
    start = f"{arn.partition(':secret:')[0]}:secret:{name}"

    found = unvault.fetch_many([f"prod/{start}", f"prod/{arn}", f"prod/{arn[:-7]}"])

    assert [each.text() for each in found[1:]] == ["canary-1"] * 2
    assert isinstance(found[0], SecretNotFound)
    with pytest.raises(SecretNotFound, match="only one whose ARN begins like that") as caught:
        unvault.fetch(f"prod/{start}")
    assert "whole ARN" in str(caught.value.hint)
