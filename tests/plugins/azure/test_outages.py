"""A vault, or the authority, that is away, slow, busy or failing: in time, and said as it is."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from tests.plugins.azure.using import by_secret

from unvault.errors import Throttled, TimedOut, Unavailable

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture
def robot(entra, vault):
    """Return an application that may read the vault."""
    made = entra.app("robot")
    vault.allow(made).put("api-key", "canary-1")
    return made


@pytest.fixture
def unvault(open_unvault, robot):
    return open_unvault(by_secret(robot, timeout=1), kind="client_secret")


def soon(action, error, *, seconds=4.0, **match):
    """Expect an error, and soon."""
    started = time.monotonic()
    with pytest.raises(error, **match) as raised:
        action()
    assert time.monotonic() - started < seconds
    assert raised.value.hint
    return raised.value


class TestTheVault:
    def test_what_fails_twice_is_asked_a_third_time(self, unvault, vaults):
        vaults.be_unavailable(times=2)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        vaults.reset(times=1)
        assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
        vaults.reset_used(times=1)
        assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"

    def test_what_fails_for_ever_is_an_error_at_the_deadline(self, unvault, vaults):
        vaults.be_unavailable(times=1000)
        error = soon(lambda: unvault.fetch("prod/app/api-key"), Unavailable, match="status 503")
        assert "the vault app.vault.azure.net" in error.message
        assert vaults.count("") <= 8

    def test_a_throttled_request_waits_as_long_as_it_is_told_to(self, open_unvault, robot, vaults):
        unvault = open_unvault(by_secret(robot), kind="client_secret")
        unvault.fetch("prod/app/api-key")
        vaults.throttle(retry_after=1)
        started = time.monotonic()
        assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
        assert time.monotonic() - started >= 1

    @pytest.mark.parametrize("after", [30, "soon", None])
    def test_a_vault_that_is_too_busy_says_so(self, unvault, vaults, after):
        vaults.throttle(times=1000, retry_after=after)
        soon(lambda: unvault.fetch("prod/app/api-key"), Throttled, match="less often")

    def test_a_vault_that_never_answers(self, unvault, vaults):
        unvault.fetch("prod/app/api-key")
        vaults.hang()
        soon(lambda: unvault.fetch("prod/app/api-key", fresh=True), TimedOut, match="in time")

    @pytest.mark.parametrize(
        "body", [b"<html>canary</html>", b"[]", b"{}", b'{"value": 1}', b"", b"\xff\xfe"]
    )
    def test_an_answer_that_is_none_of_a_vaults(self, unvault, vaults, body):
        vaults.answer(200, times=1000, where="token", body=body)
        error = soon(lambda: unvault.fetch("prod/app/api-key"), Unavailable, match="of its kind")
        assert "canary" not in str(error)

    @pytest.mark.parametrize("status", [200, 404, 500])
    def test_an_answer_that_repeats_what_was_asked_is_not_repeated(self, unvault, vaults, status):
        def repeat(seen):
            return f'{{"error": {{"message": "canary {seen.headers}"}}}}'.encode()

        vaults.answer(status, times=1000, where="token", body=repeat)
        with pytest.raises(Exception, match="vault") as raised:
            unvault.fetch("prod/app/api-key")
        assert "canary" not in str(raised.value)
        assert "Bearer" not in str(raised.value)

    def test_an_answer_that_trickles_or_never_ends(self, unvault, vaults, azure, monkeypatch):
        unvault.fetch("prod/app/api-key")
        over = threading.Event()
        original = type(vaults).respond

        def respond(self, seen, connection):
            if "trickle" in seen.path:
                connection.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not over.wait(0.05):
                    connection.wfile.write(b" ")
                    connection.wfile.flush()
            elif "endless" in seen.path:
                connection.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                while not over.is_set():
                    connection.wfile.write(b" " * 100_000)
            else:
                original(self, seen, connection)

        monkeypatch.setattr(type(vaults), "respond", respond)
        try:
            soon(lambda: unvault.fetch("prod/app/trickle"), TimedOut)
            soon(lambda: unvault.fetch("prod/app/endless"), Unavailable)
        finally:
            over.set()

    def test_one_vault_that_is_away_holds_up_no_other(self, unvault, vaults, robot):
        vaults.new("other").allow(robot).put("api-key", "canary-2")
        vaults.hang(where="app.vault.azure.net")
        soon(lambda: unvault.fetch("prod/app/api-key"), TimedOut)
        assert unvault.fetch("prod/other/api-key").text() == "canary-2"
        started = time.monotonic()
        outcomes = unvault.fetch_many([f"prod/app/s{n}" for n in range(20)])
        assert {type(each) for each in outcomes} == {TimedOut}
        assert time.monotonic() - started < 3

    def test_a_vault_whose_certificate_nobody_trusts(self, open_unvault, robot, monkeypatch):
        import certifi

        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
        unvault = open_unvault(by_secret(robot, timeout=1), kind="client_secret")
        error = soon(lambda: unvault.fetch("prod/app/api-key"), Unavailable, match="not trusted")
        assert "REQUESTS_CA_BUNDLE" in error.hint

    def test_a_bundle_of_authorities_that_is_not_there(self, open_unvault, robot, monkeypatch):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/authority.pem")
        unvault = open_unvault(by_secret(robot), kind="client_secret")
        error = soon(lambda: unvault.fetch("prod/app/api-key"), Unavailable)
        assert "REQUESTS_CA_BUNDLE" in error.hint


class TestTheAuthority:
    def test_what_fails_twice_is_asked_a_third_time(self, unvault, entra):
        entra.answer(503, times=2)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"

    @pytest.mark.parametrize("where", ["openid-configuration", "/token"])
    @pytest.mark.parametrize(("status", "error"), [(503, Unavailable), (429, Throttled)])
    def test_what_fails_for_ever_is_an_error_at_the_deadline(
        self, unvault, entra, where, status, error
    ):
        entra.answer(status, times=1000, where=where, body=b"canary")
        failed = soon(lambda: unvault.fetch("prod/app/api-key"), error, match="Entra ID at login")
        assert "canary" not in str(failed)

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("body", [b'{"error": "server_error"}', b'{"statusCode": 1}', b""])
    @pytest.mark.parametrize("stored", [True, False])
    def test_what_fails_once_is_asked_again_whatever_the_answer_looks_like(
        self, open_unvault, robot, entra, status, body, stored, monkeypatch
    ):
        self.sign_in_once_refused(open_unvault, robot, entra, status, body, stored, monkeypatch)

    @pytest.mark.parametrize("stored", [True, False])
    def test_what_the_answer_calls_passing_is_asked_again(
        self, open_unvault, robot, entra, stored, monkeypatch
    ):
        body = b'{"error": "temporarily_unavailable", "error_codes": [90033]}'
        self.sign_in_once_refused(open_unvault, robot, entra, 400, body, stored, monkeypatch)

    def sign_in_once_refused(self, open_unvault, robot, entra, status, body, stored, monkeypatch):
        known = by_secret(robot)
        for name, value in known.items():
            monkeypatch.setenv(f"AZURE_{name.upper()}", value)
        entra.answer(status, where="/token", body=body)
        unvault = open_unvault(known if stored else None, kind="client_secret")
        reference = f"{'prod' if stored else 'azure'}/app/api-key"
        assert unvault.fetch(reference).text() == "canary-1"
        assert entra.count("/oauth2/v2.0/token") == 2

    @pytest.mark.parametrize("body", [b"{}", b""])
    def test_what_sends_elsewhere_is_not_called_a_fault_of_the_credential(
        self, unvault, entra, azure, body
    ):
        azure.stranger.hosts.add("thief.example.com")
        elsewhere = {"Location": "https://thief.example.com/"}
        entra.answer(307, times=1000, where="/token", headers=elsewhere, body=body)
        soon(lambda: unvault.fetch("prod/app/api-key"), Unavailable, match="sends us elsewhere")
        assert azure.strangers_saw == []

    def test_an_answer_without_a_token_is_not_called_a_fault_of_the_credential(
        self, unvault, entra
    ):
        entra.answer(200, times=1000, where="/token", body=b"{}")
        soon(lambda: unvault.fetch("prod/app/api-key"), Unavailable, match="of its kind")

    def test_it_never_answers(self, unvault, entra):
        entra.hang()
        soon(lambda: unvault.fetch("prod/app/api-key"), TimedOut, match="Entra ID")

    def test_it_answers_what_is_none_of_its_kind(self, unvault, entra):
        entra.answer(200, times=1000, body=b"<html>canary</html>")
        failed = soon(lambda: unvault.fetch("prod/app/api-key"), Unavailable)
        assert "canary" not in str(failed)

    @pytest.mark.parametrize("kind", ["browser", "client_secret"])
    def test_nobody_listens_there(self, open_unvault, robot, kind, somebody):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            authority = f"https://127.0.0.1:{unused.getsockname()[1]}"
            answers = by_secret(robot) if kind == "client_secret" else {}
            known = {**answers, "authority": authority, "timeout": 1}
            unvault = open_unvault(known, kind=kind, interaction=somebody)
            soon(lambda: unvault.fetch("prod/app/api-key"), Unavailable, match="cannot be reached")

    @pytest.mark.parametrize("trouble", ["busy", "nobody"])
    def test_what_the_sdk_finds_by_itself_is_not_called_missing_where_it_cannot_be_asked(
        self, open_unvault, robot, entra, trouble, monkeypatch, tmp_path
    ):
        monkeypatch.setenv("PATH", str(tmp_path))
        for name, value in by_secret(robot).items():
            monkeypatch.setenv(f"AZURE_{name.upper()}", value)
        if trouble == "busy":
            entra.answer(503, times=1000)
        else:
            monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        unvault = open_unvault()
        soon(lambda: unvault.fetch("azure/app/api-key"), Unavailable, seconds=15)
