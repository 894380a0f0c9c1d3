"""One question at a time: those who want to know the same thing wait, and share what came of it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from unvault.errors import UnvaultError
from unvault.parallel import Gate

_T = TypeVar("_T")


class _Question(Generic[_T]):
    def __init__(self) -> None:
        self.over = Gate()
        self.outcome: _T | UnvaultError | None = None
        """None where who asked was interrupted: the others have to ask themselves."""


class Shared(Generic[_T]):
    """Lets one thread ask, and all who want to know meanwhile have its answer, or its error."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, _Question[_T]] = {}
        self._lock = threading.Lock()

    def ask(self, key: Hashable, question: Callable[[], _T]) -> _T:
        """Return the answer to a question.

        Args:
            key: What stands for the question.
            question: Asks it; its answer is not None.

        Raises:
            UnvaultError: What asking raised, here or in the thread that asked.
        """
        while True:
            mine: _Question[_T] = _Question()
            try:
                with self._lock:
                    asked = self._asked.setdefault(key, mine)
                if asked is mine:
                    return self._lead(key, mine, question)
            finally:
                self._end(key, mine)
            asked.over.wait()
            if isinstance(asked.outcome, UnvaultError):
                raise copy.copy(asked.outcome)
            if asked.outcome is not None:
                return asked.outcome

    def _lead(self, key: Hashable, mine: _Question[_T], question: Callable[[], _T]) -> _T:
        try:
            answer = question()
            mine.outcome = answer
        except UnvaultError as error:
            mine.outcome = error
            raise
        finally:
            self._end(key, mine)
        return answer

    def _end(self, key: Hashable, mine: _Question[_T]) -> None:
        """Let nobody wait for it any more; once more does nothing. Ctrl-C may come anywhere."""
        with self._lock:
            if self._asked.get(key) is mine:
                del self._asked[key]
        mine.over.open()
