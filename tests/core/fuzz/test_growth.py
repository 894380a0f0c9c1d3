"""What nobody writes but an adversary: it takes time in proportion to its length, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.fakes import FakeProvider, client_for
from tests.fakes.providers import FORM, SECRET_FORM
from tests.growth import MOST, done, growth

from unvault.checking import check_answers
from unvault.environment import credential_from
from unvault.forms import Field, Kind
from unvault.installed import _pairs
from unvault.lookups import reference_for
from unvault.reference import Reference
from unvault.rendering import decode
from unvault.schema import _PORTABLE, credential_form
from unvault.secret import Secret
from unvault.suggestions import nearest
from unvault.template import find_tags

Make = Callable[[int], Any]
Family = tuple[Callable[[Any], object], Mapping[str, Make]]

PLAIN = {kind: Field("a", kind=kind) for kind in (Kind.URL, Kind.INTEGER, Kind.FLAG, Kind.TEXT)}


def tags(text: str) -> object:
    return list(find_tags(text + " vault"))  # without the word a text is not gone through


def rendered(lookup: str) -> object:
    with client_for(FakeProvider({"x": "1"})) as vault:
        return vault.render(f"{{% vault 'fake', '', '{lookup}' %}}")


def fetched(reference: str) -> object:
    with client_for(FakeProvider({"x": "1"})) as vault:
        return vault.fetch(reference)


def answered(kind: Kind) -> Callable[[str], object]:
    return lambda answer: check_answers([PLAIN[kind]], {"a": answer}, subject="the form")


def many_fields(count: int) -> dict[str, Any]:
    names = [f"f{number}" for number in range(count)]
    properties: dict[str, Any] = {"type": {"const": "token"}}
    properties |= {name: {"title": name.upper(), "type": "string"} for name in names}
    kind = {"properties": properties, "required": names, "x-unvault": {"fields": names}}
    return {"title": "x", "oneOf": [kind]}


FAMILIES: dict[str, Family] = {
    "tags": (
        tags,
        {
            "unclosed quotes": lambda n: "{% vault '" * n,
            "unclosed quotes in one": lambda n: '{% vault "' + "x'" * n,
            "openings": lambda n: "{%" * n,
            "tags that do not end": lambda n: "{% vault " * n,
            "braces": lambda n: "{" * n,
            "raw that does not end": lambda n: "{% raw %}{% vault " * n,
            "raw that does not begin": lambda n: "{% raw " * n,
            "endraw with spaces": lambda n: "{% raw %}" + ("{% endraw" + " " * 50) * n,
            "backslashes": lambda n: "{% vault '" + "\\" * n,
            "escaped": lambda n: "{% vault 'a/" + "\\b" * n + "' %}",
            "spaces after an opening": lambda n: ("{%" + " " * 30) * n,
            "spaces before a closing": lambda n: "{% vault 'a/b'" + " " * n + "-",
            "spaces around tags": lambda n: (" " * 20 + "{%- vault 'a/b' -%}" + " " * 20) * n,
            "spaces before a tag": lambda n: " " * n + "{%- vault 'a/b' -%}" + "\n" * n,
            "arguments": lambda n: "{% vault " + "'a'," * n,
            "an argument": lambda n: "{% vault 'a/" + "b" * n + "' %}",
            "a bare word": lambda n: "{% vault " + "a" * n,
            "lines": lambda n: "\n" * n + "{% vault 'a/b' %}\n" * n,
            "other words": lambda n: "{% vault-x" * n,
            "different tags": lambda n: "".join(f"{{% vault 'a/{i}' %}}" for i in range(n)),
        },
    ),
    "bytes": (
        decode,
        {
            "zeros": lambda n: b"\0" * n,
            "braces and a zero": lambda n: b"{" * n + b"\0",
            "wide braces": lambda n: b"{\0" * n,
            "a brace and zeros": lambda n: b"{" + b"\0" * n,
            "braces and zeros": lambda n: (b"{" + b"\0" * 30) * n,
            "a wide opening and spaces": lambda n: b"{\0%\0" + b" \0" * n,
            "wide openings": lambda n: b"{\0%\0" * n,
            "wide openings and spaces": lambda n: (b"{\0%\0" + b" \0" * 20) * n,
        },
    ),
    "references": (
        Reference.parse,
        {
            "percents": lambda n: "a/" + "%" * n,
            "escapes": lambda n: "a/" + "%41" * n,
            "escapes of no text": lambda n: "a/" + "%FF" * n,
            "question marks": lambda n: "a/b" + "?" * n,
            "hashes": lambda n: "a/b" + "#" * n,
            "ampersands": lambda n: "a/b?" + "&" * n,
            "equals signs": lambda n: "a/b?a" + "=" * n,
            "parameters": lambda n: "a/b?" + "&".join(f"{i}=1" for i in range(n)),
            "a space at the end": lambda n: "a/" + "b" * n + " ",
            "slashes": lambda n: "/" * n,
            "schemes": lambda n: "unvault://" * n,
        },
    ),
    "fetching": (
        fetched,
        {
            "head": lambda n: "fake" * n + "/x",
            "parameter": lambda n: "fake/x?" + "version" * n + "=1",
            "integer": lambda n: "fake/x?version=" + "%20" * n + "x",
        },
    ),
    "pointers": (
        Secret('{"a": {"b": 1}}').field,
        {
            "slashes": lambda n: "/" * n,
            "tildes": lambda n: "/" + "~" * n,
            "escapes": lambda n: "/" + "~0~1" * n,
            "a name": lambda n: "a" * n,
        },
    ),
    "JSON secrets": (
        lambda value: Secret(value).field("/a/b"),
        {
            "lists": lambda n: "[" * n,
            "objects": lambda n: '{"a":' * n,
            "digits": lambda n: '{"a":' + "1" * n + "}",
            "decimals": lambda n: '{"a":1.' + "1" * n + "}",
            "the same name": lambda n: '{"a":1,' + '"a":2,' * n + '"b":3}',
            "names": lambda n: "{" + ",".join(f'"{i}":1' for i in range(n)) + "}",
        },
    ),
    "look-ups": (
        rendered,
        {
            "objects": lambda n: '{"a":' * n,
            "the same name": lambda n: '{"name":"x",' + '"name":"x",' * n + '"b":2}',
            "names": lambda n: "{" + ",".join(f'"{i}":1' for i in range(n)) + "}",
            "base64": lambda n: "b64::" + "eyJ9" * n + "::46b",
        },
    ),
    "addresses": (
        answered(Kind.URL),
        {
            "at signs": lambda n: "https://" + "@" * n,
            "brackets": lambda n: "https://" + "[" * n,
            "colons": lambda n: "https://" + ":" * n,
            "slashes": lambda n: "https:" + "/" * n,
        },
    ),
    "integers": (
        answered(Kind.INTEGER),
        {
            "spaces": lambda n: " " * n + "x",
            "digits": lambda n: "1" * n,
            "spaces around": lambda n: " " * n + "1" + " " * n + "x",
        },
    ),
    "answers": (
        lambda given: reference_for(SECRET_FORM, "fake", given),
        {
            "names": lambda n: {f"n{i}": i for i in range(n)},
            "a name": lambda n: {"version" * n: 1},
            "a path": lambda n: {"name": "/" * n},
        },
    ),
    "schemas": (
        credential_form,
        {
            "fields": many_fields,
            "types": lambda n: {
                "oneOf": [{"properties": {"type": {"const": f"t{i}"}}} for i in range(n)]
            },
        },
    ),
    "patterns": (
        _PORTABLE.fullmatch,
        {
            "parentheses": lambda n: "(?:" * n,
            "stars": lambda n: "a*" * n + "\\d",
            "a class": lambda n: "[^" + "\\n" * n,
            "counts": lambda n: "{1," + "1" * n,
            "backslashes": lambda n: "\\n" * n + "\\",
        },
    ),
    "environments": (
        lambda environ: credential_from("fake", FORM, environ),
        {
            "variables": lambda n: {f"UNVAULT_FAKE_{i}": "x" for i in range(n)},
            "spaces": lambda n: {"UNVAULT_FAKE_TOKEN": " " * n + "x" + " " * n},
        },
    ),
    "entry points": (
        lambda content: _pairs(content, "unvault.providers"),
        {
            "brackets": lambda n: b"unvault.providers" + b"[" * n + b"]" * n,
            "entries": lambda n: b"[unvault.providers]\n" + b"a = b\n" * n,
        },
    ),
    "suggestions": (
        lambda name: nearest(name, ["prod", "fake", "fake" * 60]),
        {"letters": lambda n: "a" * n, "words": lambda n: "fake" * n},
    ),
}
EACH = [(what, name) for what, (_, members) in FAMILIES.items() for name in members]


@pytest.mark.parametrize(("what", "name"), EACH)
def test_an_adversary_is_read_or_refused(what: str, name: str) -> None:
    action, members = FAMILIES[what]
    for size in (0, 1, 2, 300):
        done(action, members[name](size))


@pytest.mark.soak
@pytest.mark.parametrize(("what", "name"), EACH)
def test_an_adversary_takes_time_in_proportion(what: str, name: str) -> None:
    action, members = FAMILIES[what]
    assert growth(action, members[name]) < MOST
