"""What the pages show is what happens: their commands are run, and print what is said."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path

import pytest
from tests.docs.console import ROOT, Stage, agrees, blocks, run
from tests.docs.vault_server import stage

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the pages show a POSIX shell")

SOURCES = [
    *(ROOT / name for name in ("README.md", "core/README.md")),
    *(ROOT / f"plugins/{name}/README.md" for name in ("azure", "hashicorp")),
    *(ROOT / "docs").rglob("*.md"),
]
PAGES = sorted(
    page.relative_to(ROOT)
    for page in SOURCES
    if any(block.run and block.kind in ("console", "python") for block in blocks(page))
)
RUN = [page for page in PAGES if page.parts[0] != "core"]


@pytest.mark.parametrize("page", RUN, ids=str)
def test_a_page_shows_what_happens(page: Path, tmp_path: Path) -> None:
    with stage(ROOT / page, tmp_path) as found:
        results = run(ROOT / page, tmp_path, found)

    assert results
    for result, following in pairwise([*results, None]):
        assert result is not None
        step, output, code = result
        if step.expected is None or step.command.startswith("cat /"):
            assert code == 0, f"{step.command}\n{output}"
            continue
        assert agrees(step.expected, output), f"$ {step.command}\n{output}"
        # A command that fails on purpose is followed by `echo $?`, or shows the error it ends with.
        asked = following is not None and following.step.command == "echo $?"
        shown = re.search(r"\[[a-z-]+\]$|unvault\.error/1", step.expected, re.MULTILINE)
        assert code == 0 or asked or shown, f"$ {step.command}\n{output}"


def test_the_readme_is_among_the_pages_that_are_run() -> None:
    assert Path("README.md") in RUN
    assert Path("docs/tutorial/first-secret.md") in RUN
    assert Path("docs/tutorial/first-provider.md") in RUN
    assert Path("docs/how-to/use-hashicorp-vault.md") in RUN


def test_an_address_of_a_page_stands_for_a_real_one() -> None:
    stage = Stage({"https://vault.example.com": "http://localhost:1"}, {})

    assert stage.real("get https://vault.example.com/a") == "get http://localhost:1/a"
    assert stage.as_shown("at http://localhost:1") == "at https://vault.example.com"


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [
        ("a\nb", "a\nb", True),
        ("a\nb", "a\nc", False),
        ("a…c", "abbc", True),
        ("a…c", "ab\nc", False),
        ("a\n…\nc", "a\nb\nb\nc", True),
        ("a", "a\nb", False),
        ("a.", "ab", False),
    ],
)
def test_dots_stand_for_anything(expected: str, output: str, same: bool) -> None:
    assert agrees(expected, output) is same
