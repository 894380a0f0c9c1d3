"""Servers with certificates of a CA of their own."""

# pytest calls by name
import logging
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from tests.plugins.hashicorp.using import by_token, says_nothing_secret
from tests.servers.proxy import Proxy

from unvault.errors import CredentialMissing, Unavailable


@pytest.fixture
def answers(namespace, reader):
    """Return those for the shared server's address with TLS."""
    return by_token(namespace, reader) | {"server_address": namespace.server.tls_address}


@pytest.fixture
def ca_file(namespace):
    return str(namespace.server.ca_file)


def refused(unvault):
    """Return the error of a fetch, which must not take as long as trying again would."""
    before = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        unvault.fetch("prod/secret/app")
    assert time.monotonic() - before < 1
    assert raised.value.code == "unavailable"
    assert raised.value.hint
    assert says_nothing_secret(raised.value)
    return raised.value


def test_a_ca_of_its_own(answers, ca_file, open_unvault):
    unvault = open_unvault(answers | {"ca_file": ca_file})
    assert unvault.fetch("prod/secret/app#user").text() == "me"


def test_the_variable_of_other_programs_can_name_it(answers, ca_file, open_unvault, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    assert open_unvault(answers).fetch("prod/secret/app#user").text() == "me"


def test_one_that_nobody_vouches_for_is_refused_at_once(answers, open_unvault):
    error = refused(open_unvault(answers))
    assert "TLS" in error.message
    assert "not trusted" in error.message
    assert "ca_file" in error.hint


def test_another_ca_does_not_help(answers, open_unvault, tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    error = refused(open_unvault(answers | {"ca_file": str(tmp_path / "other.pem")}))
    assert "not trusted" in error.message


@pytest.mark.parametrize(
    ("name", "days", "words"), [("other.example", 1, "another host"), ("127.0.0.1", -1, "expired")]
)
def test_what_is_wrong_with_a_certificate_is_said(
    name, days, words, answers, ca_file, open_unvault, authority, openbao
):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    end = datetime.now(UTC) + timedelta(days=days)
    authority.issue_cert(name, not_after=end).configure_cert(tls)
    with Proxy(openbao.address, tls) as proxy:
        given = {"server_address": proxy.address, "ca_file": ca_file}
        assert words in refused(open_unvault(answers | given)).message
        assert proxy.requests == []


def test_a_ca_file_that_is_not_there_is_a_missing_credential(answers, open_unvault):
    with pytest.raises(CredentialMissing, match="nowhere") as raised:
        open_unvault(answers | {"ca_file": "/nowhere/ca.pem"}).fetch("prod/secret/app")
    assert "ca_file" in raised.value.hint


def test_a_ca_file_that_holds_no_certificate_is_a_clear_error(answers, open_unvault, tmp_path):
    (tmp_path / "ca.pem").write_text("canary")
    with pytest.raises((CredentialMissing, Unavailable)) as raised:
        open_unvault(answers | {"ca_file": str(tmp_path / "ca.pem")}).fetch("prod/secret/app")
    assert "ca_file" in f"{raised.value.message} {raised.value.hint}"


class TestTrustingAnybody:
    def test_it_works_and_is_reported_loudly(self, answers, open_unvault, caplog):
        unvault = open_unvault(answers | {"skip_verify": True})
        assert unvault.fetch("prod/secret/app#user").text() == "me"
        warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert any("skip_verify" in each.getMessage() for each in warnings)

    def test_testing_the_credential_shows_it(self, answers, open_unvault):
        details = dict(
            open_unvault(answers | {"skip_verify": True}).credentials.test("prod").details
        )
        assert "not verified" in details["DANGER"]

    def test_it_is_reported_only_where_it_is_so(self, answers, ca_file, open_unvault, caplog):
        unvault = open_unvault(answers | {"ca_file": ca_file})
        unvault.fetch("prod/secret/app")
        assert "DANGER" not in dict(unvault.credentials.test("prod").details)
        assert "DANGER" not in caplog.text


class TestClientCertificates:
    def test_a_server_that_demands_one(self, answers, ca_file, open_unvault, openbao, authority):
        path = openbao.folder / "demanded.pem"
        made = authority.issue_cert("client.example.org")
        made.private_key_and_cert_chain_pem.write_to_path(path)
        given = {"server_address": openbao.strict_address, "ca_file": ca_file}
        unvault = open_unvault(answers | given | {"client_cert": str(path)})
        assert unvault.fetch("prod/secret/app#user").text() == "me"

    def test_without_one_the_error_names_the_field(self, answers, ca_file, open_unvault, openbao):
        given = {"server_address": openbao.strict_address, "ca_file": ca_file}
        error = refused(open_unvault(answers | given))
        assert "client certificate" in error.message
        assert "client_cert" in error.hint

    def test_one_of_a_stranger_is_refused(self, answers, ca_file, open_unvault, openbao, tmp_path):
        made = trustme.CA().issue_cert("client.example.org")
        made.private_key_and_cert_chain_pem.write_to_path(tmp_path / "stranger.pem")
        given = {"server_address": openbao.strict_address, "ca_file": ca_file}
        given["client_cert"] = str(tmp_path / "stranger.pem")
        assert "certificate" in refused(open_unvault(answers | given)).message

    def test_a_file_without_a_key_is_a_clear_error(
        self, answers, ca_file, open_unvault, authority, tmp_path
    ):
        made = authority.issue_cert("client.example.org")
        made.cert_chain_pems[0].write_to_path(tmp_path / "only.pem")
        given = {"ca_file": ca_file}
        given["client_cert"] = str(tmp_path / "only.pem")
        with pytest.raises((CredentialMissing, Unavailable)) as raised:
            open_unvault(answers | given).fetch("prod/secret/app")
        assert "client_" in f"{raised.value.message} {raised.value.hint}"


def test_https_to_a_server_without_it_says_so(answers, open_unvault, openbao):
    address = openbao.address.replace("http:", "https:")
    assert (
        "does not speak TLS" in refused(open_unvault(answers | {"server_address": address})).message
    )


def test_http_to_a_server_with_tls_says_so(answers, open_unvault, openbao):
    address = openbao.tls_address.replace("https:", "http:")
    error = refused(open_unvault(answers | {"server_address": address}))
    assert "https" in f"{error.message} {error.hint}"
