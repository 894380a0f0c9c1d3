"""Servers that die, are sealed, or were never set up: and then are well again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.plugins.hashicorp.using import at, says_nothing_secret
from tests.servers.openbao import OpenBao

from unvault.errors import Unavailable
from unvault.secret import Secret


@pytest.fixture
def answers(lasting_openbao):
    """Return those for a role, with ten secrets that it may read."""
    root = lasting_openbao.root
    if "secret/" not in root.call("GET", "sys/mounts")["data"]:
        root.mount("secret")
        root.enable("approle")
        for number in range(10):
            root.write("secret", f"n{number}", x=f"canary-{number}")
    role = root.approle(root.allow("all", {"secret/data/*": "read"}), enable=False)
    return at(
        root,
        auth_method="approle",
        role_id=role.role_id,
        secret_id=role.secret_id,
        timeout=1,
    )


def failure(unvault):
    before = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        unvault.fetch("prod/secret/n1#x", fresh=True)
    assert time.monotonic() - before < 2
    assert raised.value.code == "unavailable"
    assert raised.value.hint
    assert says_nothing_secret(raised.value)
    return raised.value


def test_each_state_has_its_own_words_and_all_is_well_afterwards(
    lasting_openbao, answers, open_unvault
):
    server = lasting_openbao
    unvault = open_unvault(answers)
    watch = server.watch()
    assert unvault.fetch("prod/secret/n1#x").text() == "canary-1"
    server.kill()
    error = failure(unvault)
    assert "cannot be reached" in error.message
    assert server.address in error.message
    server.start()
    error = failure(unvault)
    assert "is sealed" in error.message
    assert "unseal" in error.hint
    assert unvault.fetch("prod/secret/n1#x").text() == "canary-1"  # cached
    server.unseal()
    assert unvault.fetch("prod/secret/n1#x", fresh=True).text() == "canary-1"
    assert watch.logins == 1


def test_signing_in_at_a_sealed_server_says_so(lasting_openbao, answers, open_unvault):
    lasting_openbao.seal()
    unvault = open_unvault(answers)
    assert "is sealed" in failure(unvault).message
    lasting_openbao.unseal()
    assert unvault.fetch("prod/secret/n1#x").text() == "canary-1"


def test_a_server_that_nobody_initialized_says_so(tmp_path, open_unvault):
    folder = tmp_path / "empty"
    folder.mkdir()
    with OpenBao(folder, dev=False) as server:
        answers = at(server.root, access_token="s.canarycanarycanarycanary", timeout=1)
        error = failure(open_unvault(answers))
        assert "not initialized" in error.message
        assert "init" in error.hint


@pytest.mark.parametrize("how", ["killed", "sealed"])
def test_in_the_middle_of_two_hundred_fetches(how, lasting_openbao, answers, open_unvault):
    server = lasting_openbao
    unvault = open_unvault(answers)
    unvault.fetch("prod/secret/n0")
    watch = server.watch()
    started = threading.Semaphore(0)
    failed: list[Exception] = []

    def fetch(number):
        """Fetch until it works, as an application would that tries again."""
        end = time.monotonic() + 20
        reference = f"prod/secret/n{number % 10}#x"
        while True:
            try:
                secret = unvault.fetch(reference, fresh=True)
            except Unavailable as error:
                failed.append(error)
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                started.release()
                time.sleep(0.005)
                return secret.text()

    with ThreadPoolExecutor(16) as pool:
        outcomes = pool.map(fetch, range(200))
        for _ in range(50):
            started.acquire(timeout=10)
        if how == "killed":
            server.kill()
            time.sleep(0.1)
            server.start()
        else:
            server.seal()
        while not any("sealed" in error.message for error in failed):
            time.sleep(0.01)
        server.unseal()
        assert [*outcomes] == [f"canary-{number % 10}" for number in range(200)]
    words = ("sealed", "cannot be reached", "broke the connection", "standby", "failed", "in time")
    words += ("another address",)  # a server that is not the active one yet sends on to that
    assert [each for each in failed if not any(word in each.message for word in words)] == []
    assert all(says_nothing_secret(error) for error in failed[:20])
    assert watch.logins <= 1


def test_two_hundred_fetches_from_a_dead_server_fail_together(
    lasting_openbao, answers, open_unvault
):
    unvault = open_unvault(answers)
    unvault.fetch("prod/secret/n0")
    lasting_openbao.kill()
    before = time.monotonic()
    outcomes = unvault.fetch_many([f"prod/secret/m{n}" for n in range(200)], fresh=True)
    assert time.monotonic() - before < 4
    assert all(type(each) is Unavailable for each in outcomes)
    lasting_openbao.start()
    lasting_openbao.unseal()
    found = unvault.fetch_many([f"prod/secret/n{n}" for n in range(10)], fresh=True)
    assert all(isinstance(each, Secret) for each in found)
