"""A proxy that makes each answer come later, as a process of its own: it takes no time from ours.

Prints its address, and ends when its standard input does. Is started as
``python -m benchmarks.slow UPSTREAM MILLISECONDS``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.proxy import Proxy


@contextmanager
def slow(upstream: str, milliseconds: float) -> Iterator[str]:
    """Yield the address of a proxy whose answers come later by so many milliseconds."""
    command = [sys.executable, "-m", "benchmarks.slow", upstream, str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()
        process.stdin.close()


def _main(upstream: str, milliseconds: str) -> None:
    with Proxy(upstream) as proxy:
        proxy.milliseconds = float(milliseconds)
        print(proxy.address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main(*sys.argv[1:])
