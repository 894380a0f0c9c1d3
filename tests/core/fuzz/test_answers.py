"""Answers, schemas and environments of any kind: errors of ours, and never an answer in them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from tests.core import schema_forms as generated
from tests.core.fuzz import texts
from tests.fakes import FakeProvider, client_for
from tests.soak import fuzz

from unvault.checking import check_answers, check_credential
from unvault.environment import credential_from, environment_variables
from unvault.errors import FormError, UnvaultError
from unvault.forms import CredentialForm, SecretForm, variables
from unvault.lookups import reference_for
from unvault.reference import Reference
from unvault.schema import credential_form, credential_schema, secret_form, secret_schema

Told = Callable[[BaseException], str]

_VALUES = texts.json_like | st.text(max_size=6).map(lambda text: texts.CANARY + text)


@st.composite
def _filled(draw: st.DrawFn, form: CredentialForm | SecretForm) -> dict[str, Any]:
    """Return answers under names of a form's fields, their aliases and other names."""
    kinds = [*form] if isinstance(form, CredentialForm) else [form]
    known = [name for kind in kinds for field in kind.fields for name in field.names]
    names = st.sampled_from(known) | st.text(max_size=5) if known else st.text(max_size=5)
    return draw(st.dictionaries(names, _VALUES, max_size=6))


credentials_filled = generated.credential_forms().flatmap(
    lambda form: st.tuples(st.just(form), _filled(form))
)
secrets_filled = generated.secret_forms().flatmap(
    lambda form: st.tuples(st.just(form), _filled(form))
)


@fuzz(filled=credentials_filled, ignore_hidden=st.booleans())
def test_any_answers_to_any_form(
    filled: tuple[CredentialForm, dict[str, Any]], ignore_hidden: bool, told: Told
) -> None:
    form, given = filled
    for kind in form:
        try:
            checked = check_answers(
                kind.fields, given, subject="the form", ignore_hidden=ignore_hidden
            )
        except FormError as error:
            assert error.problems
            assert texts.CANARY not in told(error)
        else:
            assert checked.keys() <= {field.name for field in kind.fields}


@fuzz(filled=credentials_filled, kind=st.none() | st.text(max_size=6))
def test_any_answers_to_any_type(
    filled: tuple[CredentialForm, dict[str, Any]], kind: str | None, told: Told
) -> None:
    form, given = filled
    try:
        chosen, _ = check_credential(form, kind, given, subject="the form")
    except FormError as error:
        assert texts.CANARY not in told(error)
    else:
        assert kind is None or kind in chosen.names


@fuzz(filled=secrets_filled)
def test_any_look_up_for_any_form(filled: tuple[SecretForm, dict[str, Any]], told: Told) -> None:
    form, given = filled
    try:
        reference = reference_for(form, "head", given)
    except UnvaultError as error:
        assert texts.CANARY not in told(error)
    else:
        assert Reference.parse(str(reference)) == reference


def _is_one(schema: Any, read: Callable[[Any], Any], write: Callable[[Any], Any]) -> None:
    """Read a schema: either it is that of the form it gives, or it is refused in our words."""
    before = copy.deepcopy(schema)
    try:
        form = read(schema)
    except FormError as error:
        assert error.problems
    else:
        assert json.loads(json.dumps(write(form))) == json.loads(json.dumps(schema))
    assert str(schema) == str(before)


@fuzz(schema=generated.credential_forms().map(credential_schema).flatmap(generated.spoiled))
def test_a_spoiled_schema_of_any_form_for_credentials(schema: Any) -> None:
    _is_one(schema, credential_form, credential_schema)


@fuzz(schema=generated.secret_forms().map(secret_schema).flatmap(generated.spoiled))
def test_a_spoiled_schema_of_any_form_for_secrets(schema: Any) -> None:
    _is_one(schema, secret_form, secret_schema)


_KEYWORDS = st.sampled_from(
    [
        *("type", "title", "oneOf", "anyOf", "allOf", "properties", "then", "if", "const", "enum"),
        *("x-unvault", "fields", "path", "field", "required", "default", "visible_when", "pattern"),
        *("pattern_help", "kind", "aliases", "label", "ambient", "format", "$schema", "name"),
    ]
)
_SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers() | _KEYWORDS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYWORDS, inner, max_size=5),
    max_leaves=25,
)


@fuzz(schema=_SCHEMAS)
def test_any_json_for_a_schema(schema: Any) -> None:
    _is_one(schema, credential_form, credential_schema)
    _is_one(schema, secret_form, secret_schema)


@st.composite
def _environments(draw: st.DrawFn) -> tuple[str, CredentialForm, Mapping[str, str]]:
    provider = draw(st.sampled_from(["acme", "acme-two", "a"]))
    form = draw(generated.credential_forms())
    fields = [field for kind in form for field in kind.fields]
    known = [*variables(provider, ["type"])]
    known += [name for field in fields for name in field.variables(provider)]
    names = st.sampled_from(known) | st.text(max_size=8) | st.just("UNVAULT_ACME_TWO_TOKEN")
    values = (
        st.text(st.characters(), max_size=8) | st.just(texts.CANARY) | st.just(form.types[0].name)
    )
    return provider, form, draw(st.dictionaries(names, values, max_size=6))


@fuzz(described=_environments(), installed=st.lists(st.sampled_from(["acme", "acme-two", "b"])))
def test_any_environment_for_any_form(
    described: tuple[str, CredentialForm, Mapping[str, str]], installed: list[str], told: Told
) -> None:
    provider, form, environ = described
    names = environment_variables(provider, form, environ, installed=installed)
    assert names <= environ.keys()
    try:
        credential = credential_from(provider, form, environ, installed=installed)
    except FormError as error:
        assert names
        # What a variable says that names the type is no secret, and helps.
        shown = texts.CANARY in [environ.get(name) for name in variables(provider, ["type"])]
        assert shown or texts.CANARY not in told(error)
    else:
        assert (credential is None) is not bool(names)


@fuzz(
    environ=st.dictionaries(
        st.sampled_from(
            [
                *("UNVAULT_FAKE_TOKEN", "UNVAULT_FAKE_TYPE", "UNVAULT_FAKE_USER", "UNVAULT_BLOCK"),
                *("UNVAULT_FAKE_PASSWORD", "INSOMNIA_FAKE_TOKEN", "UNVAULT_HOME", "HOME"),
                *("UNVAULT_PASSPHRASE", "UNVAULT_EXTENSIONS", "XDG_DATA_HOME"),
            ]
        )
        | st.text(max_size=6),
        st.text(st.characters(), max_size=8)
        | st.sampled_from(["user", "token", "fake", texts.CANARY]),
        max_size=6,
    )
)
def test_a_client_with_any_environment(environ: dict[str, str], told: Told) -> None:
    assume("\0" not in environ.get("UNVAULT_HOME", ""))
    try:
        with client_for(FakeProvider({"x": "value"}), environ=environ) as vault:
            assert vault.fetch("fake/x").text() == "value"
    except UnvaultError as error:
        shown = texts.CANARY in [environ.get("UNVAULT_FAKE_TYPE"), environ.get("UNVAULT_BLOCK")]
        assert shown or texts.CANARY not in told(error)
