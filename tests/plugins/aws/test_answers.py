"""Answers of several pages, and answers that AWS would not give."""

from __future__ import annotations

import json

import pytest
from tests.plugins.aws.using import GET, LIST, by_keys, reader, told
from tests.servers.aws_account import allow
from tests.servers.aws_proxy import asked_for

from unvault.errors import Unavailable

pytestmark = pytest.mark.usefixtures("quiet_log")


def test_pages_of_a_list_are_followed(account, proxy, open_unvault):
    unvault = open_unvault(by_keys(account.user(allow(LIST)), proxy.address))
    names = [f"list/{number:03d}" for number in range(500)]

    def page(seen):
        start = int(asked_for(seen).get("NextToken", 0))
        told = {"SecretList": [{"Name": name} for name in names[start : start + 100]]}
        return json.dumps(told | ({"NextToken": str(start + 100)} if start < 400 else {})).encode()

    proxy.answer(200, body=page, times=5, where="ListSecrets")

    assert [info.path for info in unvault.list("prod", "list/")] == names
    assert proxy.asked("ListSecrets") == 5


def test_a_page_that_leads_to_itself_is_the_end(account, proxy, open_unvault):
    unvault = open_unvault(by_keys(account.user(allow(GET, LIST)), proxy.address))
    proxy.answer(200, body=b'{"NextToken": "same"}', times=99)

    with pytest.raises(Unavailable, match="something else"):
        list(unvault.list("prod"))
    assert [type(each) for each in unvault.fetch_many(["prod/a", "prod/b"])] == [Unavailable] * 2
    assert proxy.asked() == 4


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "answer",
    [
        b"null",
        b"[1]",
        b"[" * 200_000,
        b'{"SecretString": "canary", "CreatedDate": "canary"}',
        b'{"SecretString": "canary", "CreatedDate": 1e300}',
        b'{"SecretString": "canary\xff", "__type": "\xff"}',
        b'{"SecretString": 5, "__type": ["canary"], "message": {"a": "canary"}}',
    ],
)
def test_an_answer_that_is_none_of_awss_is_told(account, proxy, open_unvault, answer, status):
    unvault = open_unvault(by_keys(reader(account), proxy.address))
    proxy.answer(status, body=answer, where="GetSecret")

    with pytest.raises(Unavailable) as caught:
        unvault.fetch("prod/app")
    assert "botocore" not in str(caught.value.hint)
    assert "canary" not in told(caught.value)
