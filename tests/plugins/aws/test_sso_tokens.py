"""The files of AWS's cache for SSO tokens, which anybody may have written."""

from __future__ import annotations

import json

import pytest
from hypothesis import strategies as st
from tests.plugins.aws.using import keep_token, token_file
from tests.soak import fuzz

from unvault_aws import sso_tokens

GOOD = {"accessToken": "canary-token", "expiresAt": "2099-01-01T00:00:00Z"}


def kept(own_home, content):
    path = keep_token(own_home, "corp", {})
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return sso_tokens.load("corp")


def test_what_aws_writes_is_read(own_home):
    for ends in ("2099-01-01T00:00:00Z", "2099-01-01T00:00:00UTC", "2099-01-01T00:00:00+00:00"):
        found = kept(own_home, json.dumps({**GOOD, "expiresAt": ends}))
        assert found is not None
        assert found.access == "canary-token"
        assert found.expires.isoformat() == "2099-01-01T00:00:00+00:00"
        assert "canary" not in repr(found)


@pytest.mark.parametrize("content", ["", "[]", "null", "5", '"x"', "[" * 100_000, b"\xff", "{}"])
def test_a_file_of_another_kind_is_no_token(own_home, content):
    assert kept(own_home, content) is None


@pytest.mark.parametrize("token", [None, 5, "", "a b", "a\nb", "\xe9", ["a"], {"a": "b"}])
@pytest.mark.parametrize("name", ["accessToken", "refreshToken"])
def test_what_cannot_be_sent_is_no_token(own_home, name, token):
    found = kept(own_home, json.dumps({**GOOD, name: token}))

    if name == "refreshToken" and token is None:
        assert found is not None
        assert found.refresh is None
    else:
        assert found is None


@pytest.mark.parametrize("ends", [None, 5, "", "soon", "99999-01-01T00:00:00Z"])
def test_without_its_end_it_is_no_token(own_home, ends):
    assert kept(own_home, json.dumps({**GOOD, "expiresAt": ends})) is None


def test_a_folder_in_its_place_is_no_token(own_home):
    token_file(own_home, "corp").mkdir(parents=True)

    assert sso_tokens.load("corp") is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_NAMES = ("accessToken", "expiresAt", "refreshToken", "clientId", "clientSecret", "startUrl")


@fuzz(
    content=st.binary()
    | _JSON.map(json.dumps)
    | st.dictionaries(
        st.sampled_from([*_NAMES, "registrationExpiresAt", "region"]),
        _JSON | st.datetimes().map(str),
    ).map(lambda changed: json.dumps(GOOD | changed))
)
def test_any_file_is_a_token_or_none(own_home, content):
    found = kept(own_home, content)

    assert found is None or found.access.isascii()
