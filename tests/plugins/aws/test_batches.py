"""Many secrets with few requests, each with an outcome of its own."""

from __future__ import annotations

import pytest
from tests.plugins.aws.using import BATCH, GET, add, by_keys, reader
from tests.servers.aws_account import allow
from tests.servers.aws_proxy import asked_for

from unvault import Reference, Secret
from unvault.errors import (
    AccessDenied,
    CredentialRejected,
    InvalidReference,
    SecretDeleted,
    SecretNotFound,
    Throttled,
    VersionNotFound,
)

pytestmark = pytest.mark.usefixtures("quiet_log")


def shown(outcomes):
    return [each.text() if isinstance(each, Secret) else type(each).__name__ for each in outcomes]


def test_two_hundred_secrets_take_ten_requests(account, proxy, open_unvault):
    names = [f"many/{number}" for number in range(200)]
    for name in names:
        account.put(name, f"canary-{name}")
    unvault = open_unvault(by_keys(reader(account, BATCH), proxy.address))

    found = unvault.fetch_many(f"prod/{name}" for name in names)

    assert shown(found) == [f"canary-{name}" for name in names]
    assert proxy.actions == ["secretsmanager.BatchGetSecretValue"] * 10
    assert {len(asked_for(seen)["SecretIdList"]) for seen in proxy.requests} == {20}


def test_where_batches_are_denied_each_is_asked_for_by_itself(account, proxy, open_unvault):
    for number in range(25):
        account.put(f"app-{number}", f"canary-{number}")
    unvault = open_unvault(by_keys(reader(account), proxy.address))
    wanted = [f"prod/app-{number}" for number in range(25)]

    assert shown(unvault.fetch_many(wanted)) == [f"canary-{number}" for number in range(25)]
    assert proxy.asked("BatchGet") <= 2
    assert proxy.asked("secretsmanager.GetSecretValue") == 25
    proxy.forget()
    assert shown(unvault.fetch_many(wanted, fresh=True))[24] == "canary-24"
    assert proxy.asked("BatchGet") == 0  # once told is enough


@pytest.mark.parametrize("more", [(), (BATCH,)])
def test_a_policy_for_one_of_twenty_five_denies_the_others(account, proxy, open_unvault, more):
    arns = [account.put(f"app-{number}", f"canary-{number}").arn for number in range(25)]
    keys = account.user(allow(GET, on=arns[7]), *([allow(*more)] if more else []))
    unvault = open_unvault(by_keys(keys, proxy.address))

    found = unvault.fetch_many(f"prod/app-{number}" for number in range(25))

    assert shown(found) == ["canary-7" if n == 7 else "AccessDenied" for n in range(25)]
    for number, outcome in enumerate(found):
        if isinstance(outcome, AccessDenied):
            assert outcome.reference == f"prod/app-{number}"
            assert f"app-{number}'" in outcome.message


def test_each_has_its_own_outcome(account, proxy, open_unvault):
    first = account.put("app", "canary-old")
    account.put("app", "canary-new")
    account.put("raw", b"canary-raw")
    account.put("gone", "canary-gone")
    account.delete("gone")
    far = account.in_region("us-east-2").put("app", "canary-far").arn
    unvault = open_unvault(by_keys(reader(account, BATCH), proxy.address))

    found = unvault.fetch_many(
        [
            "prod/app",
            "prod/raw",
            "prod/nope",
            "prod/gone",
            f"prod/{first.arn}",
            f"prod/{first.arn[:-7]}",
            f"prod/app?version_id={first.version_id}",
            "prod/app?version_stage=NONE",
            f"prod/{far}",
            "prod/arn:aws:s3:::bucket",
            Reference("prod", "odd name"),
        ]
    )

    assert [each.reveal() if isinstance(each, Secret) else type(each) for each in found[:10]] == [
        b"canary-new",
        b"canary-raw",
        SecretNotFound,
        SecretDeleted,
        b"canary-new",
        b"canary-new",
        b"canary-old",
        VersionNotFound,
        b"canary-far",
        InvalidReference,
    ]
    assert isinstance(found[10], SecretNotFound | InvalidReference)


def test_two_accounts_with_one_name_are_never_mixed(account, new_account, proxy, open_unvault):
    other = new_account()
    for each in (account, other):
        for name in ("app", "db"):
            each.put(name, f"canary-{name}-{each.number}")
    unvault = open_unvault(by_keys(reader(account, BATCH), proxy.address))
    add(unvault, "other", by_keys(reader(other, BATCH), proxy.address))
    wanted = ["prod/app", "other/app", "prod/db", "other/db"]

    for fresh in (False, True, False):
        assert shown(unvault.fetch_many(wanted, fresh=fresh)) == [
            f"canary-{name}-{each.number}" for name in ("app", "db") for each in (account, other)
        ]
    assert unvault.fetch("other/app").text() == f"canary-app-{other.number}"


def test_a_secret_of_another_account_in_a_batch_is_not_taken_for_ones_own(
    account, proxy, open_unvault
):
    """An answer may hold two secrets of one name: another account's has to be named by its ARN."""
    mine = account.put("app", "canary-mine").arn
    account.put("db", "canary-db")
    foreign = mine.replace(account.number, "999999999999")

    def value(arn, text):
        return f'{{"ARN":"{arn}","Name":"app","SecretString":"{text}","VersionId":"v"}}'

    def answer(seen):
        asked = asked_for(seen)["SecretIdList"]
        both = [value(foreign, "canary-foreign"), value(mine, "canary-mine")]
        kept = both[:1] if foreign in asked else both[1:]
        return f'{{"SecretValues":[{",".join(kept)}],"Errors":[]}}'.encode()

    proxy.answer(200, body=answer, times=99, where="BatchGet")
    unvault = open_unvault(by_keys(reader(account, BATCH), proxy.address))

    found = unvault.fetch_many(["prod/app", "prod/db", f"prod/{foreign}", f"prod/{foreign[:-7]}"])

    assert shown(found) == ["canary-mine", "canary-db", "canary-foreign", "canary-foreign"]


def test_pages_of_a_batch_are_followed(account, proxy, open_unvault):
    for name in ("a", "b"):
        account.put(name, f"canary-{name}")
    pages = iter(
        [
            b'{"SecretValues":[],"NextToken":"more"}',
            b'{"SecretValues":[{"ARN":"x","Name":"b","SecretString":"canary-paged"}]}',
        ]
    )
    proxy.answer(200, body=lambda _: next(pages), times=2, where="BatchGet")
    unvault = open_unvault(by_keys(reader(account, BATCH), proxy.address))

    assert shown(unvault.fetch_many(["prod/a", "prod/b"])) == ["canary-a", "canary-paged"]
    assert proxy.actions[-1] == "secretsmanager.GetSecretValue"  # a, which no page had


def test_a_batch_that_aws_does_not_understand_is_asked_for_one_by_one(account, proxy, open_unvault):
    for name in ("a", "b"):
        account.put(name, f"canary-{name}")
    proxy.fail("InvalidParameterException", where="BatchGet")
    unvault = open_unvault(by_keys(reader(account, BATCH), proxy.address))

    assert shown(unvault.fetch_many(["prod/a", "prod/b"])) == ["canary-a", "canary-b"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [("ThrottlingException", Throttled), ("UnrecognizedClientException", CredentialRejected)],
)
def test_what_fails_a_whole_batch_is_not_asked_for_again(account, proxy, open_unvault, code, kind):
    proxy.fail(code, times=99)
    unvault = open_unvault(by_keys(reader(account, BATCH), proxy.address, timeout=1))

    found = unvault.fetch_many(f"prod/app-{number}" for number in range(3))

    assert [type(each) for each in found] == [kind] * 3
    assert proxy.asked("secretsmanager.GetSecretValue") == 0
