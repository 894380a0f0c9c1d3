"""A proxy that makes each answer come later, as a process of its own: it takes no time from ours.

Prints its address, and ends when its standard input does. Is started as
``python -m benchmarks.slow UPSTREAM MILLISECONDS [keeps-host]``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.aws_proxy import AwsProxy
from tests.servers.proxy import Proxy


@contextmanager
def slow(upstream: str, milliseconds: float, *, keeps_host: bool = False) -> Iterator[str]:
    """Yield the address of a proxy whose answers come later by so many milliseconds.

    Args:
        upstream: Address of the server.
        milliseconds: How much later.
        keeps_host: Whether the server is told the name that was asked, as signatures need it.
    """
    command = [sys.executable, "-m", "benchmarks.slow", upstream, str(milliseconds)]
    command += ["keeps-host"] if keeps_host else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()
        process.stdin.close()


def _main(upstream: str, milliseconds: str, *options: str) -> None:
    with (AwsProxy if options else Proxy)(upstream) as proxy:
        proxy.milliseconds = float(milliseconds)
        print(proxy.address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main(*sys.argv[1:])
