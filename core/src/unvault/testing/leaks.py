"""Looks for secrets where none may be: in errors, logs, warnings, output and representations."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import traceback
import warnings
from collections.abc import Iterator
from unittest import mock
from urllib.parse import quote

SHORTEST = 6
"""Secrets with fewer characters are not looked for: they stand in other words by chance."""

_MASK = "********"


class Canaries:
    """Secrets, by what they are called, that must show nowhere."""

    def __init__(self) -> None:
        self._forms: dict[str, str] = {}

    def add(self, name: str, secret: str | bytes) -> None:
        """Look for a secret from now on, as it is and in the usual encodings."""
        content = secret.encode(errors="replace") if isinstance(secret, str) else secret
        if len(content) < SHORTEST:
            return
        text = content.decode(errors="backslashreplace")
        encoded = base64.b64encode(content).decode().rstrip("=")
        forms = [text, repr(text)[1:-1], json.dumps(text)[1:-1], repr(content)[2:-1]]
        for form in [*forms, encoded, content.hex(), quote(content), quote(content, safe="")]:
            self._forms[form] = name

    def found(self, text: str) -> list[str]:
        """Return what the secrets are called that stand in a text."""
        return sorted({name for form, name in self._forms.items() if form in text})

    def masked(self, text: str) -> str:
        """Return a text without the secrets in it."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, _MASK)
        return text


def told(error: BaseException) -> str:
    """Return everything that an error can tell: formatted, and each object it is chained to."""
    parts = traceback.format_exception(error)
    for each in _chain(error, set()):
        parts += [str(each), repr(each), repr(each.args), repr(vars(each))]
        parts += getattr(each, "__notes__", [])
        # A codec's exception keeps the whole text in `object`, and json's in `doc`.
        parts += [repr(getattr(each, name)) for name in ("object", "doc") if hasattr(each, name)]
    return "\n".join(parts)


def _chain(error: BaseException, seen: set[int]) -> Iterator[BaseException]:
    if id(error) in seen:
        return
    seen.add(id(error))
    yield error
    for inner in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        if inner is not None:
            yield from _chain(inner, seen)


class Overheard:
    """Everything that was logged, warned of and printed, of every logger and at every level."""

    def __init__(self) -> None:
        self.records: list[str] = []
        self.printed = io.StringIO()
        self.warned: list[warnings.WarningMessage] = []

    def record(self, record: logging.LogRecord) -> None:
        """Keep a log record, in place of handing it on."""
        parts = [record.name, record.getMessage(), repr(vars(record))]
        if record.exc_info and record.exc_info[1] is not None:
            parts.append(told(record.exc_info[1]))
        self.records.append(" ".join(parts))

    @property
    def text(self) -> str:
        """All of it."""
        warned = [str(each.message) for each in self.warned]
        return "\n".join([*self.records, *warned, self.printed.getvalue()])


@contextlib.contextmanager
def overhearing() -> Iterator[Overheard]:
    """Listen to whatever is logged, warned of and printed meanwhile."""
    heard = Overheard()
    with contextlib.ExitStack() as stack:
        patch = mock.patch.object
        # Past every level, filter, handler and `disabled` that may be set.
        stack.enter_context(patch(logging.Logger, "isEnabledFor", lambda *_: True))
        stack.enter_context(patch(logging.Logger, "handle", lambda _, record: heard.record(record)))
        heard.warned = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        stack.enter_context(contextlib.redirect_stdout(heard.printed))
        stack.enter_context(contextlib.redirect_stderr(heard.printed))
        yield heard
