"""A child that was forked begins anew: with a sign-in and a connection of its own."""

from __future__ import annotations

import os
import threading

import pytest
from tests.plugins.gcp.using import by_key

from unvault.errors import UnvaultError

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def in_a_child(action):
    """Return the text that an action returns in a forked child; empty where it fails or hangs."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            import signal

            signal.alarm(20)
            os.write(writing, action().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer.decode()


def test_parent_and_child_go_on_side_by_side(gcp, transport, open_unvault):
    gcp.put("acme", "db", "canary-1")
    unvault = open_unvault(by_key(gcp, gcp.reader(), transport=transport))

    def read():
        return unvault.fetch("prod/db", fresh=True).text()

    assert read() == "canary-1"
    assert in_a_child(read) == "canary-1"
    assert read() == "canary-1"
    assert gcp.connections == 2


def test_a_fork_while_others_fetch(gcp, transport, open_unvault):
    gcp.put("acme", "db", "canary-1")
    unvault = open_unvault(by_key(gcp, gcp.reader(), transport=transport))
    stop = threading.Event()
    failed = []

    def read():
        return unvault.fetch("prod/db", fresh=True).text()

    def go_on():
        while not stop.is_set():
            try:
                read()
            except UnvaultError as error:
                failed.append(error)

    threads = [threading.Thread(target=go_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert [in_a_child(read) for _ in range(3)] == ["canary-1"] * 3
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failed == []
