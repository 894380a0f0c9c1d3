"""What `unvault` promises is what `__all__` says, and all of it can be imported."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import unvault

SOURCE = ast.parse(Path(unvault.__file__).read_text("utf-8"))


def imported_for_type_checkers():
    """Return the names imported under TYPE_CHECKING, each with the module it comes from."""
    (block,) = (
        node
        for node in SOURCE.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    return {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_names_are_sorted_and_said_once():
    assert unvault.__all__ == sorted(set(unvault.__all__))


def test_type_checkers_see_the_same_names():
    assert sorted({*imported_for_type_checkers(), "__version__"}) == unvault.__all__


def test_each_name_comes_from_the_module_type_checkers_are_told():
    for name, module in imported_for_type_checkers().items():
        assert getattr(unvault, name) is getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("name", unvault.__all__)
def test_every_name_can_be_imported(name):
    namespace: dict[str, object] = {}
    exec(f"from unvault import {name}", namespace)  # noqa: S102  # the names are our own
    assert namespace[name] is not None


def test_the_lazy_names_are_all_and_no_more():
    lazy = [name for names in unvault._HOMES.values() for name in names]
    assert sorted([*lazy, "__version__"]) == unvault.__all__
    assert len(lazy) == len(set(lazy))


def test_everything_is_there_with_a_star_and_in_dir():
    namespace: dict[str, object] = {}
    exec("from unvault import *", namespace)  # noqa: S102  # the names are our own
    assert set(unvault.__all__) <= namespace.keys()
    assert set(unvault.__all__) <= set(dir(unvault))
    assert dir(unvault) == sorted(dir(unvault))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = unvault.Nonsense
    with pytest.raises(ImportError):
        exec("from unvault import Nonsense")  # noqa: S102  # as above
    assert not hasattr(unvault, "__wrapped__")


def test_the_version_is_one():
    assert re.fullmatch(r"\d+\.\d+\.\d+", unvault.__version__)


@pytest.mark.parametrize("name", [each for each in unvault.__all__ if each[0].isupper()])
def test_every_public_name_is_documented(name):
    value = getattr(unvault, name)
    if isinstance(value, type):
        assert value.__doc__
        assert not value.__doc__.startswith(f"{name}("), "made by attrs or dataclasses"
