"""Forms as JSON Schema (draft 2020-12), and back: for web pages and for clients in any language.

An object that such a schema describes holds the answers by field name; for a credential also
``type``, the name of the `CredentialType`. A field that others decide about (``visible_when``)
stands in an ``if``/``then``, with the defaults and the conditions of those others worked in; where
it is hidden, it is refused. A choice with labels is a ``oneOf`` of ``const`` and ``title``.

What JSON Schema has no word for is in one annotation, ``x-unvault``:

* of a form for credentials ``ambient`` and ``permissions``; of one for secrets ``path`` and
  ``field``, as in `SecretForm`;
* of a type and of a form for secrets ``fields``: all names, in the order to ask;
* of a type ``named_by_sign_in``, where signing in tells what a credential may be called, and
  ``ambient``, where it means what no credential at all means;
* of a field ``visible_when`` (its own conditions), ``pattern_help``, ``kind`` (only ``file``),
  ``private``, ``required`` (only of one with a default) and ``pattern`` (only one that cannot be
  said);
* of a type, a field and a choice ``aliases``; and a ``label`` where it equals the title that is
  made from the name.

A schema is stricter than `unvault.checking` in what people and foreign configuration may write:
aliases and other spellings of names and choices, ``"yes"`` for a flag, ``"8200"`` for an integer,
white space around an address, a credential without ``type``, and empty text or null for no answer
are no valid answers: leave out what is not answered. It is laxer where JSON Schema has no words:
the pattern of an integer or a flag, patterns that only Python understands or that it reads in
another way, an address that is wrong in its details, and ``1.0`` for an integer. So answers are
checked again when they arrive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from unvault.forms import (
    Answer,
    Choice,
    CredentialForm,
    CredentialType,
    Field,
    Kind,
    SecretForm,
    title_of,
)
from unvault.schema_reading import ADDRESS, ANNOTATION, Part, read_fields, read_type, same

_Schema = dict[str, Any]
_Needs = dict[str, list[Answer]]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

_PORTABLE = re.compile(
    r"""(?x)(?:
      [^\\\[\](){}*+?.]                                        # stands for itself; ^ $ |
    | \\(?: [nrtfv^$\\.*+?()\[\]{}|/] | x[0-9a-fA-F]{2} | u[0-9a-fA-F]{4} )
    | \( (?: \?(?: : | = | ! | <= | <! ) | (?!\?) ) | \)
    | \[ \^? (?: [^\\\[\]] | \\[nrtfv^$\\.*+?()\[\]{}|/-] )+ \]
    | (?: [*+?] | \{ [0-9]+ (?: , [0-9]* )? \} ) \?? (?![*+?{])
    )*"""
)
"""Patterns that mean the same to Python and to JSON Schema, whose patterns are ECMAScript's.

``\\d``, ``\\w``, ``\\s`` and ``\\b`` are not among them: Python means the digits, letters and
spaces of all scripts. Nor is a dot: ECMAScript knows more line ends that it does not stand for.
"""


def credential_schema(form: CredentialForm) -> dict[str, Any]:
    """Return the schema of the answers to a form for credentials.

    It has a ``oneOf`` with a branch for each type, which ``type`` tells apart.
    """
    schema: _Schema = {"$schema": _DRAFT, "title": form.label}
    if form.help:
        schema["description"] = form.help
    schema |= {"type": "object", "required": ["type"]}
    schema["oneOf"] = [_type_schema(kind) for kind in form]
    permissions = [{"to": name, "policy": text} for name, text in form.permissions]
    return _annotated(schema, ambient=form.ambient or None, permissions=permissions)


def secret_schema(form: SecretForm) -> dict[str, Any]:
    """Return the schema of the answers to a form for secrets.

    A reference is made of them by `unvault.lookups.reference_for`, which also wants one of the
    fields that make up the path.
    """
    schema: _Schema = {"$schema": _DRAFT, "title": "Secret", **_object(form.fields)}
    order = [field.name for field in form.fields]
    return _annotated(schema, fields=order, path=[*form.path], field=form.field)


def credential_form(schema: Mapping[str, Any]) -> CredentialForm:
    """Return the form that a schema was made from.

    A pattern in it is a regular expression that answers will be matched with: read schemas only
    from whom you would take a form.

    Args:
        schema: What `credential_schema` returned, or JSON that was made of it.

    Raises:
        FormError: The schema is no such one; its problems say where, as a JSON pointer.
    """
    part = Part("#", schema)
    types = [read_type(each) for each in part.parts("oneOf")]
    form = part.made(
        CredentialForm,
        part.text("title") or "",
        types=types,
        help=part.text("description") or "",
        ambient=part.ours.text("ambient") or "",
        permissions={
            each.text("to") or "": each.text("policy") or ""
            for each in part.ours.parts("permissions")
        },
    )
    same(credential_schema(form), schema)
    return form


def secret_form(schema: Mapping[str, Any]) -> SecretForm:
    """Return the form that a schema was made from, as `credential_form` does.

    Args:
        schema: What `secret_schema` returned, or JSON that was made of it.

    Raises:
        FormError: The schema is no such one; its problems say where, as a JSON pointer.
    """
    part = Part("#", schema)
    fields, path = read_fields(part), part.ours.texts("path")
    form = part.made(SecretForm, fields, path=path, field=part.ours.text("field"))
    same(secret_schema(form), schema)
    return form


def _annotated(schema: _Schema, **ours: object) -> _Schema:
    """Return a schema with those annotations that say anything."""
    told = {name: value for name, value in ours.items() if value not in (None, False, [], {})}
    return {**schema, ANNOTATION: told} if told else schema


def _label(thing: Field | CredentialType) -> str | None:
    """Return the label that the title does not tell from none."""
    return thing.label if thing.label == title_of(thing.name) else None


def _type_schema(kind: CredentialType) -> _Schema:
    schema: _Schema = {"title": kind.title}
    if kind.help:
        schema["description"] = kind.help
    schema |= _object(kind.fields, {"type": {"const": kind.name}})
    return _annotated(
        schema,
        fields=[field.name for field in kind.fields],
        aliases=[*kind.aliases],
        named_by_sign_in=kind.named_by_sign_in,
        ambient=kind.ambient,
        label=_label(kind),
    )


def _object(fields: Sequence[Field], known: Mapping[str, _Schema] | None = None) -> _Schema:
    """Return the schema of an object with these fields, and with properties that always are."""
    needs = _needs(fields)
    groups: dict[Any, list[Field]] = {}
    for field in fields:
        key = tuple((name, tuple(values)) for name, values in needs[field.name].items())
        groups.setdefault(key, []).append(field)
    schema = {"type": "object", **_properties(groups.pop((), []), known or {})}
    defaults = {field.name: field.default for field in fields}
    branches = [
        {"if": _condition(needs[shown[0].name], defaults), "then": _properties(shown, {})}
        for shown in groups.values()
    ]
    if branches:
        schema["allOf"] = branches
    return {**schema, "unevaluatedProperties": False}


def _properties(fields: Iterable[Field], known: Mapping[str, _Schema]) -> _Schema:
    listed = [*fields]
    properties = {**known, **{field.name: _field_schema(field) for field in listed}}
    required = [*known, *(field.name for field in listed if _is_needed(field))]
    return {"properties": properties, **({"required": required} if required else {})}


def _condition(needs: _Needs, defaults: Mapping[str, Answer | None]) -> _Schema:
    """Return the schema of answers that show a field; no answer to another means its default."""
    wanted = {
        name: {"const": values[0]} if len(values) == 1 else {"enum": values}
        for name, values in needs.items()
    }
    given = [name for name, values in needs.items() if defaults[name] not in values]
    return {"properties": wanted, **({"required": given} if given else {})}


def _needs(fields: Sequence[Field]) -> dict[str, _Needs]:
    """Return the answers that show each field: its conditions, and those of what it depends on."""
    own = {field.name: field for field in fields}
    found: dict[str, _Needs] = {}
    waiting = [*fields]
    while waiting:
        ready = [one for one in waiting if all(name in found for name, _ in one.visible_when)]
        for field in ready or waiting:  # none is ready: what depends on itself is never shown
            needs: _Needs = {}
            for name, wanted in field.visible_when:
                values = _possible(own[name], wanted) if name in found else []
                for other, allowed in [(name, values), *found.get(name, {}).items()]:
                    before = needs.get(other, allowed)
                    needs[other] = [value for value in before if value in allowed]
            found[field.name] = needs
        waiting = [field for field in waiting if field.name not in found]
    return found


def _possible(field: Field, wanted: Iterable[Answer]) -> list[Answer]:
    """Return those wanted answers that a field can have; for Python, 1 and true are the same."""
    listed = [*wanted]
    if field.kind is Kind.FLAG:
        return [answer for answer in (True, False) if answer in listed]
    if field.kind is Kind.INTEGER:
        return [int(answer) for answer in listed if isinstance(answer, int)]
    return [answer for answer in listed if isinstance(answer, str)]


def _is_needed(field: Field) -> bool:
    return field.required and field.default is None


def _field_schema(field: Field) -> _Schema:
    schema: _Schema = {"title": field.title}
    if field.help:
        schema["description"] = field.help
    schema |= _value_schema(field)
    if field.default is not None:
        schema["default"] = field.default
    return _annotated(
        schema,
        kind="file" if field.kind is Kind.FILE else None,
        private=field.private,
        label=_label(field),
        required=field.required and field.default is not None,
        aliases=[*field.aliases],
        pattern=None if _is_said(field) else field.pattern,
        pattern_help=field.pattern_help or None,
        visible_when={name: [*wanted] for name, wanted in field.visible_when},
    )


def _is_said(field: Field) -> bool:
    """Say whether a field has a pattern that JSON Schema can say."""
    if field.pattern is None or field.kind in {Kind.FLAG, Kind.INTEGER}:
        return False
    return _PORTABLE.fullmatch(field.pattern) is not None


def _value_schema(field: Field) -> _Schema:
    """Return what a schema says of the answer itself."""
    simple = {Kind.FLAG: "boolean", Kind.INTEGER: "integer"}.get(field.kind)
    if simple:
        return {"type": simple}
    schema: _Schema = {"type": "string"}
    if field.kind is Kind.SECRET:
        schema |= {"format": "password", "writeOnly": True}
    elif field.kind is Kind.URL:
        schema |= {"format": "uri", "pattern": ADDRESS}
    elif field.kind is Kind.CHOICE:
        schema |= _choices_schema(field.choices)
    if _is_said(field):
        schema["pattern"] = f"^(?:{field.pattern})$"
    if _is_needed(field) and not field.choices:
        schema["minLength"] = 1
    return schema


def _choices_schema(choices: Sequence[Choice]) -> _Schema:
    values = [choice.value for choice in choices]
    if all(choice == Choice(choice.value) for choice in choices):
        return {"enum": values}
    listed: list[_Schema] = []
    for choice in choices:
        titled = {"title": choice.label} if choice.label else {}
        listed.append(_annotated({"const": choice.value, **titled}, aliases=[*choice.aliases]))
    # A value that is there twice would be valid twice, which `oneOf` refuses.
    return {"oneOf" if len({*values}) == len(values) else "anyOf": listed}
