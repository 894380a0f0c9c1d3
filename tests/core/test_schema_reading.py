"""What is no schema of a form is refused, in words that say where."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from tests.core import schema_forms as generated

from unvault.errors import FormError
from unvault.schema import credential_form, credential_schema, secret_form
from unvault_hashicorp import plugin as hashicorp

SCHEMA = credential_schema(hashicorp.describe_credential_form())
FIRST = ("oneOf", 0, "properties", "server_address")

Change = Callable[[Any], object]


def _at(schema: Any, *path: str | int) -> Any:
    for step in path:
        schema = schema[step]
    return schema


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop("oneOf"), "a form has at least one type"),
        (lambda s: s.update(oneOf=[]), "a form has at least one type"),
        (lambda s: s.update(oneOf={}), "#/oneOf must be a list"),
        (lambda s: s.update(oneOf=[3]), "#/oneOf/0 must be an object"),
        (lambda s: s.update(title=3), "#/title must be text"),
        (lambda s: s.pop("$schema"), "#/$schema is missing"),
        (lambda s: s.update({"$schema": "draft-07"}), "#/$schema does not agree"),
        (lambda s: s.update({"$id": "x"}), "#/$id says what a form cannot say"),
        (lambda s: s.update({"a/b~": 1}), "#/a~1b~0 says"),
        (lambda s: s["oneOf"][0]["properties"].pop("type"), "#/oneOf/0 has no name"),
        (lambda s: _at(s, "oneOf", 0, "properties", "type").update(const=""), "#/oneOf/0 makes no"),
        (lambda s: _at(s, *FIRST).update(maxLength=8), "/server_address/maxLength says"),
        (lambda s: _at(s, *FIRST).update(pattern="x"), "/server_address/pattern is not written as"),
        (lambda s: _at(s, *FIRST).update(pattern="^(?:x)$"), "a pattern needs pattern_help"),
        (lambda s: _at(s, *FIRST).update(type=["string"]), "/server_address/type must be text"),
        (lambda s: _at(s, *FIRST).update(default=[]), "the default is no str"),
        (lambda s: _at(s, *FIRST).update(default=None), "/server_address/default says"),
        (lambda s: _at(s, *FIRST)["x-unvault"].update(aliases="x"), "aliases must be a list"),
        (lambda s: _at(s, *FIRST)["x-unvault"].update(aliases=[3]), "aliases/0 must be text"),
        (lambda s: _at(s, *FIRST)["x-unvault"].update(visible_when=[]), "must be an object"),
        (
            lambda s: _at(s, *FIRST)["x-unvault"].update(visible_when={"timeout": [None]}),
            "visible_when/timeout/0 must be text, a number or true or false",
        ),
        (
            lambda s: _at(s, *FIRST)["x-unvault"].update(visible_when={"nothing": ["x"]}),
            "depends on 'nothing', which is no field",
        ),
        (lambda s: _at(s, "oneOf", 0, "properties").pop("timeout"), "names timeout, of which"),
        (lambda s: _at(s, "oneOf", 0, "properties").update(more={}), "/properties/more says"),
        (
            lambda s: _at(s, "oneOf", 0).update(required=["type"]),
            "/minLength says what a form cannot say",
        ),
        (lambda s: _at(s, "oneOf", 0).update(unevaluatedProperties=True), "does not agree"),
        (lambda s: _at(s, "oneOf", 0, "allOf", 0).pop("if"), "/allOf/0/if is missing"),
        (lambda s: _at(s, "oneOf", 0).pop("allOf"), "of which there is no property"),
        (lambda s: _at(s, "oneOf", 1, "properties", "type").update(const="on_prem"), "of its own"),
        (lambda s: s.update({"x-unvault": None}), "#/x-unvault must be an object"),
    ],
)
def test_what_is_no_schema_of_a_form_is_refused(change: Change, says: str) -> None:
    schema = copy.deepcopy(SCHEMA)
    change(schema)
    with pytest.raises(FormError, match=re.escape(says)) as caught:
        credential_form(schema)
    assert all(problem.field.startswith("#") for problem in caught.value.problems)
    assert caught.value.problems


@pytest.mark.parametrize("thing", [None, 3, "x", [], {}, {"oneOf": None}, {"x-unvault": {}}, True])
def test_what_is_no_schema_at_all_is_refused(thing: Any) -> None:
    for read in (credential_form, secret_form):
        with pytest.raises(FormError, match="this is no schema of a form"):
            read(thing)


@given(generated.spoiled(SCHEMA))
def test_a_spoiled_schema_is_refused_in_words(schema: Any) -> None:
    try:
        form = credential_form(schema)
    except FormError as error:
        assert error.problems
    else:
        assert credential_schema(form) == schema
