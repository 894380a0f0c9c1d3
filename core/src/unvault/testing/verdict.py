"""How a test says that a promise is broken: in words for the provider's author."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

import pytest

_T = TypeVar("_T")


def broken(why: str) -> NoReturn:
    """Fail the test. Without a traceback, whose lines and values help no author."""
    __tracebackhide__ = True
    pytest.fail(why, pytrace=False)


def keeps(promise: str, *, kept: object) -> None:
    """Fail the test with the promise that is broken, unless it is kept."""
    __tracebackhide__ = True
    if not kept:
        broken(promise)


def cannot(why: str) -> NoReturn:
    """Skip the test: what it asks for is declared to be impossible."""
    __tracebackhide__ = True
    pytest.skip(why)


def within(seconds: float, action: Callable[[], _T]) -> _T:
    """Do something, and fail the test where it takes longer: nothing may wait for ever."""
    __tracebackhide__ = True
    results: list[_T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001  # it is raised below, in the test's thread
            errors.append(error)

    thread = threading.Thread(target=work, name="unvault-contract", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        broken(
            f"a hook did not return within {seconds:g} seconds: network calls carry a timeout, and"
            " it may be made shorter for these tests with `impatient`"
        )
    if errors:
        raise errors[0]
    return results[0]


def side_by_side(count: int, action: Callable[[int], None]) -> list[BaseException]:
    """Do something in many threads that start together, and return what they raised."""
    gate = threading.Barrier(count)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            gate.wait()
            action(number)
        except BaseException as error:  # noqa: BLE001  # it is the test's to judge
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors
