"""Every type of credential signs in over both transports, or says why not."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.plugins.gcp.using import add, at, by_key, told, write
from tests.servers.gcp_accounts import private_key

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    CredentialNotFound,
    CredentialRejected,
    Unavailable,
)

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture(autouse=True)
def secret(gcp):
    gcp.put("acme", "db", {"password": "canary-1"})


def read(unvault, head="prod"):
    return unvault.fetch(f"{head}/db#password", fresh=True).text()


class TestServiceAccount:
    def test_with_a_key_file_and_with_its_content(self, gcp, transport, tmp_path, open_unvault):
        file = gcp.reader().key_file(tmp_path / "key.json")
        by_file = open_unvault(at(gcp, key_file=str(file), transport=transport))
        by_content = open_unvault(at(gcp, key=file.read_text(), transport=transport))

        assert read(by_file) == "canary-1"
        file.unlink()
        assert read(by_content) == "canary-1"

    def test_nobody_is_asked_for_a_token(self, gcp, transport, open_unvault):
        assert read(open_unvault(by_key(gcp, gcp.reader(), transport=transport))) == "canary-1"

        assert [each.what for each in gcp.requests] == ["AccessSecretVersion"]
        assert {each.transport for each in gcp.requests} == {transport}
        assert gcp.issued == []

    def test_one_sign_in_and_one_connection_serve_all(self, gcp, transport, open_unvault):
        unvault = open_unvault(by_key(gcp, gcp.reader(), transport=transport))
        for _ in range(20):
            read(unvault)

        assert gcp.connections == 1

    def test_who_it_is_and_of_which_project(self, gcp, transport, open_unvault):
        reader = gcp.reader()
        session = open_unvault(by_key(gcp, reader, transport=transport)).credentials.test("prod")

        details = dict(session.details)
        assert session.identity == reader.email
        assert details["project"] == "acme"
        assert details["transport"] == transport
        assert "may not be listed" in details["list"]
        assert timedelta(minutes=55) < session.expires - datetime.now(UTC) < timedelta(minutes=61)

        gcp.grant(reader, "projects/acme", "viewer")
        again = open_unvault(by_key(gcp, reader, transport=transport)).credentials.test("prod")
        assert dict(again.details)["list"] == "allowed"

    @pytest.mark.parametrize("wrong", ["another key", "revoked", "disabled", "unknown"])
    def test_a_key_that_is_not_accepted(self, gcp, transport, open_unvault, wrong):
        reader = gcp.reader()
        changes = {
            "another key": {"private_key": private_key(1)},
            "unknown": {"client_email": "nobody@acme.iam.gserviceaccount.com"},
        }
        key = reader.key(**changes.get(wrong, {}))
        if wrong == "revoked":
            reader.revoke_keys()
        reader.enabled = wrong != "disabled"
        unvault = open_unvault(at(gcp, key=json.dumps(key), transport=transport))

        for action in (lambda: read(unvault), lambda: unvault.credentials.test("prod")):
            with pytest.raises(CredentialRejected, match="does not accept the token") as caught:
                action()
            assert "clock" in caught.value.hint
            assert f"keys list --iam-account={key['client_email']})" in caught.value.hint
            assert "PRIVATE KEY" not in told(caught.value)

    def test_what_to_type_holds_nothing_that_a_shell_would_take_for_more(self, gcp, open_unvault):
        key = gcp.reader().key(client_email="x;reboot@acme.iam.gserviceaccount.com")
        with pytest.raises(CredentialRejected) as caught:
            read(open_unvault(at(gcp, key=json.dumps(key))))
        assert "--iam-account=EMAIL)" in caught.value.hint

    def test_a_key_that_is_revoked_while_it_is_in_use(self, gcp, transport, open_unvault):
        reader = gcp.reader()
        unvault = open_unvault(by_key(gcp, reader, transport=transport))
        assert read(unvault) == "canary-1"
        reader.revoke_keys()

        with pytest.raises(CredentialRejected):
            read(unvault)

    def test_a_key_file_that_was_replaced_is_read_again(
        self, gcp, transport, tmp_path, open_unvault
    ):
        reader, file = gcp.reader(), tmp_path / "key.json"
        reader.key_file(file)
        unvault = open_unvault(at(gcp, key_file=str(file), transport=transport))
        assert read(unvault) == "canary-1"
        reader.revoke_keys()
        reader.key_file(file)

        assert read(unvault) == "canary-1"

    def test_a_token_that_has_expired_is_replaced(self, gcp, transport, open_unvault):
        gcp.ahead = -3000
        unvault = open_unvault(by_key(gcp, gcp.reader(), transport=transport))
        gcp.ahead = 0
        assert read(unvault) == "canary-1"
        gcp.ahead = 4000  # its clock: to it, all tokens of now have expired

        with pytest.raises(CredentialRejected, match="does not accept") as caught:
            read(unvault)
        assert "clock" in caught.value.hint
        gcp.ahead = 0
        assert read(unvault) == "canary-1"

    def test_all_that_is_wrong_with_a_key_is_named_at_once(self, gcp, tmp_path, open_unvault):
        changes = {"project_id": None, "private_key_id": None, "private_key": "no PEM canary"}
        changes |= {"client_email": "", "type": "canary service"}
        file = gcp.reader().key_file(tmp_path / "key.json", **changes)

        with pytest.raises(CredentialMissing) as caught:
            read(open_unvault(at(gcp, key_file=str(file))))
        message = caught.value.message
        assert str(file) in message
        for name in ("project_id", "private_key_id", "private_key", "client_email", "type"):
            assert name in message
        assert "canary" not in told(caught.value)
        assert "key_file" in caught.value.hint

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            ("no JSON", "is no JSON"),
            ("[1]", "is no JSON object"),
            ("{" * 100_000, "is no JSON"),
            ('{"type": "authorized_user"}', "of the type 'authorized_user'"),
            ('{"type": "external_account"}', "of the type 'external_account'"),
            (b"\xff\xfe", "is no JSON"),
            (b" " * (1 << 20) + b"{}", "is too large"),
        ],
    )
    def test_a_file_that_is_no_key(self, gcp, tmp_path, open_unvault, content, says):
        file = tmp_path / "key.json"
        file.write_bytes(content.encode() if isinstance(content, str) else content)

        with pytest.raises(CredentialMissing, match=says) as caught:
            read(open_unvault(at(gcp, key_file=str(file))))
        assert caught.value.hint

    def test_a_hint_says_which_type_takes_a_file(self, gcp, tmp_path, open_unvault):
        for kind, wanted in (("authorized_user", "adc"), ("external_account", "workload_identity")):
            file = write(tmp_path / "key.json", {"type": kind})
            with pytest.raises(CredentialMissing) as caught:
                read(open_unvault(at(gcp, key_file=str(file))))
            assert f"type {wanted}" in caught.value.hint

    def test_a_key_that_is_damaged_inside_is_found_before_it_is_used(
        self, gcp, tmp_path, open_unvault
    ):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        numbers = serialization.load_pem_private_key(
            private_key().encode(), password=None
        ).private_numbers()
        damaged = rsa.RSAPrivateNumbers(
            p=numbers.p,
            q=numbers.q,
            d=numbers.d - 2,
            dmp1=numbers.dmp1 - 2,
            dmq1=numbers.dmq1 - 2,
            iqmp=numbers.iqmp,
            public_numbers=rsa.RSAPublicNumbers(numbers.public_numbers.e, numbers.p * numbers.q),
        ).private_key(unsafe_skip_rsa_key_validation=True)
        pem = damaged.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()
        file = gcp.reader().key_file(tmp_path / "key.json", private_key=pem)

        with pytest.raises(CredentialMissing, match="its private_key is damaged") as caught:
            read(open_unvault(at(gcp, key_file=str(file))))
        assert "PRIVATE" not in told(caught.value)
        assert gcp.requests == []

    def test_a_key_that_is_not_rsa_or_wants_a_password(self, gcp, tmp_path, open_unvault):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(pem, pkcs8, plain)
        locked = serialization.load_pem_private_key(
            private_key().encode(), password=None
        ).private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"canary"))

        for text in (curve, locked):
            file = gcp.reader().key_file(tmp_path / "key.json", private_key=text.decode())
            with pytest.raises(CredentialMissing, match="no RSA key in PEM"):
                read(open_unvault(at(gcp, key_file=str(file))))

    def test_a_file_that_is_not_there_or_is_a_folder(self, gcp, tmp_path, open_unvault):
        for path in (tmp_path / "gone.json", tmp_path):
            with pytest.raises(CredentialMissing, match="cannot be read: ") as caught:
                read(open_unvault(at(gcp, key_file=str(path))))
            assert str(path) in caught.value.message

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
    def test_a_key_from_a_pipe_is_read_once(self, gcp, tmp_path, open_unvault):
        reader, pipe = gcp.reader(), tmp_path / "pipe"
        os.mkfifo(pipe)

        def read_from_pipe():
            content = json.dumps(reader.key())
            writer = threading.Thread(target=pipe.write_text, args=(content,))
            writer.start()
            try:
                return read(open_unvault(at(gcp, key_file=str(pipe))))
            finally:
                writer.join()

        assert read_from_pipe() == "canary-1"
        gcp.fail("UNAUTHENTICATED")
        with pytest.raises(CredentialRejected):  # and nobody waits for more from the pipe
            read_from_pipe()

    @pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no such device here")
    def test_a_file_without_end_is_not_read_to_its_end(self, gcp, open_unvault):
        with pytest.raises(CredentialMissing, match="too large"):
            read(open_unvault(at(gcp, key_file="/dev/zero")))

    def test_variables_that_all_types_have_go_with_the_default_credentials(
        self, gcp, open_unvault, monkeypatch, tmp_path
    ):
        file = gcp.reader().key_file(tmp_path / "key.json")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        environ = {f"UNVAULT_GCP_{name.upper()}": str(at(gcp)[name]) for name in at(gcp)}
        unvault = open_unvault(environ=environ)

        assert unvault.fetch("gcp/db#password").text() == "canary-1"

    def test_neither_a_file_nor_a_content_and_both_of_them(self, gcp, tmp_path, open_unvault):
        file = gcp.reader().key_file(tmp_path / "key.json")
        with pytest.raises(CredentialMissing, match="neither a key file nor a key"):
            read(open_unvault(at(gcp)))
        with pytest.raises(CredentialMissing, match="both a key file and a key"):
            read(open_unvault(at(gcp, key_file=str(file), key=file.read_text())))

    def test_the_project_of_the_credential_goes_before_that_of_the_key(
        self, gcp, transport, open_unvault
    ):
        reader = gcp.reader()
        gcp.put("other", "db", {"password": "canary-other"})
        gcp.grant(reader, "projects/other")
        answers = by_key(gcp, reader, transport=transport, project="other")

        assert read(open_unvault(answers)) == "canary-other"

    def test_a_key_of_another_universe_than_the_credential_says(self, gcp, open_unvault):
        key = gcp.reader().key(universe_domain="cloud.example")
        answers = at(gcp, key=json.dumps(key), universe_domain="googleapis.com")

        with pytest.raises(CredentialMissing, match=r"of the universe 'cloud\.example'"):
            read(open_unvault(answers))
        assert gcp.requests == []


class TestImpersonation:
    @pytest.fixture
    def target(self, gcp):
        return gcp.reader(name="target")

    @pytest.fixture
    def source(self, gcp, target):
        account = gcp.service_account("source", project="elsewhere")
        gcp.let_impersonate(account, target)
        return account

    def answers(self, gcp, target, **more):
        known = {"service_account": str(target), "iam_endpoint": gcp.address}
        return at(gcp, **known, **more)

    def test_by_means_of_another_stored_credential(
        self, gcp, target, source, transport, open_unvault
    ):
        more = {"source": "base", "transport": transport}
        unvault = open_unvault(self.answers(gcp, target, **more), kind="impersonation")
        add(unvault, "base", by_key(gcp, source))

        assert read(unvault) == "canary-1"
        session = unvault.credentials.test("prod")
        assert session.identity == target.email
        assert dict(session.details)["project"] == "acme"
        assert str(source) in dict(session.details)["signed in by"]
        assert set(gcp.issued) == {target.email}

    def test_by_means_of_the_application_default_credentials(
        self, gcp, target, source, tmp_path, monkeypatch, open_unvault
    ):
        file = source.key_file(tmp_path / "key.json")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

        unvault = open_unvault(self.answers(gcp, target), kind="impersonation")
        assert read(unvault) == "canary-1"

    def test_over_a_chain_of_delegates(self, gcp, target, open_unvault):
        first, middle, last = (gcp.service_account(name) for name in ("a-1", "b-1", "c-1"))
        for who, on in ((first, middle), (middle, last), (last, target)):
            gcp.let_impersonate(who, on)
        answers = self.answers(gcp, target, source="base", delegates=f"{middle}, {last}")
        unvault = open_unvault(answers, kind="impersonation")
        add(unvault, "base", by_key(gcp, first))

        assert read(unvault) == "canary-1"

    def test_of_an_impersonated_service_account_in_its_turn(self, gcp, target, open_unvault):
        first, middle = gcp.service_account("a-1"), gcp.service_account("b-1")
        gcp.let_impersonate(first, middle)
        gcp.let_impersonate(middle, target)
        unvault = open_unvault(self.answers(gcp, target, source="mid"), kind="impersonation")
        add(unvault, "mid", self.answers(gcp, middle, source="base"), kind="impersonation")
        add(unvault, "base", by_key(gcp, first))

        assert read(unvault) == "canary-1"

    def test_a_token_that_ends_soon_is_replaced_by_another(self, gcp, target, source, open_unvault):
        answers = self.answers(gcp, target, source="base", lifetime=1)
        unvault = open_unvault(answers, kind="impersonation")
        add(unvault, "base", by_key(gcp, source))
        assert read(unvault) == "canary-1"
        time.sleep(1.1)

        assert read(unvault) == "canary-1"
        assert len(gcp.issued) == 2

    def test_a_token_that_the_server_forgot_is_replaced_by_another(
        self, gcp, target, source, transport, open_unvault
    ):
        answers = self.answers(gcp, target, source="base", transport=transport)
        unvault = open_unvault(answers, kind="impersonation")
        add(unvault, "base", by_key(gcp, source))
        assert read(unvault) == "canary-1"
        gcp.identities.forget_tokens()

        assert read(unvault) == "canary-1"
        assert len(gcp.issued) == 2

    def test_who_may_not_impersonate(self, gcp, target, open_unvault):
        unvault = open_unvault(self.answers(gcp, target, source="base"), kind="impersonation")
        add(unvault, "base", by_key(gcp, gcp.service_account("stranger")))

        with pytest.raises(AccessDenied, match=str(target)) as caught:
            read(unvault)
        assert "serviceAccountTokenCreator" in caught.value.hint

    def test_a_source_that_is_not_accepted(self, gcp, target, source, open_unvault):
        unvault = open_unvault(self.answers(gcp, target, source="base"), kind="impersonation")
        add(unvault, "base", by_key(gcp, source))
        source.revoke_keys()

        with pytest.raises(CredentialRejected, match="the token of the source"):
            read(unvault)

    def test_a_lifetime_that_is_too_long(self, gcp, target, source, open_unvault):
        answers = self.answers(gcp, target, source="base", lifetime=7200)
        unvault = open_unvault(answers, kind="impersonation")
        add(unvault, "base", by_key(gcp, source))

        with pytest.raises(CredentialRejected, match="refuses to give a token") as caught:
            read(unvault)
        assert "lifetime" in caught.value.hint

    def test_a_source_that_is_not_there(self, gcp, target, open_unvault):
        unvault = open_unvault(self.answers(gcp, target, source="gone"), kind="impersonation")

        with pytest.raises(CredentialNotFound):
            read(unvault)

    def test_where_tokens_are_given_cannot_be_reached(self, gcp, target, source, open_unvault):
        known = {"service_account": str(target), "iam_endpoint": "http://127.0.0.1:9"}
        unvault = open_unvault(at(gcp, **known, source="base", timeout=1), kind="impersonation")
        add(unvault, "base", by_key(gcp, source))

        with pytest.raises(Unavailable, match="the IAM Credentials API cannot be reached"):
            read(unvault)


class TestWorkloadIdentity:
    @pytest.fixture
    def pool(self, gcp, issuer):
        made = gcp.pool(issuer, "https://id.example.com")
        gcp.grant(made.principal("job-7"), "projects/acme")
        return made

    @pytest.fixture
    def token(self, pool, issuer, tmp_path):
        claims = {"iss": "https://id.example.com", "sub": "job-7", "aud": pool.token_audience}
        return write(tmp_path / "token", issuer.issue(**claims))

    def credential(self, gcp, file, **more):
        return at(gcp, config_file=str(file), project="acme", **more)

    def test_with_a_token_in_a_file(self, gcp, pool, token, tmp_path, transport, open_unvault):
        file = write(tmp_path / "config.json", pool.configuration(token))
        answers = self.credential(gcp, file, transport=transport)
        unvault = open_unvault(answers, kind="workload_identity")

        assert read(unvault) == "canary-1"
        assert "federation" in dict(unvault.credentials.test("prod").details)["signed in by"]

    def test_the_pools_project_is_that_of_secrets_where_none_is_named(
        self, gcp, pool, token, tmp_path, open_unvault
    ):
        file = write(tmp_path / "config.json", pool.configuration(token))
        unvault = open_unvault(at(gcp, config_file=str(file)), kind="workload_identity")

        assert read(unvault) == "canary-1"

    def test_as_a_service_account(self, gcp, pool, token, tmp_path, transport, open_unvault):
        target = gcp.reader(name="target")
        gcp.let_impersonate(pool.principal("job-7"), target)
        file = write(tmp_path / "config.json", pool.configuration(token, account=target))
        unvault = open_unvault(
            at(gcp, config_file=str(file), transport=transport), kind="workload_identity"
        )

        assert read(unvault) == "canary-1"
        assert unvault.credentials.test("prod").identity == target.email

    def test_with_a_token_in_a_field_of_json(self, gcp, pool, token, tmp_path, open_unvault):
        inside = write(tmp_path / "inside.json", {"id_token": token.read_text()})
        config = pool.configuration(inside)
        config["credential_source"]["format"] = {
            "type": "json",
            "subject_token_field_name": "id_token",
        }
        file = write(tmp_path / "config.json", config)

        assert read(open_unvault(self.credential(gcp, file), kind="workload_identity"))

    def test_with_a_token_at_an_address(self, gcp, pool, token, tmp_path, open_unvault):
        config = pool.configuration(token)
        gcp.answer_http(200, token.read_bytes(), where="metadata")
        config["credential_source"] = {"url": f"{gcp.address}/", "headers": {"Metadata": "True"}}
        file = write(tmp_path / "config.json", config)

        assert read(open_unvault(self.credential(gcp, file), kind="workload_identity"))
        (asked,) = (seen for seen in gcp.requests if seen.what == "metadata")
        assert asked

    def test_with_what_a_program_prints(
        self, gcp, pool, token, tmp_path, monkeypatch, open_unvault
    ):
        answer = {
            "version": 1,
            "success": True,
            "token_type": "urn:ietf:params:oauth:token-type:jwt",
            "id_token": token.read_text(),
            "expiration_time": int(time.time()) + 600,
        }
        config = pool.configuration(token)
        printed = write(tmp_path / "answer.json", answer)
        config["credential_source"] = {"executable": {"command": f"cat {printed}"}}
        file = write(tmp_path / "config.json", config)
        unvault = open_unvault(self.credential(gcp, file), kind="workload_identity")

        with pytest.raises(CredentialMissing) as caught:
            read(unvault)
        assert "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES" in caught.value.hint
        monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
        assert read(unvault) == "canary-1"

    def test_a_token_that_was_issued_for_somebody_else_or_has_ended(
        self, gcp, pool, issuer, tmp_path, open_unvault
    ):
        claims = {"iss": "https://id.example.com", "sub": "job-7"}
        wrong = [
            issuer.issue(**claims, aud="https://other.example"),
            issuer.issue(**claims, aud=pool.token_audience, seconds=-600),
            "canary-no-token",
        ]
        for text in wrong:
            token = write(tmp_path / "token", text)
            file = write(tmp_path / "config.json", pool.configuration(token))
            with pytest.raises(CredentialRejected, match="the token to exchange") as caught:
                read(open_unvault(self.credential(gcp, file), kind="workload_identity"))
            assert text not in told(caught.value)

    def test_a_pool_that_is_not_there(self, gcp, pool, token, tmp_path, open_unvault):
        config = pool.configuration(token) | {"audience": pool.audience.replace("/ci/", "/no/")}
        file = write(tmp_path / "config.json", config)

        with pytest.raises(CredentialRejected, match="audience that is not there"):
            read(open_unvault(self.credential(gcp, file), kind="workload_identity"))

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"audience": ""}, "no audience"),
            ({"type": "service_account"}, "not of the type 'external_account'"),
            ({"credential_source": None}, "no credential_source"),
            ({"token_url": "http://sts.example.com/v1/token"}, "not https"),
            ({"credential_source": {"file": "/no/such/token"}}, "cannot be read"),
            ({"credential_source": {"certificate": {}}}, "none of those that are"),
            ({"credential_source": {"odd": 1}}, "none of those that are supported"),
        ],
    )
    def test_a_configuration_that_cannot_be_used(
        self, gcp, pool, token, tmp_path, open_unvault, changes, says
    ):
        file = write(tmp_path / "config.json", pool.configuration(token) | changes)

        with pytest.raises(CredentialMissing, match=says) as caught:
            read(open_unvault(self.credential(gcp, file), kind="workload_identity"))
        assert caught.value.hint
        assert gcp.issued == []

    def test_a_service_accounts_address_that_is_not_safe(
        self, gcp, pool, token, tmp_path, open_unvault
    ):
        where = "http://iamcredentials.example.com/v1/projects/-/serviceAccounts/a@b.example"
        config = pool.configuration(token)
        config["service_account_impersonation_url"] = f"{where}:generateAccessToken"
        file = write(tmp_path / "config.json", config)

        with pytest.raises(CredentialMissing, match="service_account_impersonation_url"):
            read(open_unvault(self.credential(gcp, file), kind="workload_identity"))
