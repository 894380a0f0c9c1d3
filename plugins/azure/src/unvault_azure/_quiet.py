"""Keeps the SDK's loggers from telling what we send and get.

They log requests and answers at the level DEBUG, and failures, in Entra ID's own words, as
warnings. They go on to do so for whoever else uses the SDK in this process: they are silent only
in a thread that is at work for us, at that time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FAMILIES = frozenset({"azure", "msal"})
_QUIET: ContextVar[bool] = ContextVar("unvault-azure-quiet", default=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Let the SDK log nothing meanwhile, in this context."""
    token = _QUIET.set(True)
    try:
        yield
    finally:
        _QUIET.reset(token)


def hush() -> None:
    """See to it that every logger of the SDK's that there is heeds `quiet`."""
    for name, logger in [*logging.root.manager.loggerDict.items()]:
        if name.partition(".")[0] not in _FAMILIES or not isinstance(logger, logging.Logger):
            continue
        if not isinstance(logger.__dict__.get("handle"), _Handle):
            # Of the object, not a filter: a filter may be taken away, or never be asked.
            logger.__dict__["handle"] = _Handle(logger)


class _Handle:
    """Stands in the place of a logger's ``handle``, and drops what we caused."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def __call__(self, record: logging.LogRecord) -> None:
        if not _QUIET.get():
            type(self._logger).handle(self._logger, record)
