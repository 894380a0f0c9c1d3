"""Masks values in what `logging` writes, and in the tracebacks of a crash."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

from unvault.redaction import Redactor

_FORMATTER = logging.Formatter()
_OWN = frozenset(vars(logging.makeLogRecord({}))) - {"exc_text", "stack_info"}
"""The attributes of every record; the others were given by ``extra``, or by a formatter."""

_CONTAINERS = (Mapping, list, tuple, set, frozenset)
_DEEP = 8  # containers in containers


class RedactingFilter(logging.Filter):
    """Masks values in log records: message, arguments, traceback, stack and extras.

    Add it to handlers. (A logger's own filters do not see what its children log.) A record is
    changed for whoever handles it afterwards. One without a value in it stays as it is.

    Args:
        redactor: Knows the values.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record's texts; it is never dropped."""
        if not len(self._redactor):
            return True
        self._message(record)
        if record.exc_info:
            self._exception(record)
        for name, found in [*vars(record).items()]:
            if name not in _OWN:
                setattr(record, name, self._masked(found))
        return True

    def _message(self, record: logging.LogRecord) -> None:
        if record.args:
            record.args = self._masked(record.args)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  # whatever it is: logging would print the arguments
            record.msg, record.args = self._redactor.redact(f"{record.msg!s}"), None
            return
        masked = self._redactor.redact(message)
        if masked != message:
            record.msg, record.args = masked, None

    def _exception(self, record: logging.LogRecord) -> None:
        if not isinstance(record.exc_info, tuple):
            return
        text = _FORMATTER.formatException(record.exc_info)
        masked = self._redactor.redact(text)
        if masked != text:
            record.exc_text = record.exc_text or masked  # masked with the other texts
            record.exc_info = None  # or a handler would format it again

    def _masked(self, found: Any, deep: int = 0) -> Any:
        """Return a text masked, and a container or an exception that holds a value.

        Anything else is returned as it is: to ask an object for its text may do something.
        """
        if isinstance(found, str):
            return self._unless_same(found, self._redactor.redact(found))
        if isinstance(found, bytes | bytearray):
            return self._unless_same(found, self._redactor.redact_bytes(bytes(found)))
        if isinstance(found, BaseException):
            return self._exception_told(found)
        if deep == _DEEP or not isinstance(found, _CONTAINERS):
            return found
        if isinstance(found, Mapping):
            pairs = [*found.items()]
            masked = [tuple(self._masked(each, deep + 1) for each in pair) for pair in pairs]
            return found if _same(chain(*masked), chain(*pairs)) else dict(masked)
        parts = [*found]
        told = [self._masked(each, deep + 1) for each in parts]
        return found if _same(told, parts) else _plain(found)(told)

    def _exception_told(self, error: BaseException) -> BaseException | str:
        """Return an exception, or its text masked where that, or its repr, has a value in it."""
        try:
            told = [str(error), repr(error)]
        except Exception:  # noqa: BLE001  # no handler can show it either
            return error
        masked = [self._redactor.redact(each) for each in told]
        return next((safe for safe, each in zip(masked, told, strict=True) if safe != each), error)

    @staticmethod
    def _unless_same(found: Any, masked: Any) -> Any:
        return found if masked == found else masked


def _same(some: Iterable[Any], others: Iterable[Any]) -> bool:
    return all(one is other for one, other in zip(some, others, strict=True))


def _plain(found: object) -> Callable[[list[Any]], Any]:
    """Return what makes a container like this one of its parts: the kind it is derived from."""
    return next(kind for kind in (tuple, set, frozenset, list) if isinstance(found, kind))


Hook = Callable[..., None]


def redacting_excepthook(redactor: Redactor, beneath: Hook | None = None) -> Hook:
    """Return a hook that prints the traceback of a crash with values masked.

    It fits as `sys.excepthook` and as `threading.excepthook`.

    Args:
        redactor: Knows the values.
        beneath: A hook to call afterwards, with the exception as it is: not masked.
    """

    def hook(*given: Any) -> None:
        if len(given) == 1:  # threading.ExceptHookArgs
            kind, error, where = given[0][:3]
            if kind is SystemExit:
                return
            name = getattr(given[0].thread, "name", None) or threading.get_ident()
            before = f"Exception in thread {name}:\n"
        else:
            kind, error, where = given
            before = ""
        _print(_told(redactor, before, kind, error, where))
        if beneath is not None:
            beneath(*given)

    return hook


def install_excepthook(redactor: Redactor) -> Callable[[], None]:
    """Mask values in the traceback that a crash prints, of the program or of a thread.

    Args:
        redactor: Knows the values.

    Returns:
        A function that puts the hooks back that were there.
    """
    before = sys.excepthook, threading.excepthook
    sys.excepthook = threading.excepthook = redacting_excepthook(redactor)

    def undo() -> None:
        sys.excepthook, threading.excepthook = before

    return undo


def _told(redactor: Redactor, before: str, kind: Any, error: Any, where: Any) -> str:
    try:
        lines = traceback.format_exception(kind, error, where)
        return redactor.redact("".join([before, *lines]))
    except Exception:  # noqa: BLE001  # Python would print it, unmasked, and this one, too
        return f"{getattr(kind, '__name__', 'an exception')}: its traceback cannot be shown\n"


def _print(text: str) -> None:
    stream = sys.stderr
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        return  # closed: nobody is there to read it
