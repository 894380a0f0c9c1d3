"""No value gets into a log or into the traceback of a crash."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import traceback
from collections import ChainMap, OrderedDict, namedtuple
from contextlib import contextmanager

import pytest

from unvault import RedactingFilter, Redactor
from unvault.log_redaction import install_excepthook, redacting_excepthook
from unvault.secret import MASK

VALUE = "-".join(["invented", "secret"])


@pytest.fixture
def redactor():
    made = Redactor()
    made.add(VALUE)
    return made


class Keeping(logging.StreamHandler):
    """A handler that keeps the records, and fails loudly where logging would print."""

    def __init__(self):
        super().__init__(io.StringIO())
        self.records = []

    def emit(self, record):
        super().emit(record)
        self.records.append(record)

    def handleError(self, record):  # noqa: N802  # its name in logging
        raise AssertionError(f"the record cannot be formatted: {record.msg}")

    def text(self):
        return self.stream.getvalue()


@pytest.fixture
def handler(redactor):
    made = Keeping()
    made.addFilter(RedactingFilter(redactor))
    return made


@pytest.fixture
def log(handler):
    with logger_with(handler) as made:
        yield made


@contextmanager
def logger_with(*handlers):
    """Yield a logger of its own that nobody else hears."""
    made = logging.getLogger("a logger of test_log_redaction")
    made.propagate, made.level, made.handlers = False, logging.DEBUG, [*handlers]
    yield made
    made.handlers = []


def everything(record):
    return repr(vars(record)) + json.dumps(vars(record), default=repr)


class Connection:
    def __repr__(self):
        return f"<Connection password={VALUE}>"


@pytest.mark.parametrize(
    ("message", "arguments", "text"),
    [
        (f"password {VALUE}", (), f"password {MASK}"),
        ("password %s", (VALUE,), f"password {MASK}"),
        ("password %r", (VALUE.encode(),), f"password b'{MASK}'"),
        ("%(what)s", ({"what": VALUE},), MASK),
        ("%s", ([VALUE, {"a": (VALUE, 1)}],), f"['{MASK}', {{'a': ('{MASK}', 1)}}]"),
        ("using %s", (Connection(),), f"using <Connection password={MASK}>"),
        ("%s and %d", (VALUE[:8] + "-" + VALUE[9:], 5), f"{MASK} and 5"),
        ("%.8s", (VALUE,), "********"),
        (ValueError(VALUE), (), MASK),
        ("100%", (), "100%"),
        (f"%d {VALUE}", ("no number",), f"%d {MASK}"),
        (f"%s %s {VALUE}", (VALUE,), f"%s %s {MASK}"),
    ],
)
def test_a_message_is_masked(log, handler, message, arguments, text):
    log.warning(message, *arguments)
    assert handler.text() == f"{text}\n"
    assert VALUE not in everything(handler.records[0])


def test_a_record_without_a_value_stays_as_it_is(log, handler):
    log.info("connected to %s, attempt %d", "db.example.com", 3)
    try:
        raise ValueError("no value in here")
    except ValueError as error:
        log.exception("failed: %s", error)
        assert handler.records[1].exc_info[1] is error
    assert handler.records[0].msg == "connected to %s, attempt %d"
    assert handler.records[0].args == ("db.example.com", 3)
    assert "no value in here" in handler.text()


def test_a_filter_that_knows_no_value_leaves_everything_alone():
    handler = Keeping()
    handler.addFilter(RedactingFilter(Redactor()))
    with logger_with(handler) as log:
        log.warning("%s", VALUE, extra={"token": VALUE})
    assert handler.text() == f"{VALUE}\n"
    assert (handler.records[0].args, handler.records[0].token) == ((VALUE,), VALUE)


def test_a_traceback_is_masked(log, handler):
    def fail():
        try:
            raise KeyError(VALUE)
        except KeyError as error:
            error.add_note(f"it was {VALUE}")
            raise ValueError(f"wrong: {VALUE}") from error

    try:
        fail()
    except ValueError:
        log.exception("failed")
    (record,) = handler.records
    assert VALUE not in handler.text()
    assert VALUE not in everything(record)
    assert record.exc_info is None
    assert f"ValueError: wrong: {MASK}" in handler.text()
    assert f"it was {MASK}" in handler.text()
    assert "in fail" in handler.text()


def test_a_traceback_that_another_handler_formatted_is_masked(redactor):
    first, second = Keeping(), Keeping()
    second.addFilter(RedactingFilter(redactor))
    with logger_with(first, second) as log:
        try:
            raise ValueError(VALUE)
        except ValueError:
            log.exception("%s", VALUE)
    assert VALUE in first.text()
    assert VALUE not in second.text()
    assert VALUE not in everything(second.records[0])


def test_the_stack_and_extras_are_masked(log, handler):
    extra = {
        "token": VALUE,
        "raw": VALUE.encode(),
        "request": {"headers": [VALUE, ("Authorization", VALUE)], "size": 5},
        "seen": {VALUE: 1},
        "count": 7,
    }
    log.warning("request", extra=extra, stack_info=True)
    (record,) = handler.records
    assert VALUE not in everything(record)
    assert record.token == MASK
    assert record.request == {"headers": [MASK, ("Authorization", MASK)], "size": 5}
    assert record.seen == {MASK: 1}
    assert record.count == 7
    assert extra["token"] == VALUE, "what the application holds is its own"
    record.stack_info = f"line {VALUE}"
    handler.handle(record)
    assert VALUE not in everything(record)


class Unshown(Exception):
    def __str__(self):
        raise ValueError(VALUE)


Pair = namedtuple("Pair", "name token")


def test_extras_of_other_kinds_are_masked(log, handler):
    extra = {
        "error": ValueError(f"no such user: {VALUE}"),
        "errors": [KeyError(VALUE), OSError(2, "no such file")],
        "headers": OrderedDict(Authorization=VALUE),
        "chained": ChainMap({"one": 1}, {"two": VALUE}),
        "pair": Pair("app", VALUE),
    }
    log.warning("request", extra=extra)
    (record,) = handler.records
    assert VALUE not in everything(record)
    assert record.error == f"no such user: {MASK}"
    assert record.headers == {"Authorization": MASK}
    assert record.chained == {"one": 1, "two": MASK}
    assert record.pair == ("app", MASK)


def test_extras_of_other_kinds_without_a_value_stay_as_they_are(log, handler):
    extra = {
        "error": ValueError("no such user"),
        "unshown": Unshown(),
        "headers": OrderedDict(Host="here"),
        "pair": Pair("app", ["-"]),
    }
    log.warning("request", extra=extra)
    (record,) = handler.records
    assert all(getattr(record, name) is found for name, found in extra.items())


def test_what_cannot_be_shown_at_all_does_not_show_its_arguments(log, handler):
    class Broken:
        def __str__(self):
            raise RuntimeError(VALUE)

    log.warning("%s", Broken())
    assert handler.text() == "%s\n"


def test_containers_that_hold_themselves_end(log, handler):
    loop = [VALUE]
    loop.append(loop)
    log.warning("nothing", extra={"loop": loop})
    assert handler.records[0].loop[0] == MASK


# ------------------------------------------------------------------------------------- crashes

CRASH = """
import sys, threading
from unvault import Redactor
from unvault.log_redaction import install_excepthook

value = "-".join(["invented", "secret"])
redactor = Redactor()
redactor.add(value)
undo = install_excepthook(redactor)

def fail():
    raise ValueError(f"wrong: {value}")

if sys.argv[1] == "thread":
    thread = threading.Thread(target=fail, name=f"a thread with {value}")
    thread.start()
    thread.join()
elif sys.argv[1] == "exit":
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
else:
    fail()
"""


def crash(how):
    return subprocess.run(
        [sys.executable, "-c", CRASH, how], capture_output=True, text=True, check=False
    )


def test_a_crash_is_told_without_a_value():
    ended = crash("main")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback (most recent call last):\n")
    assert ended.stderr.endswith(f"ValueError: wrong: {MASK}\n")
    assert VALUE not in ended.stderr


def test_a_crash_of_a_thread_is_told_without_a_value():
    ended = crash("thread")
    assert ended.returncode == 0
    assert ended.stderr.startswith(f"Exception in thread a thread with {MASK}:\nTraceback")
    assert ended.stderr.endswith(f"ValueError: wrong: {MASK}\n")


def test_a_thread_that_exits_is_no_crash():
    assert crash("exit").stderr == ""


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return type(caught), caught, caught.__traceback__


def test_the_hook_beneath_is_told_of_the_exception_itself(redactor, capsys):
    told = []
    hook = redacting_excepthook(redactor, beneath=lambda *given: told.append(given))
    given = raised(ValueError(VALUE))
    hook(*given)
    assert told == [given]
    assert f"ValueError: {MASK}\n" in capsys.readouterr().err


def test_an_exception_that_cannot_be_shown_is_named(redactor, capsys, monkeypatch):
    def fail(*_):
        raise RuntimeError(VALUE)

    monkeypatch.setattr(traceback, "format_exception", fail)
    redacting_excepthook(redactor)(*raised(ValueError(VALUE)))
    assert capsys.readouterr().err == "ValueError: its traceback cannot be shown\n"


@pytest.mark.parametrize("stream", [None, "closed"])
def test_where_nobody_can_read_it_nothing_happens(redactor, monkeypatch, stream):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed if stream else None)
    redacting_excepthook(redactor)(*raised(ValueError(VALUE)))


def test_the_hooks_can_be_put_back(redactor):
    before = sys.excepthook, threading.excepthook
    undo = install_excepthook(redactor)
    try:
        assert sys.excepthook not in before
        assert threading.excepthook not in before
    finally:
        undo()
    assert (sys.excepthook, threading.excepthook) == before
