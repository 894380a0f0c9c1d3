"""Nothing configured: the variables and files of the ``vault`` and ``bao`` commands."""

# pytest calls by name
import pytest
from tests.plugins.hashicorp.using import says_nothing_secret
from tests.servers.proxy import Proxy

from unvault.errors import CredentialMissing, CredentialRejected, Unavailable

REFERENCE = "hashicorp/secret/app#user"


@pytest.fixture
def token(namespace, reader):
    return namespace.create_token(reader)


@pytest.fixture
def say(monkeypatch, namespace):
    """Set variables of a family: the server's address and namespace, and these."""

    def variables(family="VAULT", **more):
        given = {"ADDR": namespace.address, "NAMESPACE": namespace.path} | more
        for name, value in given.items():
            if value is not None:
                monkeypatch.setenv(f"{family}_{name}", value)

    return variables


@pytest.mark.parametrize("family", ["VAULT", "BAO"])
class TestEachFamily:
    def test_address_token_and_namespace(self, family, say, token, open_unvault):
        say(family, TOKEN=token)
        assert open_unvault().fetch(REFERENCE).text() == "me"

    def test_the_token_of_the_last_login(self, family, say, token, own_home, open_unvault):
        (own_home / ".vault-token").write_text(f"{token}\n")
        say(family)
        assert open_unvault().fetch(REFERENCE).text() == "me"

    def test_a_variable_comes_before_the_last_login(
        self, family, say, token, own_home, open_unvault
    ):
        (own_home / ".vault-token").write_text("s.canarycanarycanarycanary")
        say(family, TOKEN=token)
        assert open_unvault().fetch(REFERENCE).text() == "me"

    def test_a_ca_of_its_own(self, family, say, token, openbao, open_unvault):
        say(family, ADDR=openbao.tls_address, TOKEN=token, CACERT=str(openbao.ca_file))
        assert open_unvault().fetch(REFERENCE).text() == "me"

    def test_skipping_verification_is_reported(
        self, family, say, token, openbao, open_unvault, caplog
    ):
        say(family, ADDR=openbao.tls_address, TOKEN=token, SKIP_VERIFY="true")
        assert open_unvault().fetch(REFERENCE).text() == "me"
        assert "DANGER" in caplog.text

    def test_a_client_certificate(self, family, say, token, openbao, authority, open_unvault):
        made = authority.issue_cert("client.example.org")
        key, certificate = openbao.folder / "ambient.key", openbao.folder / "ambient.crt"
        made.private_key_pem.write_to_path(key)
        made.cert_chain_pems[0].write_to_path(certificate)
        say(
            family,
            ADDR=openbao.strict_address,
            TOKEN=token,
            CACERT=str(openbao.ca_file),
            CLIENT_CERT=str(certificate),
            CLIENT_KEY=str(key),
        )
        assert open_unvault().fetch(REFERENCE).text() == "me"

    def test_spaces_around_values_do_not_matter(self, family, say, token, namespace, open_unvault):
        say(family, ADDR=f" {namespace.address}/ ", TOKEN=f" {token}\n")
        assert open_unvault().fetch(REFERENCE).text() == "me"

    def test_a_wrong_token_is_refused(self, family, say, open_unvault, reader):
        say(family, TOKEN="s.canarycanarycanarycanary")
        with pytest.raises(CredentialRejected) as raised:
            open_unvault().fetch(REFERENCE)
        assert raised.value.credential == "(ambient)"
        assert raised.value.hint
        assert says_nothing_secret(raised.value)


def test_the_families_complete_each_other(say, token, monkeypatch, open_unvault):
    say("VAULT")
    monkeypatch.setenv("BAO_TOKEN", token)
    assert open_unvault().fetch(REFERENCE).text() == "me"


class TestTwoServers:
    @pytest.fixture
    def stranger(self, openbao):
        with Proxy(openbao.address) as made:
            yield made

    @pytest.mark.parametrize(
        ("trusted", "strange"), [("VAULT_TOKEN", "BAO_ADDR"), ("BAO_TOKEN", "VAULT_ADDR")]
    )
    def test_a_token_is_not_sent_to_the_other_familys_server(
        self, trusted, strange, token, stranger, namespace, monkeypatch, open_unvault
    ):
        family = trusted.partition("_")[0]
        monkeypatch.setenv(f"{family}_ADDR", namespace.address)
        monkeypatch.setenv(f"{family}_NAMESPACE", namespace.path)
        monkeypatch.setenv(trusted, token)
        monkeypatch.setenv(strange, stranger.address)
        try:
            open_unvault().fetch(REFERENCE)
        except (CredentialMissing, CredentialRejected) as error:
            assert says_nothing_secret(error, token)
        assert token not in str([seen.headers for seen in stranger.requests])

    def test_each_familys_own_token_goes_to_its_own_server(
        self, say, token, stranger, namespace, monkeypatch, open_unvault
    ):
        say("BAO", TOKEN=token)
        monkeypatch.setenv("VAULT_ADDR", stranger.address)
        monkeypatch.setenv("VAULT_TOKEN", "s.canaryofanotherserver000")
        assert open_unvault().fetch(REFERENCE).text() == "me"
        assert stranger.requests == []


class TestNothingToGoBy:
    def test_nothing_at_all_says_what_to_set(self, open_unvault):
        with pytest.raises(CredentialMissing) as raised:
            open_unvault().fetch(REFERENCE)
        assert raised.value.code == "credential-missing"
        assert "VAULT_ADDR" in raised.value.hint
        assert "credentials add" in raised.value.hint

    def test_no_token_says_what_to_set(self, say, open_unvault):
        say()
        with pytest.raises(CredentialMissing) as raised:
            open_unvault().fetch(REFERENCE)
        assert "VAULT_TOKEN" in raised.value.hint
        assert "login" in raised.value.hint

    @pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
    def test_a_token_file_without_a_token_is_none(self, say, own_home, content, open_unvault):
        (own_home / ".vault-token").write_bytes(content)
        say()
        with pytest.raises(CredentialMissing):
            open_unvault().fetch(REFERENCE)

    @pytest.mark.parametrize("address", ["127.0.0.1:8200", "unix:///run/vault.sock", "vault"])
    def test_an_address_without_a_scheme_is_a_clear_error(self, say, token, address, open_unvault):
        say(ADDR=address, TOKEN=token)
        with pytest.raises(CredentialMissing, match="https://") as raised:
            open_unvault().fetch(REFERENCE)
        assert says_nothing_secret(raised.value, token)

    def test_blank_variables_are_none(self, say, open_unvault):
        say(ADDR="  ", TOKEN=" ")
        with pytest.raises(CredentialMissing) as raised:
            open_unvault().fetch(REFERENCE)
        assert "VAULT_ADDR" in raised.value.hint


def test_proxies_of_the_environment_are_used(say, token, openbao, monkeypatch, open_unvault):
    with Proxy(openbao.address) as proxy:
        say(ADDR="http://vault.invalid", TOKEN=token)
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        monkeypatch.setenv("NO_PROXY", "")
        unvault = open_unvault()
        # The proxy of the tests takes whole addresses for paths: that it was asked is enough.
        proxy.answer(418)
        with pytest.raises(Unavailable, match=r"vault\.invalid"):
            unvault.fetch(REFERENCE)
        assert proxy.requests[0].path.startswith("http://vault.invalid/v1/")
