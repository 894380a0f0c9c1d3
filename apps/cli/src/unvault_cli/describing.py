"""Tells what a provider needs: as plain data, and as lines for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from unvault_cli.output import printable

if TYPE_CHECKING:
    from unvault.client import Unvault
    from unvault.forms import CredentialType, Field, SecretForm

Row = dict[str, Any]

_WIDTH = 96


def provider_document(vault: Unvault, name: str) -> Row:
    """Return what is known of a provider, which is loaded for it.

    Raises:
        ProviderError: It cannot be used.
    """
    from unvault.forms import variables

    provider = vault.providers.load(name)
    source = vault.providers.source(name)
    return {
        "id": name,
        "distribution": source.distribution,
        "version": source.version,
        "label": provider.form.label,
        "help": provider.form.help,
        "ambient": provider.form.ambient,
        "permissions": dict(provider.form.permissions),
        "hooks": [hook for hook in _hooks() if provider.has(hook)],
        "type_variables": [*variables(name, ["type"])],
        "types": [_type(kind, name) for kind in provider.form],
        "secret": _secret(provider.secret_form) if provider.secret_form else None,
    }


def schema_document(vault: Unvault, name: str) -> Row:
    """Return a provider's forms as JSON Schemas; the provider is loaded for it.

    Raises:
        ProviderError: It cannot be used.
    """
    from unvault.schema import credential_schema, secret_schema

    provider = vault.providers.load(name)
    return {
        "id": name,
        "credential": credential_schema(provider.form),
        "secret": secret_schema(provider.secret_form) if provider.secret_form else None,
    }


def provider_lines(found: Row) -> Iterator[str]:
    """Return a provider's document as lines for a person."""
    yield from _head(found)
    for kind in found["types"]:
        aliases = f" (also {', '.join(kind['aliases'])})" if kind["aliases"] else ""
        yield ""
        yield f"credential type {kind['name']}{aliases}: {printable(kind['label'])}"
        yield from _wrapped(kind["help"], "  ")
        yield from _fields(kind["fields"])
    if len(found["types"]) > 1:
        yield ""
        yield f"the type in the environment: {' or '.join(found['type_variables'])}"
    if found["secret"]:
        yield from _secret_lines(found["id"], found["secret"])
    yield from _permission_lines(found["permissions"])


def _permission_lines(permissions: Mapping[str, str]) -> Iterator[str]:
    for doing, policy in permissions.items():
        yield ""
        yield printable(f"what the vault has to allow, to {doing}:")
        yield from (printable(f"  {line}") for line in policy.splitlines())


def _head(found: Row) -> Iterator[str]:
    yield printable(f"{found['label']}: {found['distribution']} {found['version']}")
    yield from _wrapped(found["help"], "")
    yield ""
    yield from _wrapped(f"without a credential: {found['ambient'] or 'not said'}", "")
    yield from _wrapped(f"hooks: {', '.join(found['hooks'])}", "")


def _secret_lines(provider: str, secret: Row) -> Iterator[str]:
    path = "/".join(name.upper() for name in secret["path"])
    names = "&".join(f"{field['name']}=…" for field in secret["parameters"])
    more = (f"[?{names}]" if names else "") + (
        f"[#{secret['field'].upper()}]" if secret["field"] else ""
    )
    yield ""
    yield f"references: {provider}/{path}{more}"
    yield from _fields(secret["fields"])


def _fields(fields: Iterable[Row]) -> Iterator[str]:
    for field in fields:
        yield printable(f"  {field['name']}: {field['label']} ({', '.join(_traits(field))})")
        yield from _wrapped(field["help"], "    ")
        for choice in field["choices"]:
            yield printable(f"    {choice['value']}: {choice['label']}")
        if field["variables"]:
            yield from _wrapped(" or ".join(field["variables"]), "    ")


def _traits(field: Row) -> Iterator[str]:
    yield field["kind"]
    if field["required"]:
        yield "required"
    if field["default"] is not None:
        yield f"default {field['default']}"
    for name, wanted in field["visible_when"].items():
        yield f"only where {name} is {' or '.join(map(str, wanted))}"
    if field["aliases"]:
        yield f"also {', '.join(field['aliases'])}"


def _wrapped(text: str, indent: str) -> Iterator[str]:
    import textwrap

    yield from textwrap.wrap(
        printable(" ".join(text.split())), _WIDTH, initial_indent=indent, subsequent_indent=indent
    )


def _hooks() -> list[str]:
    """Return the names of the hooks there are, in the order of their specifications."""
    from unvault import hookspecs

    mark = f"{hookspecs.PROJECT}_spec"
    return [name for name, value in vars(hookspecs).items() if hasattr(value, mark)]


def _type(kind: CredentialType, provider: str) -> Row:
    return {
        "name": kind.name,
        "label": kind.title,
        "help": kind.help,
        "aliases": [*kind.aliases],
        "fields": [_field(field, field.variables(provider)) for field in kind.fields],
    }


def _secret(form: SecretForm) -> Row:
    return {
        "path": [*form.path],
        "field": form.field,
        "parameters": [_field(field) for field in form.parameters],
        "fields": [_field(field) for field in form.fields],
    }


def _field(field: Field, variables: Iterable[str] = ()) -> Row:
    return {
        "name": field.name,
        "label": field.title,
        "help": field.help,
        "kind": str(field.kind),
        "required": field.required,
        "default": None if field.hidden else field.default,
        "choices": [
            {"value": choice.value, "label": choice.label or choice.value}
            for choice in field.choices
        ],
        "pattern_help": field.pattern_help,
        "visible_when": {name: [*wanted] for name, wanted in field.visible_when},
        "aliases": [*field.aliases],
        "variables": [*variables],
    }
