"""Forms, answers to them and spoiled schemas, as hypothesis draws them."""

from __future__ import annotations

import copy
import keyword
from collections.abc import Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from unvault.forms import Choice, CredentialForm, CredentialType, Field, Kind, SecretForm

FilledIn = tuple[CredentialForm, dict[str, Any]]

_TEXTS = st.text(max_size=8)
_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: name not in {"self", "type"} and not keyword.iskeyword(name)
)
_ALIASES = st.text(min_size=1, max_size=6).filter(lambda name: name.lower() != "type")
_ANSWERS = st.one_of(st.booleans(), st.integers(), _TEXTS)
_PATTERNS = st.sampled_from(["", "[a-z]*", "x|y", r"\d+", "(?i)a", r"\Aa*\Z", ")|(", "^(?:a)$"])
_DEFAULTS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.FLAG: st.booleans(),
    Kind.INTEGER: st.integers(),
    Kind.URL: _TEXTS.map(lambda text: f"https://{text}"),
}


def form_of(*fields: Field) -> CredentialForm:
    """Return a form with one type, ``key``, that has these fields."""
    return CredentialForm("House", types=[CredentialType("key", fields=fields)])


@st.composite
def _choices(draw: st.DrawFn) -> list[Choice]:
    made = st.builds(
        Choice, _TEXTS, st.just("") | _TEXTS, st.just(()) | st.lists(_TEXTS).map(tuple)
    )
    plain = st.builds(Choice, _TEXTS)
    return draw(st.lists(made | plain, min_size=1, max_size=4))


@st.composite
def _fields(draw: st.DrawFn) -> list[Field]:
    names = draw(st.lists(_NAMES, max_size=5, unique=True))
    aliases = draw(st.lists(_ALIASES, max_size=4, unique=True))
    free = [alias for alias in aliases if alias not in names]
    conditions = st.dictionaries(
        st.sampled_from(names or ["none"]), st.lists(_ANSWERS, max_size=3), max_size=2
    )
    found = []
    for name in names:
        kind = draw(st.sampled_from(Kind))
        choices = draw(_choices()) if kind is Kind.CHOICE else []
        values = st.sampled_from([choice.value for choice in choices]) if choices else _TEXTS
        made = Field(name).title
        pattern = draw(st.none() | _PATTERNS)
        told: dict[str, Any] = {
            "label": draw(st.sampled_from(["", made]) | _TEXTS),
            "help": draw(st.just("") | _TEXTS),
            "kind": kind,
            "required": draw(st.booleans()),
            "default": draw(st.none() | _DEFAULTS.get(kind, values)),
            "choices": choices,
            "pattern": pattern,
            "pattern_help": draw(
                st.text(min_size=1, max_size=4) if pattern is not None else _TEXTS
            ),
            "visible_when": draw(st.just({}) | conditions),
            "aliases": tuple(free.pop() for _ in range(draw(st.integers(0, len(free))))),
            "private": kind is Kind.FILE and draw(st.booleans()),
        }
        try:
            found.append(Field(name, **told))
        except ValueError:  # the pattern is none, or the default is not of that form
            told |= {"default": None, "pattern": None}
            found.append(Field(name, **told))
    return found


@st.composite
def credential_forms(draw: st.DrawFn) -> CredentialForm:
    """Return any form there can be."""
    names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
    others = draw(st.lists(_ALIASES, max_size=3, unique=True))
    free = [alias for alias in others if alias not in names]
    types = [
        CredentialType(
            name,
            named_by_sign_in=draw(st.booleans()),
            ambient=draw(st.booleans()),
            label=draw(st.sampled_from(["", CredentialType(name).title]) | _TEXTS),
            help=draw(_TEXTS),
            fields=draw(_fields()),
            aliases=tuple(free.pop() for _ in range(draw(st.integers(0, len(free))))),
        )
        for name in names
    ]
    permissions = draw(st.dictionaries(_TEXTS, _TEXTS, max_size=2))
    return CredentialForm(draw(_TEXTS), types, draw(_TEXTS), draw(_TEXTS), permissions)


@st.composite
def secret_forms(draw: st.DrawFn) -> SecretForm:
    """Return any form for secrets there can be."""
    fields = draw(_fields())
    assume(fields)
    names = st.sampled_from([field.name for field in fields])
    path = draw(st.lists(names, min_size=1, max_size=3))
    return SecretForm(fields, path, draw(st.none() | names))


# --- answers on which a validator and our own checks have to agree ---

_RIGHT: dict[Kind, list[Any]] = {
    Kind.CHOICE: ["a", "b"],
    Kind.FLAG: [True, False],
    Kind.INTEGER: [0, 1, 7],
    Kind.URL: ["https://a.example", "http://b.example:8200/x?y#z", "HTTPS://[::1]/"],
}
_WRONG: dict[Kind, list[Any]] = {
    Kind.CHOICE: ["nothing", 3, ["a"]],
    Kind.FLAG: ["perhaps", 1, 0, []],
    Kind.INTEGER: ["seven", True, 1.5, {}],
    Kind.URL: ["ftp://a.example", "https://", "https://u:p@a.example", "a.example", 3],
}
_RIGHT_TEXT = ["a", "xy", " ", "a\nb"]
_WRONG_TEXT = [3, True, ["a"], {"a": "b"}]


def _plain_field(draw: st.DrawFn, name: str, names: Sequence[str]) -> Field:
    kind = draw(st.sampled_from(Kind))
    right = _RIGHT.get(kind, _RIGHT_TEXT)
    wanted = st.lists(st.sampled_from(["a", "b", "xy", True, False, 0, 1]), max_size=3)
    pattern = draw(st.sampled_from([None, None, "a|xy"])) if right is _RIGHT_TEXT else None
    return Field(
        name,
        kind=kind,
        required=draw(st.booleans()),
        default=draw(st.none() | st.sampled_from(["a", "xy"] if pattern else right[:2])),
        choices=right if kind is Kind.CHOICE else [],
        pattern=pattern,
        pattern_help="a or xy",
        visible_when=draw(
            st.just({}) | st.dictionaries(st.sampled_from(names), wanted, min_size=1, max_size=2)
        ),
    )


@st.composite
def filled_in(draw: st.DrawFn) -> FilledIn:
    """Return a form and answers, right and wrong, that are of the same form for both judges."""
    names = ["f1", "f2", "f3", "f4"][: draw(st.integers(1, 4))]
    types = [
        CredentialType(name, fields=[_plain_field(draw, each, names) for each in names])
        for name in ["one", "two"][: draw(st.integers(1, 2))]
    ]
    chosen = draw(st.sampled_from(types))
    answers: dict[str, Any] = {"type": chosen.name}
    spoiled = draw(st.sampled_from([None, None, "unknown", "type", *names]))
    for field in chosen.fields:
        if draw(st.booleans()):
            wrong = _WRONG.get(field.kind, _WRONG_TEXT)
            right = _RIGHT.get(field.kind, _RIGHT_TEXT)
            answers[field.name] = draw(st.sampled_from(wrong if spoiled == field.name else right))
    if spoiled == "unknown":
        answers["other"] = "x"
    if spoiled == "type":
        answers["type"] = "three"
    return CredentialForm("Any", types), answers


@st.composite
def spoiled(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """Return a schema of which one part, wherever it is, is gone or something else."""
    whole = copy.deepcopy(schema)
    part: Any = whole
    while True:
        keys = sorted(part) if isinstance(part, dict) else range(len(part))
        key = draw(st.sampled_from([*keys]))
        if isinstance(part[key], dict | list) and part[key] and draw(st.integers(0, 4)):
            part = part[key]
            continue
        if draw(st.booleans()):
            del part[key]
        else:
            part[key] = draw(st.sampled_from([None, 3, 1.5, True, "x", "", [], {}, [{}], {"a": 1}]))
        return whole
