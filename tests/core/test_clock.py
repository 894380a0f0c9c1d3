from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from unvault.clock import Clock, clock_id


def test_elapsed_never_goes_back() -> None:
    clock = Clock()
    readings = [clock.elapsed() for _ in range(1000)]
    assert readings == sorted(readings)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="the system has no such clock")
def test_elapsed_goes_on_while_the_machine_sleeps() -> None:
    """The machine that tests has not slept, so that only the clock's name tells."""
    assert getattr(Clock().elapsed, "args", ()) == (time.CLOCK_BOOTTIME,)
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= Clock().elapsed() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_now_has_a_zone_and_is_now() -> None:
    now = Clock().now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_deadline_is_told_in_elapsed_seconds() -> None:
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    clock = Clock(elapsed=lambda: 1000.0, now=lambda: noon)
    assert clock.deadline(noon + timedelta(seconds=90)) == 1090.0
    assert clock.deadline(noon - timedelta(seconds=90)) == 910.0
    east = timezone(timedelta(hours=2))
    assert clock.deadline(datetime(2030, 1, 1, 14, 1, tzinfo=east)) == 1060.0


def test_a_subclass_would_go_unheard_and_is_refused() -> None:
    with pytest.raises(TypeError, match="elapsed="):
        type("Stopped", (Clock,), {"elapsed": lambda _: 0.0})


@pytest.mark.parametrize(
    ("platform", "name"), [("darwin", "CLOCK_MONOTONIC"), ("linux", "CLOCK_BOOTTIME")]
)
def test_the_clock_that_goes_on_during_sleep_has_another_name_on_each_system(
    platform: str, name: str
) -> None:
    assert clock_id(platform) == getattr(time, name, None)


def test_chance_is_a_part_and_another_one_each_time() -> None:
    drawn = [Clock().chance() for _ in range(500)]
    assert all(0 <= each < 1 for each in drawn)
    assert len({*drawn}) > 450
    assert min(drawn) < 0.1
    assert max(drawn) > 0.9
