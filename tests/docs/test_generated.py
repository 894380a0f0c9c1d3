"""What is made from the code says what the code says now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.docs.tables import GENERATED, ROOT, error_names, layers, regions, walk, written

from unvault import errors

PLACES = [
    (page.relative_to(ROOT), name)
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for name in regions(page.read_text("utf-8"))
]


@pytest.mark.parametrize(("page", "name"), PLACES, ids=[f"{p}:{n}" for p, n in PLACES])
def test_a_generated_part_is_up_to_date(page: Path, name: str) -> None:
    is_now = regions((ROOT / page).read_text("utf-8"))[name]

    assert is_now == written(name), "write it anew: python -m tests.docs.tables"


def test_everything_that_can_be_generated_stands_somewhere() -> None:
    assert sorted(name for _, name in PLACES) == sorted(GENERATED)


def _below(kind: type[errors.UnvaultError]) -> Iterator[str]:
    yield kind.__name__
    for each in kind.__subclasses__():
        if each.__module__ == "unvault.errors":
            yield from _below(each)


def test_every_error_is_in_the_table_with_its_code() -> None:
    page = (ROOT / "docs/reference/errors.md").read_text("utf-8")

    assert sorted(error_names()) == sorted(_below(errors.UnvaultError))
    for name in _below(errors.UnvaultError):
        row = next(line for line in page.splitlines() if f"`{name}` | " in line)
        assert f"| `{getattr(errors, name).code}` |" in row


def test_every_command_and_every_option_is_described() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text("utf-8")
    sections = dict(re.findall(r"^#+ `(unvault[^`]*)`\n(.*?)(?=^#+ `|\Z)", page, re.M | re.S))
    found = dict(walk())

    assert sorted(sections) == sorted(found)
    for path, command in found.items():
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert all(name in sections[path] for name in option.opts), f"{path} {option.opts}"
            if isinstance(option, click.Argument):
                shown = option.make_metavar(
                    click.Context(command, help_option_names=["-h", "--help"])
                ).strip("[].{}")
                assert shown in sections[path], f"{path} {shown}"


def test_every_floor_of_the_contract_is_in_the_architecture() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    rows = {
        module: int(floor) for floor, module in re.findall(r"^\| (\d+) \| `(\w+)` \|", page, re.M)
    }
    modules = {path.stem for path in (ROOT / "core/src/unvault").glob("*.py")} - {"__init__"}
    present = [layer for layer in layers() if not layer[0].startswith("(")]

    assert set(rows) == modules
    assert [sorted(layer) for layer in present] == [
        sorted(name for name in rows if rows[name] == floor)
        for floor in range(max(rows.values()), -1, -1)
    ]
    reserved = [name.strip("()") for layer in layers() for name in layer if name.startswith("(")]
    assert all(f"`{name}`" in page for name in reserved)
