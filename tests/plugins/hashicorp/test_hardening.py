"""What a hostile, slow or changed server, or odd input, must not bring about."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import traceback

import pytest
from tests.plugins.hashicorp.using import TOKEN, at, by_approle, by_token, opened
from tests.servers.proxy import Proxy

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    CredentialRejected,
    InvalidReference,
    NotSupported,
    TimedOut,
    Unavailable,
    UnvaultError,
)

PASSWORD = "pass-canary-2718"


@contextlib.contextmanager
def raw_server(answer):
    """Run what answers each connection; its bytes are its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def serve():
            while not over.is_set():
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(link,), daemon=True).start()

        def talk(link):
            with link, contextlib.suppress(OSError):
                link.recv(65536)
                answer(link, over)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()


def trickle(link, over):
    link.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{"
    )
    while not over.wait(0.2):
        link.sendall(b" ")


def flood(link, over):
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not over.is_set():
        link.sendall(b" " * 65536)


def test_an_answer_that_trickles_ends_at_the_deadline(open_unvault):
    with raw_server(trickle) as address:
        unvault = open_unvault({"server_address": address, "access_token": "t", "timeout": 1})
        started = time.monotonic()
        with pytest.raises(TimedOut):
            unvault.fetch("prod/secret/app")
        assert time.monotonic() - started < 3


def test_an_answer_without_end_is_not_read_to_its_end(open_unvault):
    with raw_server(flood) as address:
        unvault = open_unvault({"server_address": address, "access_token": "t"})
        with pytest.raises(Unavailable, match="more than 32 MiB"):
            unvault.fetch("prod/secret/app")


def test_a_wrapped_secret_id_survives_an_outage_of_the_sign_in(
    namespace, reader, openbao, tmp_path
):
    role = namespace.approle(reader)
    with Proxy(openbao.address) as proxy:
        answers = at(
            namespace,
            server_address=proxy.address,
            auth_method="approle",
            role_id=role.role_id,
            wrapped_secret_id=role.wrapped_secret_id(),
        )
        with opened(answers, home=tmp_path) as unvault:
            proxy.answer(500, times=1, where="/login")
            with pytest.raises(Unavailable):
                unvault.fetch("prod/secret/app")
        with opened(home=tmp_path) as another:
            assert another.fetch("prod/secret/app#user").text() == "me"
            assert proxy.count("/unwrap") == 1
        with opened(home=tmp_path) as third:  # what works once is kept beside the token
            namespace.revoke_logins(role.mount)
            assert third.fetch("prod/secret/app#user").text() == "me"


def test_one_bad_reference_does_not_spoil_a_good_one_beside_it(namespace, open_unvault):
    namespace.mount("team/kv/sub")
    namespace.write("team/kv/sub", "app", v="x")
    policy = namespace.allow("p", {"team/kv/sub/data/app": "read"})
    for _ in range(5):
        unvault = open_unvault(by_token(namespace, policy))
        bad, good = unvault.fetch_many(["prod/team/kv#v", "prod/team/kv/sub/app#v"])
        assert isinstance(bad, UnvaultError)
        assert good.text() == "x"


def test_an_engine_that_was_upgraded_or_moved_is_found_again(namespace, open_unvault, monkeypatch):
    monkeypatch.setattr("unvault_hashicorp.mounts._YOUNG_SECONDS", 0)
    namespace.mount("one", version=1)
    namespace.write_v1("one", "app", v="old")
    policy = namespace.allow("p", {"one/*": "read"})
    unvault = open_unvault(by_token(namespace, policy))
    assert unvault.fetch("prod/one/app#v").text() == "old"
    namespace.call("POST", "sys/mounts/one/tune", {"options": {"version": "2"}})
    deadline = time.monotonic() + 10
    while True:  # the server takes a moment
        try:
            assert unvault.fetch("prod/one/app#v", fresh=True).text() == "old"
            break
        except UnvaultError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_namespace_in_the_path_is_in_no_header(namespace, reader, openbao, open_unvault):
    with Proxy(openbao.address) as proxy:
        answers = by_token(namespace, reader) | {"server_address": proxy.address}
        unvault = open_unvault(answers)
        reference = "prod/secret/app?namespace_header=false#user"
        assert unvault.fetch(reference).text() == "me"
        seen = [each for each in proxy.requests if "lookup-self" not in each.path]
        assert seen
        assert not [each for each in seen if "X-Vault-Namespace" in each.headers]


def test_a_rejected_credential_is_not_tried_again_at_once(namespace, reader, open_unvault):
    role = namespace.approle(reader)
    answers = at(namespace, auth_method="approle", role_id=role.role_id, secret_id="wrong")
    unvault = open_unvault(answers)
    watch = namespace.watch()
    for _ in range(10):
        with pytest.raises(CredentialRejected):
            unvault.fetch("prod/secret/app")
    assert watch.logins == 1
    unvault.credentials.edit(
        "prod",
        unvault.credentials.draft("hashicorp", "on_prem", answers | {"secret_id": role.secret_id}),
    )
    assert unvault.fetch("prod/secret/app#user").text() == "me", "it is another credential now"


def test_a_token_that_lives_is_used_while_it_cannot_be_renewed(
    namespace, reader, openbao, open_unvault
):
    with Proxy(openbao.address) as proxy:
        answers = by_token(namespace, reader, ttl="60s") | {"server_address": proxy.address}
        proxy.answer(500, times=50, where="/renew-self")
        assert open_unvault(answers).fetch("prod/secret/app#user").text() == "me"


def test_a_second_factor_that_is_wanted_is_no_sign_in(namespace, reader, openbao, open_unvault):
    namespace.userpass("ann", PASSWORD, reader)
    body = (
        b'{"auth": {"client_token": "", "policies": null, "metadata": null, "lease_duration": 0,'
        b' "renewable": false, "mfa_requirement": {"mfa_request_id": "x"}}}'
    )
    with Proxy(openbao.address) as proxy:
        proxy.answer(200, times=1, where="/login", body=body)
        unvault = open_unvault(
            at(
                namespace,
                server_address=proxy.address,
                auth_method="userpass",
                username="ann",
                password=PASSWORD,
            )
        )
        with pytest.raises(CredentialRejected, match="second factor"):
            unvault.credentials.test("prod")


@pytest.mark.parametrize(
    "reason",
    [
        f"bad {PASSWORD}",
        f'bad "{PASSWORD[:9]}\\"',
        "x" * 295 + PASSWORD,
        PASSWORD.upper(),
        PASSWORD.encode().hex(),
    ],
)
def test_no_words_of_a_refusal_are_repeated_that_may_be_the_credentials(
    reason, namespace, openbao, open_unvault
):
    import json

    with Proxy(openbao.address) as proxy:
        body = json.dumps({"errors": [reason, "invalid username or password"]}).encode()
        proxy.answer(400, times=1, where="/login", body=body)
        answers = {"username": "ann", "password": PASSWORD, "auth_method": "userpass"}
        with pytest.raises(CredentialRejected) as raised:
            open_unvault(at(namespace, **answers) | {"server_address": proxy.address}).fetch(
                "prod/secret/app"
            )
    assert "invalid username or password" in raised.value.message
    assert reason not in str(raised.value)
    assert "pass-canary"[:9] not in str(raised.value)


def test_the_frames_of_an_error_hold_no_password(namespace, open_unvault):
    namespace.userpass("ann", "another", "default")
    answers = {"username": "ann", "password": PASSWORD, "auth_method": "userpass"}
    with pytest.raises(CredentialRejected) as raised:
        open_unvault(at(namespace, **answers)).fetch("prod/secret/app")
    told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    frames = [each for each in told.stack if "unvault_hashicorp" in each.filename]
    assert frames, "where it was raised is still told"
    assert not [each for each in frames if each.locals]


def test_a_one_time_password_is_not_used_twice(namespace, open_unvault):
    namespace.mount("totp", "totp", version=None)
    key = {"generate": True, "issuer": "x", "account_name": "y", "period": 30}
    namespace.call("POST", "totp/keys/app", key)
    policy = namespace.allow("p", {"totp/code/app": "read"})
    unvault = open_unvault(by_token(namespace, policy))
    watch = namespace.watch()
    for _ in range(3):
        assert len(unvault.fetch("prod/totp/code/app?engine=logical#code").text()) == 6
    assert watch.count("totp/code/app") == 3


def test_what_was_done_and_brings_no_data_is_not_called_missing(namespace, open_unvault):
    unvault = open_unvault(by_token(namespace) | {"access_token": "root"})
    reference = "prod/auth/token/create?engine=logical&data=%7B%22ttl%22:%221m%22%7D"
    with pytest.raises(NotSupported, match="was done"):
        unvault.fetch(reference)


@pytest.mark.parametrize("token", ["two words", "line\nend", "fold\r\n X: y", "snow☃"])
def test_a_token_that_no_server_gives_is_not_sent(namespace, token, open_unvault):
    watch = namespace.watch()
    with pytest.raises(CredentialRejected, match="character that no token has") as raised:
        open_unvault(at(namespace, access_token=token)).fetch("prod/secret/app")
    assert token not in str(raised.value)
    assert not watch.requests()


@pytest.mark.parametrize("name", ["a\r\n X: y", "../b", "snow☃"])
def test_a_namespace_that_cannot_be_one_is_refused(namespace, name, open_unvault):
    with pytest.raises(CredentialMissing, match="namespace"):
        open_unvault(at(namespace, access_token="t") | {"namespace": name}).fetch("prod/secret/x")


def test_a_namespace_in_a_reference_that_cannot_be_one_is_refused(namespace, open_unvault):
    with pytest.raises(InvalidReference, match="namespace"):
        open_unvault(by_token(namespace)).fetch("prod/secret/app?namespace=%E2%98%83")


@pytest.mark.parametrize(
    "address",
    ["http://bob:canarypw@127.0.0.1:1", "http://127.0.0.1:1/?canarypw", "http://[canarypw"],
)
def test_an_ambient_address_is_checked_and_not_repeated(address, open_unvault, monkeypatch):
    monkeypatch.setenv("VAULT_ADDR", address)
    monkeypatch.setenv("VAULT_TOKEN", "t")
    with pytest.raises(CredentialMissing, match="VAULT_ADDR") as raised:
        open_unvault().fetch("hashicorp/secret/app")
    assert "canarypw" not in str(raised.value)


@pytest.mark.parametrize("part", ["a//b", "a/./b", "a/../b"])
def test_a_path_that_would_be_changed_on_its_way_is_refused(namespace, part, open_unvault):
    with pytest.raises(InvalidReference, match="part"):
        open_unvault(by_token(namespace)).fetch(f"prod/secret/{part}")


@pytest.mark.parametrize("seconds", [10**12, 10**30, -5, "soon", 1.5, None])
def test_odd_durations_are_no_defect(namespace, reader, openbao, open_unvault, seconds):
    import json

    with Proxy(openbao.address) as proxy:
        told = {
            "data": {"ttl": seconds, "expire_time": "x", "creation_ttl": seconds, "policies": 5}
        }
        proxy.answer(200, times=1, where="lookup-self", body=json.dumps(told).encode())
        answers = by_token(namespace, reader) | {"server_address": proxy.address}
        assert open_unvault(answers).fetch("prod/secret/app#user").text() == "me"


def test_a_denied_path_whose_mount_is_not_known_is_not_blamed_on_a_guess(namespace, open_unvault):
    with pytest.raises(AccessDenied, match="nor know where") as raised:
        open_unvault(by_token(namespace)).fetch("prod/nowhere/at/all")
    assert "nowhere/data" not in str(raised.value)


def test_a_server_that_was_slow_is_used_again(namespace, reader, openbao, open_unvault):
    with Proxy(openbao.address) as proxy:
        answers = by_approle(namespace, reader) | {"server_address": proxy.address, "timeout": 1}
        unvault = open_unvault(answers)
        unvault.fetch("prod/secret/app")
        proxy.milliseconds = 1500
        with pytest.raises(Unavailable):
            unvault.fetch("prod/secret/app", fresh=True)
        proxy.milliseconds = 200  # longer than those who are hurried wait
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            with contextlib.suppress(Unavailable):
                unvault.fetch("prod/secret/app", fresh=True)
                break
            time.sleep(0.1)
        assert unvault.fetch("prod/secret/app#user", fresh=True).text() == "me"


def test_nothing_here_looks_like_a_token_of_a_server():
    assert not TOKEN.search(PASSWORD)


def test_a_denied_path_of_the_api_is_pointed_out(namespace, reader, open_unvault):
    with pytest.raises(AccessDenied) as raised:
        open_unvault(by_token(namespace, reader)).fetch("prod/secret/data/app")
    assert "leave out data/" in raised.value.hint


def test_a_token_that_sees_nothing_is_not_told_that_there_is_nothing(namespace, open_unvault):
    unvault = open_unvault(by_token(namespace))
    for prefix in ("", "secret", "secret/app"):
        with pytest.raises(AccessDenied) as raised:
            [*unvault.list("prod", prefix)]
        assert "list" in raised.value.hint


def test_a_token_that_is_not_used_is_not_asked_for_again(openbao, open_unvault, monkeypatch):
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    monkeypatch.setenv("BAO_ADDR", openbao.address)
    monkeypatch.setenv("VAULT_TOKEN", "t")
    with pytest.raises(CredentialMissing) as raised:
        open_unvault().fetch("hashicorp/secret/app")
    assert raised.value.hint.startswith("set BAO_TOKEN:")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_certificates_to_trust_that_are_not_there(variable, openbao, open_unvault, monkeypatch):
    monkeypatch.setenv(variable, "/nowhere.pem")
    answers = {"server_address": openbao.tls_address, "access_token": "t"}
    with pytest.raises(CredentialMissing) as raised:
        open_unvault(answers).fetch("prod/secret/app")
    assert variable in raised.value.hint


def test_an_address_with_the_apis_own_path(namespace, open_unvault):
    answers = {"server_address": f"{namespace.address}/v1", "access_token": "t"}
    with pytest.raises(CredentialMissing, match="/v1"):
        open_unvault(answers).fetch("prod/secret/app")


def test_a_mount_may_be_written_as_policies_write_it(namespace, reader, open_unvault):
    role = namespace.approle(reader)
    answers = {"auth_method": "approle", "role_id": role.role_id, "secret_id": role.secret_id}
    unvault = open_unvault(at(namespace, auth_mount="auth/approle/", **answers))
    assert unvault.fetch("prod/secret/app#user").text() == "me"
