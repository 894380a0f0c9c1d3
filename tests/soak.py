"""Tests with two forms: a short one in ``make test``, and a long one in ``make soak``.

A test says how far each of the two goes, and ``SOAK_MINUTES`` says how long all the long ones
take together, about: a third of the minutes is a third of the rounds::

    @rounds(20, 500)
    def test_every_acknowledged_write_survives_a_kill(home, rounds):
        for _ in range(rounds):
            ...


    @fuzz(text=st.text())
    def test_any_text_is_a_reference_or_refused(text): ...
"""

from __future__ import annotations

import functools
import inspect
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

USUAL_MINUTES = 6.0
"""For how long all long forms run together on two cores, where ``SOAK_MINUTES`` is not set."""

SHARE = float(os.environ.get("SOAK_MINUTES") or USUAL_MINUTES) / USUAL_MINUTES
"""How much of the usual time there is."""

_FUZZ_SECONDS = 20 * SHARE
_EXAMPLES_AT_ONCE = 200  # so that a test does not go on for long after its time


def rounds(short: int, long: int) -> pytest.MarkDecorator:
    """Run a test twice: with ``rounds=short`` always, and with ``rounds=long`` in the soak.

    Args:
        short: For ``make test``; what can be done in a second or two.
        long: For ``make soak`` of the usual length.
    """
    scaled = max(short, round(long * SHARE))
    forms = [
        pytest.param(short, id="short"),
        pytest.param(scaled, id="long", marks=pytest.mark.soak),
    ]
    return pytest.mark.parametrize("rounds", forms)


def fuzz(examples: int = 60, **drawn: st.SearchStrategy[Any]) -> Callable[..., Any]:
    """Run a test with drawn arguments: with some examples always, in the soak for its time.

    Args:
        examples: How many in the short form.
        drawn: What each of these arguments may be; all others are fixtures.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        short, long = (
            settings(
                max_examples=number,
                deadline=None,  # a busy machine is no defect
                database=None,  # test processes run side by side
                derandomize=number == examples,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
            )(given(**drawn)(test))
            for number in (examples, _EXAMPLES_AT_ONCE)
        )

        @functools.wraps(test)
        def run(fuzz_seconds: float, **fixtures: Any) -> None:
            if not fuzz_seconds:
                short(**fixtures)
            end = time.monotonic() + fuzz_seconds
            while time.monotonic() < end:
                long(**fixtures)

        parameters = [*inspect.signature(test).parameters.values()]
        seconds = inspect.Parameter("fuzz_seconds", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        kept = [each for each in parameters if each.name not in drawn]
        run.__signature__ = inspect.Signature([seconds, *kept])  # type: ignore[attr-defined]
        forms = [
            pytest.param(0.0, id="short"),
            pytest.param(_FUZZ_SECONDS, id="long", marks=pytest.mark.soak),
        ]
        return pytest.mark.parametrize("fuzz_seconds", forms)(run)

    return decorate
