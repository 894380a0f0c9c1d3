"""A network and a service that do not do what they should, over both transports."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from tests.plugins.gcp.using import by_key, told
from tests.servers.connect import Connect
from tests.servers.gcp_faults import ALWAYS

from unvault.errors import Throttled, TimedOut, Unavailable

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture(autouse=True)
def secret(gcp):
    gcp.put("acme", "db", "canary-1")


@pytest.fixture
def reader(gcp):
    return gcp.reader()


@pytest.fixture
def unvault(gcp, reader, transport, open_unvault):
    return open_unvault(by_key(gcp, reader, transport=transport, timeout=1))


def read(unvault):
    return unvault.fetch("prod/db", fresh=True).text()


def seconds(action, error):
    began = time.monotonic()
    with pytest.raises(error) as caught:
        action()
    assert "canary" not in told(caught.value)
    assert caught.value.hint
    return time.monotonic() - began, caught.value


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED", "ABORTED"])
def test_what_fails_twice_is_recovered_from_soon(gcp, unvault, code):
    read(unvault)
    gcp.fail(code, times=2)
    began = time.monotonic()

    assert read(unvault) == "canary-1"
    assert time.monotonic() - began < 1.5  # 0.3 s of it are pauses
    assert gcp.asked("AccessSecretVersion") == 4


@pytest.mark.parametrize(
    ("code", "error"), [("UNAVAILABLE", Unavailable), ("RESOURCE_EXHAUSTED", Throttled)]
)
def test_what_fails_for_ever_is_an_error_at_the_deadline(gcp, unvault, code, error):
    gcp.fail(code, "canary", times=ALWAYS)

    took, _ = seconds(lambda: read(unvault), error)
    assert took < 3


def test_a_server_that_takes_requests_and_never_answers(gcp, unvault):
    gcp.hang()

    took, failed = seconds(lambda: read(unvault), TimedOut)
    assert 0.8 < took < 3
    assert "timeout" in failed.hint
    gcp.calm()
    assert read(unvault) == "canary-1"


def test_a_server_that_accepts_and_says_nothing(gcp, reader, transport, open_unvault):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("http", "https"):
            address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
            known = by_key(gcp, reader, transport=transport, timeout=1) | {"endpoint": address}
            unvault = open_unvault(known)
            took, _ = seconds(lambda unvault=unvault: read(unvault), TimedOut)
            assert took < 3


def test_a_closed_port_is_an_error_soon(gcp, reader, transport, open_unvault):
    known = by_key(gcp, reader, transport=transport, timeout=10)
    unvault = open_unvault(known | {"endpoint": "http://127.0.0.1:9"})

    took, failed = seconds(lambda: read(unvault), Unavailable)
    assert took < 6
    assert "cannot be reached" in failed.message


def test_a_host_that_nobody_knows(gcp, reader, transport, monkeypatch, open_unvault):
    known = by_key(gcp, reader, transport=transport, timeout=1)
    unvault = open_unvault(known | {"endpoint": "http://no-such-host.invalid"})
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "*")
    _, failed = seconds(lambda: read(unvault), Unavailable)
    assert "not known here" in failed.message


def test_a_connection_that_is_broken_is_made_again(gcp, unvault):
    assert read(unvault) == "canary-1"
    gcp.reset(times=1)

    assert read(unvault) == "canary-1"
    assert gcp.connections == 2


def test_a_server_that_is_started_again_is_found_again(gcp, reader, transport, open_unvault):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    known = by_key(gcp, reader, transport=transport, timeout=5)
    unvault = open_unvault(known | {"endpoint": f"http://127.0.0.1:{port}"})
    ready = threading.Event()
    stop = threading.Event()

    def pass_on():
        time.sleep(0.3)
        with socket.create_server(("127.0.0.1", port)) as late:
            late.settimeout(0.1)
            ready.set()
            while not stop.is_set():
                try:
                    here, _ = late.accept()
                except TimeoutError:
                    continue
                there = socket.create_connection(("127.0.0.1", gcp.port))
                for each in ((here, there), (there, here)):
                    threading.Thread(target=_copy, args=each, daemon=True).start()

    thread = threading.Thread(target=pass_on)
    thread.start()
    try:
        assert read(unvault) == "canary-1"
        assert ready.is_set()
    finally:
        stop.set()
        thread.join()


def _copy(source, target):
    try:
        while part := source.recv(65536):
            target.sendall(part)
    except OSError:
        pass
    target.close()


def test_after_a_silence_another_connection_is_used(gcp, unvault):
    assert read(unvault) == "canary-1"
    gcp.hang(times=1)
    seconds(lambda: read(unvault), TimedOut)

    assert read(unvault) == "canary-1"
    assert gcp.connections == 2


def test_many_who_wait_behind_a_dead_vault_are_told_soon(gcp, unvault):
    for number in range(100):
        gcp.put("acme", f"s-{number}", "canary")
    gcp.fail("UNAVAILABLE", times=ALWAYS)
    began = time.monotonic()

    found = unvault.fetch_many([f"prod/s-{number}" for number in range(100)])
    assert {type(outcome) for outcome in found} == {Unavailable}
    assert time.monotonic() - began < 6


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", ""),
        ("GOOGLE_API_USE_CLIENT_CERTIFICATE", "true"),
        ("GOOGLE_API_USE_CLIENT_CERTIFICATE", "odd"),
        ("GOOGLE_API_USE_MTLS_ENDPOINT", "always"),
    ],
)
def test_variables_of_the_sdk_s_that_mean_nothing_here(unvault, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    assert read(unvault) == "canary-1"


def test_a_variable_that_the_sdk_does_not_take_is_named(gcp, reader, monkeypatch, open_unvault):
    monkeypatch.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", "odd")
    unvault = open_unvault(by_key(gcp, reader, transport="grpc"))

    _, failed = seconds(lambda: read(unvault), Unavailable)
    assert "GOOGLE_API_USE_MTLS_ENDPOINT" in failed.hint


class TestTls:
    def test_a_certificate_that_is_trusted(self, gcp, reader, transport, open_unvault):
        known = by_key(gcp, reader, transport=transport, ca_file=str(gcp.ca_file))
        assert read(open_unvault(known | {"endpoint": gcp.tls_address})) == "canary-1"

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
    def test_a_certificate_that_the_environment_trusts(
        self, gcp, reader, transport, monkeypatch, open_unvault, variable
    ):
        monkeypatch.delenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", raising=False)
        monkeypatch.setenv(variable, str(gcp.ca_file))
        known = by_key(gcp, reader, transport=transport)
        assert read(open_unvault(known | {"endpoint": gcp.tls_address})) == "canary-1"

    def test_a_certificate_that_nobody_trusts(self, gcp, reader, transport, tmp_path, open_unvault):
        import trustme

        stranger = tmp_path / "stranger.pem"
        trustme.CA().cert_pem.write_to_path(stranger)
        known = by_key(gcp, reader, transport=transport, ca_file=str(stranger), timeout=1)
        unvault = open_unvault(known | {"endpoint": gcp.tls_address})

        _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "TLS certificate that is not trusted" in failed.message
        assert "ca_file" in failed.hint

    def test_a_certificate_for_another_host(
        self, gcp, authority, reader, transport, tmp_path, monkeypatch, open_unvault
    ):
        with Connect(authority, tmp_path, tunnels={"other.example.com": gcp.port}) as proxy:
            for variable, value in proxy.environment.items():
                monkeypatch.setenv(variable, value)
            known = by_key(gcp, reader, transport=transport, ca_file=str(gcp.ca_file), timeout=1)
            unvault = open_unvault(known | {"endpoint": "https://other.example.com"})

            _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "certificate for another host" in failed.message

    def test_tls_where_there_is_none(self, gcp, reader, transport, open_unvault):
        with socket.create_server(("127.0.0.1", 0)) as plain:
            port = plain.getsockname()[1]

            def answer():
                while True:
                    try:
                        link, _ = plain.accept()
                    except OSError:
                        return
                    link.recv(1024)
                    link.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    link.close()

            threading.Thread(target=answer, daemon=True).start()
            known = by_key(gcp, reader, transport=transport, timeout=1)
            unvault = open_unvault(known | {"endpoint": f"https://127.0.0.1:{port}"})
            _, failed = seconds(lambda: read(unvault), Unavailable)
            assert "does not speak TLS" in failed.message
            plain.shutdown(socket.SHUT_RDWR)

    def test_a_file_of_certificates_that_is_not_there(self, gcp, reader, transport, open_unvault):
        known = by_key(gcp, reader, transport=transport, ca_file="/no/such.pem", timeout=1)
        unvault = open_unvault(known | {"endpoint": gcp.tls_address})

        _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "certificates" in failed.message

    @pytest.mark.parametrize("content", [b"", b"canary", b"-----BEGIN PRIVATE KEY-----"])
    def test_a_file_without_certificates_is_named_and_no_other_is_trusted(
        self, trusted, reader, transport, tmp_path, open_unvault, content
    ):
        (tmp_path / "empty.pem").write_bytes(content)
        known = by_key(trusted, reader, transport=transport, ca_file=str(tmp_path / "empty.pem"))
        unvault = open_unvault(known | {"endpoint": trusted.tls_address, "timeout": 1})

        _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "certificates" in failed.message
        assert "ca_file" in failed.hint


class TestProxy:
    def test_a_connection_that_is_broken_behind_one_is_made_again(
        self, gcp, connect, reader, transport, open_unvault
    ):
        known = {**by_key(gcp, reader, transport=transport)}
        del known["endpoint"]
        unvault = open_unvault(known)
        assert read(unvault) == "canary-1"
        gcp.reset(times=1)

        assert read(unvault) == "canary-1"
        assert gcp.connections == 2

    def test_a_connection_that_breaks_for_ever_behind_one_is_an_error(
        self, gcp, connect, reader, transport, open_unvault
    ):
        known = {**by_key(gcp, reader, transport=transport, timeout=1)}
        del known["endpoint"]
        gcp.reset(times=ALWAYS)

        unvault = open_unvault(known)
        _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "broke" in failed.message
        assert gcp.asked("AccessSecretVersion") > 1

    def test_regional_secrets_are_asked_for_at_their_own_address(
        self, gcp, connect, reader, transport, open_unvault
    ):
        gcp.put("acme", "db", "canary-regional", location="europe-west1")
        gcp.put("acme", "db", "canary-far", location="us-east1")
        gcp.grant(reader, "projects/acme/locations/europe-west1/secrets/db")
        gcp.grant(reader, "projects/acme", "viewer")
        known = {**by_key(gcp, reader, transport=transport)}
        del known["endpoint"]
        unvault = open_unvault(known)

        whole = "prod/projects/acme/locations/europe-west1/secrets/db"
        assert unvault.fetch(whole).text() == "canary-regional"
        assert unvault.fetch("prod/db?location=us-east1").text() == "canary-far"
        assert unvault.fetch("prod/db").text() == "canary-1"
        listed = [info.path for info in unvault.list("prod", whole.removeprefix("prod/")[:-2])]
        assert listed == [whole.removeprefix("prod/")]
        assert set(connect.hosts) == {
            "secretmanager.googleapis.com",
            "secretmanager.europe-west1.rep.googleapis.com",
            "secretmanager.us-east1.rep.googleapis.com",
        }

    def test_a_server_of_ones_own_has_the_regional_secrets_too(
        self, gcp, reader, transport, open_unvault
    ):
        gcp.put("acme", "db", "canary-regional", location="europe-west1")
        unvault = open_unvault(by_key(gcp, reader, transport=transport))

        assert unvault.fetch("prod/db?location=europe-west1").text() == "canary-regional"

    def test_a_proxy_that_refuses(self, gcp, connect, reader, transport, open_unvault):
        known = by_key(gcp, reader, transport=transport, timeout=1)
        unvault = open_unvault(known | {"endpoint": "https://secretmanager.example.com"})

        _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "proxy" in failed.message
        assert set(connect.refused) == {"secretmanager.example.com"}

    @pytest.mark.parametrize("variable", ["https_proxy", "all_proxy"])
    @pytest.mark.parametrize("kind", ["https", "socks5", "socks5h"])
    def test_a_proxy_of_a_kind_that_cannot_be_used_is_not_gone_past(
        self, trusted, reader, transport, open_unvault, monkeypatch, variable, kind
    ):
        for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.delenv(name)
        monkeypatch.setenv(variable, f"{kind}://127.0.0.1:9")
        known = by_key(trusted, reader, transport=transport, timeout=1)
        unvault = open_unvault(known | {"endpoint": trusted.tls_address})

        _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "proxy" in failed.message
        assert trusted.connections == 0

    def test_a_proxy_that_is_not_there(self, gcp, reader, transport, open_unvault, monkeypatch):
        known = by_key(gcp, reader, transport=transport, timeout=1)
        unvault = open_unvault(known | {"endpoint": "https://secretmanager.example.com"})

        _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "proxy" in failed.message


class TestOddAnswers:
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (200, b"<html>canary</html>"),
            (200, b"{}"),
            (200, b'{"name": "x", "payload": {"data": "canary!"}}'),
            (200, b'{"name": "x", "payload": "canary"}'),
            (200, b"[" * 100_000),
            (302, b"canary"),
            (400, b"canary"),
            (404, b"<html>canary</html>"),
            (418, b'{"canary": 1}'),
        ],
    )
    def test_what_is_no_answer_of_secret_managers(self, gcp, reader, open_unvault, status, body):
        unvault = open_unvault(by_key(gcp, reader, transport="rest"))
        gcp.answer_http(status, body, headers={"Location": f"{gcp.address}/elsewhere"})

        _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "something else" in failed.message
        assert len(gcp.requests) == 1  # no redirect is followed

    def test_an_answer_without_end_is_not_read(self, gcp, reader, open_unvault):
        unvault = open_unvault(by_key(gcp, reader, transport="rest"))
        gcp.answer_http(200, b"canary" * 2_000_000)

        _, failed = seconds(lambda: read(unvault), Unavailable)
        assert "something else" in failed.message

    @pytest.mark.parametrize("code", ["UNIMPLEMENTED", "UNKNOWN", "DATA_LOSS", "CANCELLED"])
    def test_codes_that_do_not_fit_the_question(self, gcp, unvault, code):
        gcp.fail(code, "canary")

        took, failed = seconds(lambda: read(unvault), Unavailable)
        assert code in failed.message
        assert took < 3

    def test_something_that_speaks_no_grpc(self, gcp, reader, open_unvault):
        with socket.create_server(("127.0.0.1", 0)) as odd:

            def answer():
                while True:
                    try:
                        link, _ = odd.accept()
                    except OSError:
                        return
                    link.recv(1024)
                    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncanary")
                    link.close()

            threading.Thread(target=answer, daemon=True).start()
            known = by_key(gcp, reader, transport="grpc", timeout=1)
            address = f"http://127.0.0.1:{odd.getsockname()[1]}"
            unvault = open_unvault(known | {"endpoint": address})
            _, failed = seconds(lambda: read(unvault), Unavailable)
            assert "something else" in failed.message
            odd.shutdown(socket.SHUT_RDWR)
