"""The names of what Secret Manager holds, and the checksums of payloads."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

NAME = re.compile(
    r"projects/([^/]+)(?:/locations/([^/]+))?(?:/secrets(?:/([^/]+)(?:/versions(?:/([^/]+))?)?)?)?"
)


class Name(NamedTuple):
    """A resource's name in its parts; those that it lacks are None."""

    project: str
    location: str | None = None
    secret: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        pairs = zip(("projects", "locations", "secrets", "versions"), self, strict=True)
        return "/".join(f"{kind}/{part}" for kind, part in pairs if part is not None)


def parsed(name: str) -> Name:
    """Return the parts of a name."""
    parts = NAME.fullmatch(name)
    assert parts, name
    return Name(*parts.groups())


def crc32c(data: bytes) -> int:
    """Return the checksum (Castagnoli) of bytes."""
    sum_ = 0xFFFFFFFF
    table = _table()
    for byte in data:
        sum_ = table[(sum_ ^ byte) & 0xFF] ^ (sum_ >> 8)
    return sum_ ^ 0xFFFFFFFF


@cache
def _table() -> list[int]:
    table = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (0x82F63B78 if number & 1 else 0)  # noqa: PLW2901  # in place
        table.append(number)
    return table
