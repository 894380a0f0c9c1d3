"""Runs what a page shows: its commands, its files and its programs, in order, in an empty home.

In a page, a block

* ``console`` holds commands after ``$ ``, which go on in the next line after a backslash, and what
  each prints, where ``…`` stands for anything, on a line by itself for any lines;
* with a ``title`` is a file that the reader has made, or a piece of it;
* ``python`` without a title is a program.

Blocks of other kinds, and those after a comment ``<!-- not run -->``, are not run. A page may be
run on a `Stage`, where addresses that it shows stand for real ones.
``python -m tests.docs.console PAGE`` shows what the commands of a page print now.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(
    r"(?P<skip><!-- not run -->\n+)?^```(?P<kind>\w+)(?P<more>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]+)"')
_MARK = "\x1e"


class Block(NamedTuple):
    """One block of a page."""

    kind: str
    title: str | None
    text: str
    run: bool


class Stage(NamedTuple):
    """What a page finds when it is run."""

    shown: Mapping[str, str]
    """Texts of pages, such as addresses, and what stands in their place when they are run."""
    environ: Mapping[str, str]
    """Variables that are set."""

    def __add__(self, other: object) -> Stage:
        """Return what a page finds that finds both."""
        if not isinstance(other, Stage):
            return NotImplemented
        return Stage({**self.shown, **other.shown}, {**self.environ, **other.environ})

    def real(self, text: str) -> str:
        """Return a text of a page as it is run."""
        for shown, real in self.shown.items():
            text = text.replace(shown, real)
        return text

    def as_shown(self, text: str) -> str:
        """Return an output as a page shows it."""
        for shown, real in self.shown.items():
            text = text.replace(real, shown)
        return text


EMPTY = Stage({}, {})


class Step(NamedTuple):
    """One command, and what the page says it prints; None where the page does not say."""

    command: str
    expected: str | None


class Result(NamedTuple):
    """What became of a step."""

    step: Step
    output: str
    code: int


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    found = []
    for fence in _FENCE.finditer(page.read_text("utf-8")):
        title = _TITLE.search(fence["more"])
        name = title[1] if title else None
        found.append(Block(fence["kind"], name, fence["text"], fence["skip"] is None))
    return found


def run(page: Path, folder: Path, stage: Stage = EMPTY) -> list[Result]:
    """Run a page in a new folder and return what became of each step.

    Args:
        page: The page.
        folder: Is the home; the commands run in a new folder inside.
        stage: What else the page finds.
    """
    work, scripts = folder / "work", folder / "scripts"
    work.mkdir()
    scripts.mkdir()
    steps = list(_steps(page, scripts, stage))
    script = "".join(
        f"{{ {step.command}\n}} 2>&1; code=$?; printf '{_MARK}%s{_MARK}' $code; (exit $code)\n"
        for step in steps
    )
    done = subprocess.run(
        ["sh", "-c", stage.real(script)],
        cwd=work,
        env=_environ(folder, stage.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    parts = stage.as_shown(done.stdout.decode()).split(_MARK)
    outputs, codes = parts[0:-1:2], parts[1::2]
    return [
        Result(step, output.rstrip("\n"), int(code))
        for step, output, code in zip(steps, outputs, codes, strict=True)
    ]


def agrees(expected: str, output: str) -> bool:
    """Say whether an output is what a page says, ``…`` standing for anything."""
    lines = [".*" if line == "…" else _line_pattern(line) for line in expected.split("\n")]
    pattern = "\n".join(lines)
    return re.fullmatch(pattern, output, re.DOTALL) is not None


def _line_pattern(line: str) -> str:
    return "[^\n]*".join(map(re.escape, line.split("…")))


def _steps(page: Path, scripts: Path, stage: Stage) -> Iterator[Step]:
    for number, block in enumerate(blocks(page)):
        if not block.run:
            continue
        if block.title is not None:
            copy = scripts / f"{number}.txt"
            copy.write_text(stage.real(block.text), "utf-8")
            # A page may build a file piece by piece.
            yield Step(f"cat {copy} >> {block.title}", "")
        elif block.kind == "console":
            yield from _commands(block.text)
        elif block.kind == "python":
            script = scripts / f"{number}.py"
            script.write_text(stage.real(block.text), "utf-8")
            yield Step(f'python -c "$(cat {script})"', None)


def _commands(text: str) -> Iterator[Step]:
    command: str | None = None
    printed: list[str] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield Step(command, "\n".join(printed))
            command, printed = line[2:], []
        elif command is not None and command.endswith("\\") and not printed:
            command += f"\n{line}"
        else:
            printed.append(line)
    if command is not None:
        yield Step(command, "\n".join(printed))


def _environ(folder: Path, more: Mapping[str, str]) -> Mapping[str, str]:
    ours = ("UNVAULT_", "INSOMNIA_", "VAULT_", "BAO_", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept |= more
    return {
        **kept,
        "HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
        "UNVAULT_HOME": str(folder / "home"),
    }


def main(pages: Sequence[str]) -> None:
    """Show what the commands of pages print now."""
    from tests.docs.vault_server import stage

    for page in pages:
        with tempfile.TemporaryDirectory() as folder, stage(Path(page), Path(folder)) as found:
            for result in run(Path(page), Path(folder), found):
                expected = result.step.expected
                wrong = expected is not None and not agrees(expected, result.output)
                print(f"{'!!' if wrong else 'ok'} [{result.code}] $ {result.step.command}")
                print(result.output)


if __name__ == "__main__":
    main(sys.argv[1:])
