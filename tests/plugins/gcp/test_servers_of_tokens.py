"""Where tokens come from, and the real names: asked by the bare SDK."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import google.auth
import grpc
import pytest
from google.auth import identity_pool, impersonated_credentials
from google.auth.compute_engine import Credentials as OnAMachine
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as of_users
from google.oauth2 import service_account
from tests.plugins.gcp.asking import asked, client, code_of, keyed
from tests.servers.gcp_accounts import private_key
from tests.servers.gcp_identities import CLOUD

TRANSPORTS = pytest.mark.parametrize("transport", ["grpc", "rest"])
ISSUER = "https://id.example.com"


def by_token(account, **changes):
    """Return credentials that take a token from the token endpoint."""
    made = service_account.Credentials.from_service_account_info(account.key(**changes))
    return made.with_scopes([CLOUD]).with_always_use_jwt_access(False)


def person(gcp, told):
    """Return credentials for what a person's file holds."""
    made = of_users.Credentials.from_authorized_user_info(told)
    made._token_uri = f"{gcp.address}/token"  # the SDK does not heed what the file says
    return made


def refusal(credentials):
    with pytest.raises(GoogleAuthError) as caught:
        credentials.refresh(Request())
    return str(caught.value)


@pytest.fixture
def version(trusted):
    """Return the name of a version of a secret."""
    return trusted.put("acme", "db", "x")


class TestTokenEndpoint:
    def test_a_signed_assertion_brings_a_token_that_ends(self, trusted, version):
        reader = trusted.reader()
        credentials = by_token(reader)
        credentials.refresh(Request())
        made = client(of_users.Credentials(credentials.token), trusted.endpoint)
        assert asked(made, version).data == b"x"
        assert trusted.issued == [reader.email]
        trusted.ahead = trusted.identities.token_seconds + 1
        assert code_of(made, version) == (401, "ACCESS_TOKEN_EXPIRED")
        trusted.ahead = 0
        trusted.identities.forget_tokens()
        assert code_of(made, version) == (401, "ACCESS_TOKEN_TYPE_UNSUPPORTED")

    def test_a_token_of_a_second_ends_within_a_second(self, trusted, version):
        trusted.identities.token_seconds = 1
        credentials = by_token(trusted.reader())
        credentials.refresh(Request())
        made = client(of_users.Credentials(credentials.token), trusted.endpoint)
        assert asked(made, version).data == b"x"
        time.sleep(1.05)
        assert code_of(made, version) == (401, "ACCESS_TOKEN_EXPIRED")

    def test_an_assertion_is_verified(self, trusted):
        reader = trusted.reader()
        assert "Invalid JWT Signature" in refusal(by_token(reader, private_key=private_key(1)))
        assert "Invalid JWT Signature" in refusal(by_token(reader, private_key_id="none"))
        nobody = by_token(reader, client_email="nobody@acme.iam.gserviceaccount.com")
        assert "account not found" in refusal(nobody)
        trusted.ahead = 3600 + 301
        assert "short-lived" in refusal(by_token(reader))
        trusted.ahead = 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trusted.identities, "token_uris", {"https://example.com/token"})
            assert "audience" in refusal(by_token(reader))
        reader.enabled = False
        assert "account not found" in refusal(by_token(reader))
        assert trusted.issued == []

    def test_faults_come_here_too(self, trusted):
        reader = trusted.reader()
        credentials = by_token(reader)
        trusted.fail("INVALID_ARGUMENT", where="token")
        assert "INVALID_ARGUMENT" in refusal(credentials)
        trusted.answer_http(403, b"<html>no</html>", where="token")
        assert "<html>" in refusal(credentials)
        trusted.reset(where="token")
        with pytest.raises(TransportError):
            credentials.refresh(Request())
        credentials.refresh(Request())
        assert trusted.issued == [reader.email]

    def test_a_person_has_a_token_until_signing_out(self, trusted, version):
        told = trusted.user("ann@example.com")
        trusted.grant("ann@example.com", "projects/acme")
        assert asked(client(person(trusted, told), trusted.endpoint), version).data == b"x"
        assert "invalid_client" in refusal(person(trusted, told | {"client_secret": "x"}))
        trusted.identities.sign_out("ann@example.com")
        assert "expired or revoked" in refusal(person(trusted, told))

    def test_over_rest_the_sdk_asks_for_another_token_when_one_is_refused(self, trusted, version):
        credentials = person(trusted, trusted.user("ann@example.com"))
        trusted.grant("ann@example.com", "projects/acme")
        made = client(credentials, trusted.endpoint, transport="rest")
        assert asked(made, version).data == b"x"
        trusted.identities.forget_tokens()
        assert asked(made, version).data == b"x"
        assert trusted.issued == ["ann@example.com"] * 2


class TestWorkloads:
    @TRANSPORTS
    def test_a_token_of_the_issuer_is_exchanged(
        self, trusted, version, issuer, tmp_path, transport
    ):
        pool = trusted.pool(issuer, ISSUER)
        kept = tmp_path / "token"
        claims = {"iss": ISSUER, "aud": pool.token_audience, "sub": "job-7"}
        kept.write_text(issuer.issue(**claims))
        trusted.grant(pool.principal("job-7"), "projects/acme")
        told = pool.configuration(kept)
        credentials = identity_pool.Credentials.from_info(told, scopes=[CLOUD])
        made = client(credentials, trusted.endpoint, transport=transport)
        assert asked(made, version).data == b"x"
        assert trusted.issued == [pool.principal("job-7")]
        kept.write_text(issuer.issue(**claims | {"sub": "job-8"}))
        other = identity_pool.Credentials.from_info(told, scopes=[CLOUD])
        assert code_of(client(other, trusted.endpoint, transport=transport), version)[0] == 403

    def test_another_token_is_not(self, trusted, issuer, tmp_path):
        pool = trusted.pool(issuer, ISSUER)
        kept = tmp_path / "token"
        claims = {"iss": ISSUER, "aud": pool.token_audience, "sub": "job-7"}

        def said(token, **changes):
            kept.write_text(token)
            told = pool.configuration(kept) | changes
            return refusal(identity_pool.Credentials.from_info(told, scopes=[CLOUD]))

        assert "expired" in said(issuer.issue(seconds=-1, **claims))
        assert "issuer" in said(issuer.issue(**claims | {"iss": "https://evil.example"}))
        assert "audience" in said(issuer.issue(**claims | {"aud": "x"}))
        assert "signature" in said(type(issuer)().issue(**claims))
        assert "invalid_grant" in said("x")
        assert "invalid_target" in said(issuer.issue(**claims), audience="//iam/none")
        assert trusted.issued == []

    def test_a_workload_may_act_as_a_service_account(self, trusted, version, issuer, tmp_path):
        pool = trusted.pool(issuer, ISSUER)
        kept = tmp_path / "token"
        kept.write_text(issuer.issue(iss=ISSUER, aud=pool.token_audience, sub="job-7"))
        reader = trusted.reader()
        told = pool.configuration(kept, account=reader)
        credentials = identity_pool.Credentials.from_info(told, scopes=[CLOUD])
        assert "getAccessToken" in refusal(credentials)
        trusted.let_impersonate(pool.principal("job-7"), reader)
        credentials.refresh(Request())
        assert asked(client(credentials, trusted.endpoint), version).data == b"x"
        assert trusted.issued[-1] == reader.email


class TestImpersonation:
    @pytest.fixture
    def acting(self, trusted):
        """Return what makes credentials of one account for another."""

        def made(source, target, **options):
            path = f"v1/projects/-/serviceAccounts/{target}:generateAccessToken"
            return impersonated_credentials.Credentials(
                by_token(source),
                str(target),
                [CLOUD],
                iam_endpoint_override=f"{trusted.address}/{path}",
                **options,
            )

        return made

    @TRANSPORTS
    def test_who_may_has_a_token_of_the_account(self, trusted, version, acting, transport):
        reader, caller = trusted.reader(), trusted.service_account("caller")
        assert "getAccessToken" in refusal(acting(caller, reader))
        trusted.let_impersonate(caller, reader)
        made = client(acting(caller, reader), trusted.endpoint, transport=transport)
        assert asked(made, version).data == b"x"
        assert trusted.issued[-1] == reader.email
        nobody = "nobody@acme.iam.gserviceaccount.com"
        assert "getAccessToken" in refusal(acting(caller, nobody))
        reader.enabled = False
        assert "disabled" in refusal(acting(caller, reader))

    def test_each_of_a_chain_has_to_be_allowed(self, trusted, acting):
        caller, middle, last = (trusted.service_account(each) for each in "abc")
        chained = acting(caller, last, delegates=[middle.email])
        trusted.let_impersonate(caller, middle)
        assert "getAccessToken" in refusal(chained)
        trusted.let_impersonate(middle, last)
        chained.refresh(Request())
        assert trusted.issued[-1] == last.email
        assert "getAccessToken" in refusal(acting(caller, last))

    def test_a_lifetime_is_an_hour_at_the_most(self, trusted, version, acting):
        reader = trusted.reader()
        trusted.let_impersonate(reader, reader)
        assert "3600 seconds" in refusal(acting(reader, reader, lifetime=3601))
        short = acting(reader, reader, lifetime=60)
        short.refresh(Request())
        made = client(of_users.Credentials(short.token), trusted.endpoint)
        assert asked(made, version).data == b"x"
        trusted.ahead = 61
        assert code_of(made, version) == (401, "ACCESS_TOKEN_EXPIRED")


class TestMetadata:
    def test_a_machine_has_an_account(self, trusted, version, connect):
        reader = trusted.reader()
        trusted.be_a_machine_of(reader)
        credentials = OnAMachine()
        credentials.refresh(Request())
        assert credentials.service_account_email == reader.email
        assert asked(client(credentials), version).data == b"x"
        assert {*trusted.issued} == {reader.email}
        assert trusted.asked("metadata") >= 2
        assert {*connect.hosts} == {"metadata.google.internal", "secretmanager.googleapis.com"}

    def test_elsewhere_there_is_no_metadata(self, trusted):
        def status(**headers):
            asking = urllib.request.Request(  # noqa: S310  # it is http
                f"{trusted.address}/computeMetadata/v1/project/project-id", headers=headers
            )
            try:
                with urllib.request.urlopen(asking, timeout=5) as answer:  # noqa: S310  # ours
                    return answer.read()
            except urllib.error.HTTPError as error:
                error.close()
                return error.code

        flavor = {"Metadata-Flavor": "Google"}
        assert status(**flavor) == 404
        trusted.be_a_machine_of(trusted.service_account("a"))
        assert status() == 403
        assert status(**flavor) == b"acme"
        trusted.be_a_machine_of(None)
        assert status(**flavor) == 404


class TestConnect:
    @TRANSPORTS
    def test_the_sdk_asks_the_real_name(self, trusted, connect, version, transport):
        made = client(keyed(trusted.reader()), transport=transport)
        assert asked(made, version).data == b"x"
        assert "secretmanager.googleapis.com" in connect.hosts
        assert connect.refused == []
        assert {each.host for each in trusted.requests if "Access" in each.what} == {
            "secretmanager.googleapis.com"
        }

    @TRANSPORTS
    def test_each_region_has_a_name(self, trusted, connect, transport):
        here = trusted.put("acme", "db", "x")
        there = trusted.put("acme", "db", "y", location="europe-west1")
        credentials = keyed(trusted.reader())
        trusted.grant("reader@acme.iam.gserviceaccount.com", there.rpartition("/versions/")[0])
        everywhere = client(credentials, transport=transport)
        assert code_of(everywhere, there)[0] == 400
        name = "secretmanager.europe-west1.rep.googleapis.com"
        regional = client(credentials, name, transport=transport)
        assert asked(regional, there).data == b"y"
        assert code_of(regional, here)[0] == 400
        elsewhere = client(
            credentials, "secretmanager.us-east1.rep.googleapis.com", transport=transport
        )
        assert code_of(elsewhere, there)[0] == 400
        assert connect.refused == []

    def test_a_person_and_a_workload_are_known_by_the_real_names(
        self, trusted, connect, version, issuer, tmp_path, monkeypatch
    ):
        kept = tmp_path / "adc.json"
        kept.write_text(json.dumps(trusted.user("ann@example.com")))
        trusted.grant("ann@example.com", "projects/acme")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(kept))
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")
        found, project = google.auth.default(scopes=[CLOUD])
        assert project == "acme"
        assert asked(client(found), version).data == b"x"
        assert {*connect.hosts} == {"oauth2.googleapis.com", "secretmanager.googleapis.com"}

    def test_metadata_is_asked_for_without_a_tunnel(self, trusted, connect):
        trusted.be_a_machine_of(trusted.service_account("a"))
        proxied = urllib.request.build_opener(
            urllib.request.ProxyHandler({"http": connect.address})
        )
        address = "http://metadata.google.internal/computeMetadata/v1/project/project-id"
        asking = urllib.request.Request(address, headers={"Metadata-Flavor": "Google"})
        with proxied.open(asking, timeout=5) as answer:
            assert answer.read() == b"acme"
        assert connect.hosts == ["metadata.google.internal"]

    def test_other_names_are_refused_and_noted(self, trusted, connect, version):
        made = client(keyed(trusted.reader()), "secretmanager.example.com")
        with pytest.raises(Exception, match="503"):
            asked(made, version)
        assert connect.refused[0] == "secretmanager.example.com"

    def test_an_untrusted_certificate_is_refused(self, connect, version, trusted):
        channel = grpc.secure_channel(
            "secretmanager.googleapis.com:443",
            grpc.ssl_channel_credentials(private_key().encode()),
        )
        with channel, pytest.raises(grpc.FutureTimeoutError):
            grpc.channel_ready_future(channel).result(timeout=0.3)
        assert trusted.asked() == 0
