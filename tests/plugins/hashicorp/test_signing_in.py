"""Signing in, by each method, on a real server."""

# pytest calls by name
import json

import pytest
from tests.plugins.hashicorp.using import at, by_approle, by_token, opened, says_nothing_secret
from tests.plugins.hashicorp.ways import REFUSALS, WAYS, Ground

from unvault.clock import Clock
from unvault.errors import AuthenticationError, CredentialMissing, CredentialRejected


@pytest.fixture
def ground(tmp_path, kubernetes, issuer, authority):
    folder = tmp_path / "files"
    folder.mkdir()
    return Ground(folder, kubernetes, issuer, authority)


@pytest.mark.parametrize("method", WAYS)
class TestEachMethod:
    def test_reads_a_secret(self, method, namespace, reader, ground, open_unvault):
        way = WAYS[method](namespace, reader, None, ground)
        unvault = open_unvault(at(namespace) | way.good)
        assert unvault.fetch("prod/secret/app#password").text() == "canary-1"

    def test_says_who_signed_in(self, method, namespace, reader, ground, open_unvault):
        way = WAYS[method](namespace, reader, None, ground)
        session = open_unvault(at(namespace) | way.good).credentials.test("prod")
        address = way.good.get("server_address", namespace.address)
        assert session.identity.endswith(f" at {address}")
        details = dict(session.details)
        assert reader in details["policies"]
        assert details["namespace"] == namespace.path
        assert session.expires is not None
        assert "canary" not in f"{session.identity}{details}{session!r}"

    def test_signs_in_in_another_namespace_than_the_secrets(
        self, method, namespace, ground, open_unvault
    ):
        child = namespace.child("team")
        child.mount("secret")
        child.write("secret", "app", password="canary-2")
        policy = namespace.allow("deep", {"team/secret/data/*": "read"})
        way = WAYS[method](namespace, policy, None, ground)
        namespaces = {"namespace": child.path, "auth_namespace": namespace.path}
        unvault = open_unvault(at(namespace) | way.good | namespaces)
        assert unvault.fetch("prod/secret/app#password").text() == "canary-2"

    def test_slashes_around_namespaces_do_not_matter(
        self, method, namespace, reader, ground, open_unvault
    ):
        way = WAYS[method](namespace, reader, None, ground)
        unvault = open_unvault(at(namespace) | way.good | {"namespace": f"/{namespace.path}/"})
        assert unvault.fetch("prod/secret/app#password").text() == "canary-1"


@pytest.mark.parametrize("method", [method for method in WAYS if method != "token"])
@pytest.mark.parametrize("mount", ["other", "team/one"])
def test_each_method_can_be_mounted_elsewhere(
    method, mount, namespace, reader, ground, open_unvault
):
    way = WAYS[method](namespace, reader, mount, ground)
    unvault = open_unvault(at(namespace, auth_mount=mount) | way.good)
    assert unvault.fetch("prod/secret/app#password").text() == "canary-1"


@pytest.mark.parametrize(("method", "wrong"), REFUSALS)
def test_a_refusal_says_what_to_do_and_shows_no_secret(
    method, wrong, namespace, reader, ground, open_unvault
):
    bad = WAYS[method](namespace, reader, None, ground).bad[wrong]
    unvault = open_unvault(at(namespace) | bad.answers)
    with pytest.raises(CredentialRejected) as raised:
        unvault.fetch("prod/secret/app")
    error = raised.value
    assert error.code == "credential-rejected"
    assert error.hint
    assert (error.provider, error.credential) == ("hashicorp", "prod")
    assert error.reference == "prod/secret/app"
    assert says_nothing_secret(error, *bad.secrets)


@pytest.mark.parametrize("method", [method for method in WAYS if method != "token"])
def test_a_mount_that_is_not_there_is_named_as_the_cause(
    method, namespace, reader, ground, open_unvault
):
    way = WAYS[method](namespace, reader, None, ground)
    unvault = open_unvault(at(namespace, auth_mount="nowhere") | way.good)
    with pytest.raises(CredentialRejected) as raised:
        unvault.fetch("prod/secret/app")
    assert "auth_mount" in raised.value.hint


@pytest.mark.parametrize("method", WAYS)
def test_a_namespace_that_is_not_there_is_a_clear_error(
    method, namespace, reader, ground, open_unvault
):
    way = WAYS[method](namespace, reader, None, ground)
    unvault = open_unvault(at(namespace) | way.good | {"namespace": f"{namespace.path}/nowhere"})
    with pytest.raises(AuthenticationError) as raised:
        unvault.fetch("prod/secret/app")
    assert "namespace" in raised.value.hint


class TestAppRole:
    def test_a_role_without_a_secret_id(self, namespace, reader, open_unvault):
        role = namespace.approle(reader, secret_id=False)
        answers = at(namespace, auth_method="approle", role_id=role.role_id)
        assert open_unvault(answers).fetch("prod/secret/app#user").text() == "me"

    def test_a_secret_id_for_one_use_serves_all_fetches(self, namespace, reader, open_unvault):
        unvault = open_unvault(by_approle(namespace, reader, uses=1))
        for _ in range(5):
            assert unvault.fetch("prod/secret/app#user", fresh=True).text() == "me"

    def test_testing_adding_and_fetching_wastes_no_use(self, namespace, reader, open_unvault):
        role = namespace.approle(reader, uses=3)
        answers = at(
            namespace, auth_method="approle", role_id=role.role_id, secret_id=role.secret_id
        )
        unvault = open_unvault()
        draft = unvault.credentials.draft("hashicorp", "on_prem", answers, name="prod")
        session = unvault.credentials.test(draft)
        unvault.credentials.add(draft, session=session)
        assert unvault.fetch("prod/secret/app#user").text() == "me"
        assert role.uses_left(role.secret_id) == 2

    def test_a_wrapped_secret_id_is_unwrapped_once(self, namespace, reader, open_unvault, tmp_path):
        role = namespace.approle(reader)
        wrapped = role.wrapped_secret_id()
        answers = at(
            namespace, auth_method="approle", role_id=role.role_id, wrapped_secret_id=wrapped
        )
        watch = namespace.watch()
        first = open_unvault(answers, home=tmp_path)
        assert first.fetch("prod/secret/app#user").text() == "me"
        namespace.revoke_logins("approle")
        assert first.fetch("prod/secret/app#user", fresh=True).text() == "me"
        second = open_unvault(home=tmp_path)
        namespace.revoke_logins("approle")
        assert second.fetch("prod/secret/app#user").text() == "me"
        assert watch.count("sys/wrapping/unwrap") == 1
        assert watch.logins == 3

    def test_a_wrapped_secret_id_that_somebody_unwrapped_is_a_clear_error(
        self, namespace, reader, open_unvault
    ):
        role = namespace.approle(reader)
        wrapped = role.wrapped_secret_id()
        namespace.call("POST", "sys/wrapping/unwrap", token=wrapped)
        answers = at(
            namespace, auth_method="approle", role_id=role.role_id, wrapped_secret_id=wrapped
        )
        with pytest.raises(CredentialRejected, match="unwrapped before") as raised:
            open_unvault(answers).fetch("prod/secret/app")
        assert "ask for another" in raised.value.hint
        assert says_nothing_secret(raised.value, wrapped)

    def test_what_wraps_no_secret_id_is_refused(self, namespace, reader, open_unvault):
        role = namespace.approle(reader)
        body = {"canary": "canary-other"}
        wrapped = namespace.call("POST", "sys/wrapping/wrap", body, wrap="60s")
        token = wrapped["wrap_info"]["token"]
        answers = at(
            namespace, auth_method="approle", role_id=role.role_id, wrapped_secret_id=token
        )
        with pytest.raises(CredentialRejected, match="no secret id") as raised:
            open_unvault(answers).fetch("prod/secret/app")
        assert says_nothing_secret(raised.value, token)


class TestJwt:
    def test_the_token_is_in_a_file_read_at_each_sign_in(
        self, namespace, reader, issuer, open_unvault, tmp_path
    ):
        namespace.jwt(issuer.public_key, reader, token_ttl="60s", token_max_ttl="60s")
        file = tmp_path / "jwt"
        claims = {"sub": "me", "aud": "unvault"}
        file.write_text(issuer.issue(seconds=-600, **claims))
        answers = at(namespace, auth_method="jwt", role="app", jwt_file=str(file))
        seconds = [0.0]
        unvault = open_unvault(answers, clock=Clock(elapsed=lambda: seconds[0]))
        with pytest.raises(CredentialRejected):
            unvault.fetch("prod/secret/app")
        file.write_text(f"{issuer.issue(**claims)}\n")
        seconds[0] += 6  # what was rejected is not tried again at once
        assert unvault.fetch("prod/secret/app#user").text() == "me"

    def test_the_mounts_default_role(self, namespace, reader, issuer, open_unvault):
        namespace.jwt(issuer.public_key, reader, default=True)
        token = issuer.issue(sub="me", aud="unvault")
        unvault = open_unvault(at(namespace, auth_method="jwt", jwt=token))
        assert unvault.fetch("prod/secret/app#user").text() == "me"

    @pytest.mark.parametrize("answers", [{}, {"jwt_file": "/nowhere/jwt"}])
    def test_no_token_is_a_missing_credential(self, namespace, answers, open_unvault):
        unvault = open_unvault(at(namespace, auth_method="jwt", **answers))
        with pytest.raises(CredentialMissing) as raised:
            unvault.fetch("prod/secret/app")
        assert "jwt_file" in raised.value.hint


def test_a_service_account_without_a_token_file_is_a_missing_credential(namespace, open_unvault):
    unvault = open_unvault(at(namespace, auth_method="kubernetes", role="app"))
    with pytest.raises(CredentialMissing, match="/var/run/secrets") as raised:
        unvault.fetch("prod/secret/app")
    assert "token_file" in raised.value.hint


def test_a_certificate_whose_key_is_in_another_file(namespace, reader, authority, open_unvault):
    server = namespace.server
    namespace.cert(server.ca_file.read_text(), reader)
    made = authority.issue_cert("client.example.org", common_name="client")
    made.private_key_pem.write_to_path(server.folder / "client.key")
    made.cert_chain_pems[0].write_to_path(server.folder / "client.crt")
    answers = at(
        namespace,
        auth_method="cert",
        server_address=server.tls_address,
        ca_file=str(server.ca_file),
        client_cert=str(server.folder / "client.crt"),
        client_key=str(server.folder / "client.key"),
    )
    assert open_unvault(answers).fetch("prod/secret/app#user").text() == "me"


def test_signing_in_by_certificate_needs_one(namespace, open_unvault):
    unvault = open_unvault(at(namespace, auth_method="cert"))
    with pytest.raises(CredentialMissing) as raised:
        unvault.fetch("prod/secret/app")
    assert "client_cert" in raised.value.hint


class TestTokens:
    def test_one_without_the_default_policy_works(self, namespace, reader, open_unvault):
        answers = by_token(namespace, reader, no_default_policy=True)
        assert open_unvault(answers).fetch("prod/secret/app#user").text() == "me"

    def test_a_batch_token_works(self, namespace, reader, open_unvault):
        answers = by_token(namespace, reader, type="batch", ttl="60s", renewable=False)
        assert open_unvault(answers).fetch("prod/secret/app#user").text() == "me"

    def test_a_root_token_works_and_does_not_expire(self, namespace, reader, open_unvault):
        unvault = open_unvault(at(namespace, access_token="root", auth_namespace=""))
        assert unvault.credentials.test("prod").expires is None
        assert unvault.fetch("prod/secret/app#user").text() == "me"

    def test_an_orphan_periodic_token_works(self, namespace, reader, open_unvault):
        answers = by_token(namespace, reader, period="60s", no_parent=True)
        unvault = open_unvault(answers)
        assert unvault.credentials.test("prod").expires is not None
        assert unvault.fetch("prod/secret/app#user").text() == "me"

    def test_a_token_for_few_uses_is_not_wasted_on_looking_around(
        self, namespace, reader, open_unvault
    ):
        # One look at the token, one at the mount, and the fetch.
        unvault = open_unvault(by_token(namespace, reader, uses=3))
        assert unvault.fetch("prod/secret/app#user").text() == "me"


def test_the_type_for_hcp_vault_dedicated_uses_the_namespace_admin_by_default(
    namespace, open_unvault
):
    # There is one "admin" only, and each test has a namespace of its own: see what is asked.
    unvault = open_unvault(
        {"server_address": namespace.address, "access_token": "s.canarycanarycanary00000"},
        kind="dedicated",
    )
    watch = namespace.watch()
    with pytest.raises(CredentialRejected) as raised:
        unvault.fetch("prod/secret/app")
    assert "namespace" in raised.value.hint
    assert {asked.namespace for asked in watch.requests()} <= {"admin", ""}
    assert says_nothing_secret(raised.value)


def test_a_credential_is_stored_with_nothing_readable(namespace, reader, tmp_path):
    answers = by_approle(namespace, reader)
    with opened(answers, home=tmp_path) as unvault:
        unvault.fetch("prod/secret/app")
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert answers["secret_id"].encode() not in stored
    assert b"canary" not in stored
    assert json.dumps("client_token").encode() not in stored
