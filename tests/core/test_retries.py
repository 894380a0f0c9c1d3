"""Retries: growing pauses inside a deadline, and no queue of the patient behind a dead vault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unvault.clock import Clock
from unvault.errors import SecretNotFound, Throttled, TimedOut, Unavailable
from unvault.retries import Again, Retries


class Machine:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []
        self.left: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds

    def retries(self, seconds: float = 10, **options: int) -> Retries:
        return Retries(
            seconds, clock=Clock(elapsed=lambda: self.seconds), sleep=self.sleep, **options
        )

    def failing(
        self, times: int, after: float | None = None, takes: float = 0
    ) -> Callable[[float], str]:
        def attempt(left: float) -> str:
            self.left.append(left)
            self.seconds += takes
            if len(self.left) <= times:
                raise Again(Unavailable("down"), after=after)
            return "up"

        return attempt


def test_what_fails_twice_and_then_works_has_worked():
    machine = Machine()
    assert machine.retries().call(machine.failing(2)) == "up"
    assert len(machine.pauses) == 2


def test_what_a_vault_said_counts_more_than_that_the_rest_of_the_time_was_too_short():
    machine = Machine()
    said = iter([Again(Throttled("busy"), after=9.9), TimedOut("no answer")])

    def attempt(_left: float) -> str:
        raise next(said)

    with pytest.raises(Throttled):
        machine.retries().call(attempt)
    said = iter([TimedOut("no answer")])
    with pytest.raises(TimedOut):
        machine.retries().call(attempt)


def test_pauses_grow_and_differ_from_one_time_to_the_next():
    first, second = Machine(), Machine()
    for machine in (first, second):
        with pytest.raises(Unavailable):
            machine.retries().call(machine.failing(99))
    for taken in (first.pauses, second.pauses):
        assert len(taken) == 5
        for step, pause in enumerate(taken):
            assert 0.05 * 2**step <= pause <= 0.1 * 2**step
    assert first.pauses != second.pauses


def test_each_attempt_is_told_how_much_time_is_left():
    machine = Machine()
    machine.retries(10).call(machine.failing(2, takes=1))
    assert machine.left[0] == 10
    assert machine.left[1] == pytest.approx(9 - machine.pauses[0])
    assert machine.left[2] == pytest.approx(8 - sum(machine.pauses))


def test_nobody_waits_past_the_deadline():
    machine = Machine()
    with pytest.raises(Unavailable):
        machine.retries(5).call(machine.failing(99, takes=2))
    assert len(machine.left) == 3
    assert machine.seconds < 7


def test_the_vaults_own_pause_is_kept_and_one_that_is_too_long_is_not_waited_for():
    machine = Machine()
    machine.retries().call(machine.failing(1, after=3))
    assert machine.pauses == [3]
    machine = Machine()
    with pytest.raises(Unavailable):
        machine.retries(10).call(machine.failing(1, after=60))
    assert not machine.pauses


def test_other_errors_are_not_tried_again():
    machine = Machine()

    def attempt(_left: float) -> str:
        raise SecretNotFound("none")

    with pytest.raises(SecretNotFound):
        machine.retries().call(attempt)
    assert not machine.pauses


def test_the_error_comes_with_its_cause():
    machine = Machine()
    original = OSError("reset")

    def attempt(_left: float) -> str:
        raise Again(Throttled("busy")) from original

    with pytest.raises(Throttled) as caught:
        machine.retries().call(attempt)
    assert caught.value.__cause__ is original


def test_while_a_vault_is_down_only_the_first_is_patient():
    machine = Machine()
    retries = machine.retries()
    for _ in range(10):
        with pytest.raises(Unavailable):
            retries.call(machine.failing(999))
    assert len(machine.left) == 6 + 9
    machine.seconds += 10.1
    with pytest.raises(Unavailable):
        retries.call(machine.failing(999))
    assert len(machine.left) == 15 + 6, "after a while it is worth while again"


def test_success_makes_everybody_patient_again():
    machine = Machine()
    retries = machine.retries()
    with pytest.raises(Unavailable):
        retries.call(machine.failing(99))
    assert retries.call(lambda _left: "up") == "up"
    machine.left.clear()
    assert retries.call(machine.failing(2)) == "up"


def test_behind_a_vault_that_hangs_only_the_first_waits_all_of_its_time():
    machine = Machine()
    retries = machine.retries(10)
    given: list[float] = []

    def hang(left: float) -> str:
        given.append(left)
        machine.seconds += left
        raise TimedOut("no answer")

    for _ in range(20):
        with pytest.raises(TimedOut):
            retries.call(hang)
    assert given == [10, *[1.0] * 10, 10, *[1.0] * 8]


def test_a_vault_that_is_slow_and_not_down_is_served_again():
    machine = Machine()
    retries = machine.retries(10)
    latency = [99.0]

    def answer(left: float) -> str:
        machine.seconds += min(latency[0], left)
        if latency[0] > left:
            raise TimedOut("no answer")
        return "up"

    with pytest.raises(TimedOut):
        retries.call(answer)
    latency[0] = 2.0  # longer than those who are hurried wait
    outcomes = []
    for _ in range(20):
        machine.seconds += 0.3
        try:
            outcomes.append(retries.call(answer))
        except TimedOut:
            outcomes.append("late")
    assert outcomes.index("up") <= 10
    assert set(outcomes[outcomes.index("up") :]) == {"up"}


def test_an_answer_that_is_a_refusal_proves_that_the_vault_is_there():
    machine = Machine()
    retries = machine.retries()
    with pytest.raises(Unavailable):
        retries.call(machine.failing(99))

    def refuse(_left: float) -> str:
        raise SecretNotFound("none")

    with pytest.raises(SecretNotFound):
        retries.call(refuse)
    machine.left.clear()
    assert retries.call(machine.failing(2)) == "up"


def test_one_at_a_time_tries_for_all():
    machine = Machine()
    retries = machine.retries(10)
    with pytest.raises(Unavailable):
        retries.call(machine.failing(99))
    machine.seconds += 10.1
    given: list[float] = []

    def inner(left: float) -> str:
        given.append(left)
        raise Again(Unavailable("down"))

    def outer(left: float) -> str:
        given.append(left)
        with pytest.raises(Unavailable):
            retries.call(inner)
        return "up"

    assert retries.call(outer) == "up"
    assert given == [pytest.approx(10), pytest.approx(1)]
