"""The servers that the other tests here rely on, asked by the bare SDK."""

from __future__ import annotations

import time

import jwt
import pytest
import requests
from azure.core.exceptions import (
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient


@pytest.fixture
def robot(entra):
    """Return an application that proves itself with a secret."""
    return entra.app("robot")


@pytest.fixture
def as_robot(robot, vault):
    """Return a client of the vault for the application, which may do what Ann may."""
    vault.allow(robot)
    proof = ClientSecretCredential(robot.tenant.id, robot.client_id, robot.new_secret())
    with SecretClient(vault.address, proof, retry_total=0) as client:
        yield client


def refusal(error):
    """Return status, code and inner code of what a vault refused."""
    known = error.value.error
    inner = known.innererror["code"] if known.innererror else ""
    return error.value.status_code, known.code, inner


class TestKeyVault:
    def test_whoever_shows_no_token_is_told_where_to_get_one(self, azure, vault, as_robot):
        vault.put("api-key", "canary-1")
        assert as_robot.get_secret("api-key").value == "canary-1"
        asked = [seen for seen in azure.vaults.requests if "Authorization" not in seen.headers]
        assert len(asked) == 1
        assert [each.host for each in azure.entra.presented] == ["app.vault.azure.net"]
        assert azure.refused == azure.strangers_saw == []

    def test_a_secret_has_versions_and_what_is_known_of_it(self, vault, as_robot):
        first = vault.put("api-key", "canary-1")
        vault.put("api-key", "canary-2", kind="text/plain", tags={"team": "a"}, ends=4e9)
        found = as_robot.get_secret("api-key")
        assert (found.value, found.properties.tags) == ("canary-2", {"team": "a"})
        assert found.properties.content_type == "text/plain"
        assert found.properties.expires_on.year == 2096
        assert as_robot.get_secret("api-key", first).value == "canary-1"
        versions = [*as_robot.list_properties_of_secret_versions("api-key")]
        assert [each.version for each in versions] == [first, found.properties.version]

    def test_lists_come_in_pages(self, vault, azure, as_robot):
        for number in range(60):
            vault.put(f"s{number:02}", "canary")
        names = [each.name for each in as_robot.list_properties_of_secrets()]
        assert names == [f"s{number:02}" for number in range(60)]
        assert azure.vaults.count("skiptoken") == 2

    def test_what_cannot_be_read_is_told_apart(self, vault, entra, as_robot):
        now = entra.now()
        vault.put("off", "canary", enabled=False)
        vault.put("early", "canary", starts=now + 60)
        vault.put("late", "canary", ends=now - 60)
        vault.put("gone", "canary")
        vault.delete("gone")
        with pytest.raises(HttpResponseError) as error:
            as_robot.get_secret("off")
        assert refusal(error) == (403, "Forbidden", "SecretDisabled")
        for name in ("gone", "none"):
            with pytest.raises(ResourceNotFoundError) as missing:
                as_robot.get_secret(name)
            assert refusal(missing)[1] == "SecretNotFound"
        assert as_robot.get_deleted_secret("gone").scheduled_purge_date.year == 2024
        # Key Vault itself gives out what is not valid yet, or any more.
        assert as_robot.get_secret("early").value == as_robot.get_secret("late").value == "canary"
        vault.keeps_dates = True
        for name, inner in [("early", "SecretNotYetValid"), ("late", "SecretExpired")]:
            with pytest.raises(HttpResponseError) as error:
                as_robot.get_secret(name)
            assert refusal(error) == (403, "Forbidden", inner)

    def test_who_may_not_is_refused_by_policy_role_or_firewall(self, vault, robot, as_robot):
        vault.put("api-key", "canary")
        vault.allowed[robot.oid] = {"secrets/list"}
        assert [each.name for each in as_robot.list_properties_of_secrets()] == ["api-key"]

        def refused():
            with pytest.raises(HttpResponseError) as error:
                as_robot.get_secret("api-key")
            return refusal(error)

        assert refused() == (403, "Forbidden", "AccessDenied")
        vault.by_roles = True
        assert refused() == (403, "Forbidden", "ForbiddenByRbac")
        vault.behind_firewall = True
        assert refused() == (403, "Forbidden", "ForbiddenByFirewall")

    def test_a_token_of_another_tenant_or_for_something_else_is_refused(
        self, azure, vault, entra, as_robot, robot
    ):
        other = entra.directory.new_tenant("fabrikam.example")
        stranger = entra.app("stranger", other)
        for token, said in [
            (entra.issue(stranger, "https://vault.azure.net").text, "AKV10032"),
            (entra.issue(robot, "https://management.azure.com").text, "AKV10022"),
            (jwt.encode({"aud": "x"}, "k" * 32, headers={"kid": "x"}), "signature"),
        ]:
            status, body, headers = _asked(azure, vault, token)
            assert (status, said in body) == (401, True)
            assert entra.tenant.id in headers["WWW-Authenticate"]
        entra.token_seconds = 10
        token = entra.issue(robot, "https://vault.azure.net").text
        assert _asked(azure, vault, token)[0] == 404
        entra.ahead = 11
        assert "TokenExpired" in _asked(azure, vault, token)[1]

    def test_it_makes_trouble_when_asked_to(self, azure, vault, as_robot):
        vault.put("api-key", "canary")
        as_robot.get_secret("api-key")
        azure.vaults.throttle(retry_after=7)
        with pytest.raises(HttpResponseError) as error:
            as_robot.get_secret("api-key")
        assert (error.value.status_code, error.value.response.headers["Retry-After"]) == (429, "7")
        azure.vaults.be_unavailable(where="app.vault.azure.net/secrets/api-key")
        with pytest.raises(HttpResponseError) as error:
            as_robot.get_secret("api-key")
        assert error.value.status_code == 503
        azure.vaults.hang(where="/secrets/api-key")
        with pytest.raises(ServiceResponseError, match="Read timed out"):
            as_robot.get_secret("api-key", read_timeout=0.1)
        azure.vaults.calm()
        assert as_robot.get_secret("api-key").value == "canary"

    def test_a_stranger_that_it_sends_people_to_counts_the_tokens(self, azure, vault, as_robot):
        vault.put("api-key", "canary")
        azure.stranger.hosts.add("thief.example.com")
        azure.vaults.redirect("https://thief.example.com/secrets/api-key")
        with pytest.raises(HttpResponseError):
            as_robot.get_secret("api-key", permit_redirects=False)
        assert azure.strangers_saw == []
        azure.stranger.challenge = ""
        azure.entra.note("thief.example.com", azure.vaults.requests[-1])
        assert azure.strangers_saw == ["thief.example.com"]

    def test_it_asks_for_a_newer_token_where_something_happened(self, vault, entra, as_robot):
        vault.put("api-key", "canary")
        as_robot.get_secret("api-key")
        time.sleep(0.01)
        vault.newer_than = entra.now()
        assert as_robot.get_secret("api-key").value == "canary"
        assert "nbf" in entra.tokens.of_kind("access")[-1].claims

    def test_a_host_that_is_no_vault_is_not_reached(self, azure, as_robot):
        with (
            SecretClient(
                "https://none.vault.azure.net", as_robot._client._config.credential, retry_total=0
            ) as client,
            pytest.raises(ServiceRequestError),
        ):
            client.get_secret("api-key")
        assert azure.refused == ["none.vault.azure.net"]


def _asked(azure, vault, token):
    """Ask for a secret that there is not, with a token."""
    reply = requests.get(
        f"{vault.address}/secrets/none?api-version=7.6",
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    return reply.status_code, reply.text, reply.headers
