"""Masking 50 live values in a child's output, and in log records."""

from __future__ import annotations

import io
import json
import logging
import random
import string
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.report import Row
from benchmarks.timing import side_by_side
from unvault import RedactingFilter, Redactor
from unvault.secret import MASK

_CHUNK = 1 << 16
_SIZE = 16_000_000
_SLOW = 2_000_000  # where more would take long
_RECORDS = 2_000


def run() -> list[Row]:
    """Return what was measured."""
    values = _values(50)
    output = _repeated(_pages(), _SIZE)
    return [*_output(values, output), *_dense(values), *_logging(values)]


def _output(values: Sequence[str], output: bytes) -> list[Row]:
    plain, json_output = output[:_SLOW], _repeated(_json_lines(), _SIZE)
    fast, slow = _redactor(values), _redactor(values, automaton=False)
    raw = [value.encode() for value in values]
    ours, ours_json, theirs = side_by_side(
        [
            lambda: _masked(fast, output),
            lambda: _masked(fast, json_output),
            lambda: _replaced(raw, output),
        ],
        rounds=5,
        warm_up=1,
        least=True,
    )
    (without,) = side_by_side([lambda: _masked(slow, plain)], rounds=2, warm_up=0, least=True)
    beside = "50 times bytes.replace, of the values as they are"
    speed = len(output) / 1e6
    return [
        Row(
            "masking 50 values in an output of text",
            speed / ours,
            speed / theirs,
            beside,
            unit="MB/s",
            at_least=100,
        ),
        Row(
            "masking 50 values in an output of JSON",
            len(json_output) / 1e6 / ours_json,
            unit="MB/s",
            at_least=100,
        ),
        Row("masking 50 values without ahocorasick_rs", len(plain) / 1e6 / without, unit="MB/s"),
    ]


def _dense(values: Sequence[str]) -> list[Row]:
    """What is nothing but values, and a value that comes byte by byte."""
    redactor = _redactor(values)
    full = _repeated(" ".join(values).encode(), _SLOW)
    long = "".join(random.Random(2).choices(string.ascii_letters, k=65_536))  # noqa: S311  # invented
    alone = _redactor([long])

    def by_the_byte() -> None:
        masker = alone.masker()
        shown = b"".join([masker.feed(byte) for byte in bytes_of_it])
        assert shown == MASK.encode()

    bytes_of_it = [long[at : at + 1].encode() for at in range(len(long))]
    dense, bytewise = side_by_side(
        [lambda: _masked(redactor, full), by_the_byte], rounds=3, warm_up=1, least=True
    )
    return [
        Row("masking an output that is full of values", len(full) / 1e6 / dense, unit="MB/s"),
        Row("one byte of a value of 64 KB, fed alone", bytewise / len(long) * 1e6, unit="us"),
    ]


def _logging(values: Sequence[str]) -> list[Row]:
    plain, masking = (_logger(name) for name in ("plain", "masking"))
    masking.handlers[0].addFilter(RedactingFilter(_redactor(values)))

    def writes(log: logging.Logger) -> Callable[[], None]:
        def write() -> None:
            for number in range(_RECORDS):
                log.info("connected to %s as %s, attempt %d", "db.example.com", "app", number)

        return write

    ours, theirs = side_by_side([writes(masking), writes(plain)], rounds=5, warm_up=1, least=True)
    per = 1e6 / _RECORDS
    return [Row("a log record, masked", ours * per, theirs * per, "not masked", unit="us")]


def _logger(name: str) -> logging.Logger:
    made = logging.getLogger(f"benchmarks.masking.{name}")
    made.propagate, made.level = False, logging.INFO
    made.handlers = [logging.StreamHandler(io.StringIO())]
    return made


def _redactor(values: Sequence[str], *, automaton: bool = True) -> Redactor:
    redactor = Redactor(automaton=automaton)
    for value in values:
        redactor.add(value)
    return redactor


def _masked(redactor: Redactor, output: bytes) -> None:
    masker = redactor.masker()
    for at in range(0, len(output), _CHUNK):
        masker.feed(output[at : at + _CHUNK])
    masker.flush()


def _replaced(values: Sequence[bytes], output: bytes) -> None:
    for at in range(0, len(output), _CHUNK):
        chunk = output[at : at + _CHUNK]
        for value in values:
            chunk = chunk.replace(value, b"********")


def _values(count: int) -> list[str]:
    """Invent passwords and tokens of 8 to 40 characters; a third of them have other marks."""
    chosen = random.Random(1)  # noqa: S311  # invented
    letters = string.ascii_letters + string.digits
    found = []
    for number in range(count):
        alphabet = letters + "!@#$%^&*/+'\"" if number % 3 == 0 else letters
        found.append("".join(chosen.choices(alphabet, k=chosen.choice([8, 16, 24, 32, 40]))))
    return found


def _pages() -> bytes:
    docs = Path(__file__).parents[1] / "docs"
    return b"".join(page.read_bytes() for page in sorted(docs.rglob("*.md")))


def _json_lines() -> bytes:
    chosen = random.Random(3)  # noqa: S311  # invented
    lines = [
        json.dumps({"id": f"{chosen.getrandbits(128):032x}", "took": number, "path": "/a/b/c"})
        for number in range(1_000)
    ]
    return "\n".join(lines).encode()


def _repeated(text: bytes, size: int) -> bytes:
    return text * (size // len(text) + 1)
