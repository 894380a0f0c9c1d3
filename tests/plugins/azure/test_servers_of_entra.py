"""The authority that the other tests here rely on, asked by the bare SDKs."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureCliCredential,
    CertificateCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from tests.servers.certificates import SelfSigned
from tests.servers.entra_directory import AZURE_CLI, Federated, Person

_VAULTS = "https://vault.azure.net"
_SCOPE = f"{_VAULTS}/user_impersonation"


class Answers(HTTPServer):
    """Where the browser brings the answer to."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.uri = f"http://localhost:{self.server_port}"
        self.got = []

    @property
    def answer(self):
        """What came."""
        return next(each for each in self.got if each.keys() & {"code", "error"})


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self._take(urlsplit(self.path).query)

    def do_POST(self):
        self._take(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _take(self, told):
        self.server.got.append(dict(parse_qsl(told)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def answers():
    """Return what waits for the browser."""
    with Answers() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def app(entra):
    """Return an application that signs people in."""
    return entra.app("unvault", public=True)


def client_of(app, tenant="", **options):
    return msal.PublicClientApplication(
        app.client_id,
        authority=f"https://login.microsoftonline.com/{tenant or app.tenant.id}",
        **options,
    )


@pytest.fixture
def begin(app, answers):
    """Return what begins to sign in: client and flow."""

    def begin(*, tenant="", known=None, **options):
        client = client_of(known or app, tenant)
        asked = {"redirect_uri": answers.uri, "response_mode": "form_post"} | options
        return client, client.initiate_auth_code_flow([_SCOPE], **asked)

    return begin


class TestSigningIn:
    def test_a_person_signs_in_with_a_real_browser(
        self, entra, ann, app, begin, answers, sign_in_at, azure, profile
    ):
        client, flow = begin()
        tab = sign_in_at(flow["auth_uri"], ann)
        assert tab.address == f"{answers.uri}/"
        assert "code" not in tab.address
        found = client.acquire_token_by_auth_code_flow(flow, answers.answer)
        claims = found["id_token_claims"]
        assert claims["preferred_username"] == ann.name
        assert (claims["tid"], claims["aud"]) == (entra.tenant.id, app.client_id)
        assert {*entra.scopes[-1]} == {_SCOPE, "openid", "profile", "offline_access"}
        assert (len(entra.opened), entra.consents, len(profile.tabs)) == (1, 1, 1)
        assert azure.refused == []
        # The browser knows her now, and she is not asked again.
        client, flow = begin()
        profile.open(flow["auth_uri"]).wait_for("body:not(:has(form))")
        assert len(answers.got) >= 2
        assert entra.consents == 1

    @pytest.mark.parametrize("mode", ["query", "form_post"])
    def test_the_answer_comes_as_it_was_asked_for(self, ann, begin, answers, visit, mode):
        client, flow = begin()
        page = visit(
            ann, flow["auth_uri"].replace("response_mode=form_post", f"response_mode={mode}")
        )
        assert ("?code=" in page.address) == (mode == "query")
        assert answers.answer["state"] == flow["state"]
        assert "access_token" in client.acquire_token_by_auth_code_flow(flow, answers.answer)

    def test_a_code_is_good_once_and_for_who_asked_for_it(self, entra, ann, begin, answers, visit):
        client, flow = begin()
        visit(ann, flow["auth_uri"])
        told = client.acquire_token_by_auth_code_flow
        wrong = {**flow, "code_verifier": "another" * 10}
        assert told(wrong, answers.answer)["error_codes"] == [501481]
        assert told(flow, answers.answer)["error_codes"] == [54005]
        answers.got.clear()
        entra.code_seconds = -1
        client, flow = begin()
        visit(ann, flow["auth_uri"])
        found = client.acquire_token_by_auth_code_flow(flow, answers.answer)
        assert found["error_codes"] == [70008]

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"code_challenge_method": "plain"}, "code_challenge"),
            ({"code_challenge": ""}, "code_challenge"),
            ({"response_type": "token"}, "response_type"),
        ],
    )
    def test_what_asks_otherwise_is_refused(self, ann, begin, answers, visit, changed, error):
        _, flow = begin()
        told = dict(parse_qsl(urlsplit(flow["auth_uri"]).query)) | changed
        address = flow["auth_uri"].partition("?")[0]
        visit(ann, f"{address}?{msal.oauth2cli.oauth2.urlencode(told)}")
        assert error in answers.answer["error_description"]

    def test_somebody_declines(self, entra, ann, begin, answers, sign_in_at):
        client, flow = begin()
        sign_in_at(flow["auth_uri"], ann, accept=False)
        assert answers.answer["error"] == "access_denied"
        assert answers.answer["error_description"].startswith("AADSTS65004")
        assert entra.consents == 0
        assert "error" in client.acquire_token_by_auth_code_flow(flow, answers.answer)

    def test_somebody_turns_back_before(self, ann, begin, answers, profile):
        _, flow = begin()
        profile.open(flow["auth_uri"]).click("[value=cancel]")
        profile.tabs[0].wait_for("body:not(:has(form))")
        assert answers.answer["error_subcode"] == "cancel"

    def test_a_wrong_password_is_asked_for_again(self, entra, ann, begin, answers, sign_in_at):
        _, flow = begin()
        wrong = Person(ann.name, "canary-other", entra.tenant)
        assert "AADSTS50126" in sign_in_at(flow["auth_uri"], wrong).text
        assert answers.got == []

    def test_what_is_shown_only_does_not_come_back(self, entra, ann, app, begin, answers, visit):
        other = entra.directory.new_tenant("fabrikam.example")
        theirs = entra.app("theirs", other, public=True)
        _, flow = begin(known=theirs)
        assert "AADSTS50020" in visit(ann, flow["auth_uri"]).text
        _, flow = begin(redirect_uri="https://thief.example.com/")
        assert "AADSTS50011" in visit(ann, flow["auth_uri"]).text
        unknown = entra.app("unknown", public=True)
        entra.directory.apps.remove(unknown)
        _, flow = begin(known=unknown)
        assert "AADSTS700016" in visit(ann, flow["auth_uri"]).text
        _, flow = begin(tenant="common")
        assert "AADSTS50194" in visit(ann, flow["auth_uri"]).text
        ann.blocked = True
        _, flow = begin()
        assert "AADSTS53003" in visit(ann, flow["auth_uri"]).text
        assert answers.got == []
        entra.sends_all_errors_back = True
        _, flow = begin()
        visit(ann, flow["auth_uri"])
        assert "AADSTS53003" in answers.answer["error_description"]

    def test_a_guest_and_a_foreign_resource(self, entra, ann, begin, answers, visit):
        other = entra.directory.new_tenant("fabrikam.example")
        ann.guest_of.append(other)
        theirs = entra.app("theirs", other, public=True)
        client, flow = begin(known=theirs)
        visit(ann, flow["auth_uri"])
        found = client.acquire_token_by_auth_code_flow(flow, answers.answer)
        assert found["id_token_claims"]["tid"] == other.id
        answers.got.clear()
        other.resources.clear()
        client, flow = begin(known=theirs)
        visit(ann, flow["auth_uri"])
        assert answers.answer["error"] == "invalid_resource"
        assert "AADSTS500011" in answers.answer["error_description"]

    def test_a_tenant_that_there_is_not(self, app, azure):
        with pytest.raises(ValueError, match="double check your tenant name"):
            client_of(app, "00000000-0000-0000-0000-000000000000")
        there = "https://login.microsoftonline.com/other.example/v2.0"
        reply = requests.get(f"{there}/.well-known/openid-configuration", timeout=10)
        assert (reply.status_code, reply.json()["error_codes"]) == (400, [90002])


class TestRefreshing:
    @pytest.fixture
    def signed_in(self, ann, begin, answers, visit):
        client, flow = begin()
        visit(ann, flow["auth_uri"])
        client.acquire_token_by_auth_code_flow(flow, answers.answer)
        [account] = client.get_accounts()

        def again():
            return client.acquire_token_silent_with_error([_SCOPE], account, force_refresh=True)

        return again

    def test_a_token_is_had_for_another_one(self, entra, signed_in):
        first = entra.tokens.of_kind("refresh")[-1]
        assert "access_token" in signed_in()
        assert entra.tokens.of_kind("refresh")[-1].text != first.text
        assert entra.granted("refresh_token") == 1

    @pytest.mark.parametrize("code", [50173, 70043, 70008])
    def test_it_may_be_over(self, entra, ann, signed_in, code):
        entra.revoke(ann, code=code)
        assert signed_in()["error_codes"] == [code]

    def test_it_may_be_good_for_one_time(self, entra, signed_in):
        entra.refreshes_once = True
        used = entra.tokens.of_kind("refresh")[-1]
        assert "access_token" in signed_in()
        assert "access_token" in signed_in()
        assert used.revoked == 70000
        reply = requests.post(
            f"https://login.microsoftonline.com/{entra.tenant.id}/oauth2/v2.0/token",
            {
                "grant_type": "refresh_token",
                "refresh_token": used.text,
                "client_id": used.app.client_id,
            },
            timeout=10,
        )
        assert reply.json()["error_codes"] == [70000]

    def test_it_ends(self, entra, signed_in):
        entra.ahead = 91 * 24 * 3600
        assert signed_in()["error_codes"] == [70008]

    @pytest.mark.parametrize(
        ("changed", "code"), [("needs_mfa", 50076), ("blocked", 53003), ("disabled", 50057)]
    )
    def test_somebody_may_have_to_come_back(self, ann, signed_in, changed, code):
        setattr(ann, changed, True)
        assert signed_in()["error_codes"] == [code]

    def test_consent_may_be_gone(self, ann, signed_in):
        ann.consents.clear()
        assert (signed_in()["error_codes"], signed_in()["suberror"]) == (
            [65001],
            "consent_required",
        )


class TestDevices:
    @pytest.fixture
    def device(self, app):
        client = client_of(app)
        flow = client.initiate_device_flow([_SCOPE])

        def wait():
            """Ask once, as soon as may be."""
            flow["interval"] = 1  # where it is 0, msal asks again for ever
            return client.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)

        return flow, wait

    def test_somebody_enters_the_code(self, entra, ann, device, profile):
        entra.interval = 0
        flow, wait = device
        assert wait()["error"] == "authorization_pending"
        tab = profile.open(flow["verification_uri"])
        tab.fill("[name=otc]", flow["user_code"])
        tab.click("[value=next]")
        from tests.servers.entra_person import signed_in

        signed_in(tab, ann)
        assert "signed in to unvault" in tab.run("document.title")
        assert wait()["id_token_claims"]["preferred_username"] == ann.name
        assert wait()["error_codes"] == [70018]  # it is good for one time

    def test_who_asks_too_often_is_told_to_slow_down(self, entra, device):
        entra.interval = 60
        _, wait = device
        assert [wait()["error"], wait()["error"]] == ["authorization_pending", "slow_down"]

    def test_it_is_declined_or_ends(self, entra, ann, device, visit):
        flow, wait = device
        visit(ann, f"{flow['verification_uri']}?otc={flow['user_code']}", accept=False)
        assert wait()["error"] == "authorization_declined"
        entra.ahead = 901
        assert wait()["error"] == "expired_token"

    def test_a_wrong_code_is_not_taken(self, ann, device, visit):
        flow, _ = device
        page = visit(ann, f"{flow['verification_uri']}?otc=WRONG")
        assert "That code didn" in page.text


class TestApplications:
    @pytest.fixture
    def robot(self, entra):
        return entra.app("robot")

    def refused(self, credential):
        with pytest.raises(ClientAuthenticationError) as error:
            credential.get_token(f"{_VAULTS}/.default")
        return error.value.message.partition("AADSTS")[2].partition(":")[0]

    def test_a_secret_is_the_right_one_or_not(self, entra, robot):
        def by(secret, client_id=robot.client_id):
            return ClientSecretCredential(entra.tenant.id, client_id, secret)

        assert by(robot.new_secret()).get_token(f"{_VAULTS}/.default").token
        assert self.refused(by("canary-wrong")) == "7000215"
        assert self.refused(by(robot.new_secret(ends=entra.now() - 1))) == "7000222"
        assert self.refused(by("canary", "00000000-0000-0000-0000-000000000000")) == "700016"

    def test_a_certificate_is_the_right_one_or_not(self, entra, robot, tmp_path):
        proof = SelfSigned()

        def by(**told):
            return CertificateCredential(entra.tenant.id, robot.client_id, **told)

        assert self.refused(by(certificate_data=proof.pem())) == "700027"
        robot.certificates.append(proof.certificate)
        assert by(certificate_data=proof.pem()).get_token(f"{_VAULTS}/.default").token
        path = tmp_path / "robot.pfx"
        path.write_bytes(proof.pfx("canary"))
        assert by(certificate_path=path, password="canary").get_token(f"{_VAULTS}/.default")
        forged = SelfSigned(certificate=proof.certificate)
        assert self.refused(by(certificate_data=forged.pem())) == "700027"
        entra.ahead = 3600
        assert self.refused(by(certificate_data=proof.pem())) == "700024"

    def test_a_workload_shows_a_token_of_somebody_who_is_trusted(
        self, entra, robot, issuer, tmp_path
    ):
        path = tmp_path / "token"
        known = {"iss": "https://id.example.com", "sub": "job 7"}

        def by(**claims):
            told = {"aud": "api://AzureADTokenExchange", **known, **claims}
            seconds = told.pop("seconds", 600)
            path.write_text(issuer.issue(seconds=seconds, **told))
            return WorkloadIdentityCredential(
                tenant_id=entra.tenant.id,
                client_id=robot.client_id,
                token_file_path=str(path),
            )

        assert self.refused(by()) == "700213"
        robot.federated.append(Federated(known["iss"], known["sub"], issuer.public_key))
        assert by().get_token(f"{_VAULTS}/.default").token
        assert self.refused(by(sub="job 8")) == "700213"
        assert self.refused(by(aud="other")) == "700213"
        assert self.refused(by(seconds=-1)) == "700024"
        proof = by()
        path.write_text("canary, which is no token")
        assert self.refused(proof) == "50027"

    def test_a_scope_is_for_all_of_one_thing(self, entra, robot):
        by = ClientSecretCredential(entra.tenant.id, robot.client_id, robot.new_secret())
        for scope, code in [(_SCOPE, "1002012"), ("https://nothing.example/.default", "500011")]:
            with pytest.raises(ClientAuthenticationError, match=f"AADSTS{code}:"):
                by.get_token(scope)


class TestPlatforms:
    def test_a_machine_has_an_identity_where_it_was_given_one(self, azure, entra):
        with pytest.raises(CredentialUnavailableError):
            ManagedIdentityCredential(retry_total=0).get_token(f"{_VAULTS}/.default")
        assert "169.254.169.254" in azure.refused
        azure.identity.give(machine := entra.app("machine"))
        token = ManagedIdentityCredential().get_token(f"{_VAULTS}/.default").token
        assert entra.tokens.known[token].subject is machine
        with pytest.raises(CredentialUnavailableError):
            ManagedIdentityCredential(client_id="x", retry_total=0).get_token(_VAULTS)

    def test_app_service_has_another_way(self, azure, entra, monkeypatch):
        azure.identity.give(entra.app("machine"), other := entra.app("other"))
        for variable, value in azure.identity.for_app_service.items():
            monkeypatch.setenv(variable, value)
        by = ManagedIdentityCredential(client_id=other.client_id)
        token = by.get_token(f"{_VAULTS}/.default").token
        assert entra.tokens.known[token].subject is other

    def test_the_azure_cli_is_signed_in_or_not(self, azure, ann, tmp_path, monkeypatch):
        azure.put_az(tmp_path / "bin", None)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        with pytest.raises(CredentialUnavailableError, match="az login"):
            AzureCliCredential().get_token(f"{_VAULTS}/.default")
        azure.put_az(tmp_path / "bin", ann)
        token = AzureCliCredential().get_token(f"{_VAULTS}/.default").token
        assert azure.entra.tokens.known[token].app.client_id == AZURE_CLI


def test_everything_that_was_given_out_is_known(entra, ann, begin, answers, visit):
    client, flow = begin()
    visit(ann, flow["auth_uri"])
    found = client.acquire_token_by_auth_code_flow(flow, answers.answer)
    known = {*entra.issued}
    assert {found["access_token"], found["refresh_token"], answers.answer["code"]} <= known
    assert ann.password in known
