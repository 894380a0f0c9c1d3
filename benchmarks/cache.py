"""A hit in the cache beside other caches' hits, and how often a vault is asked by many at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cachetools
from aws_secretsmanager_caching import SecretCache as AwsCache
from tests.fakes import FakeProvider, client_for

from benchmarks.report import Row
from benchmarks.timing import side_by_side
from unvault import AsyncUnvault, Secret, Unvault

_REFERENCE = "prod/db/main#password"
_PASSWORD = "invented-password"
_VALUE = f'{{"user": "app", "password": "{_PASSWORD}"}}'
_HITS = 5_000
"""How many hits are timed together: one is too short, and to start a coroutine takes longer."""
_ROUNDS = 50
_MANY = 1_000


def run() -> list[Row]:
    """Return what was measured."""
    return [*_hits(), *_calls()]


def _hits() -> Iterator[Row]:
    """Time hits: each cache holds the value before, and none asks anybody."""
    with _client(FakeProvider({"db/main": _VALUE})) as vault, asyncio.Runner() as runner:
        twin = AsyncUnvault(vault)
        assert vault.fetch(_REFERENCE).text() == _PASSWORD

        async def from_asyncio() -> None:
            for _ in range(_HITS):
                await twin.fetch(_REFERENCE)

        def ours() -> None:
            for _ in range(_HITS):
                vault.fetch(_REFERENCE)

        actions = [ours, lambda: runner.run(from_asyncio()), *map(_repeated, _others())]
        seconds = side_by_side(actions, rounds=_ROUNDS, warm_up=2)
    hit, awaited, amazon, locked, bare = (each * 1e6 / _HITS for each in seconds)
    what = "a hit by its reference"
    yield Row(what, hit, unit="us", limit=2)
    yield Row(what, hit, amazon, "aws-secretsmanager-caching", unit="us", faster=15)
    yield Row(what, hit, locked, "cachetools.TTLCache and a lock", unit="us")
    yield Row(what, hit, bare, "a dictionary and a clock", unit="us")
    yield Row("a hit from asyncio", awaited, hit, "a hit without it", unit="us", at_most=2)


def _others() -> Iterator[Callable[[], object]]:
    """Yield what one hit is with other caches."""
    amazon = AwsCache(client=_Amazon())
    assert amazon.get_secret_string("db/main") == _VALUE
    yield lambda: amazon.get_secret_string("db/main")

    timed: cachetools.TTLCache[str, Secret] = cachetools.TTLCache(1_000, ttl=1_800)
    timed["db/main"] = secret = Secret(_PASSWORD)
    lock = threading.Lock()

    def locked() -> Secret | None:
        with lock:
            found: Secret | None = timed.get("db/main")
            return found

    yield locked

    known = {"db/main": (secret, time.monotonic() + 1_800)}

    def bare() -> Secret | None:
        found, end = known["db/main"]
        return found if time.monotonic() < end else None

    yield bare


def _repeated(hit: Callable[[], object]) -> Callable[[], None]:
    def repeat() -> None:
        for _ in range(_HITS):
            hit()

    return repeat


class _Amazon:
    """Answers as the client of AWS Secrets Manager would: of boto3 itself nothing is timed."""

    def describe_secret(self, **_: str) -> Mapping[str, Any]:
        return {"VersionIdsToStages": {"v1": ["AWSCURRENT"]}}

    def get_secret_value(self, **_: str) -> Mapping[str, Any]:
        return {"SecretString": _VALUE, "VersionId": "v1", "VersionStages": ["AWSCURRENT"]}


def _calls() -> Iterator[Row]:
    """Count how often the vault is asked when many miss one value together."""
    everybody = f"calls when {_MANY:,}"
    yield Row(f"{everybody} threads miss together", _asked(_threads), unit="", limit=1)
    yield Row(f"{everybody} tasks miss together", _asked(_tasks), unit="", limit=1)


def _asked(everybody: Callable[[Unvault], None]) -> int:
    provider = FakeProvider({"db/main": lambda *_: time.sleep(0.2) or Secret(_VALUE)})
    with _client(provider) as vault:
        everybody(vault)
    return len(provider.fetched)


def _threads(vault: Unvault) -> None:
    together = threading.Barrier(_MANY)

    def ask() -> None:
        together.wait()
        vault.fetch(_REFERENCE)

    threads = [threading.Thread(target=ask) for _ in range(_MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _tasks(vault: Unvault) -> None:
    async def ask() -> None:
        twin = AsyncUnvault(vault)
        await asyncio.gather(*(twin.fetch(_REFERENCE) for _ in range(_MANY)))

    asyncio.run(ask())


@contextmanager
def _client(provider: FakeProvider) -> Iterator[Unvault]:
    """Yield a client with a stored credential, as an application would have one."""
    with TemporaryDirectory() as folder, client_for(provider, home=Path(folder)) as vault:
        draft = vault.credentials.draft("fake", None, {"token": "invented"}, name="prod")
        vault.credentials.add(draft)
        yield vault
