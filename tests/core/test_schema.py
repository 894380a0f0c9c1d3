"""Forms as JSON Schema: nothing is lost, and a validator agrees with our own checks."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator as Validator
from tests.core import schema_forms as generated

import acme_provider
from unvault.checking import check_answers, check_credential
from unvault.errors import FormError
from unvault.forms import Choice, CredentialForm, CredentialType, Field, SecretForm
from unvault.schema import credential_form, credential_schema, secret_form, secret_schema
from unvault_hashicorp import plugin as hashicorp
from unvault_local import plugin as local

PROVIDERS = [acme_provider, hashicorp, local]
CREDENTIAL_FORMS = [each.describe_credential_form() for each in PROVIDERS]
SECRET_FORMS = [each.describe_secret_form() for each in PROVIDERS]
NAMES = ["acme", "hashicorp", "local"]
ADDRESS = "https://vault.example.com:8200"


def through_json(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(schema))
    return found


def accepted(form: CredentialForm, answers: dict[str, Any]) -> bool:
    given = {name: value for name, value in answers.items() if name != "type"}
    try:
        check_credential(form, answers.get("type"), given, subject="the form")
    except FormError:
        return False
    return True


def valid(schema: dict[str, Any], answers: dict[str, Any]) -> bool:
    return bool(Validator(schema).is_valid(answers))


@given(generated.credential_forms())
def test_a_credential_form_comes_back_as_it_was(form: CredentialForm) -> None:
    schema = credential_schema(form)
    Validator.check_schema(schema)
    assert credential_form(schema) == form
    again = credential_form(through_json(schema))
    assert again == form
    assert repr(again) == repr(form)  # for ==, 1 and true are the same


@given(generated.secret_forms())
def test_a_secret_form_comes_back_as_it_was(form: SecretForm) -> None:
    schema = secret_schema(form)
    Validator.check_schema(schema)
    assert secret_form(schema) == form
    assert repr(secret_form(through_json(schema))) == repr(form)


@pytest.mark.parametrize("form", CREDENTIAL_FORMS, ids=NAMES)
def test_the_credential_forms_there_are_come_back(form: CredentialForm) -> None:
    schema = credential_schema(form)
    Validator.check_schema(schema)
    assert credential_form(through_json(schema)) == form


@pytest.mark.parametrize("name", ["class", "import", "self"])
def test_a_type_may_have_a_name_that_no_field_may_have(name: str) -> None:
    form = CredentialForm("House", types=[CredentialType(name)])
    assert credential_form(credential_schema(form)) == form


@pytest.mark.parametrize("form", SECRET_FORMS, ids=NAMES)
def test_the_secret_forms_there_are_come_back(form: SecretForm) -> None:
    schema = secret_schema(form)
    Validator.check_schema(schema)
    assert secret_form(through_json(schema)) == form


@given(generated.filled_in())
def test_a_validator_agrees_with_our_checks(filled: generated.FilledIn) -> None:
    form, answers = filled
    assert valid(credential_schema(form), answers) == accepted(form, answers)


def _token(**more: Any) -> dict[str, Any]:
    return {"type": "on_prem", "server_address": ADDRESS, "access_token": "t", **more}


@pytest.mark.parametrize(
    ("provider", "answers", "fine"),
    [
        ("acme", {"type": "token", "file": "f", "token": "t"}, True),
        ("acme", {"type": "token", "file": "f", "token": "t", "region": "us"}, True),
        ("acme", {"type": "token", "file": "f", "token": "t", "region": "mars"}, False),
        ("acme", {"type": "token", "file": "f"}, False),
        ("acme", {"type": "token", "file": "", "token": "t"}, False),
        ("acme", {"type": "token", "file": 3, "token": "t"}, False),
        ("acme", {"type": "nothing", "file": "f", "token": "t"}, False),
        ("local", {"type": "vault"}, True),
        ("local", {"type": "vault", "path": "v.db", "passphrase": "p"}, True),
        ("local", {"type": "vault", "name": "x"}, False),
        ("hashicorp", _token(), True),
        ("hashicorp", _token(auth_method="token", timeout=5, skip_verify=True), True),
        ("hashicorp", _token(timeout="soon"), False),
        ("hashicorp", _token(timeout=True), False),
        ("hashicorp", _token(skip_verify="perhaps"), False),
        ("hashicorp", _token(server_address="vault.example.com"), False),
        ("hashicorp", _token(server_address="https://user:pass@vault.example.com"), False),
        ("hashicorp", _token(auth_method="approle"), False),
        ("hashicorp", _token(role_id="r"), False),
        ("hashicorp", _token(auth_method="approle", role_id="r"), False),
        (
            "hashicorp",
            {
                "type": "dedicated",
                "server_address": ADDRESS,
                "auth_method": "approle",
                "role_id": "r",
            },
            True,
        ),
        ("hashicorp", {"type": "cloud", "client_id": "c", "client_secret": "s"}, True),
        ("hashicorp", {"type": "cloud", "client_id": "c"}, False),
    ],
)
def test_the_forms_there_are_and_answers_to_them(
    provider: str, answers: dict[str, Any], fine: bool
) -> None:
    form = CREDENTIAL_FORMS[NAMES.index(provider)]
    assert accepted(form, answers) is fine
    assert valid(credential_schema(form), answers) is fine


@pytest.mark.parametrize(
    ("answers", "fine"),
    [
        ({"mount": "secret", "name": "app", "version": 3, "key": "password"}, True),
        ({"mount": "secret"}, False),
        ({"name": "app", "version": "three"}, False),
        ({"name": "app", "engine": "pki"}, False),
        ({"name": "app", "other": 1}, False),
    ],
)
def test_answers_to_a_secret_form(answers: dict[str, Any], fine: bool) -> None:
    form = hashicorp.describe_secret_form()
    try:
        check_answers(form.fields, answers, subject="the form")
    except FormError:
        assert not fine
    else:
        assert fine
    assert valid(secret_schema(form), answers) is fine


# What is known to differ, as the module's docstring says. Each is (field, answer, valid, accepted).
DIFFERENT = [
    (Field("on", kind="flag"), "yes", False, True),
    (Field("port", kind="integer"), "8200", False, True),
    (Field("port", kind="integer"), 1.0, True, False),
    (Field("port", kind="integer", pattern="[1-9]", pattern_help="1 to 9"), 12, True, False),
    (Field("where", kind="choice", choices=[Choice("eu", aliases=("e",))]), "e", False, True),
    (Field("where", kind="choice", choices=["eu"]), "EU", False, True),
    (Field("where", kind="choice", choices=["eu"]), "", False, True),
    (Field("text"), None, False, True),
    (Field("text"), "", True, True),
    (Field("address", kind="url"), f" {ADDRESS}", False, True),
    (Field("address", kind="url"), "https://a.example:port/", True, False),
    (Field("text", pattern="(?i)a", pattern_help="an a"), "b", True, False),
    (Field("text", pattern=r"\d", pattern_help="a digit"), "b", True, False),
]


@pytest.mark.parametrize(("field", "answer", "validates", "passes"), DIFFERENT)
def test_what_the_two_are_known_to_see_differently(
    field: Field, answer: Any, validates: bool, passes: bool
) -> None:
    answers = {"type": "key", field.name: answer}
    assert valid(credential_schema(generated.form_of(field)), answers) is validates
    assert accepted(generated.form_of(field), answers) is passes


def test_a_credential_without_a_type_is_for_our_checks_only() -> None:
    assert not valid(credential_schema(generated.form_of()), {})
    assert accepted(generated.form_of(), {})


def test_the_core_needs_no_validator() -> None:
    loaded = "import sys, unvault.schema; print('jsonschema' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, check=True)
    assert done.stdout.split() == [b"False"]
