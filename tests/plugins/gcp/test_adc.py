"""Application default credentials: found where Google's own tools look, and soon where not."""

from __future__ import annotations

import os
import time

import pytest
from google.auth.compute_engine import _metadata
from tests.plugins.gcp.using import at, told, write

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    CredentialRejected,
    Unavailable,
)
from unvault_gcp import machine

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture(autouse=True)
def secret(gcp, monkeypatch):
    gcp.put("acme", "db", {"password": "canary-1"})
    # What runs the tests may be a machine of Google's itself.
    monkeypatch.setattr(machine, "_PRODUCT", machine._PRODUCT / "of nobody")


@pytest.fixture
def unvault(gcp, transport, open_unvault):
    return open_unvault(at(gcp, transport=transport), kind="adc")


def read(unvault):
    return unvault.fetch("prod/db#password", fresh=True).text()


def login(home, content):
    """Do as ``gcloud auth application-default login`` does."""
    known = home / ".config" / "gcloud" / "application_default_credentials.json"
    named = home / "gcloud" / "application_default_credentials.json"  # on Windows
    return write(named if os.name == "nt" else known, content)


def person(gcp, **changes):
    """Return the file of somebody who may read, whose tokens come from the server."""
    gcp.grant("ann@example.com", "projects/acme")
    return gcp.user("ann@example.com") | {"token_uri": f"{gcp.address}/token"} | changes


class TestFiles:
    def test_the_file_that_the_variable_names_goes_first(
        self, gcp, unvault, own_home, tmp_path, monkeypatch
    ):
        login(own_home, {"type": "authorized_user"})
        file = gcp.reader().key_file(tmp_path / "key.json")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

        assert read(unvault) == "canary-1"

    def test_the_file_of_gcloud(self, gcp, unvault, own_home):
        gcp.reader().key_file(login(own_home, {}))

        assert read(unvault) == "canary-1"

    def test_the_file_in_another_folder_of_gclouds(self, gcp, unvault, tmp_path, monkeypatch):
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
        gcp.reader().key_file(tmp_path / "application_default_credentials.json")

        assert read(unvault) == "canary-1"

    def test_a_file_that_the_variable_names_and_that_is_not_there(
        self, gcp, unvault, own_home, monkeypatch
    ):
        gcp.reader().key_file(login(own_home, {}))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file.json")

        with pytest.raises(CredentialMissing, match="/no/such/file") as caught:
            read(unvault)
        assert "GOOGLE_APPLICATION_CREDENTIALS" in caught.value.hint

    def test_a_file_of_a_type_that_nobody_knows(self, unvault, own_home):
        login(own_home, {"type": "gdch_service_account"})

        with pytest.raises(CredentialMissing, match="its type") as caught:
            read(unvault)
        assert "authorized_user" in caught.value.hint

    def test_the_empty_credential_means_the_same(self, gcp, own_home, open_unvault):
        gcp.reader().key_file(login(own_home, {}))

        session = open_unvault().credentials.resolve("gcp")
        assert session.type is None


class TestPeople:
    def test_who_signed_in_with_gcloud(self, gcp, unvault, own_home, monkeypatch):
        login(own_home, person(gcp))
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")

        assert read(unvault) == "canary-1"
        assert gcp.issued == ["ann@example.com"]
        read(unvault)
        assert gcp.issued == ["ann@example.com"]  # one token serves them all

    def test_who_was_signed_out(self, gcp, unvault, own_home):
        login(own_home, person(gcp))
        gcp.identities.sign_out("ann@example.com")

        with pytest.raises(CredentialRejected, match="is not valid, or not any more") as caught:
            read(unvault)
        assert "gcloud auth application-default login" in caught.value.hint

    def test_a_wrong_client(self, gcp, unvault, own_home):
        login(own_home, person(gcp, client_secret="canary-wrong"))

        with pytest.raises(CredentialRejected, match="client") as caught:
            read(unvault)
        assert "canary" not in told(caught.value)

    def test_a_file_that_is_not_complete(self, unvault, own_home):
        login(own_home, {"type": "authorized_user", "client_id": "canary"})

        with pytest.raises(CredentialMissing, match="no client_secret and no refresh_token"):
            read(unvault)

    def test_a_token_endpoint_without_tls_is_not_asked(self, gcp, unvault, own_home):
        login(own_home, person(gcp, token_uri="http://oauth2.example.com/token"))

        with pytest.raises(CredentialMissing, match="not https"):
            read(unvault)

    def test_a_token_endpoint_that_fails_twice_is_asked_again(
        self, gcp, unvault, own_home, monkeypatch
    ):
        login(own_home, person(gcp))
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")
        gcp.answer_http(503, b"<html>canary</html>", where="token", times=2)
        began = time.monotonic()

        assert read(unvault) == "canary-1"
        assert time.monotonic() - began < 3  # and not the SDK's pauses of seconds

    def test_a_token_endpoint_that_cannot_be_reached(self, gcp, own_home, open_unvault):
        login(own_home, person(gcp, token_uri="http://127.0.0.1:9/token"))
        unvault = open_unvault(at(gcp, timeout=1), kind="adc")

        with pytest.raises(Unavailable, match="the token endpoint cannot be reached"):
            read(unvault)

    @pytest.mark.parametrize("body", [b"<html>canary</html>", b'{"access_token": "canary"}', b"[]"])
    def test_a_token_endpoint_that_makes_no_sense(self, gcp, unvault, own_home, body):
        login(own_home, person(gcp))
        gcp.answer_http(200, body, where="token")

        with pytest.raises(Unavailable, match="something else") as caught:
            read(unvault)
        assert "canary" not in told(caught.value)

    def test_the_project_that_gcloud_is_set_to(self, gcp, unvault, own_home, monkeypatch, tmp_path):
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
        write(tmp_path / "application_default_credentials.json", person(gcp))
        write(tmp_path / "active_config", "work\n")
        write(tmp_path / "configurations" / "config_work", "[core]\nproject = acme\n")

        assert read(unvault) == "canary-1"

    def test_a_project_that_nobody_names(self, gcp, unvault, own_home):
        login(own_home, person(gcp))

        with pytest.raises(CredentialMissing, match="which project") as caught:
            read(unvault)
        assert "GOOGLE_CLOUD_PROJECT" in caught.value.hint
        assert unvault.fetch("prod/projects/acme/secrets/db#password").text() == "canary-1"

    def test_who_signed_in_by_an_organizations_own_provider(
        self, gcp, unvault, own_home, monkeypatch
    ):
        user = person(gcp)
        login(
            own_home,
            user
            | {
                "type": "external_account_authorized_user",
                "audience": "//iam.googleapis.com/locations/global/workforcePools/p/providers/i",
                "token_url": f"{gcp.address}/token",
            },
        )
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")

        with pytest.raises(CredentialRejected):  # the server takes clients of forms only
            read(unvault)
        (asked,) = gcp.seen
        headers = {name.lower(): value for name, value in asked.headers.items()}
        assert headers["authorization"].startswith("Basic ")
        assert b"grant_type=refresh_token" in asked.body


class TestImpersonated:
    def content(self, gcp, target, **changes):
        where = f"{gcp.address}/v1/projects/-/serviceAccounts/{target}:generateAccessToken"
        return {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": where,
            "source_credentials": person(gcp),
            "delegates": [],
        } | changes

    def test_what_gcloud_writes_for_who_impersonates(self, gcp, unvault, own_home):
        target = gcp.reader(name="target")
        gcp.let_impersonate("ann@example.com", target)
        login(own_home, self.content(gcp, target))

        assert read(unvault) == "canary-1"
        assert gcp.issued == ["ann@example.com", target.email]
        assert unvault.credentials.test("prod").identity == target.email

    def test_the_project_that_requests_are_counted_for_goes_with_them(
        self, gcp, unvault, own_home, monkeypatch
    ):
        target = gcp.reader(name="target")
        gcp.let_impersonate("ann@example.com", target)
        source = person(gcp, quota_project_id="billed")
        login(own_home, self.content(gcp, target, source_credentials=source))

        assert read(unvault) == "canary-1"
        asked = [{name.lower(): value for name, value in seen.headers.items()} for seen in gcp.seen]
        assert [each.get("x-goog-user-project") for each in asked] == [None, "billed"]

    def test_who_may_not(self, gcp, unvault, own_home):
        login(own_home, self.content(gcp, gcp.reader(name="target")))

        with pytest.raises(AccessDenied, match="target@"):
            read(unvault)

    def test_a_source_that_is_impersonated_itself(self, gcp, unvault, own_home):
        target = gcp.reader(name="target")
        inner = self.content(gcp, target)
        login(own_home, self.content(gcp, target, source_credentials=inner))

        with pytest.raises(CredentialMissing, match="impersonated in its turn"):
            read(unvault)

    def test_a_file_that_is_not_complete(self, gcp, unvault, own_home):
        login(own_home, self.content(gcp, "x@y", source_credentials=None))

        with pytest.raises(CredentialMissing, match="no source_credentials"):
            read(unvault)


class TestMachine:
    @pytest.fixture(autouse=True)
    def _asked(self, monkeypatch):
        monkeypatch.delenv("NO_GCE_CHECK")

    @pytest.fixture
    def metadata(self, gcp, monkeypatch):
        """Have the server be the metadata server; google-auth reads where it is once."""
        monkeypatch.setenv("GCE_METADATA_HOST", gcp.endpoint)
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", gcp.endpoint)

    @pytest.fixture
    def on_google(self, gcp, metadata):
        reader = gcp.reader()
        gcp.be_a_machine_of(reader)
        return reader

    def test_a_machine_of_googles_signs_in_by_itself(self, gcp, unvault, on_google):
        assert read(unvault) == "canary-1"
        session = unvault.credentials.test("prod")
        assert session.identity == on_google.email
        assert dict(session.details)["project"] == "acme"

    def test_its_token_that_ended_is_replaced(self, gcp, unvault, on_google):
        assert read(unvault) == "canary-1"
        gcp.identities.forget_tokens()

        assert read(unvault) == "canary-1"

    def test_its_project_is_not_asked_for_where_the_environment_says_it(
        self, gcp, unvault, on_google, monkeypatch
    ):
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")

        assert read(unvault) == "canary-1"
        assert [seen.path for seen in gcp.seen if "project-id" in seen.path] == []
        assert gcp.asked("metadata") == 2  # who it is, and the token

    def test_the_metadata_server_is_asked_by_no_proxy(
        self, gcp, on_google, monkeypatch, open_unvault
    ):
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "")
        unvault = open_unvault(at(gcp, timeout=1), kind="adc")

        with pytest.raises(Unavailable, match="proxy"):  # on the way to Secret Manager
            read(unvault)
        assert gcp.issued

    def test_a_machine_without_a_service_account(self, gcp, unvault, metadata):
        with pytest.raises(CredentialMissing, match="runs as no service account"):
            read(unvault)

    def test_something_else_in_place_of_the_metadata_server(self, gcp, unvault, on_google):
        gcp.answer_http(200, b'{"access_token": "canary", "expires_in": 5}', where="metadata")

        with pytest.raises(Unavailable, match="something else") as caught:
            read(unvault)
        assert "canary" not in told(caught.value)

    @pytest.mark.parametrize("sign", [{}, {"NO_GCE_CHECK": "true", "GCE_METADATA_HOST": "there"}])
    def test_elsewhere_it_is_not_asked_and_nothing_takes_long(self, unvault, monkeypatch, sign):
        for name, value in sign.items():
            monkeypatch.setenv(name, value)
        began = time.monotonic()

        with pytest.raises(CredentialMissing, match="no application default credentials") as caught:
            read(unvault)
        assert time.monotonic() - began < 2
        assert "GOOGLE_APPLICATION_CREDENTIALS" in caught.value.message
        assert "application_default_credentials.json" in caught.value.message
        assert "gcloud auth application-default login" in caught.value.hint

    def test_in_a_cluster_of_somebody_elses_it_is_asked_for_a_moment(self, unvault, monkeypatch):
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
        monkeypatch.setattr(machine, "_ADDRESS", "127.0.0.1:9")

        with pytest.raises(CredentialMissing, match="no application default credentials"):
            read(unvault)

    def test_in_a_cluster_of_googles_it_answers(self, gcp, unvault, on_google, monkeypatch):
        monkeypatch.delenv("GCE_METADATA_HOST")
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
        for name in ("_ADDRESS", "_HOST"):
            monkeypatch.setattr(machine, name, gcp.endpoint)
        gcp.answer_http(200, b"ok", where="metadata", headers={"Metadata-Flavor": "Google"})

        assert read(unvault) == "canary-1"

    def test_the_name_of_the_product_says_it_too(
        self, gcp, unvault, on_google, monkeypatch, tmp_path
    ):
        monkeypatch.delenv("GCE_METADATA_HOST")
        monkeypatch.setattr(machine, "_HOST", gcp.endpoint)
        monkeypatch.setattr(machine, "_PRODUCT", write(tmp_path / "name", "Google Compute Engine"))

        assert read(unvault) == "canary-1"
