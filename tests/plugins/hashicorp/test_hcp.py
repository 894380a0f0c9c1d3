"""HCP Vault Secrets: the service principal's token, the API, and its errors."""

import time

import pytest
from tests.plugins.hashicorp.using import says_nothing_secret

from unvault.errors import (
    AccessDenied,
    CredentialRejected,
    InvalidReference,
    NotSupported,
    SecretNotFound,
    Throttled,
    Unavailable,
    UnvaultError,
    VersionNotFound,
)
from unvault.reference import Reference


@pytest.fixture
def answers(hcp):
    return {
        "client_id": "client-1",
        "client_secret": hcp.principals["client-1"],
        "api_address": hcp.address,
        "auth_address": hcp.address,
        "timeout": 3,
    }


@pytest.fixture
def unvault(answers, open_unvault):
    return open_unvault(answers, kind="cloud")


class TestReading:
    def test_the_newest_version(self, unvault, hcp):
        path = hcp.put("web", "KEY", "canary-1", "canary-2")
        secret = unvault.fetch(f"prod/{path}")
        assert (secret.text(), secret.version) == ("canary-2", "2")

    def test_each_version(self, unvault, hcp):
        path = hcp.put("web", "KEY", "canary-1", "canary-2", "canary-3")
        for number in (1, 3, 2):
            secret = unvault.fetch(f"prod/{path}?version={number}")
            assert (secret.text(), secret.version) == (f"canary-{number}", str(number))

    def test_a_field_of_a_value_that_is_json(self, unvault, hcp):
        path = hcp.put("web", "KEY", '{"user": "me"}')
        assert unvault.fetch(f"prod/{path}#user").text() == "me"

    def test_names_are_encoded(self, unvault, hcp):
        hcp.put("my app", "a+b%", "canary")
        path = f"{hcp.organization}/{hcp.project}/my app/a+b%"
        assert unvault.fetch(Reference("prod", path)).text() == "canary"


class TestPaths:
    def test_two_parts_where_the_credential_has_the_others(self, answers, hcp, open_unvault):
        hcp.put("web", "KEY", "canary")
        owner = {"organization_id": hcp.organization, "project_id": hcp.project}
        unvault = open_unvault(answers | owner, kind="cloud")
        assert unvault.fetch("prod/web/KEY").text() == "canary"

    def test_all_four_parts_come_before_what_the_credential_says(self, answers, hcp, open_unvault):
        path = hcp.put("web", "KEY", "canary")
        owner = {"organization_id": "another", "project_id": "another"}
        unvault = open_unvault(answers | owner, kind="cloud")
        assert unvault.fetch(f"prod/{path}").text() == "canary"

    @pytest.mark.parametrize("path", ["KEY", "web/KEY", "a/web/KEY", "a/b/c/d/e", "a//b/c"])
    def test_any_other_number_of_parts_is_explained(self, unvault, hcp, path):
        with pytest.raises(InvalidReference, match="ORGANIZATION/PROJECT/APP/SECRET"):
            unvault.fetch(f"prod/{path}")
        assert hcp.count("/secrets/") == 0

    @pytest.mark.parametrize("path", ["a/b/../d", "a/./c/d"])
    def test_no_part_leads_elsewhere(self, unvault, hcp, path):
        with pytest.raises(InvalidReference):
            unvault.fetch(f"prod/{path}")
        assert hcp.count("/secrets/") == 0

    @pytest.mark.parametrize("parameter", ["kv=2", "namespace=a", "data={}", "engine=logical"])
    def test_parameters_of_servers_do_not_fit(self, unvault, hcp, parameter):
        path = hcp.put("web", "KEY", "canary")
        with pytest.raises(InvalidReference):
            unvault.fetch(f"prod/{path}?{parameter}")


class TestTokens:
    def test_one_serves_until_it_ends(self, unvault, hcp):
        path = hcp.put("web", "KEY", "canary")
        for _ in range(20):
            unvault.fetch(f"prod/{path}", fresh=True)
        assert hcp.logins == 1

    def test_then_another_one_is_asked_for(self, unvault, hcp):
        hcp.seconds = 1
        path = hcp.put("web", "KEY", "canary")
        unvault.fetch(f"prod/{path}")
        time.sleep(1.1)
        assert unvault.fetch(f"prod/{path}", fresh=True).text() == "canary"
        assert hcp.logins == 2

    def test_one_that_is_refused_is_replaced_once(self, unvault, hcp):
        path = hcp.put("web", "KEY", "canary")
        unvault.fetch(f"prod/{path}")
        hcp.revoke()
        assert unvault.fetch(f"prod/{path}", fresh=True).text() == "canary"
        assert hcp.logins == 2

    def test_revoking_in_the_middle_of_many_costs_one(self, unvault, hcp):
        paths = [f"prod/{hcp.put('web', f'KEY{number}', 'canary')}" for number in range(50)]
        unvault.fetch(paths[0])
        hcp.revoke()
        outcomes = unvault.fetch_many(paths, fresh=True)
        assert [each.text() for each in outcomes] == ["canary"] * 50
        assert hcp.logins == 2

    def test_what_is_sent_to_sign_in(self, unvault, hcp):
        unvault.fetch(f"prod/{hcp.put('web', 'KEY', 'canary')}")
        asked = next(seen for seen in hcp.requests if seen.path == "/oauth2/token")
        form = dict(each.split("=") for each in asked.body.decode().split("&"))
        assert form["grant_type"] == "client_credentials"
        assert form["audience"] == "https%3A%2F%2Fapi.hashicorp.cloud"
        assert "Authorization" not in asked.headers

    def test_insomnias_audience_can_be_given(self, answers, hcp, open_unvault):
        hcp.audience = "https://api.cloud.hashicorp.com"
        unvault = open_unvault(answers | {"audience": hcp.audience}, kind="cloud")
        assert unvault.fetch(f"prod/{hcp.put('web', 'KEY', 'canary')}").text() == "canary"


class TestErrors:
    @pytest.mark.parametrize(
        "wrong", [{"client_id": "nobody"}, {"client_secret": "canary-wrong"}, {"audience": "x"}]
    )
    def test_a_refused_principal(self, answers, hcp, open_unvault, wrong):
        unvault = open_unvault(answers | wrong, kind="cloud")
        with pytest.raises(CredentialRejected) as raised:
            unvault.fetch(f"prod/{hcp.put('web', 'KEY', 'canary')}")
        assert raised.value.code == "credential-rejected"
        assert "client_secret" in raised.value.hint
        assert says_nothing_secret(raised.value, hcp.principals["client-1"])

    def test_a_missing_secret_a_missing_app_and_a_missing_version(self, unvault, hcp):
        path = hcp.put("web", "KEY", "canary")
        for reference in (f"prod/{path}2", f"prod/{hcp.organization}/{hcp.project}/no/KEY"):
            with pytest.raises(SecretNotFound) as raised:
                unvault.fetch(reference)
            assert type(raised.value) is SecretNotFound
            assert says_nothing_secret(raised.value)
        with pytest.raises(VersionNotFound):
            unvault.fetch(f"prod/{path}?version=9")

    def test_denied(self, unvault, hcp):
        path = hcp.put("secret-app", "KEY", "canary")
        hcp.forbidden.add("secret-app")
        with pytest.raises(AccessDenied) as raised:
            unvault.fetch(f"prod/{path}")
        assert raised.value.hint
        assert hcp.logins == 1

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_what_passes_is_not_noticed(self, unvault, hcp, status):
        hcp.fail(status, "canary")
        assert unvault.fetch(f"prod/{hcp.put('web', 'KEY', 'canary')}").text() == "canary"

    def test_retry_after_is_respected(self, unvault, hcp):
        hcp.fail(429, "canary", retry_after=1)
        before = time.monotonic()
        assert unvault.fetch(f"prod/{hcp.put('web', 'KEY', 'canary')}").text() == "canary"
        assert time.monotonic() - before >= 1

    @pytest.mark.parametrize(("status", "kind"), [(429, Throttled), (503, Unavailable)])
    def test_what_does_not_pass_is_an_error(self, answers, hcp, open_unvault, status, kind):
        unvault = open_unvault(answers | {"timeout": 1}, kind="cloud")
        hcp.fail(status, "canary", times=100)
        with pytest.raises(kind) as raised:
            unvault.fetch(f"prod/{hcp.put('web', 'KEY', 'canary')}")
        assert says_nothing_secret(raised.value)

    @pytest.mark.parametrize("status", [302, 400, 409, 418])
    def test_no_words_of_an_unexpected_answer_are_shown(self, unvault, hcp, status):
        hcp.fail(status, "canary", times=10)
        with pytest.raises(UnvaultError) as raised:
            unvault.fetch(f"prod/{hcp.put('web', 'KEY', 'canary')}")
        assert raised.value.code in {"unavailable", "invalid-reference"}
        assert says_nothing_secret(raised.value)

    def test_a_secret_without_a_static_value(self, unvault, hcp):
        path = hcp.put("web", "KEY")
        with pytest.raises(SecretNotFound):
            unvault.fetch(f"prod/{path}")

    def test_listing_says_what_to_do_instead(self, unvault, hcp):
        with pytest.raises(NotSupported) as raised:
            [*unvault.list("prod")]
        assert raised.value.hint


def test_who_signed_in_is_told_without_the_token(unvault):
    session = unvault.credentials.test("prod")
    assert "client-1" in session.identity
    assert session.expires is not None
    assert "hcp-token" not in f"{session!r}"
