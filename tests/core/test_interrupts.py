"""Ctrl-C, wherever it comes, leaves nobody waiting: not the next one, and not who waits already."""

from __future__ import annotations

import random
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.fakes import BatchProvider, FakeProvider, Interruption, client_for
from tests.soak import rounds

from unvault import cache, fetching, flights, resolver, sessions, sign_in
from unvault.client import Unvault

WAIT = 20
SECRETS = {"a": "1", "b": "2"}
HERE = {module.__file__ for module in (cache, fetching, flights, resolver, sessions, sign_in)}


ACTIONS: dict[str, Callable[[Unvault], Any]] = {
    "fetch": lambda vault: vault.fetch("fake/a"),
    "fetch afresh": lambda vault: vault.fetch("fake/a", fresh=True),
    "fetch many": lambda vault: vault.fetch_many(["fake/a", "fake/b"]),
    "sign in": lambda vault: vault.credentials.test("fake"),
}


@rounds(8, 2000)
@pytest.mark.parametrize("provider", [FakeProvider, BatchProvider])
@pytest.mark.parametrize("action", ACTIONS)
def test_who_is_interrupted_anywhere_leaves_nobody_waiting(
    action: str, provider: type[FakeProvider], rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flight or a sign-in that had begun a moment before was waited for, for ever."""
    monkeypatch.setattr(sys, "unraisablehook", str)  # one may come while memory is freed
    many = 1_000_000
    counting = Interruption(many, HERE)
    with ready(action, provider) as vault:
        assert not counting.during(lambda: ACTIONS[action](vault))
    moments = many - counting.left
    interrupted = 0
    for after in range(0, moments, max(1, moments // rounds)):
        with ready(action, provider) as vault:
            interrupted += Interruption(after, HERE).during(partial(ACTIONS[action], vault))
            assert everybody_is_served(vault), f"somebody waits after moment {after} of {moments}"
    assert interrupted > 5  # the last moments come not each time: what is known already is shorter


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="timers with signals are POSIX's")
@rounds(400, 40_000)
@pytest.mark.parametrize("action", ["fetch afresh", "sign in"])
def test_nor_does_who_is_interrupted_by_real_signals(
    action: str, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `threading.Event` kept the lock inside it, and setting it once more waited for ever."""
    chance, interrupted = random.Random(7), 0  # noqa: S311  # it keeps no secret
    monkeypatch.setattr(sys, "unraisablehook", str)  # one may come while memory is freed
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with client_for(FakeProvider(SECRETS)) as vault:
            assert everybody_is_served(vault)  # Python's own import leaves locks, interrupted
            for _ in range(rounds):
                try:
                    signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 2e-4))
                    ACTIONS[action](vault)
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    interrupted += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert everybody_is_served(vault)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted


def ready(action: str, provider: type[FakeProvider]) -> Unvault:
    vault = client_for(provider(SECRETS))
    if action == "fetch afresh":
        vault.fetch("fake/a")
    return vault


def everybody_is_served(vault: Unvault) -> bool:
    """Say whether others can do what somebody was interrupted in."""
    found: list[Any] = []

    def do(action: Callable[[Unvault], Any]) -> None:
        found.append(action(vault))

    others = [threading.Thread(target=do, args=(each,), daemon=True) for each in ACTIONS.values()]
    for each in others:
        each.start()
    for each in others:
        each.join(WAIT)
    return len(found) == len(others)
