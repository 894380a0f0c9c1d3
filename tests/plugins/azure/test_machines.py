"""Nobody is needed: applications, machines, and who is signed in with az."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from tests.plugins.azure.using import add, by_secret
from tests.servers.entra_directory import Federated

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    CredentialRejected,
    TimedOut,
    Unavailable,
)
from unvault_azure.connection import Connection
from unvault_azure.machines import may_be_managed

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture(autouse=True)
def secret(vault):
    vault.put("api-key", "canary-1")


@pytest.fixture
def robot(entra, vault):
    """Return an application that may read the vault."""
    made = entra.app("robot")
    vault.allow(made)
    return made


@pytest.fixture(scope="module")
def certificate():
    """Return a certificate of one's own, and its key."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "robot")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    return made.sign(key, hashes.SHA256()), key


def pem(certificate, key):
    whole = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return whole + certificate.public_bytes(serialization.Encoding.PEM)


class TestClientSecret:
    def test_one_request_for_a_token_serves_a_thousand_fetches(self, open_unvault, robot, entra):
        unvault = open_unvault(by_secret(robot), kind="client_secret")
        for _ in range(40):
            assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
        unvault.fetch_many([f"prod/app/api-key?version={'0' * 31}{n:x}" for n in range(4)])
        assert entra.granted("client_credentials") == 1

    def test_it_tells_which_application_it_is(self, open_unvault, robot, entra):
        session = open_unvault(by_secret(robot), kind="client_secret").credentials.test("prod")
        assert session.identity == f"application {robot.client_id}"
        assert dict(session.details)["tenant"] == entra.tenant.id
        assert session.suggested_name is None

    def test_an_hour_later_there_is_another_token(self, open_unvault, robot, entra):
        unvault = open_unvault(by_secret(robot), kind="client_secret")
        unvault.fetch("prod/app/api-key")
        entra.ahead = 3700
        assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
        assert entra.granted("client_credentials") == 2

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"client_secret": "canary-wrong"}, "secret of the application .* is wrong"),
            ({"client_id": "00000000-0000-4000-8000-000000000000"}, "no application"),
            ({"tenant_id": "nowhere.example"}, r"no tenant 'nowhere\.example'"),
        ],
    )
    def test_what_is_wrong_is_named(self, open_unvault, robot, change, says):
        unvault = open_unvault({**by_secret(robot), **change}, kind="client_secret")
        with pytest.raises(CredentialRejected, match=says) as raised:
            unvault.fetch("prod/app/api-key")
        assert raised.value.hint

    def test_a_secret_that_has_expired(self, open_unvault, robot):
        known = {"tenant_id": robot.tenant.id, "client_id": robot.client_id}
        old = robot.new_secret(ends=time.time() - 60)
        unvault = open_unvault({**known, "client_secret": old}, kind="client_secret")
        with pytest.raises(CredentialRejected, match="has expired"):
            unvault.fetch("prod/app/api-key")

    def test_a_vault_of_another_tenant(self, open_unvault, robot, entra, vaults):
        other = entra.directory.new_tenant("fabrikam.example")
        vaults.new("theirs", other).allow(robot).put("api-key", "canary-2")
        unvault = open_unvault(by_secret(robot), kind="client_secret")
        with pytest.raises(CredentialRejected, match="belongs to another tenant") as raised:
            unvault.fetch("prod/theirs/api-key")
        assert "one organization" in raised.value.hint
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"

    def test_a_vault_that_wants_a_newer_token_gets_one(self, open_unvault, robot, vault, entra):
        unvault = open_unvault(by_secret(robot), kind="client_secret")
        unvault.fetch("prod/app/api-key")
        time.sleep(0.01)
        vault.newer_than = entra.now()
        assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
        assert "nbf" in entra.tokens.of_kind("access")[-1].claims
        assert entra.granted("client_credentials") == 2

    def test_two_applications_are_never_mixed(self, open_unvault, robot, entra, vaults):
        second = entra.app("second")
        vaults.new("other").allow(second).put("api-key", "canary-2")
        unvault = open_unvault(by_secret(robot), kind="client_secret")
        add(unvault, "second", by_secret(second), kind="client_secret")
        for _ in range(2):
            assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
            assert unvault.fetch("second/other/api-key", fresh=True).text() == "canary-2"
            with pytest.raises(AccessDenied):
                unvault.fetch("second/app/api-key", fresh=True)
            with pytest.raises(AccessDenied):
                unvault.fetch("prod/other/api-key", fresh=True)


class TestCertificate:
    def answers(self, robot, path, **more):
        known = {"tenant_id": robot.tenant.id, "client_id": robot.client_id}
        return {**known, "certificate_path": str(path), **more}

    def test_pem_and_pkcs12_with_a_password_sign_in(
        self, open_unvault, robot, certificate, tmp_path
    ):
        robot.certificates.append(certificate[0])
        (tmp_path / "a.pem").write_bytes(pem(*certificate))
        whole = pkcs12.serialize_key_and_certificates(
            b"robot",
            certificate[1],
            certificate[0],
            None,
            serialization.BestAvailableEncryption(b"canary-pw"),
        )
        (tmp_path / "a.pfx").write_bytes(whole)
        unvault = open_unvault(self.answers(robot, tmp_path / "a.pem"), kind="client_certificate")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        answers = self.answers(robot, tmp_path / "a.pfx", certificate_password="canary-pw")
        add(unvault, "pfx", answers, kind="client_certificate")
        assert unvault.fetch("pfx/app/api-key").text() == "canary-1"
        wrong = {**answers, "certificate_password": "canary-no"}
        add(unvault, "wrong", wrong, kind="client_certificate")
        with pytest.raises(CredentialRejected, match="its password has to fit"):
            unvault.fetch("wrong/app/api-key")

    def test_a_certificate_that_the_application_does_not_know(
        self, open_unvault, robot, certificate, tmp_path
    ):
        (tmp_path / "a.pem").write_bytes(pem(*certificate))
        unvault = open_unvault(self.answers(robot, tmp_path / "a.pem"), kind="client_certificate")
        with pytest.raises(CredentialRejected, match="does not know the certificate"):
            unvault.fetch("prod/app/api-key")

    @pytest.mark.parametrize(("content", "error"), [(None, CredentialMissing), (b"canary", None)])
    def test_a_file_that_is_none(self, open_unvault, robot, tmp_path, content, error):
        path = tmp_path / "a.pem"
        if content:
            path.write_bytes(content)
        unvault = open_unvault(self.answers(robot, path), kind="client_certificate")
        with pytest.raises(error or CredentialRejected, match=r"certificate|cannot be read"):
            unvault.fetch("prod/app/api-key")


class TestWorkload:
    @pytest.fixture
    def token_file(self, tmp_path, issuer, robot):
        trust = Federated("https://issuer.example", "pod-1", issuer.public_key)
        robot.federated.append(trust)
        return tmp_path / "token"

    def answers(self, robot, path):
        known = {"tenant_id": robot.tenant.id, "client_id": robot.client_id}
        return {**known, "token_file": str(path)}

    def write(self, path, issuer, subject):
        claims = {"iss": "https://issuer.example", "aud": "api://AzureADTokenExchange"}
        path.write_text(issuer.issue(sub=subject, **claims))

    def test_the_token_of_a_trusted_issuer_signs_in(self, open_unvault, robot, token_file, issuer):
        self.write(token_file, issuer, "pod-1")
        unvault = open_unvault(self.answers(robot, token_file), kind="workload_identity")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"

    def test_another_subject_is_refused(self, open_unvault, robot, token_file, issuer):
        self.write(token_file, issuer, "pod-2")
        unvault = open_unvault(self.answers(robot, token_file), kind="workload_identity")
        with pytest.raises(CredentialRejected, match="does not trust the token"):
            unvault.fetch("prod/app/api-key")

    def test_a_file_that_is_not_there(self, open_unvault, robot, tmp_path):
        answers = self.answers(robot, tmp_path / "none")
        unvault = open_unvault(answers, kind="workload_identity")
        with pytest.raises(CredentialMissing, match="cannot be read") as raised:
            unvault.fetch("prod/app/api-key")
        assert "token_file" in raised.value.hint


class TestManagedIdentity:
    @pytest.mark.parametrize("user_assigned", [True, False])
    def test_app_service(self, open_unvault, azure, robot, monkeypatch, user_assigned):
        azure.identity.give(robot)
        for variable, value in azure.identity.for_app_service.items():
            monkeypatch.setenv(variable, value)
        answers = {"client_id": robot.client_id} if user_assigned else {}
        unvault = open_unvault(answers, kind="managed_identity")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert azure.identity.count("/msi/token") == 1

    def test_the_metadata_service_of_a_machine(self, open_unvault, azure, robot, monkeypatch):
        azure.identity.give(robot)
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.identity.address)
        unvault = open_unvault({}, kind="managed_identity")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"

    def test_one_that_was_not_assigned(self, open_unvault, azure, robot, monkeypatch):
        azure.identity.give(robot)
        for variable, value in azure.identity.for_app_service.items():
            monkeypatch.setenv(variable, value)
        answers = {"client_id": "00000000-0000-4000-8000-000000000000"}
        unvault = open_unvault(answers, kind="managed_identity")
        with pytest.raises((CredentialMissing, CredentialRejected)) as raised:
            unvault.fetch("prod/app/api-key")
        assert "client_id" in raised.value.hint

    def test_the_machines_own_address_is_never_asked_through_a_proxy(self, open_unvault, azure):
        started = time.monotonic()
        unvault = open_unvault({"timeout": 3}, kind="managed_identity")
        with pytest.raises((CredentialMissing, Unavailable)):
            unvault.fetch("prod/app/api-key")
        assert azure.hosts == []
        assert time.monotonic() - started < 10


class TestAz:
    def test_who_is_signed_in_with_az_reads(self, open_unvault, azure, ann, tmp_path, monkeypatch):
        azure.put_az(tmp_path / "bin", ann)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
        unvault = open_unvault({}, kind="cli")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert unvault.credentials.test("prod").identity == ann.name

    @pytest.mark.parametrize("installed", [True, False])
    def test_nobody_is(self, open_unvault, azure, tmp_path, monkeypatch, installed):
        if installed:
            azure.put_az(tmp_path / "bin", None)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin:/bin")
        unvault = open_unvault({}, kind="cli")
        with pytest.raises(CredentialMissing, match="az is not installed, or nobody") as raised:
            unvault.fetch("prod/app/api-key")
        assert "az login" in raised.value.hint
        assert "unvault credentials edit prod --type browser" in raised.value.hint

    def test_what_else_there_is_to_do_where_it_was_chosen_by_a_variable(
        self, open_unvault, monkeypatch, tmp_path
    ):
        monkeypatch.setenv("PATH", str(tmp_path))
        unvault = open_unvault(environ={"UNVAULT_AZURE_TYPE": "cli"})
        with pytest.raises(CredentialMissing) as raised:
            unvault.fetch("azure/app/api-key")
        assert raised.value.hint.startswith("az login; or check the variables that the credential")
        assert "--type" not in raised.value.hint

    @pytest.mark.skipif(os.name == "nt", reason="az is a shell script here")
    @pytest.mark.parametrize("stored", [True, False])
    def test_it_does_not_answer(self, open_unvault, tmp_path, monkeypatch, stored):
        command = tmp_path / "az"
        command.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
        command.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path))
        if not stored:
            quick = Connection(timeout=1)
            monkeypatch.setattr("unvault_azure.signing_in.ambient_connection", lambda _: quick)
        unvault = open_unvault({"timeout": 1} if stored else None, kind="cli")
        with pytest.raises(TimedOut, match="az, or azd, did not answer in time") as raised:
            unvault.fetch(f"{'prod' if stored else 'azure'}/app/api-key")
        assert "timeout" in raised.value.hint


class TestNone:
    """An empty credential: what the SDK finds by itself."""

    def test_azures_own_variables(self, open_unvault, robot, monkeypatch):
        for variable, value in {
            "AZURE_TENANT_ID": robot.tenant.id,
            "AZURE_CLIENT_ID": robot.client_id,
            "AZURE_CLIENT_SECRET": robot.new_secret(),
        }.items():
            monkeypatch.setenv(variable, value)
        assert open_unvault().fetch("azure/app/api-key").text() == "canary-1"

    @pytest.mark.parametrize("content", [None, b"", b"canary"])
    def test_a_certificate_of_azures_own_variables_that_is_none(
        self, open_unvault, robot, monkeypatch, tmp_path, content
    ):
        path = tmp_path / "robot.pem"
        if content is not None:
            path.write_bytes(content)
        for variable, value in {
            "AZURE_TENANT_ID": robot.tenant.id,
            "AZURE_CLIENT_ID": robot.client_id,
            "AZURE_CLIENT_CERTIFICATE_PATH": str(path),
        }.items():
            monkeypatch.setenv(variable, value)
        with pytest.raises(CredentialMissing) as raised:
            open_unvault().fetch("azure/app/api-key")
        assert "AZURE_CLIENT_CERTIFICATE_PATH" in raised.value.hint

    def test_a_vault_of_another_tenant(self, open_unvault, robot, entra, vaults, monkeypatch):
        other = entra.directory.new_tenant("fabrikam.example")
        vaults.new("theirs", other).allow(robot).put("api-key", "canary-2")
        for name, value in by_secret(robot).items():
            monkeypatch.setenv(f"AZURE_{name.upper()}", value)
        with pytest.raises(CredentialRejected, match="belongs to another tenant"):
            open_unvault().fetch("azure/theirs/api-key")

    def test_they_count_for_an_empty_credential_only(self, open_unvault, robot, monkeypatch):
        monkeypatch.setenv("AZURE_CLIENT_ID", "00000000-0000-4000-8000-000000000000")
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us")
        unvault = open_unvault(by_secret(robot), kind="client_secret")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"

    def test_who_is_signed_in_with_az(self, open_unvault, azure, ann, tmp_path, monkeypatch):
        azure.put_az(tmp_path / "bin", ann)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
        assert open_unvault().fetch("azure/app/api-key").text() == "canary-1"

    def test_the_cloud_is_the_one_whose_authority_is_named(
        self, open_unvault, robot, azure, monkeypatch
    ):
        vault = azure.vaults.new("far", domain="vault.azure.cn").allow(robot)
        vault.put("api-key", "canary-2")
        for variable, value in {
            "AZURE_AUTHORITY_HOST": "login.chinacloudapi.cn",
            "AZURE_TENANT_ID": robot.tenant.id,
            "AZURE_CLIENT_ID": robot.client_id,
            "AZURE_CLIENT_SECRET": robot.new_secret(),
        }.items():
            monkeypatch.setenv(variable, value)
        assert open_unvault().fetch("azure/far/api-key").text() == "canary-2"

    def test_nothing_at_all_is_an_error_soon_and_opens_no_page(
        self, open_unvault, azure, monkeypatch, tmp_path, somebody
    ):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("BROWSER", "false")
        started = time.monotonic()
        with pytest.raises(CredentialMissing, match="finds nothing to sign in with") as raised:
            open_unvault(interaction=somebody).fetch("azure/app/api-key")
        assert time.monotonic() - started < 8
        assert "credentials add azure" in raised.value.hint
        assert (somebody.pages, azure.hosts) == ([], [])

    @pytest.mark.skipif(os.name == "nt", reason="there it cannot be told")
    def test_a_machine_that_shows_no_sign_of_an_identity_is_not_asked_for_one(self, tmp_path):
        tag = tmp_path / "tag"
        assert not may_be_managed({}, tag)
        tag.write_text("something else\n")
        assert not may_be_managed({}, tag)
        tag.write_text("7783-7084-3265-9085-8269-3286-77\n")
        assert may_be_managed({}, tag)
        assert may_be_managed({"IDENTITY_ENDPOINT": "http://127.0.0.1:1"}, tmp_path / "none")
