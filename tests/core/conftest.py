from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
from hypothesis import settings

# No deadline: a busy machine is no defect. No database: test processes run side by side.
settings.register_profile("core", deadline=None, database=None, max_examples=60)
settings.load_profile("core")


def _chain(error: BaseException, seen: set[int]) -> list[BaseException]:
    if id(error) in seen:
        return []
    seen.add(id(error))
    inner = [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
    return [error, *(one for each in inner if each for one in _chain(each, seen))]


@pytest.fixture(scope="session")
def told() -> Callable[[BaseException], str]:
    """Return everything an error can tell: formatted, and every object it is chained to."""

    def everything(error: BaseException) -> str:
        parts = traceback.format_exception(error)
        for each in _chain(error, set()):
            parts += [str(each), repr(each), repr(each.args), repr(vars(each))]
            parts += getattr(each, "__notes__", [])
            if isinstance(each, UnicodeError):
                parts.append(repr(getattr(each, "object", "")))
        return "\n".join(parts)

    return everything
