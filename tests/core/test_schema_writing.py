"""What the JSON Schema of a form says, in the words that web forms and clients read."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.schema_forms import form_of

from unvault.forms import Choice, CredentialForm, CredentialType, Field, Kind
from unvault.schema import credential_form, credential_schema


def fields_of(*fields: Field) -> dict[str, Any]:
    """Return the schema of the type's object."""
    (branch,) = credential_schema(form_of(*fields))["oneOf"]
    found: dict[str, Any] = branch
    return found


def field_of(*arguments: Any, **options: Any) -> dict[str, Any]:
    field = Field(*arguments, **options)
    found: dict[str, Any] = fields_of(field)["properties"][field.name]
    return found


def test_what_a_web_form_finds_in_it() -> None:
    schema = credential_schema(
        CredentialForm(
            "House",
            types=[CredentialType("key", label="A key", help="For people.", aliases=("theKey",))],
            help="A house with doors.",
            ambient="an open door",
            permissions={"get": "enter:\n  the house"},
        )
    )
    assert schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "House",
        "description": "A house with doors.",
        "type": "object",
        "required": ["type"],
        "oneOf": [
            {
                "title": "A key",
                "description": "For people.",
                "type": "object",
                "properties": {"type": {"const": "key"}},
                "required": ["type"],
                "unevaluatedProperties": False,
                "x-unvault": {"aliases": ["theKey"]},
            }
        ],
        "x-unvault": {
            "ambient": "an open door",
            "permissions": [{"to": "get", "policy": "enter:\n  the house"}],
        },
    }


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        (Field("a"), {"title": "A", "type": "string"}),
        (
            Field("a", label="B", help="C.", required=True, aliases=("d",)),
            {
                "title": "B",
                "description": "C.",
                "type": "string",
                "minLength": 1,
                "x-unvault": {"aliases": ["d"]},
            },
        ),
        (
            Field("a", kind="secret"),
            {"title": "A", "type": "string", "format": "password", "writeOnly": True},
        ),
        (Field("a", kind="flag", default=False), {"type": "boolean", "default": False}),
        (Field("a", kind="integer", default=3), {"type": "integer", "default": 3}),
        (Field("a", kind="file"), {"type": "string", "x-unvault": {"kind": "file"}}),
        (Field("a", kind="choice", choices=["x", "y"]), {"type": "string", "enum": ["x", "y"]}),
        (
            Field("a", kind="choice", choices=[Choice("x", "An X", aliases=("X1",)), "y"]),
            {
                "oneOf": [
                    {"const": "x", "title": "An X", "x-unvault": {"aliases": ["X1"]}},
                    {"const": "y"},
                ],
            },
        ),
        (
            Field("a", pattern="x|y", pattern_help="x or y"),
            {"pattern": "^(?:x|y)$", "x-unvault": {"pattern_help": "x or y"}},
        ),
        (
            Field("a", kind="url", pattern="https://[a-z]*", pattern_help="https"),
            {"format": "uri", "pattern": "^(?:https://[a-z]*)$"},
        ),
        (
            Field("a", required=True, default="b"),
            {"default": "b", "x-unvault": {"required": True}},
        ),
    ],
)
def test_a_field(field: Field, schema: dict[str, Any]) -> None:
    found = fields_of(field)["properties"]["a"]
    assert found.items() >= {"title": field.title, **schema}.items()
    assert set(found) <= {*schema, "title", "type", "x-unvault"}


def test_a_field_that_others_hide_is_required_and_allowed_only_where_it_is_shown() -> None:
    found = fields_of(
        Field("method", kind="choice", choices=["none", "key"], default="none"),
        Field("id", required=True, visible_when={"method": "key"}),
        Field("note", visible_when={"method": ["none", "key"]}),
    )
    assert found["required"] == ["type"]
    assert [*found["properties"]] == ["type", "method"]
    key, either = found["allOf"]
    assert key["if"] == {"properties": {"method": {"const": "key"}}, "required": ["method"]}
    assert key["then"]["required"] == ["id"]
    assert key["then"]["properties"]["id"]["x-unvault"] == {"visible_when": {"method": ["key"]}}
    assert either["if"] == {"properties": {"method": {"enum": ["none", "key"]}}}
    assert "required" not in either["then"]
    assert found["x-unvault"]["fields"] == ["method", "id", "note"]


def test_conditions_of_conditions_are_worked_in() -> None:
    found = fields_of(
        Field("last", visible_when={"middle": "x"}),
        Field("middle", default="x", visible_when={"first": True}),
        Field("first", kind="flag", default=False),
    )
    last, _ = found["allOf"]
    assert last["if"] == {
        "properties": {"middle": {"const": "x"}, "first": {"const": True}},
        "required": ["first"],
    }


@pytest.mark.parametrize(
    "pattern",
    [
        "[A-Za-z0-9_-]{3,8}",
        r"[0-9]+(?:\.[0-9]+)*",
        "a|b",
        "(?=[^x]*x)[a-z]+?",
        r"[^/\]\n.]+",
        r"\x41\u00e9",
        "",
    ],
)
def test_a_pattern_that_others_understand_is_said(pattern: str) -> None:
    found = field_of("a", pattern=pattern, pattern_help="so")
    assert found["pattern"] == f"^(?:{pattern})$"
    assert found["x-unvault"] == {"pattern_help": "so"}


@pytest.mark.parametrize(
    "pattern",
    ["(?i)a", "(?P<x>a)(?P=x)", r"\Aa\Z", "a*+", "(?>a)", "[]a]", "a{,3}", "(?#c)a", r"a\-b", "a{"],
)
def test_a_pattern_that_only_python_understands_is_an_annotation(pattern: str) -> None:
    for kind in (Kind.TEXT, Kind.URL):
        found = field_of("a", kind=kind, pattern=pattern, pattern_help="so")
        assert "(?:" + pattern not in found.get("pattern", "")
        assert found["x-unvault"] == {"pattern": pattern, "pattern_help": "so"}
        assert credential_form(credential_schema(form_of(Field(**_asked(kind, pattern))))) == (
            form_of(Field(**_asked(kind, pattern)))
        )


@pytest.mark.parametrize(
    "pattern",
    [r"\d+", r"\D", r"\w+", r"\W", r"a\b", r"\s*", r"\S+", r"[\d-]+", r"[^\w]", r"[a\S]", "a.b"],
)
def test_a_pattern_that_others_read_in_another_way_is_an_annotation(pattern: str) -> None:
    found = field_of("a", pattern=pattern, pattern_help="so")
    assert "pattern" not in found
    assert found["x-unvault"] == {"pattern": pattern, "pattern_help": "so"}
    form = form_of(Field(**_asked(Kind.TEXT, pattern)))
    assert credential_form(credential_schema(form)) == form


def _asked(kind: Kind, pattern: str) -> dict[str, Any]:
    return {"name": "a", "kind": kind, "pattern": pattern, "pattern_help": "so"}
