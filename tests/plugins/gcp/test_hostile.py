"""What answers that no service of Google's would give must not bring about."""

from __future__ import annotations

import base64
import json
import ssl
import time

import pytest
from google.cloud.secretmanager_v1 import types
from tests.plugins.gcp.using import add, at, by_key, told, write
from tests.servers.gcp_faults import ALWAYS
from tests.servers.gcp_names import crc32c
from urllib3.exceptions import SSLError

from unvault.errors import TimedOut, Unavailable, UnvaultError
from unvault_gcp._exceptions import http_error

pytestmark = pytest.mark.usefixtures("quiet_log")

NAME = "projects/123456789012/secrets/db/versions/1"


@pytest.fixture(autouse=True)
def secret(gcp):
    gcp.put("acme", "db", "canary-1")


@pytest.fixture
def unvault(gcp, transport, open_unvault):
    return open_unvault(by_key(gcp, gcp.reader(), transport=transport, timeout=1))


@pytest.fixture
def over_rest(gcp, open_unvault):
    return open_unvault(by_key(gcp, gcp.reader(), transport="rest", timeout=1))


def failure(unvault, kind=Unavailable, reference="prod/db"):
    """Return what a fetch fails with, which shows nothing of what the server said."""
    with pytest.raises(UnvaultError) as caught:
        unvault.fetch(reference, fresh=True)
    assert type(caught.value) is kind
    assert "canary" not in told(caught.value)
    assert caught.value.hint
    return str(caught.value)


def answer(gcp, name, data=b"evil", checksum=None):
    """Have a payload in each answer, whatever was asked for."""
    checksum = crc32c(data) if checksum is None else checksum
    payload = {"data": data, "data_crc32c": checksum}
    message = types.AccessSecretVersionResponse(name=name, payload=payload)
    gcp.garble(types.AccessSecretVersionResponse.serialize(message), times=ALWAYS)
    held = {"data": base64.b64encode(data).decode(), "dataCrc32c": str(checksum)}
    gcp.answer_http(200, json.dumps({"name": name, "payload": held}).encode(), times=ALWAYS)


class TestPayloads:
    def test_the_answer_itself_is_taken(self, gcp, unvault):
        answer(gcp, NAME)
        assert unvault.fetch("prod/db").text() == "evil"

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "canary",
            "projects/1/secrets/other/versions/1",
            "projects/1/secrets/db/versions/latest",
            "projects/1/secrets/db/versions/1\n\x1b[31mcanary",
            "projects/1/locations/europe-west1/secrets/db/versions/1",
        ],
    )
    def test_of_another_secret_or_none_they_are_refused(self, gcp, unvault, name):
        answer(gcp, name)
        assert "something else" in failure(unvault)

    def test_of_another_version_they_are_refused(self, gcp, unvault):
        answer(gcp, NAME)
        assert unvault.fetch("prod/db?version=1").text() == "evil"
        assert "something else" in failure(unvault, reference="prod/db?version=2")

    @pytest.mark.parametrize("checksum", ["canary", "1e5", "-1", 1e999, [], "9" * 5000])
    def test_a_checksum_that_is_none_is_wrong(self, gcp, over_rest, checksum):
        held = {"data": base64.b64encode(b"evil").decode(), "dataCrc32c": checksum}
        body = json.dumps({"name": NAME, "payload": held}).encode()
        gcp.answer_http(200, body, times=ALWAYS)
        assert "damaged" in failure(over_rest)

    def test_one_that_is_too_large_is_not_taken_for_a_quota(self, gcp, unvault):
        answer(gcp, NAME, b"e" * (9 << 20), 1)
        assert "something else" in failure(unvault)


class TestRefusals:
    @pytest.mark.parametrize("details", [5, True, "canary", {"reason": "x"}, [5, None, ["x"]]])
    def test_details_of_any_kind(self, gcp, over_rest, details):
        error = {"code": 400, "status": "UNIMPLEMENTED", "message": "canary", "details": details}
        gcp.answer_http(501, json.dumps({"error": error}).encode(), times=ALWAYS)
        failure(over_rest)

    @pytest.mark.parametrize("status", ["canary", ["canary"], 5, "\x1b[31m"])
    def test_a_code_that_does_not_exist_is_not_shown(self, gcp, over_rest, status):
        error = {"code": 418, "status": status, "message": "canary"}
        gcp.answer_http(418, json.dumps({"error": error}).encode())
        assert "answered with UNKNOWN" in failure(over_rest)


class TestTokens:
    @pytest.fixture
    def workload(self, gcp, issuer, tmp_path, open_unvault):
        """Return an `Unvault` that signs in with a workload's token, at a token service."""
        pool = gcp.pool(issuer, "https://id.example.com")
        token = tmp_path / "token"
        token.write_text(
            issuer.issue(iss="https://id.example.com", aud=pool.token_audience, sub="job-7")
        )
        file = write(tmp_path / "pool.json", pool.configuration(token))
        answers = at(gcp, config_file=str(file), project="acme", transport="rest", timeout=1)
        return open_unvault(answers, kind="workload_identity")

    @pytest.mark.parametrize(
        "seconds", [1e999, 10**12, 10**30, "NaN", "Infinity", float("nan"), "9" * 5000, 0, -5]
    )
    def test_a_token_that_lasts_for_ever_or_not_at_all(self, gcp, workload, seconds):
        told_ = json.dumps({"access_token": "canary", "expires_in": seconds})
        gcp.answer_http(200, told_.encode(), where="sts", times=ALWAYS)
        assert "something else" in failure(workload)

    @pytest.mark.parametrize("token", ["canary\nX: y", "canary\0", "canary é", "canary canary"])
    def test_a_token_that_is_no_part_of_a_header(self, gcp, workload, token):
        told_ = json.dumps({"access_token": token, "expires_in": 3600})
        gcp.answer_http(200, told_.encode(), where="sts", times=ALWAYS)
        assert "something else" in failure(workload)

    @pytest.fixture
    def impersonating(self, gcp, open_unvault):
        """Return an `Unvault` that signs in by impersonation."""
        caller = gcp.service_account("caller")
        answers = {"service_account": "reader@example.com", "iam_endpoint": gcp.address}
        unvault = open_unvault()
        add(unvault, "source", by_key(gcp, caller))
        add(unvault, "prod", at(gcp, source="source", **answers), kind="impersonation")
        return unvault

    @pytest.mark.parametrize("time_", ["9999-99-99T99:99:99Z", "canary", 5, "2099-01-01"])
    def test_a_time_that_does_not_exist(self, gcp, impersonating, time_):
        told_ = json.dumps({"accessToken": "canary", "expireTime": time_})
        gcp.answer_http(200, told_.encode(), where="generateAccessToken", times=ALWAYS)
        assert "something else" in failure(impersonating)

    @pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
    def test_a_page_of_something_on_the_way_is_no_refusal(self, gcp, impersonating, status):
        gcp.answer_http(status, b"<html>canary", where="generateAccessToken", times=ALWAYS)
        assert "something else" in failure(impersonating)


class TestTime:
    def test_headers_that_trickle_end_at_the_deadline(self, gcp, over_rest):
        gcp.wire.pause = 0.2
        began = time.monotonic()
        failure(over_rest, TimedOut)
        assert time.monotonic() - began < 3

    def test_a_list_without_end_ends(self, gcp, unvault):
        secrets = [types.Secret(name="projects/1/secrets/db")]
        message = types.ListSecretsResponse(secrets=secrets, next_page_token="again")
        gcp.garble(types.ListSecretsResponse.serialize(message), times=ALWAYS)
        told_ = {"secrets": [{"name": "projects/1/secrets/db"}], "nextPageToken": "again"}
        gcp.answer_http(200, json.dumps(told_).encode(), times=ALWAYS)
        with pytest.raises(Unavailable, match="something else"):
            [*unvault.list("prod")]

    @pytest.mark.parametrize("bytes_", [0, 10, 500])
    def test_a_handshake_that_breaks_off_is_no_matter_of_trust(
        self, trusted, transport, open_unvault, bytes_
    ):
        answers = by_key(trusted, trusted.reader(), transport=transport, timeout=1)
        trusted.wire.most = bytes_
        unvault = open_unvault(answers | {"endpoint": trusted.tls_address})
        assert "trust" not in failure(unvault)


@pytest.mark.parametrize(
    ("error", "said", "again"),
    [
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol (_ssl.c:2427)"), "broke", True),
        (ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF)"), "broke", True),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] alert"), "agrees on no TLS", False),
        (ssl.SSLError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] failed"), "not trusted", False),
    ],
)
def test_only_a_certificate_is_a_matter_of_trust(error, said, again):
    failed, may_pass = http_error(SSLError(error), "it")
    assert said in str(failed)
    assert may_pass is again
