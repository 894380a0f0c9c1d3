"""google-auth comes by tokens in our time, by our requests, and believes no configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from urllib.parse import parse_qs, unquote

import pytest
from tests.plugins.gcp.using import add, at, by_key, told, write
from tests.servers.gcp_faults import ALWAYS

from unvault.errors import CredentialMissing, CredentialRejected, TimedOut, Unavailable
from unvault_gcp.asking import Web
from unvault_gcp.connection import Connection
from unvault_gcp.refreshing import Request

pytestmark = pytest.mark.usefixtures("quiet_log")
ISSUER = "https://id.example.com"


@pytest.fixture(autouse=True)
def secret(gcp):
    gcp.put("acme", "db", "canary-1")


@pytest.fixture
def person(gcp, tmp_path, monkeypatch, open_unvault):
    """Return an `Unvault` for somebody whose tokens come from the server."""
    gcp.grant("ann@example.com", "projects/acme")
    content = gcp.user("ann@example.com") | {"token_uri": f"{gcp.address}/token"}
    file = write(tmp_path / "adc.json", content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    return open_unvault(at(gcp, timeout=1, project="acme", transport="rest"), kind="adc")


@pytest.fixture
def federated(gcp, issuer, tmp_path, open_unvault):
    """Return what makes an `Unvault` of a configuration with some of its members changed."""
    pool = gcp.pool(issuer, ISSUER)
    gcp.grant(pool.principal("job-7"), "projects/acme")
    token = write(
        tmp_path / "token", issuer.issue(iss=ISSUER, aud=pool.token_audience, sub="job-7")
    )

    def made(**changes):
        account = changes.pop("account", None)
        content = pool.configuration(token, account=account) | changes
        file = write(tmp_path / "config.json", content)
        answers = at(gcp, config_file=str(file), project="acme", transport="rest", timeout=1)
        return open_unvault(answers, kind="workload_identity")

    return made


def read(unvault):
    return unvault.fetch("prod/db", fresh=True).text()


def failed(unvault, kind):
    """Return what a fetch fails with, soon, and which shows nothing of what was answered."""
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        read(unvault)
    assert time.monotonic() - began < 6  # google-auth alone would go on for 15 s, or for ever
    assert "canary" not in told(caught.value)
    assert caught.value.hint
    return str(caught.value)


class TestTime:
    @pytest.mark.parametrize("said", ["error", "error_description"])
    @pytest.mark.parametrize("code", ["temporarily_unavailable", "server_error"])
    def test_an_error_that_may_pass_is_waited_for_by_our_own_pauses(self, gcp, person, said, code):
        body = json.dumps({"error": "canary", said: code}).encode()
        gcp.answer_http(400, body, where="token", times=2)
        began = time.monotonic()

        assert read(person) == "canary-1"
        assert time.monotonic() - began < 2.5  # google-auth's own pauses are 3 s
        assert gcp.asked("token") == 3

    @pytest.mark.parametrize("status", [408, 429, 500, 503, 504])
    def test_one_that_does_not_pass_is_an_error_at_the_deadline(self, gcp, person, status):
        gcp.answer_http(status, b'{"error": "canary"}', where="token", times=ALWAYS)

        failed(person, Unavailable)

    def test_a_token_endpoint_that_never_answers(self, gcp, person):
        gcp.hang(where="token")

        assert "the token endpoint did not answer in time" in failed(person, TimedOut)

    def test_all_steps_of_one_sign_in_have_one_deadline(self, gcp):
        request = Request(Web(Connection(timeout=0.1)), elsewhere="the second one")
        time.sleep(0.15)  # as long as the first one took

        with pytest.raises(TimedOut, match="the second one did not answer in time"):
            request(f"{gcp.address}/token", "POST")
        assert gcp.requests == []

    def test_a_metadata_server_that_cannot_answer(self, gcp, monkeypatch, open_unvault):
        from google.auth.compute_engine import _metadata

        monkeypatch.delenv("NO_GCE_CHECK")
        monkeypatch.setenv("GCE_METADATA_HOST", gcp.endpoint)
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", gcp.endpoint)
        gcp.answer_http(503, b"canary", where="metadata", times=ALWAYS)
        unvault = open_unvault(at(gcp, timeout=1), kind="adc")

        assert "the machine's metadata server" in failed(unvault, Unavailable)


class TestWhoIsAsked:
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_token_is_not_sent_where_a_redirect_says(self, gcp, person, status):
        elsewhere = {"Location": f"{gcp.address}/v1/token"}
        gcp.answer_http(status, b"canary", where="token", headers=elsewhere)

        assert "something else" in failed(person, Unavailable)
        assert gcp.asked() == 1

    def test_where_a_process_finds_its_metadata_server(self, gcp):
        """google-auth reads the variable when it is imported: so does a new process."""
        gcp.be_a_machine_of(gcp.reader())
        program = f"""if True:
            from unvault.client import Unvault
            from unvault_gcp import plugin
            unvault = Unvault.in_memory(discover=False, environ={{}}, plugins={{"gcp": plugin}})
            answers = {{"endpoint": {gcp.address!r}, "transport": "rest"}}
            unvault.credentials.add(unvault.credentials.draft("gcp", "adc", answers, name="prod"))
            print(unvault.fetch("prod/db").text(), unvault.credentials.test("prod").identity)
        """
        environ = {**os.environ, "GCE_METADATA_HOST": gcp.endpoint}
        del environ["NO_GCE_CHECK"]
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        assert done.stdout.split() == ["canary-1", "reader@acme.iam.gserviceaccount.com"]


class TestElsewhere:
    def test_a_workload_on_aws_signs_a_request_in_place_of_a_token(
        self, gcp, federated, monkeypatch
    ):
        for name, value in {
            "AWS_ACCESS_KEY_ID": "AKIAINVENTED",
            "AWS_SECRET_ACCESS_KEY": "canary-key",
            "AWS_REGION": "eu-west-1",
        }.items():
            monkeypatch.setenv(name, value)
        url = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
        unvault = federated(
            subject_token_type="urn:ietf:params:aws:token-type:aws4_request",
            credential_source={"environment_id": "aws1", "regional_cred_verification_url": url},
        )

        # The server knows no AWS: that it is asked, with what, and by nobody else, is what counts.
        assert "the token to exchange" in failed(unvault, CredentialRejected)
        (seen,) = gcp.seen
        sent = json.loads(unquote(parse_qs(seen.body.decode())["subject_token"][0]))
        assert sent["url"].startswith("https://sts.eu-west-1.amazonaws.com")
        headers = {each["key"].lower(): each["value"] for each in sent["headers"]}
        assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAINVENTED/")

    @pytest.mark.parametrize(
        ("content", "form"),
        [
            ("canary", {"type": "json", "subject_token_field_name": "id_token"}),
            ('{"other": "canary"}', {"type": "json", "subject_token_field_name": "id_token"}),
            ("", {"type": "text"}),
            (b"\xff\xfecanary", {"type": "text"}),
        ],
    )
    def test_a_file_without_a_token_is_named(self, gcp, federated, tmp_path, content, form):
        file = tmp_path / "odd"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        unvault = federated(credential_source={"file": str(file), "format": form})

        assert str(file) in failed(unvault, CredentialMissing)
        assert gcp.requests == []

    @pytest.mark.parametrize(
        "source",
        [
            {"file": 5},
            {"file": ["canary"]},
            {"file": 5, "environment_id": "aws1"},
            {"file": "canary", "url": "canary"},
            {"file": "canary", "format": "canary"},
            {"url": 5},
            {"executable": "canary"},
            {"executable": {"command": 5}},
            {"environment_id": "canary"},
            {"environment_id": 5},
        ],
    )
    def test_a_source_of_another_kind_is_no_fault_of_ours(
        self, gcp, federated, monkeypatch, source
    ):
        monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")

        failed(federated(credential_source=source), CredentialMissing)
        assert gcp.requests == []

    def test_an_address_without_a_token(self, gcp, federated):
        gcp.answer_http(404, b"canary", where="metadata")
        source = {"url": f"{gcp.address}/"}
        unvault = federated(credential_source=source)
        assert "answered with status 404" in failed(unvault, CredentialRejected)

        gcp.answer_http(200, b"", where="metadata")
        unvault = federated(credential_source=source)
        assert "cannot be read, or holds none" in failed(unvault, CredentialMissing)

    def test_a_program_that_fails_or_prints_something_else(
        self, gcp, federated, monkeypatch, tmp_path
    ):
        monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
        script = write(tmp_path / "program.py", "import sys; sys.exit('canary')")
        for command in (f"{sys.executable} {script}", "/no/such/program", "echo canary"):
            unvault = federated(credential_source={"executable": {"command": command}})
            failed(unvault, CredentialMissing)
        assert gcp.requests == []


def test_a_source_that_is_in_trouble_is_told_from_who_impersonates(gcp, person, open_unvault):
    """Of two sign-ins that are one for who uses them, the one that failed is named."""
    target = gcp.reader(name="target")
    unvault = open_unvault()
    known = {"service_account": str(target), "iam_endpoint": gcp.address, "source": "base"}
    add(unvault, "base", by_key(gcp, gcp.service_account("base")))
    add(unvault, "prod", at(gcp, **known, timeout=1), kind="impersonation")
    gcp.hang(where="generateAccessToken")

    assert "the IAM Credentials API" in failed(unvault, TimedOut)
