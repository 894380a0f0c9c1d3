"""What Insomnia's users have: its variables, its tags."""

import base64
import json

import pytest
from tests.plugins.hashicorp.using import at, by_approle, by_token, opened, says_nothing_secret

from unvault.directories import Directories
from unvault.errors import CredentialRejected, FormError

PREFIX = "INSOMNIA_HASHICORP_"


def variables(**given):
    """Return variables as pipelines have them: with spaces around their values."""
    return {f"{PREFIX}{name}": f"  {value} \n" for name, value in given.items()}


@pytest.fixture
def rooted(openbao):
    """Return the root namespace, with a secret: on-premises credentials name no namespace."""
    root = openbao.root
    if "insomnia/" not in root.call("GET", "sys/mounts")["data"]:
        root.mount("insomnia")
        root.enable("approle")
        root.allow("insomnia", {"insomnia/data/*": "read"})
        root.write("insomnia", "app", user="me", password="canary-root")
    return root


class TestVariables:
    def test_on_premises_by_app_role(self, rooted, open_unvault, openbao):
        role = rooted.approle("insomnia", enable=False)
        environ = variables(
            TYPE="onPrem",
            AUTHMETHOD="appRole",
            SERVERADDRESS=openbao.address,
            ROLE_ID=role.role_id,
            SECRET_ID=role.secret_id,
        )
        unvault = open_unvault(environ=environ)
        assert unvault.fetch("hashicorp/insomnia/app#user").text() == "me"

    def test_on_premises_by_token(self, rooted, open_unvault, openbao):
        environ = variables(
            TYPE="onPrem",
            AUTHMETHOD="token",
            SERVERADDRESS=openbao.address,
            ACCESS_TOKEN=rooted.create_token("insomnia"),
        )
        unvault = open_unvault(environ=environ)
        assert unvault.fetch("hashicorp/insomnia/app#user").text() == "me"

    def test_hcp(self, hcp, open_unvault):
        path = hcp.put("app", "NAME", "canary-hcp")
        environ = variables(
            TYPE="cloud",
            CLIENT_ID="client-1",
            CLIENT_SECRET=hcp.principals["client-1"],
            API_ADDRESS=hcp.address,
            AUTH_ADDRESS=hcp.address,
        )
        assert open_unvault(environ=environ).fetch(f"hashicorp/{path}").text() == "canary-hcp"

    def test_dedicated_with_a_namespace(self, namespace, reader, open_unvault):
        environ = variables(
            TYPE="cloudVaultDedicated",
            AUTHMETHOD="token",
            SERVERADDRESS=namespace.address,
            NAMESPACE=namespace.path,
            ACCESS_TOKEN=namespace.create_token(reader),
        )
        unvault = open_unvault(environ=environ)
        assert unvault.fetch("hashicorp/secret/app#user").text() == "me"

    def test_the_type_need_not_be_said(self, rooted, open_unvault, openbao):
        environ = variables(
            SERVERADDRESS=openbao.address, ACCESS_TOKEN=rooted.create_token("insomnia")
        )
        unvault = open_unvault(environ=environ)
        assert unvault.fetch("hashicorp/insomnia/app#user").text() == "me"

    def test_unvaults_own_variables_come_first(self, namespace, reader, open_unvault):
        own = {
            "UNVAULT_HASHICORP_SERVER_ADDRESS": namespace.address,
            "UNVAULT_HASHICORP_NAMESPACE": namespace.path,
            "UNVAULT_HASHICORP_ACCESS_TOKEN": namespace.create_token(reader),
        }
        environ = own | variables(
            TYPE="onPrem", AUTHMETHOD="token", SERVERADDRESS="http://127.0.0.1:1", ACCESS_TOKEN="x"
        )
        assert open_unvault(environ=environ).fetch("hashicorp/secret/app#user").text() == "me"

    def test_nothing_is_stored(self, rooted, openbao, tmp_path):
        token = rooted.create_token("insomnia")
        environ = variables(
            TYPE="onPrem", AUTHMETHOD="token", SERVERADDRESS=openbao.address, ACCESS_TOKEN=token
        )
        home = tmp_path / "unvault"
        with opened(environ=environ, home=home) as unvault:
            unvault.fetch("hashicorp/insomnia/app")
            assert unvault.credentials.list() == []
            assert unvault.directories == Directories.under(home)
        assert not home.exists()

    @pytest.mark.parametrize("missing", ["SERVERADDRESS", "ACCESS_TOKEN"])
    def test_what_is_missing_is_named(self, openbao, open_unvault, missing):
        environ = variables(
            TYPE="onPrem",
            AUTHMETHOD="token",
            SERVERADDRESS=openbao.address,
            ACCESS_TOKEN="s.canarycanarycanarycanary",
        )
        del environ[f"{PREFIX}{missing}"]
        with pytest.raises(FormError) as raised:
            open_unvault(environ=environ).fetch("hashicorp/secret/app")
        assert [problem.field for problem in raised.value.problems] == [
            {"SERVERADDRESS": "server_address"}.get(missing, missing.lower())
        ]
        assert PREFIX in raised.value.hint
        assert says_nothing_secret(raised.value)

    def test_a_wrong_token_shows_nowhere(self, openbao, open_unvault):
        environ = variables(
            TYPE="onPrem",
            AUTHMETHOD="token",
            SERVERADDRESS=openbao.address,
            ACCESS_TOKEN="s.canarycanarycanarycanary",
        )
        with pytest.raises(CredentialRejected) as raised:
            open_unvault(environ=environ).fetch("hashicorp/secret/app")
        assert raised.value.credential == "(environment)"
        assert says_nothing_secret(raised.value)


def tag(lookup, *, encoded=True):
    text = json.dumps(lookup)
    if encoded:
        text = f"b64::{base64.b64encode(text.encode()).decode()}::46b"
    return f"{{% vault 'hashicorp', 'cloudCred_{'0' * 32}', '{text}' %}}"


class TestTags:
    @pytest.fixture
    def unvault(self, namespace, open_unvault):
        namespace.write("secret", "db/main", password="canary-1")
        namespace.write("secret", "db/main", password="canary-2")
        namespace.mount("old", version=1)
        namespace.write_v1("old", "app", password="canary-old")
        paths = {"secret/data/*": "read", "old/*": "read"}
        policy = namespace.allow("tags", paths)
        unvault = open_unvault(by_token(namespace, policy))
        unvault.credentials.set_default("prod")
        return unvault

    @pytest.mark.parametrize("encoded", [True, False])
    def test_version_2(self, unvault, encoded):
        lookup = {
            "kvVersion": "v2",
            "secretEnginePath": "secret",
            "secretName": "db/main",
            "secretKey": "password",
        }
        assert unvault.render(tag(lookup, encoded=encoded)) == "canary-2"
        assert unvault.render(tag({**lookup, "version": "1"}, encoded=encoded)) == "canary-1"

    def test_version_1(self, unvault):
        lookup = {
            "kvVersion": "v1",
            "secretEnginePath": "old",
            "secretName": "app",
            "secretKey": "password",
        }
        assert unvault.render(tag(lookup)) == "canary-old"

    def test_the_whole_secret_is_the_json_of_its_map(self, unvault):
        lookup = {"kvVersion": "v2", "secretEnginePath": "/secret/", "secretName": "db/main"}
        assert json.loads(unvault.render(tag(lookup))) == {"password": "canary-2"}

    @pytest.mark.parametrize("header", [True, False])
    def test_the_namespace_in_the_header_or_in_the_path(self, unvault, header):
        lookup = {
            "kvVersion": "v2",
            "secretEnginePath": "secret",
            "secretName": "db/main",
            "secretKey": "password",
            "sendNamespaceViaHeader": header,
        }
        assert unvault.render(tag(lookup)) == "canary-2"

    def test_hcp(self, hcp, open_unvault):
        hcp.put("web", "KEY", "canary-a", "canary-b")
        answers = {
            "client_id": "client-1",
            "client_secret": hcp.principals["client-1"],
            "api_address": hcp.address,
            "auth_address": hcp.address,
        }
        unvault = open_unvault(answers, kind="cloud")
        unvault.credentials.set_default("prod")
        lookup = {
            "organizationId": hcp.organization,
            "projectId": hcp.project,
            "appName": "web",
            "secretName": "KEY",
        }
        assert unvault.render(tag(lookup)) == "canary-b"
        assert unvault.render(tag({**lookup, "version": "1"})) == "canary-a"


def test_answers_may_use_insomnias_names(namespace, reader, open_unvault):
    role = by_approle(namespace, reader)
    answers = {
        "serverAddress": namespace.address,
        "namespace": namespace.path,
        "authMethod": "appRole",
        "role_id": role["role_id"],
        "secret_id": role["secret_id"],
    }
    assert open_unvault(answers, kind="onPrem").fetch("prod/secret/app#user").text() == "me"
    assert at(namespace)["namespace"] == answers["namespace"]
