"""The page about hooks shows each hook with its exact arguments."""

from __future__ import annotations

import inspect
import re

from tests.docs.tables import ROOT

from unvault import hookspecs

PAGE = (ROOT / "docs/reference/hooks.md").read_text("utf-8")


def _specified() -> list[str]:
    functions = [
        (name, item)
        for name, item in vars(hookspecs).items()
        if hasattr(item, f"{hookspecs.PROJECT}_spec")
    ]
    return [f"{name}({', '.join(inspect.signature(item).parameters)})" for name, item in functions]


def test_every_hook_has_a_heading_with_its_exact_arguments_in_order() -> None:
    headings = re.findall(r"^## `(\w+\(.*\))`$", PAGE, re.M)

    assert headings == _specified()


def test_every_heading_is_followed_by_the_specification_itself() -> None:
    for heading in _specified():
        name = heading.partition("(")[0]
        assert f"## `{heading}`\n\n::: unvault.hookspecs.{name}\n" in PAGE


def test_the_required_hooks_are_called_so() -> None:
    for name in hookspecs.REQUIRED:
        assert "(required)" in (inspect.getdoc(getattr(hookspecs, name)) or "").splitlines()[0]
