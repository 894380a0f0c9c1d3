"""What a hostile network, a foreign vault, or an unusual browser must not bring about."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.plugins.azure.using import Person, by_secret
from tests.servers.certificates import SelfSigned

from unvault.errors import (
    CredentialRejected,
    InteractionRequired,
    InvalidReference,
    TimedOut,
    Unavailable,
)


def port_of(page):
    """Return the port that a page comes back to."""
    return urlsplit(parse_qs(urlsplit(page).query)["redirect_uri"][0]).port


class TestTheBrowser:
    def test_it_may_be_one_that_the_program_waits_for(self, open_unvault, ann, vault, visit):
        class AtATerminal(Person):
            def open_page(self, address):
                self.seen.append(visit(ann, address))  # it is back when the page is closed
                return True

        vault.put("api-key", "canary-1")
        person = AtATerminal()
        unvault = open_unvault({}, interaction=person)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert "You are signed in" in person.seen[0].text

    def test_it_may_open_connections_that_it_never_uses(self, open_unvault, ann, vault, visit):
        with contextlib.ExitStack() as idle:

            class Eager(Person):
                def open_page(self, address):
                    there = "127.0.0.1", port_of(address)
                    for _ in range(20):
                        idle.enter_context(socket.create_connection(there))
                    return super().open_page(address)

            vault.put("api-key", "canary-1")
            person = Eager(lambda page: visit(ann, page))
            unvault = open_unvault({"wait": 4}, interaction=person)
            assert unvault.fetch("prod/app/api-key").text() == "canary-1"
            person.join()


@pytest.fixture
def by_robot(open_unvault, entra, vault):
    """Return what makes an `Unvault` whose credential is an application's."""
    vault.put("api-key", "canary-1")
    vault.allow(robot := entra.app("robot"))
    return lambda **answers: open_unvault(by_secret(robot, **answers), kind="client_secret")


class TestTheNetwork:
    @pytest.mark.parametrize("who", ["vaults", "entra", "azure"])  # and the proxy that leads there
    def test_headers_that_trickle_end_at_the_deadline(self, azure, by_robot, monkeypatch, who):
        over = threading.Event()

        def trickle(_seen, connection):
            connection.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not over.wait(0.05):
                connection.wfile.write(b"a")
                connection.wfile.flush()

        unvault = by_robot(timeout=1)
        monkeypatch.setattr(azure if who == "azure" else getattr(azure, who), "respond", trickle)
        started = time.monotonic()
        with pytest.raises(TimedOut):
            unvault.fetch("prod/app/api-key")
        assert time.monotonic() - started < 5
        over.set()

    def test_who_hangs_up_beyond_a_proxy_is_not_taken_for_the_proxy(self, vaults, by_robot):
        unvault = by_robot(timeout=1)
        vaults.reset(times=99)
        with pytest.raises(
            Unavailable, match=r"the vault app\.vault\.azure\.net broke the connection"
        ):
            unvault.fetch("prod/app/api-key")

    @pytest.mark.parametrize(
        "answer",
        [
            {"error": "invalid_client", "error_codes": 5, "error_description": 5},
            {"error": "invalid_client", "error_codes": ["canary", None], "error_description": []},
            {"error": "invalid_grant", "error_codes": {"7000215": 1}},
        ],
    )
    def test_a_refusal_in_an_odd_form_is_a_refusal(
        self, open_unvault, entra, ann, visit, by_robot, answer
    ):
        entra.answer(400, body=json.dumps(answer).encode(), where="/token", times=9)
        person = Person(lambda page: visit(ann, page))
        for unvault in (by_robot(), open_unvault({}, interaction=person)):
            with pytest.raises((CredentialRejected, InteractionRequired)) as error:
                unvault.fetch("prod/app/api-key")
            assert "canary" not in str(error.value)
        person.join()

    def test_a_token_may_be_good_for_ever(self, entra, by_robot):
        entra.token_seconds = 10**12
        assert by_robot().fetch("prod/app/api-key").text() == "canary-1"


class TestDevices:
    def begun(self, open_unvault, entra, **changed):
        told = {"user_code": "A1", "device_code": "canary", "expires_in": 1, "interval": 1}
        told |= {"verification_uri": "https://login.microsoftonline.com/device", **changed}
        entra.answer(200, body=json.dumps(told).encode(), where="/devicecode")
        pending = {"error": "authorization_pending"}
        entra.answer(400, body=json.dumps(pending).encode(), where="/token", times=99)
        person = Person(lambda _page: None)
        return open_unvault({}, kind="device_code", interaction=person), person

    def test_no_interval_is_longer_than_the_code_is_good_for(self, open_unvault, entra, vault):
        unvault, _ = self.begun(open_unvault, entra, interval=10**6)
        with pytest.raises(InteractionRequired, match="was not typed in in time"):
            unvault.fetch("prod/app/api-key")

    @pytest.mark.parametrize("page", ["javascript:alert(1)", "file:///etc/passwd", "http://x", 5])
    def test_no_page_is_opened_but_one_over_tls(self, open_unvault, entra, vault, page):
        unvault, person = self.begun(open_unvault, entra, verification_uri=page)
        with pytest.raises(Unavailable, match="none of its kind"):
            unvault.fetch("prod/app/api-key")
        assert person.pages == []


class TestVaults:
    def listing(self, vaults, **told):
        vaults.answer(200, body=json.dumps(told).encode(), where="token ", times=99)

    def test_a_list_that_goes_on_where_it_was_is_over(self, vaults, by_robot):
        self.listing(vaults, value=[], nextLink="https://app.vault.azure.net/secrets?$skiptoken=1")
        with pytest.raises(Unavailable, match="none of its kind"):
            list(by_robot().list("prod", "app/"))

    @pytest.mark.parametrize("value", [None, 5, "x", {"a": 1}])
    def test_a_list_that_is_none_is_no_empty_one(self, vaults, by_robot, value):
        self.listing(vaults, value=value)
        with pytest.raises(Unavailable, match="none of its kind"):
            list(by_robot().list("prod", "app/"))

    def test_what_only_addresses_have_in_them_is_named(self, vault, by_robot):
        for path in ("app/secrets/api-key", "app/secrets/apikey", "app/keys/apikey"):
            with pytest.raises(InvalidReference, match="in the place of a secret's name"):
                by_robot().fetch(f"prod/{path}")
        number = vault.put("secrets", "canary-2")
        assert by_robot().fetch(f"prod/app/secrets/{number}").text() == "canary-2"

    @pytest.mark.parametrize("host", [".vault.azure.net", "a..vault.azure.net"])
    def test_what_can_be_no_host_is_not_asked_for(self, azure, by_robot, host):
        with pytest.raises(InvalidReference):
            by_robot().fetch(f"prod/https://{host}/secrets/api-key")
        assert azure.refused == []


class TestHints:
    def hint(self, unvault, reference):
        with pytest.raises(CredentialRejected) as error:
            unvault.fetch(reference)
        return f"{error.value.message}; {error.value.hint}"

    def test_they_name_what_the_credential_is_called(self, open_unvault, entra, vault):
        wrong = by_secret(entra.app("robot")) | {"client_secret": "canary-wrong"}
        unvault = open_unvault(wrong, kind="client_secret")
        assert "unvault credentials edit prod" in self.hint(unvault, "prod/app/api-key")

    def test_the_ambient_one_is_of_variables(self, open_unvault, entra, vault, monkeypatch):
        robot = entra.app("robot")
        monkeypatch.setenv("AZURE_TENANT_ID", robot.tenant.id)
        monkeypatch.setenv("AZURE_CLIENT_ID", robot.client_id)
        monkeypatch.setenv("AZURE_CLIENT_SECRET", "canary-wrong")
        said = self.hint(open_unvault(), "azure/app/api-key")
        assert robot.client_id in said
        assert "AZURE_* variables" in said

    def test_a_certificate_that_is_locked_wants_its_password(
        self, open_unvault, entra, vault, tmp_path
    ):
        robot, proof = entra.app("robot"), SelfSigned()
        robot.certificates.append(proof.certificate)
        vault.allow(robot).put("api-key", "canary-1")
        path = tmp_path / "robot.pem"
        path.write_bytes(proof.pem("canary-password"))
        answers = {"tenant_id": robot.tenant.id, "client_id": robot.client_id}
        answers["certificate_path"] = str(path)
        unvault = open_unvault(answers, kind="client_certificate")
        assert "certificate_password" in self.hint(unvault, "prod/app/api-key")
        answers["certificate_password"] = "canary-password"
        unvault = open_unvault(answers, kind="client_certificate")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
