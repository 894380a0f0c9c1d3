"""Many threads with one session, while its token ends again and again."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from tests.plugins.azure.using import by_secret
from tests.soak import rounds

from unvault.errors import SessionExpired, UnvaultError

THREADS = 24


@pytest.fixture
def switching():
    """Let threads take turns as often as that goes: what can come between two steps does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switching")
@rounds(2, 25)
def test_a_token_that_ends_while_many_use_it_fails_nobody(open_unvault, entra, vault, rounds):
    robot = entra.app("robot")
    vault.allow(robot).put("api-key", "canary-1")
    unvault = open_unvault(by_secret(robot), kind="client_secret")
    over = threading.Event()
    failed: list[UnvaultError] = []

    def fetch():
        while not over.is_set():
            try:
                assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
            except SessionExpired:
                pass  # an hour went by while it signed in
            except UnvaultError as error:
                failed.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for _ in range(rounds):
        time.sleep(0.5)
        entra.ahead += 3700
    over.set()
    for thread in threads:
        thread.join()
    assert [str(error) for error in failed] == []
    assert entra.granted("client_credentials") <= 2 * rounds + 2
