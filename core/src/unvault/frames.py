"""Takes the local variables out of the frames of errors: tools that report errors may show them.

What is raised below a public call has passed through frames that held answers of a form, the
environment, or values. They keep their places, which is what a traceback is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

from unvault.errors import RenderError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def forget_locals(error: BaseException) -> None:
    """Let an error's frames, and those of what it comes from, tell where and nothing more.

    Frames that are still running keep their variables: call it where the last one that is of
    interest has ended.
    """
    from traceback import clear_frames

    found: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        each = waiting.pop()
        if id(each) not in found:
            found.add(id(each))
            clear_frames(each.__traceback__)
            waiting += _origins(each)


def _origins(error: BaseException) -> Iterator[BaseException]:
    """Return what an error comes from, or is made of."""
    if error.__cause__ is not None:
        yield error.__cause__
    if error.__context__ is not None:
        yield error.__context__
    if isinstance(error, BaseExceptionGroup):
        yield from error.exceptions
    if isinstance(error, RenderError):
        found = (getattr(problem, "error", None) for problem in error.problems)
        yield from (each for each in found if isinstance(each, BaseException))


def forgets_locals(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let what a method raises tell where, and nothing of what the method was given or held."""

    @wraps(method)
    def forgetful(*args: _P.args, **options: _P.kwargs) -> _T:
        try:
            return method(*args, **options)
        except Exception as error:
            forget_locals(error)
            del args, options  # this frame is one of them
            raise

    return forgetful
