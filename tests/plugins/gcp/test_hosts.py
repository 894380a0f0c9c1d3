"""Behind a proxy that lets nothing through but Google's own names: which ones are asked."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from google.auth.compute_engine import _metadata

from unvault import Unvault
from unvault.directories import Directories
from unvault_gcp import plugin

TRANSPORTS = pytest.mark.parametrize("transport", ["grpc", "rest"])
SECRETS = {"secretmanager.googleapis.com", "secretmanager.europe-west1.rep.googleapis.com"}
IAM, OAUTH, STS = (f"{each}.googleapis.com" for each in ("iamcredentials", "oauth2", "sts"))
ISSUER = "https://id.example.com"
REGIONAL = "projects/acme/locations/europe-west1/secrets/near"


@pytest.fixture
def reader(trusted):
    """Return a service account that may read two secrets and list those of the project."""
    trusted.put("acme", "db", "hunter2")
    trusted.put("acme", "near", "hunter3", location="europe-west1")
    return readable(trusted, trusted.service_account("reader"))


def readable(gcp, who):
    """Let somebody read and list."""
    for on in ("projects/acme", REGIONAL):
        gcp.grant(who, on)
    gcp.grant(who, "projects/acme", "viewer")
    return who


@pytest.fixture
def directly(connect, monkeypatch):
    """Return the hosts that Python's sockets are connected to, or look up, past the proxy, too."""
    found = set()
    connecting, looking = socket.socket.connect, socket.getaddrinfo

    def connect_(self, address):
        found.add(address[0])
        return connecting(self, address)

    def getaddrinfo(host, *args, **options):
        found.add(host)
        return looking(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", connect_)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return found


@pytest.fixture
def hosts(trusted, connect, directly):
    """Return what does all that can be done with a credential, and says what hosts were asked."""

    def asked(kind, answers, transport, **sources):
        with Unvault.in_memory(
            directories=Directories.under(Path("/nowhere")),
            discover=False,
            environ={},
            plugins={"gcp": plugin},
        ) as unvault:
            for name, given in {**sources, "prod": (kind, answers)}.items():
                draft = unvault.credentials.draft(
                    "gcp", given[0], {**given[1], "transport": transport}, name=name
                )
                unvault.credentials.add(draft)
            unvault.credentials.test("prod")
            for _ in range(2):
                found = unvault.fetch("prod/projects/acme/secrets/db", fresh=True)
                assert found.text() == "hunter2"
                assert unvault.fetch(f"prod/{REGIONAL}", fresh=True).text() == "hunter3"
            assert [each.path for each in unvault.list("prod", "projects/acme/")]
        assert connect.refused == []
        assert directly == {"127.0.0.1"}
        return {*connect.hosts}

    return asked


def by_key(account):
    return "service_account", {"key": json.dumps(real(account)), "project": "acme"}


def real(account):
    """Return a key as it is downloaded, which names Google's own token endpoint."""
    return account.key(token_uri=f"https://{OAUTH}/token")


def adc(monkeypatch, tmp_path, content):
    """Have content as the application default credentials."""
    kept = tmp_path / "adc.json"
    kept.write_text(json.dumps(content))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(kept))
    return "adc", {"project": "acme"}


@TRANSPORTS
class TestHosts:
    def test_a_key_asks_for_nothing_but_secrets(self, trusted, reader, hosts, transport):
        assert hosts(*by_key(reader), transport) == SECRETS
        assert trusted.issued == []
        assert trusted.asked("allowedLocations") == 0

    def test_default_credentials_that_are_a_key_do_not_either(
        self, reader, hosts, transport, monkeypatch, tmp_path
    ):
        assert hosts(*adc(monkeypatch, tmp_path, real(reader)), transport) == SECRETS

    def test_those_of_a_person_bring_tokens(
        self, trusted, reader, hosts, transport, monkeypatch, tmp_path
    ):
        readable(trusted, "ann@example.com")
        ann = adc(monkeypatch, tmp_path, trusted.user("ann@example.com"))
        assert hosts(*ann, transport) == {*SECRETS, OAUTH}

    def test_those_of_a_machine_are_asked_for_at_its_metadata_server_and_by_no_proxy(
        self, trusted, reader, hosts, transport, monkeypatch
    ):
        trusted.be_a_machine_of(reader)
        monkeypatch.delenv("NO_GCE_CHECK")
        monkeypatch.setenv("GCE_METADATA_HOST", trusted.endpoint)
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", trusted.endpoint)
        assert hosts("adc", {}, transport) == SECRETS
        assert trusted.asked("metadata")

    def test_impersonation_asks_for_another_account_s_tokens(
        self, trusted, reader, hosts, transport, monkeypatch, tmp_path
    ):
        caller = trusted.service_account("caller")
        trusted.let_impersonate(caller, reader)
        answers = {"service_account": reader.email, "source": "caller"}
        asked = hosts("impersonation", answers, transport, caller=by_key(caller))
        assert asked == {*SECRETS, IAM}

    def test_impersonation_in_default_credentials_too(
        self, trusted, reader, hosts, transport, monkeypatch, tmp_path
    ):
        trusted.let_impersonate("ann@example.com", reader)
        url = f"https://{IAM}/v1/projects/-/serviceAccounts/{reader}:generateAccessToken"
        content = {
            "type": "impersonated_service_account",
            "source_credentials": trusted.user("ann@example.com"),
            "service_account_impersonation_url": url,
        }
        asked = hosts(*adc(monkeypatch, tmp_path, content), transport)
        assert asked == {*SECRETS, IAM, OAUTH}

    def test_a_workload_exchanges_its_token(
        self, trusted, reader, hosts, transport, issuer, tmp_path
    ):
        pool = trusted.pool(issuer, ISSUER)
        readable(trusted, pool.principal("job-7"))
        assert hosts(*_workload(pool, issuer, tmp_path), transport) == {*SECRETS, STS}

    def test_a_workload_that_is_a_service_account_asks_for_its_tokens_too(
        self, trusted, reader, hosts, transport, issuer, tmp_path
    ):
        pool = trusted.pool(issuer, ISSUER)
        trusted.let_impersonate(pool.principal("job-7"), reader)
        asked = hosts(*_workload(pool, issuer, tmp_path, account=reader), transport)
        assert asked == {*SECRETS, STS, IAM}


def _workload(pool, issuer, folder, **options):
    token, kept = folder / "token", folder / "pool.json"
    token.write_text(issuer.issue(iss=ISSUER, aud=pool.token_audience, sub="job-7"))
    kept.write_text(json.dumps(pool.configuration(token, real_names=True, **options)))
    return "workload_identity", {"config_file": str(kept), "project": "acme"}
