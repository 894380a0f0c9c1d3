"""The tutorial about providers builds the provider that is in the examples."""

from __future__ import annotations

import ast

from tests.docs.console import blocks
from tests.docs.tables import ROOT

EXAMPLE = ROOT / "examples/acme-provider/acme_provider.py"
PIECES = [
    block.text
    for block in blocks(ROOT / "docs/tutorial/first-provider.md")
    if block.title == EXAMPLE.name
]


def _statements(source: str) -> list[str]:
    """Return the statements of a module without its docstring, in no order."""
    body = ast.parse(source).body
    return sorted(ast.unparse(node) for node in body if not _is_text(node))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_the_pieces_are_those_of_the_example() -> None:
    source = EXAMPLE.read_text("utf-8")

    assert PIECES
    for piece in PIECES:
        assert piece in source


def test_the_pieces_are_all_of_it() -> None:
    assert _statements("".join(PIECES)) == _statements(EXAMPLE.read_text("utf-8"))
