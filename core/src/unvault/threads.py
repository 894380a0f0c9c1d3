"""Runs calls in threads for coroutines.

Not with ``concurrent.futures``: its threads keep a process from ending until the last vault has
answered, its queue lets one slow vault hold up all others, and it can be used no more once it is
shut down. These are daemons, end by themselves, and there is nothing to shut down.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Generic, TypeVar

import attrs

from unvault.fork import renew_after_fork
from unvault.parallel import STOP

_T = TypeVar("_T")
_Work = Callable[[], None]


@attrs.define
class _Lane:
    """Calls that share a bound; it exists while it has threads."""

    threads: int = 0
    waiting: deque[_Work] = attrs.field(factory=deque)


class _Result(Generic[_T]):
    """What a call returned. In debug mode, asyncio logs what callbacks and futures hold: not it."""

    __slots__ = ("value",)

    def __init__(self, value: _T) -> None:
        self.value = value


class Threads:
    """Runs calls in daemon threads, for any event loop in any thread.

    Args:
        bound: How many calls of one lane run at the same time.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._lanes: dict[str, _Lane] = {}
        self._lock = threading.Lock()
        renew_after_fork(self)

    async def run(self, call: Callable[[], _T], *, lane: str | None = None) -> _T:
        """Return what a call returns; it sees the caller's context variables.

        When the task that waits is cancelled, what has not begun is not begun any more, and
        what has begun goes on with nobody waiting.

        Args:
            call: What to call.
            lane: Calls in the same lane wait for each other when there are too many of them;
                None for one that never waits.
        """
        future: asyncio.Future[_Result[_T]] = asyncio.get_running_loop().create_future()
        stop = threading.Event()
        context = copy_context()
        context.run(STOP.set, stop)
        self._begin(lane, partial(_work, call, context, stop, future))
        try:
            return (await future).value
        except asyncio.CancelledError:
            stop.set()
            raise

    def after_fork(self) -> None:
        """Forget the threads: they are the parent's."""
        self._lock = threading.Lock()
        self._lanes = {}

    def _begin(self, name: str | None, work: _Work) -> None:
        if name is None:
            _thread(work).start()
            return
        with self._lock:
            lane = self._lanes.setdefault(name, _Lane())
            lane.waiting.append(work)
            if lane.threads >= self._bound:
                return
            lane.threads += 1
        try:
            _thread(partial(self._drain, name)).start()
        except BaseException:  # no thread is to be had
            with self._lock:
                self._leave(name, lane)
                with suppress(ValueError):  # another thread of the lane has begun it
                    lane.waiting.remove(work)
            raise

    def _drain(self, name: str) -> None:
        """Work until nothing is left in a lane."""
        while work := self._next(name):
            work()

    def _next(self, name: str) -> _Work | None:
        with self._lock:
            lane = self._lanes[name]
            if lane.waiting:
                return lane.waiting.popleft()
            self._leave(name, lane)
            return None

    def _leave(self, name: str, lane: _Lane) -> None:
        """Count a thread less. Called with the lock."""
        lane.threads -= 1
        if not lane.threads:
            del self._lanes[name]


class Joins(Generic[_T]):
    """Lets all who ask the same question at the same time wait for one answer."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[_T]] = {}
        renew_after_fork(self)

    async def join(self, question: Hashable, ask: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Return the answer; a task that is cancelled meanwhile takes it from no other.

        Args:
            question: What is asked; loops do not share answers.
            ask: Asks it, where nobody does so already.
        """
        asked = (asyncio.get_running_loop(), question)
        task = self._under_way.get(asked)
        if task is None or task.done():
            task = asyncio.ensure_future(ask())
            self._under_way[asked] = task
            task.add_done_callback(partial(self._answered, asked))
        return await asyncio.shield(task)

    def after_fork(self) -> None:
        """Forget what is under way: it is the parent's."""
        self._under_way = {}

    def _answered(self, asked: Hashable, task: asyncio.Task[_T]) -> None:
        if self._under_way.get(asked) is task:
            del self._under_way[asked]
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report one nobody waits for


def _thread(work: _Work) -> threading.Thread:
    return threading.Thread(target=work, name="unvault-aio", daemon=True)


def _work(
    call: Callable[[], Any], context: Context, stop: threading.Event, future: asyncio.Future[Any]
) -> None:
    if stop.is_set():
        return
    settle = _called(partial(context.run, call))
    with suppress(RuntimeError):  # the loop was closed meanwhile: nobody is there to tell
        future.get_loop().call_soon_threadsafe(settle, future)


def _called(call: Callable[[], Any]) -> Callable[[asyncio.Future[Any]], None]:
    """Call, and return what tells a future the outcome."""
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001  # the task that waits gets it
        return partial(_fail, error)
    return partial(_succeed, _Result(result))


def _succeed(result: _Result[Any], future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(result)


def _fail(error: BaseException, future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_exception(error)
