"""What goes wrong on the way to a server and back, and how much of it nobody notices."""

import time

import pytest
from tests.plugins.hashicorp.using import at, by_approle, by_token, says_nothing_secret
from tests.servers.proxy import Proxy

from unvault.errors import CredentialRejected, Throttled, TimedOut, Unavailable

PASSING = [412, 429, 472, 473, 500, 502, 503, 504]
NOT_DONE = [412, 429, 472, 473, 503]


@pytest.fixture
def answers(namespace, reader, proxy):
    """Return those for a token, by way of the proxy."""
    return by_token(namespace, reader) | {"server_address": proxy.address, "timeout": 5}


@pytest.fixture
def unvault(answers, open_unvault):
    """Return one that has signed in and knows the mount."""
    made = open_unvault(answers)
    made.fetch("prod/secret/app")
    return made


def fetched(unvault):
    return unvault.fetch("prod/secret/app#user", fresh=True).text()


class TestFetching:
    @pytest.mark.parametrize("status", PASSING)
    def test_a_status_that_passes_is_not_noticed(self, unvault, proxy, status):
        proxy.answer(status, where="/data/")
        assert fetched(unvault) == "me"

    @pytest.mark.parametrize("done", [False, True])
    def test_a_broken_connection_is_not_noticed(self, unvault, proxy, done):
        proxy.reset(times=2, where="/data/", done=done)
        assert fetched(unvault) == "me"

    def test_connections_that_were_closed_meanwhile_are_not_noticed(self, unvault, proxy):
        for _ in range(3):
            proxy.cut()
            assert fetched(unvault) == "me"

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_one_that_does_not_pass_is_an_error_within_the_timeout(
        self, answers, open_unvault, proxy, status
    ):
        unvault = open_unvault(answers | {"timeout": 1})
        unvault.fetch("prod/secret/app")
        body = b'{"errors": ["canary"]}'
        proxy.answer(status, times=1000, where="/data/", body=body)
        before = time.monotonic()
        with pytest.raises(Unavailable) as raised:
            fetched(unvault)
        assert time.monotonic() - before < 2
        assert raised.value.code == ("throttled" if status == 429 else "unavailable")
        assert proxy.address in raised.value.message
        assert raised.value.hint
        assert says_nothing_secret(raised.value)
        assert 2 <= proxy.count("/data/app") <= 8

    def test_retry_after_is_respected(self, unvault, proxy):
        proxy.answer(429, where="/data/", retry_after=1)
        before = time.monotonic()
        assert fetched(unvault) == "me"
        assert 1 <= time.monotonic() - before < 2

    def test_where_there_is_no_time_for_it_nobody_waits(self, unvault, proxy):
        proxy.answer(429, times=10, where="/data/", retry_after=600)
        before = time.monotonic()
        with pytest.raises(Throttled):
            fetched(unvault)
        assert time.monotonic() - before < 1

    @pytest.mark.parametrize("text", ["soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", ""])
    def test_a_retry_after_that_is_no_number_is_none(self, unvault, proxy, text):
        proxy.answer(429, where="/data/", retry_after=text)
        assert fetched(unvault) == "me"

    def test_a_server_that_never_answers_is_given_up_in_time(self, answers, open_unvault, proxy):
        unvault = open_unvault(answers | {"timeout": 1})
        unvault.fetch("prod/secret/app")
        proxy.hang(where="/data/")
        before = time.monotonic()
        with pytest.raises(TimedOut) as raised:
            fetched(unvault)
        assert 0.9 < time.monotonic() - before < 2
        assert raised.value.code == "timed-out"
        assert "timeout" in raised.value.hint

    def test_a_slow_server_is_waited_for(self, unvault, proxy):
        proxy.milliseconds = 300
        assert fetched(unvault) == "me"

    @pytest.mark.parametrize("status", [301, 307, 308])
    def test_no_token_follows_to_another_address(self, unvault, proxy, openbao, status):
        with Proxy(openbao.address) as elsewhere:
            proxy.answer(
                status, times=10, where="/data/", headers={"Location": f"{elsewhere.address}/v1/x"}
            )
            with pytest.raises(Unavailable, match="another address"):
                fetched(unvault)
            assert elsewhere.requests == []

    @pytest.mark.parametrize(
        "body", [b"canary", b"", b"[1]", b'"canary"', b"<html>canary</html>", b"\xff\xfe", b"{}"]
    )
    def test_an_answer_that_no_vault_would_give_is_an_error(self, unvault, proxy, body):
        proxy.answer(200, times=10, where="/data/", body=body)
        with pytest.raises(Exception, match="code ") as raised:
            fetched(unvault)
        assert raised.value.code in {"unavailable", "secret-not-found"}
        assert says_nothing_secret(raised.value)

    @pytest.mark.parametrize("status", [400, 405, 418, 501])
    def test_no_words_of_an_unexpected_answer_are_shown(self, unvault, proxy, status):
        proxy.answer(
            status, times=10, where="/data/", body=b'{"errors": ["canary"], "x": "canary"}'
        )
        with pytest.raises(Exception, match="code ") as raised:
            fetched(unvault)
        assert raised.value.code in {"unavailable", "invalid-reference"}
        assert says_nothing_secret(raised.value)


class TestSigningIn:
    @pytest.fixture
    def role(self, namespace, reader):
        return namespace.approle(reader, uses=2)

    @pytest.fixture
    def by_role(self, namespace, proxy, role):
        login = {"role_id": role.role_id, "secret_id": role.secret_id}
        answers = at(namespace, auth_method="approle", timeout=5, **login)
        return answers | {"server_address": proxy.address}

    @pytest.mark.parametrize("status", NOT_DONE)
    def test_what_was_surely_not_done_is_tried_again(
        self, by_role, open_unvault, proxy, role, status
    ):
        proxy.answer(status, where="/login")
        assert open_unvault(by_role).fetch("prod/secret/app#user").text() == "me"
        assert role.uses_left(role.secret_id) == 1

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_what_may_have_been_done_is_not_done_twice(self, by_role, open_unvault, proxy, status):
        proxy.answer(status, times=2, where="/login")
        with pytest.raises(Unavailable):
            open_unvault(by_role).fetch("prod/secret/app")
        assert proxy.logins == 1

    def test_an_answer_that_was_lost_wastes_one_use_at_most(
        self, by_role, open_unvault, proxy, role
    ):
        proxy.reset(times=5, where="/login", done=True)
        unvault = open_unvault(by_role)
        with pytest.raises(Unavailable) as raised:
            unvault.fetch("prod/secret/app")
        assert says_nothing_secret(raised.value, role.secret_id)
        assert proxy.logins == 1
        assert role.uses_left(role.secret_id) == 1
        proxy.calm()
        assert unvault.fetch("prod/secret/app#user").text() == "me"

    def test_a_request_that_was_lost_is_not_repeated_either(
        self, by_role, open_unvault, proxy, role
    ):
        proxy.reset(where="/login")
        with pytest.raises(Unavailable):
            open_unvault(by_role).fetch("prod/secret/app")
        assert proxy.logins == 1
        assert role.uses_left(role.secret_id) == 2

    def test_an_idle_connection_that_broke_is_no_obstacle(
        self, namespace, by_role, open_unvault, proxy, tmp_path
    ):
        # The look at the kept token leaves a connection behind, and what comes next on it is lost.
        open_unvault(by_role, home=tmp_path).fetch("prod/secret/app")
        namespace.revoke_logins("approle")
        proxy.reset_used(where="/login", times=5)
        unvault = open_unvault(home=tmp_path)
        assert unvault.fetch("prod/secret/app#user").text() == "me"

    def test_many_who_wait_for_a_sign_in_that_failed_do_not_repeat_it(
        self, by_role, open_unvault, proxy
    ):
        proxy.reset(times=100, where="/login", done=True)
        unvault = open_unvault(by_role)
        outcomes = unvault.fetch_many([f"prod/secret/n{number}" for number in range(50)])
        assert all(isinstance(each, Unavailable) for each in outcomes)
        assert proxy.logins == 1

    def test_an_unwrapping_whose_answer_was_lost_is_not_repeated(
        self, namespace, reader, open_unvault, proxy
    ):
        role = namespace.approle(reader, role="wrapped", mount="other")
        answers = at(
            namespace,
            auth_method="approle",
            auth_mount="other",
            role_id=role.role_id,
            wrapped_secret_id=role.wrapped_secret_id(),
        )
        proxy.reset(where="unwrap", done=True)
        with pytest.raises((Unavailable, CredentialRejected)):
            open_unvault(answers | {"server_address": proxy.address}).fetch("prod/secret/app")
        assert proxy.count("unwrap") == 1

    def test_a_server_that_never_answers_is_given_up_in_time(self, by_role, open_unvault, proxy):
        proxy.hang(where="/login")
        before = time.monotonic()
        with pytest.raises(TimedOut):
            open_unvault(by_role | {"timeout": 1}).fetch("prod/secret/app")
        assert 0.9 < time.monotonic() - before < 2
        assert proxy.logins == 1

    def test_a_certificate_or_password_may_be_sent_again(
        self, namespace, reader, open_unvault, proxy
    ):
        namespace.userpass("ann", "canary", reader)
        answers = at(namespace, auth_method="userpass", username="ann", password="canary")
        proxy.reset(times=2, where="/login", done=True)
        unvault = open_unvault(answers | {"server_address": proxy.address})
        assert unvault.fetch("prod/secret/app#user").text() == "me"

    def test_what_answers_is_no_vault(self, by_role, open_unvault, proxy):
        proxy.answer(200, times=100, body=b"<html>canary</html>")
        with pytest.raises(Unavailable, match="no Vault server") as raised:
            open_unvault(by_role).fetch("prod/secret/app")
        assert says_nothing_secret(raised.value)


class TestAddresses:
    def test_nobody_there(self, namespace, open_unvault):
        answers = at(namespace, access_token="s.canarycanarycanarycanary", timeout=1)
        unvault = open_unvault(answers | {"server_address": "http://127.0.0.1:1"})
        before = time.monotonic()
        with pytest.raises(Unavailable, match="cannot be reached"):
            unvault.fetch("prod/secret/app")
        assert time.monotonic() - before < 2

    def test_a_name_that_nobody_knows(self, namespace, open_unvault):
        answers = at(namespace, access_token="s.canarycanarycanarycanary", timeout=1)
        unvault = open_unvault(answers | {"server_address": "http://vault.invalid:8200"})
        with pytest.raises(Unavailable, match=r"vault\.invalid") as raised:
            unvault.fetch("prod/secret/app")
        assert raised.value.hint

    @pytest.mark.parametrize("end", ["/", "//"])
    def test_slashes_at_the_end_do_not_matter(self, namespace, reader, open_unvault, end):
        answers = by_approle(namespace, reader)
        unvault = open_unvault(answers | {"server_address": namespace.address + end})
        assert unvault.fetch("prod/secret/app#user").text() == "me"


def test_writes_to_a_logical_path_are_not_repeated(namespace, open_unvault, proxy):
    namespace.mount("transit", "transit")
    namespace.call("POST", "transit/keys/app")
    policy = namespace.allow("t", {"transit/encrypt/app": "update"})
    answers = by_token(namespace, policy) | {"server_address": proxy.address}
    unvault = open_unvault(answers)
    proxy.reset(where="/encrypt/", done=True)
    with pytest.raises(Unavailable):
        unvault.fetch('prod/transit/encrypt/app?engine=logical&data={"plaintext":"YQ%3D%3D"}')
    assert proxy.count("/encrypt/") == 1
