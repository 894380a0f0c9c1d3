"""Reading any path as it is: dynamic secrets, and what an engine is asked for."""

import json
import time
from datetime import UTC, datetime

import pytest
from tests.plugins.hashicorp.using import by_approle, by_token

from unvault.errors import AccessDenied, InvalidReference, SecretNotFound
from unvault.reference import Reference


def logical(path, field=None, data=None):
    parameters = {"engine": "logical"} | ({} if data is None else {"data": json.dumps(data)})
    return Reference("prod", path, parameters, field)


@pytest.fixture
def pki(namespace):
    """Return a policy that allows asking a CA for certificates, each with a lease."""
    namespace.mount("team/pki", "pki")
    namespace.call("POST", "team/pki/root/generate/internal", {"common_name": "ca"})
    role = {"allow_any_name": True, "generate_lease": True, "key_type": "ec", "key_bits": 256}
    namespace.call("POST", "team/pki/roles/app", role)
    return namespace.allow("pki", {"team/pki/issue/app": "create,update"})


def seconds_left(secret):
    return (secret.expires - datetime.now(UTC)).total_seconds()


class TestLeases:
    def test_a_lease_bounds_how_long_a_value_is_kept(self, namespace, pki, open_unvault):
        unvault = open_unvault(by_token(namespace, pki, ttl="1h"))
        wanted = {"common_name": "app.example.org", "ttl": "120s"}
        secret = unvault.fetch(logical("team/pki/issue/app", data=wanted))
        assert 60 < seconds_left(secret) <= 121
        assert {"certificate", "private_key", "serial_number"} <= secret.json().keys()

    def test_the_same_lease_serves_until_it_ends(self, namespace, pki, open_unvault):
        unvault = open_unvault(by_token(namespace, pki, ttl="1h"))
        wanted = {"common_name": "app.example.org", "ttl": "2s"}
        reference = logical("team/pki/issue/app", "serial_number", wanted)
        watch = namespace.watch()
        first = unvault.fetch(reference)
        assert unvault.fetch(reference) == first
        assert watch.count("team/pki/issue/app") == 1
        time.sleep(max(seconds_left(first), 0) + 0.1)
        assert unvault.fetch(reference) != first
        assert watch.count("team/pki/issue/app") == 2

    def test_a_lease_ends_with_the_token_that_asked_for_it(self, namespace, pki, open_unvault):
        unvault = open_unvault(by_approle(namespace, pki, token_ttl="30s", token_max_ttl="30s"))
        wanted = {"common_name": "app.example.org", "ttl": "1h"}
        assert seconds_left(unvault.fetch(logical("team/pki/issue/app", data=wanted))) <= 30

    def test_other_data_is_another_secret(self, namespace, pki, open_unvault):
        unvault = open_unvault(by_token(namespace, pki))
        serials = {
            unvault.fetch(
                logical("team/pki/issue/app", "serial_number", {"common_name": name, "ttl": "1h"})
            ).text()
            for name in ("a.example.org", "b.example.org", "a.example.org")
        }
        assert len(serials) == 2

    def test_fresh_asks_for_another_one(self, namespace, pki, open_unvault):
        unvault = open_unvault(by_token(namespace, pki))
        reference = logical(
            "team/pki/issue/app", "serial_number", {"common_name": "a.b", "ttl": "1h"}
        )
        assert unvault.fetch(reference) != unvault.fetch(reference, fresh=True)

    def test_a_ttl_of_version_1_is_one(self, namespace, open_unvault):
        namespace.mount("old", version=1)
        namespace.write_v1("old", "app", x="canary", ttl="90s")
        unvault = open_unvault(by_token(namespace, namespace.allow("old", {"old/*": "read"})))
        assert 60 < seconds_left(unvault.fetch(logical("old/app"))) <= 91


class TestOtherEngines:
    def test_a_one_time_password(self, namespace, open_unvault):
        namespace.mount("totp", "totp")
        key = {"generate": True, "issuer": "canary", "account_name": "me", "exported": False}
        namespace.call("POST", "totp/keys/me", key)
        unvault = open_unvault(by_token(namespace, namespace.allow("t", {"totp/code/me": "read"})))
        assert unvault.fetch(logical("totp/code/me", "code")).text().isdigit()

    def test_decryption_by_transit(self, namespace, open_unvault):
        namespace.mount("transit", "transit")
        namespace.call("POST", "transit/keys/app")
        encrypted = namespace.call("POST", "transit/encrypt/app", {"plaintext": "Y2FuYXJ5"})
        policy = namespace.allow("t", {"transit/decrypt/app": "update"})
        unvault = open_unvault(by_token(namespace, policy))
        data = {"ciphertext": encrypted["data"]["ciphertext"]}
        found = unvault.fetch(logical("transit/decrypt/app", "plaintext", data))
        assert found.text() == "Y2FuYXJ5"

    def test_a_path_of_version_2_as_it_is(self, namespace, reader, open_unvault):
        unvault = open_unvault(by_token(namespace, reader))
        assert unvault.fetch(logical("secret/data/app", "/data/user")).text() == "me"

    def test_the_tokens_own_cubbyhole(self, namespace, open_unvault):
        answers = by_token(namespace)
        namespace.call("POST", "cubbyhole/x", {"y": "canary"}, token=answers["access_token"])
        assert open_unvault(answers).fetch(logical("cubbyhole/x", "y")).text() == "canary"


class TestWhatGoesWrong:
    def test_nothing_there(self, namespace, open_unvault):
        unvault = open_unvault(by_token(namespace))
        with pytest.raises(SecretNotFound):
            unvault.fetch(logical("cubbyhole/nothing"))

    def test_denied(self, namespace, open_unvault):
        with pytest.raises(AccessDenied) as raised:
            open_unvault(by_token(namespace)).fetch(logical("secret/data/app"))
        assert 'path "secret/data/app"' in raised.value.hint

    def test_denied_to_write_says_what_the_policy_needs(self, namespace, pki, open_unvault):
        with pytest.raises(AccessDenied) as raised:
            open_unvault(by_token(namespace)).fetch(logical("team/pki/issue/app", data={"a": 1}))
        assert "update" in raised.value.hint

    @pytest.mark.parametrize("data", ["canary", '["canary"]', '{"canary": ', "1"])
    def test_data_that_is_no_object(self, namespace, open_unvault, data):
        parameters = {"engine": "logical", "data": data}
        with pytest.raises(InvalidReference, match="JSON object") as raised:
            open_unvault(by_token(namespace)).fetch(Reference("prod", "a/b", parameters))
        assert "canary" not in raised.value.message

    def test_what_the_engine_refuses_is_told_without_its_words(self, namespace, pki, open_unvault):
        reference = logical("team/pki/issue/app", data={"common_name": "a.b", "ttl": "canary"})
        with pytest.raises(InvalidReference) as raised:
            open_unvault(by_token(namespace, pki)).fetch(reference)
        assert raised.value.hint
        assert "canary" not in f"{raised.value.message}{raised.value.hint}"
        assert raised.value.reference == str(reference)  # it is shown as it was written

    @pytest.mark.parametrize("parameter", ["version=1", "kv=2"])
    def test_parameters_of_kv_engines_do_not_fit(self, namespace, open_unvault, parameter):
        with pytest.raises(InvalidReference):
            open_unvault(by_token(namespace)).fetch(f"prod/a/b?engine=logical&{parameter}")
