"""One sign-in serves for as long as its token lives, and the next process goes on with it."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.plugins.hashicorp.using import add, at, by_approle, by_token, opened, says_nothing_secret
from tests.servers.proxy import Proxy

from unvault.clock import Clock
from unvault.errors import AuthenticationError, CredentialRejected
from unvault.secret import Secret


@pytest.fixture
def many(namespace):
    """Return a policy that allows reading the secrets ``secret/n0`` to ``secret/n199``."""
    for number in range(200):
        namespace.write("secret", f"n{number}", x=f"canary-{number}")
    return namespace.allow("many", {"secret/data/*": "read"})


def references(count):
    return [f"prod/secret/n{number}#x" for number in range(count)]


def assert_all_there(outcomes):
    wrong = [each for each in outcomes if not isinstance(each, Secret)]
    assert wrong == []
    assert [each.text() for each in outcomes] == [f"canary-{n}" for n in range(len(outcomes))]


class TestOneSignIn:
    def test_a_thousand_fetches_need_one(self, namespace, many, open_unvault):
        unvault = open_unvault(by_approle(namespace, many, uses=1))
        watch = namespace.watch()
        for _ in range(5):
            assert_all_there(unvault.fetch_many(references(200), fresh=True))
        assert watch.logins == 1
        assert watch.count("secret/data/*", "read") == 1000
        # One question for the mount; nothing more.
        assert len(watch.requests()) <= 1003

    def test_sixteen_threads_that_come_first_need_one(self, namespace, many, open_unvault):
        unvault = open_unvault(by_approle(namespace, many, uses=1))
        watch = namespace.watch()
        gate = threading.Barrier(16)

        def fetch(number):
            gate.wait()
            return unvault.fetch(f"prod/secret/n{number}#x").text()

        with ThreadPoolExecutor(16) as pool:
            assert [*pool.map(fetch, range(16))] == [f"canary-{n}" for n in range(16)]
        assert watch.logins == 1

    def test_connections_are_used_again(self, namespace, many, open_unvault):
        with Proxy(namespace.address) as proxy:
            answers = by_token(namespace, many) | {"server_address": proxy.address}
            unvault = open_unvault(answers)
            for number in range(50):
                unvault.fetch(f"prod/secret/n{number}")
            assert len(proxy.requests) == 52
            assert proxy.connections == 1


class TestTheNextProcess:
    def test_it_does_not_sign_in_again(self, namespace, reader, tmp_path):
        watch = namespace.watch()
        with opened(by_approle(namespace, reader, uses=1), home=tmp_path) as first:
            assert first.fetch("prod/secret/app#user").text() == "me"
        for _ in range(3):
            with opened(home=tmp_path) as later:
                assert later.fetch("prod/secret/app#user").text() == "me"
        assert watch.logins == 1

    def test_really_another_process(self, namespace, reader, tmp_path):
        watch = namespace.watch()
        with opened(by_approle(namespace, reader, uses=1), home=tmp_path) as first:
            first.fetch("prod/secret/app")
        program = (
            "import unvault\n"
            "with unvault.Unvault() as client:\n"
            "    print(client.fetch('prod/secret/app#user').text())\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "UNVAULT_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("me\n", "")
        assert watch.logins == 1

    def test_where_the_kept_token_was_revoked_it_does(self, namespace, reader, tmp_path):
        with opened(by_approle(namespace, reader), home=tmp_path) as first:
            first.fetch("prod/secret/app")
        namespace.revoke_logins("approle")
        watch = namespace.watch()
        with opened(home=tmp_path) as later:
            assert later.fetch("prod/secret/app#user").text() == "me"
        assert watch.logins == 1

    def test_a_changed_credential_does_not_go_on_with_the_old_token(
        self, namespace, reader, tmp_path
    ):
        answers = by_approle(namespace, reader)
        with opened(answers, home=tmp_path) as unvault:
            unvault.fetch("prod/secret/app")
            wrong = answers | {"secret_id": "canary-wrong"}
            draft = unvault.credentials.draft("hashicorp", "on_prem", wrong, name="prod")
            unvault.credentials.edit("prod", draft)
            with pytest.raises(CredentialRejected):
                unvault.fetch("prod/secret/app")

    def test_closing_does_not_revoke_the_token(self, namespace, reader, open_unvault):
        unvault = open_unvault(by_approle(namespace, reader, uses=1))
        watch = namespace.watch()
        unvault.fetch("prod/secret/app")
        unvault.close()
        assert unvault.fetch("prod/secret/app#user").text() == "me"
        assert watch.logins == 1
        assert watch.count("auth/token/revoke*") == 0


class TestRenewing:
    def test_tokens_near_their_end_are_renewed(self, namespace, reader, open_unvault):
        ahead = 0.0
        clock = Clock(elapsed=lambda: time.monotonic() + ahead)
        answers = by_approle(namespace, reader, uses=1, token_ttl="4s")
        unvault = open_unvault(answers, clock=clock)
        add(unvault, "given", by_token(namespace, reader, period="4s"))
        watch = namespace.watch()

        def use():
            for name in ("prod", "given"):
                assert unvault.fetch(f"{name}/secret/app#user", fresh=True).text() == "me"

        use()
        time.sleep(2.8)  # there is less than a third of their lives left
        ahead = 1.0  # the core begins to renew at a tenth: too close for a busy machine
        use()
        time.sleep(1.3)  # their old ends have passed
        use()
        assert watch.count("auth/token/renew-self") == 2
        assert watch.logins == 1

    def test_the_next_process_renews_it(self, namespace, reader, tmp_path):
        answers = by_approle(namespace, reader, uses=1, token_ttl="4s", token_max_ttl="1h")
        watch = namespace.watch()
        with opened(answers, home=tmp_path) as first:
            first.fetch("prod/secret/app")
        time.sleep(2.8)
        with opened(home=tmp_path) as later:
            assert later.fetch("prod/secret/app#user").text() == "me"
        assert watch.count("auth/token/renew-self") == 1
        assert watch.logins == 1

    def test_where_they_cannot_be_there_is_a_new_sign_in(self, namespace, reader, open_unvault):
        unvault = open_unvault(
            by_approle(namespace, reader, token_type="batch", token_ttl="2s")  # not renewable
        )
        oldest = namespace.approle(
            reader, role="oldest", enable=False, token_ttl="2s", token_max_ttl="2s"
        )
        login = {"role_id": oldest.role_id, "secret_id": oldest.secret_id}
        add(unvault, "oldest", at(namespace, auth_method="approle", **login))
        watch = namespace.watch()
        for _ in range(2):
            for name in ("prod", "oldest"):
                assert unvault.fetch(f"{name}/secret/app#user", fresh=True).text() == "me"
            if watch.logins == 2:
                time.sleep(2.1)
        assert watch.logins == 4


class TestRevoking:
    def test_in_the_middle_of_two_hundred_fetches_costs_one_sign_in(
        self, namespace, many, open_unvault
    ):
        with Proxy(namespace.address) as proxy:
            proxy.milliseconds = 5
            answers = by_approle(namespace, many) | {"server_address": proxy.address}
            unvault = open_unvault(answers)
            unvault.fetch("prod/secret/n0")
            watch = namespace.watch()
            done = threading.Event()

            def revoke():
                while proxy.count("/secret/data/") < 60:
                    time.sleep(0.001)
                namespace.revoke_logins("approle")
                done.set()

            with ThreadPoolExecutor(1) as pool:
                revoked = pool.submit(revoke)
                outcomes = unvault.fetch_many(references(200), fresh=True)
                revoked.result()
            assert done.is_set()
            assert_all_there(outcomes)
            assert watch.logins == 1
            # Who finds out asks once whether the token is dead, not sixteen times.
            assert watch.count("auth/token/lookup-self") <= 3
            assert watch.count("secret/data/*", "read") <= 200 + 2 * 16

    def test_a_token_somebody_gave_cannot_be_replaced_and_says_so(
        self, namespace, reader, open_unvault
    ):
        answers = by_token(namespace, reader)
        unvault = open_unvault(answers)
        unvault.fetch("prod/secret/app")
        namespace.revoke(answers["access_token"])
        watch = namespace.watch()
        with pytest.raises(AuthenticationError) as raised:
            unvault.fetch("prod/secret/app", fresh=True)
        assert raised.value.code in {"credential-rejected", "session-expired"}
        assert "another" in raised.value.hint
        assert says_nothing_secret(raised.value, answers["access_token"])
        assert len(watch.requests()) <= 4

    def test_two_hundred_fetches_with_a_dead_token_do_not_storm(
        self, namespace, many, open_unvault
    ):
        answers = by_token(namespace, many)
        unvault = open_unvault(answers)
        unvault.fetch("prod/secret/n0")
        namespace.revoke(answers["access_token"])
        watch = namespace.watch()
        outcomes = unvault.fetch_many(references(200), fresh=True)
        assert all(isinstance(each, AuthenticationError) for each in outcomes)
        assert watch.count("auth/token/lookup-self") <= 3
        assert len(watch.requests()) <= 200 + 6  # each is refused once, and that is all

    def test_a_token_used_up_is_replaced(self, namespace, many, open_unvault):
        # A token for few uses: nobody can renew it, and each fetch is one of them.
        unvault = open_unvault(by_approle(namespace, many, token_num_uses=6))
        for number in range(20):
            assert unvault.fetch(f"prod/secret/n{number}#x").text() == f"canary-{number}"


def test_two_credentials_of_one_server_have_a_session_each(namespace, reader, open_unvault):
    unvault = open_unvault(by_approle(namespace, reader))
    other = namespace.approle(reader, role="other", enable=False)
    answers = at(namespace, auth_method="approle", role_id=other.role_id, secret_id=other.secret_id)
    add(unvault, "other", answers)
    watch = namespace.watch()
    for _ in range(2):
        for name in ("prod", "other"):
            assert unvault.fetch(f"{name}/secret/app#user", fresh=True).text() == "me"
    assert watch.logins == 2
