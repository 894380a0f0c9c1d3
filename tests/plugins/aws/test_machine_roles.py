"""The roles of containers and machines: what the SDK finds where nobody configured anything."""

from __future__ import annotations

import ssl
import time

import boto3
import pytest
from botocore.utils import ContainerMetadataFetcher
from tests.plugins.aws.asking import client
from tests.plugins.aws.using import GET, at, told, write
from tests.servers.aws_account import Keys, allow
from tests.servers.aws_proxy import AwsProxy
from tests.servers.machine_roles import ContainerRole, MachineRole
from tests.servers.process import free_ports

from unvault.errors import CredentialMissing, CredentialRejected, Unavailable

pytestmark = pytest.mark.usefixtures("quiet_log")

FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"


@pytest.fixture
def app(account, proxy, monkeypatch):
    """Return an account with a secret ``app``, whose server the SDK is told of."""
    account.put("app", "canary-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return account


def set_all(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    """Let the SDK ask a container again at once."""
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)


@pytest.fixture
def container(app, monkeypatch, tmp_path):
    """Return a container's source of keys, as a pod of EKS has it, with its token in a file."""
    with ContainerRole(app, app.role(allow(GET), name="Pod")) as made:
        token = write(tmp_path / "token", made.token)
        set_all(monkeypatch, made.environment | {f"{TOKEN}_FILE": str(token)})
        yield made


@pytest.fixture
def machine(app, monkeypatch):
    """Return a machine's source of keys."""
    with MachineRole(app, app.role(allow(GET), name="Machine")) as made:
        set_all(monkeypatch, made.environment)
        yield made


def fetched(unvault):
    return unvault.fetch("aws/app", fresh=True).text()


@pytest.mark.parametrize("kind", ["container", "machine"])
def test_the_servers_give_the_bare_sdk_keys_that_are_good(kind, request, proxy):
    server = request.getfixturevalue(kind)
    made = boto3.Session().get_credentials().get_frozen_credentials()

    keys = Keys(made.access_key, made.secret_key, made.token)
    who = client(keys, proxy.address, "sts").get_caller_identity()["Arn"]
    assert f"assumed-role/{server.role.rpartition('/')[2]}/i-" in who


@pytest.mark.parametrize("kind", ["container", "machine"])
def test_a_role_fetches_with_one_session_for_all(kind, request, proxy, open_unvault):
    server = request.getfixturevalue(kind)
    unvault = open_unvault()

    assert [fetched(unvault), fetched(unvault)] == ["canary-1"] * 2
    session = unvault.credentials.test("aws")
    assert f"/{server.role.rpartition('/')[2]}/i-" in str(session.identity)
    assert session.expires is not None
    assert proxy.actions == ["secretsmanager.GetSecretValue"] * 2 + ["sts.GetCallerIdentity"]
    assert server.minted == 1


def test_a_container_is_asked_once_for_each_session(container, open_unvault):
    container.seconds = 600  # so little that the SDK would have them renewed at once

    fetched(open_unvault())

    assert container.count() == 1


def test_a_machine_is_asked_with_a_token_only(machine, open_unvault):
    fetched(open_unvault())

    assert [seen.method for seen in machine.requests] == ["PUT", "GET", "GET"]


@pytest.mark.parametrize("kind", ["container", "machine"])
def test_keys_that_ended_are_got_anew(kind, request, open_unvault):
    server = request.getfixturevalue(kind)
    server.seconds = 2
    unvault = open_unvault()
    assert fetched(unvault) == "canary-1"
    time.sleep(2.1)

    assert fetched(unvault) == "canary-1"
    assert server.minted >= 2


def test_the_token_is_read_anew_for_each_session(container, tmp_path, open_unvault):
    container.seconds = 2
    unvault = open_unvault()
    assert fetched(unvault) == "canary-1"
    container.token = "canary-second"
    (tmp_path / "token").write_text("canary-second")
    time.sleep(2.1)

    assert fetched(unvault) == "canary-1"


def test_a_token_may_stand_in_a_variable(container, open_unvault, monkeypatch):
    monkeypatch.delenv(f"{TOKEN}_FILE")
    monkeypatch.setenv(TOKEN, container.token)

    assert fetched(open_unvault()) == "canary-1"


def test_a_role_is_assumed_by_the_role_of_a_container(app, container, proxy, open_unvault):
    far = app.role(allow(GET), principal={"AWS": container.role})
    app.iam(
        "PutRolePolicy",
        RoleName="Pod",
        PolicyName="more",
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",'
        ' "Action": "sts:AssumeRole", "Resource": "*"}]}',
    )
    unvault = open_unvault(at(proxy.address, role_arn=far), kind="assume_role")

    assert unvault.fetch("prod/app").text() == "canary-1"
    assert proxy.asked("AssumeRole") == 1


def test_a_profile_may_name_the_container_as_its_source(
    app, container, proxy, own_home, open_unvault
):
    app.iam(
        "PutRolePolicy",
        RoleName="Pod",
        PolicyName="more",
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",'
        ' "Action": "sts:AssumeRole", "Resource": "*"}]}',
    )
    far = app.role(allow(GET), principal={"AWS": container.role})
    write(
        own_home / ".aws" / "config",
        f"[profile work]\nrole_arn = {far}\ncredential_source = EcsContainer\n",
    )
    answers = at(proxy.address, section="work")

    assert open_unvault(answers, kind="file").fetch("prod/app").text() == "canary-1"
    container.token = "another"
    with pytest.raises(CredentialRejected, match=FULL):
        open_unvault(answers, kind="file").fetch("prod/app")


def test_a_container_that_nobody_answers_for_is_named_with_its_host(app, open_unvault, monkeypatch):
    (port,) = free_ports(1)
    monkeypatch.setenv(FULL, f"http://127.0.0.1:{port}/v1?id=canary")

    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        fetched(open_unvault())
    assert f"{FULL} names, 127.0.0.1:{port}," in caught.value.message
    assert FULL in str(caught.value.hint)
    assert "credential_process" not in told(caught.value)
    assert "canary" not in told(caught.value)


def test_what_a_relative_address_names_is_ecss_own_host(app, open_unvault, monkeypatch):
    (port,) = free_ports(1)
    monkeypatch.setattr(ContainerMetadataFetcher, "IP_ADDRESS", f"127.0.0.1:{port}")
    monkeypatch.setenv(RELATIVE, "/v2/credentials/canary")

    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        fetched(open_unvault())
    assert f"{RELATIVE} names, 169.254.170.2," in caught.value.message
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({FULL: "canary"}, f"{FULL} says must be an address"),
        ({FULL: "localhost:80/canary"}, f"{FULL} says must be an address"),
        ({FULL: "http://127.0.0.1:99999/canary"}, f"{FULL} says is not a valid address"),
        ({FULL: "http://192.0.2.1/canary"}, r"192\.0\.2\.1, .* https"),
        ({RELATIVE: "v2/canary"}, f"{RELATIVE} says has to begin with /"),
        ({f"{TOKEN}_FILE": "/nowhere/token"}, f"{TOKEN}_FILE names, '/nowhere/token', .*No such"),
        ({f"{TOKEN}_FILE": "", TOKEN: "canary"}, f"{TOKEN}_FILE"),
    ],
)
def test_a_variable_that_cannot_be_meant_is_named(
    container, open_unvault, monkeypatch, variables, words
):
    set_all(monkeypatch, variables)

    with pytest.raises(CredentialMissing, match=words) as caught:
        fetched(open_unvault())
    assert caught.value.hint
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize("content", [b"canary-token\n", b"canary-\xff"])
def test_a_token_that_cannot_be_sent_is_told(container, tmp_path, open_unvault, content):
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(CredentialMissing, match=f"{TOKEN}_FILE") as caught:
        fetched(open_unvault())
    assert "canary" not in told(caught.value)


def test_a_token_that_is_refused_is_told(container, tmp_path, open_unvault):
    (tmp_path / "token").write_text("canary-other")

    with pytest.raises(CredentialRejected, match="status 401") as caught:
        fetched(open_unvault())
    assert TOKEN in str(caught.value.hint)
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize("answer", [b"[]", b"{}", b"<html>canary", b'{"AccessKeyId": "canary"}'])
def test_what_is_no_source_of_keys_is_told(container, open_unvault, monkeypatch, answer):
    monkeypatch.setattr(
        ContainerRole, "respond", lambda _, __, connection: connection.answer(200, answer)
    )

    with pytest.raises(Unavailable, match="something else") as caught:
        fetched(open_unvault())
    assert "canary" not in told(caught.value)


def test_a_source_with_a_certificate_that_nobody_trusts_is_told(
    app, authority, open_unvault, monkeypatch
):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with AwsProxy("http://127.0.0.1:9", tls) as server:
        monkeypatch.setenv(FULL, f"{server.address}/v1")

        with pytest.raises(Unavailable, match=f"{FULL} names.* certificate that is not trusted"):
            fetched(open_unvault())


def test_a_source_that_fails_for_the_moment_is_asked_again(container, open_unvault, monkeypatch):
    real = ContainerRole.respond

    def once(self, seen, connection):
        if self.count() == 1:
            connection.answer(503)
        else:
            real(self, seen, connection)

    monkeypatch.setattr(ContainerRole, "respond", once)

    assert fetched(open_unvault()) == "canary-1"


def test_a_machine_without_a_role_has_no_keys(machine, open_unvault, monkeypatch):
    monkeypatch.setattr(MachineRole, "respond", lambda _, __, connection: connection.answer(404))

    with pytest.raises(CredentialMissing, match="finds no keys"):
        fetched(open_unvault())


def test_an_address_of_a_machines_metadata_that_is_none_is_named(
    machine, open_unvault, monkeypatch
):
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "canary")

    with pytest.raises(CredentialMissing, match="AWS_EC2_METADATA_SERVICE_ENDPOINT") as caught:
        fetched(open_unvault())
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize("kind", ["container", "machine"])
def test_a_profile_that_is_named_is_not_replaced_by_the_role(kind, request, own_home, open_unvault):
    request.getfixturevalue(kind)
    write(own_home / ".aws" / "config", "[profile work]\nregion = eu-west-1\n")

    with pytest.raises(CredentialMissing, match="has no keys, nor a way to some"):
        open_unvault({"section": "work"}, kind="file").fetch("prod/app")
