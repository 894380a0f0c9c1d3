"""Measures, and prints a table: ``python -m benchmarks [--write] [NAME...]``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.report import Row, as_markdown, as_text, machine
from benchmarks.timing import own_environment

_BENCHMARKS = (
    "startup",
    "cache",
    "rendering",
    "masking",
    "store",
    "hashicorp",
    "aws",
    "gcp",
    "azure",
)
_PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_BEGIN, _END = "<!-- measured -->", "<!-- end of what was measured -->"


def main() -> int:
    """Measure, and return 1 where a bound is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_BENCHMARKS)}")
    parser.add_argument("--write", action="store_true", help="write the table into the page, too")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(_BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    if arguments.write and arguments.names:
        parser.error("the page has all figures of one machine: --write takes no names")

    own_environment()
    print(machine(), flush=True)
    rows: list[Row] = []
    for name in arguments.names or _BENCHMARKS:
        rows += import_module(f"benchmarks.{name}").run()
    print(as_text(rows))
    if arguments.write:
        _write(as_markdown(rows))
    missed = [row.what for row in rows if row.met is False]
    if missed:
        print(f"MISSED: {'; '.join(missed)}")
    return 1 if missed else 0


def _write(table: str) -> None:
    before, _, rest = _PAGE.read_text("utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    text = f"{before}{_BEGIN}\n\nMeasured on: {machine()}.\n\n{table}\n\n{_END}{after}"
    _PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
