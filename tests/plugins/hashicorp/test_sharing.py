"""One question at a time, whatever becomes of it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.fakes import Interruption

from unvault.errors import TimedOut, UnvaultError
from unvault_hashicorp import sharing
from unvault_hashicorp.sharing import Shared


class Slow:
    """A question that takes until it is let go."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome
        self.asked = 0
        self.go = threading.Event()

    def __call__(self) -> object:
        self.asked += 1
        assert self.go.wait(10)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def all_at_once(shared: Shared, question: Slow, number: int = 32) -> list[object]:
    def ask(_: int) -> object:
        try:
            return shared.ask("key", question)
        except UnvaultError as error:
            return error

    with ThreadPoolExecutor(number) as pool:
        answers = [pool.submit(ask, each) for each in range(number)]
        time.sleep(0.1)
        question.go.set()
        return [answer.result(10) for answer in answers]


def test_thirty_two_who_want_to_know_cause_one_question():
    question = Slow("answer")
    assert all_at_once(Shared(), question) == ["answer"] * 32
    assert question.asked == 1


def test_an_error_is_shared_and_everybody_has_one_of_their_own():
    question = Slow(TimedOut("no answer"))
    errors = all_at_once(Shared(), question)
    assert {type(error) for error in errors} == {TimedOut}
    assert len({id(error) for error in errors}) == 32
    assert question.asked == 1


def test_nothing_is_remembered():
    shared: Shared = Shared()
    for outcome in ("one", "two"):
        question = Slow(outcome)
        question.go.set()
        assert shared.ask("key", question) == outcome


def test_who_waits_for_somebody_that_is_interrupted_asks_again():
    shared: Shared = Shared()
    first, second = Slow(KeyboardInterrupt()), Slow("answer")
    second.go.set()
    with ThreadPoolExecutor(2) as pool:
        interrupted = pool.submit(shared.ask, "key", first)
        while not first.asked:
            time.sleep(0.001)
        waiting = pool.submit(shared.ask, "key", second)
        time.sleep(0.05)
        assert not second.asked
        first.go.set()
        assert waiting.result(10) == "answer"
        with pytest.raises(KeyboardInterrupt):
            interrupted.result(10)


def test_different_questions_do_not_wait_for_each_other():
    shared: Shared = Shared()
    slow, fast = Slow("slow"), Slow("fast")
    fast.go.set()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(shared.ask, "a", slow)
        while not slow.asked:
            time.sleep(0.001)
        assert shared.ask("b", fast) == "fast"
        slow.go.set()
        assert waiting.result(10) == "slow"


@pytest.mark.parametrize("fails", [False, True])
def test_whoever_is_interrupted_anywhere_leaves_nobody_waiting(fails):
    """A question that had been noted a moment before was waited for, for ever."""

    def question() -> str:
        if fails:
            raise TimedOut("no answer")
        return "answer"

    for after in range(100):
        shared: Shared = Shared()

        def ask(shared: Shared = shared) -> str:
            try:
                return shared.ask("key", question)
            except TimedOut:
                return "answer"

        interrupted = Interruption(after, {sharing.__file__}).during(ask)
        found: list[str] = []
        other = threading.Thread(target=lambda: found.append(ask()), daemon=True)  # noqa: B023
        other.start()
        other.join(20)
        assert found == ["answer"], after
        if not interrupted:
            break
    assert 5 < after < 99
