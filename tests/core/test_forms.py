from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest

from unvault.forms import Choice, CredentialForm, CredentialType, Field, Kind, SecretForm
from unvault.model import Answers, Credential, Session
from unvault.secret import MASK

CANARY = "canary-91b2aa"


@pytest.mark.parametrize(
    ("declaration", "says"),
    [
        ({"name": ""}, "a name is lower case"),
        ({"name": "Upper"}, "a name is lower case"),
        ({"name": "with-dash"}, "a name is lower case"),
        ({"name": "1st"}, "a name is lower case"),
        ({"name": "_private"}, "a name is lower case"),
        ({"name": "naïve"}, "a name is lower case"),
        ({"name": "line\n"}, "a name is lower case"),
        ({"name": "class"}, "a meaning in Python"),
        ({"name": "self"}, "a meaning in Python"),
        ({"name": "a", "kind": "number"}, "number"),
        ({"name": "a", "kind": "choice"}, "choices go with"),
        ({"name": "a", "choices": ["b"]}, "choices go with"),
        ({"name": "a", "private": True}, "private goes with the kind 'file'"),
        ({"name": "a", "kind": "choice", "choices": ["b"], "default": "c"}, "none of the choices"),
        ({"name": "a", "kind": "pasword"}, "the kinds are: text, secret, choice"),
        ({"name": "a", "kind": "flag", "default": "yes"}, "no bool, as the kind 'flag'"),
        ({"name": "a", "kind": "integer", "default": "1"}, "no int, as the kind 'integer'"),
        ({"name": "a", "kind": "integer", "default": True}, "no int, as the kind 'integer'"),
        ({"name": "a", "default": 3}, "no str, as the kind 'text'"),
        ({"name": "a", "kind": "url", "default": "x"}, "no http or https address"),
        ({"name": "a", "pattern": "x+", "pattern_help": "xs", "default": "y"}, "wrong form: xs"),
        ({"name": "a", "pattern": "x+"}, "pattern_help"),
        ({"name": "a", "pattern": "(", "pattern_help": "brackets"}, "the pattern is wrong"),
    ],
)
def test_a_field_that_contradicts_itself_is_refused(declaration: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Field(**declaration)


def test_plain_strings_and_mappings_will_do() -> None:
    field = Field(
        "method", kind="choice", choices=["a", Choice("b", "B")], visible_when={"on": True}
    )
    assert field.kind is Kind.CHOICE
    assert field.choices == (Choice("a"), Choice("b", "B"))
    assert field.visible_when == (("on", (True,)),)
    assert Field("x", visible_when={"y": ["a", "b"]}).visible_when == (("y", ("a", "b")),)
    assert attrs.evolve(field, label="Method").visible_when == field.visible_when


def test_a_title_is_the_label_or_made_from_the_name() -> None:
    assert Field("server_address").title == "Server address"
    assert Field("server_address", label="Where").title == "Where"
    assert CredentialType("app_role").title == "App role"


def test_only_secrets_are_hidden() -> None:
    hidden = [kind for kind in Kind if kind is not Kind.CHOICE and Field("a", kind=kind).hidden]
    assert hidden == [Kind.SECRET]


def test_visible_needs_every_condition_and_one_of_its_answers() -> None:
    field = Field("a", visible_when={"b": ["x", "y"], "c": True})
    assert field.visible({"b": "y", "c": True})
    assert not field.visible({"b": "z", "c": True})
    assert not field.visible({"b": "x"})
    assert Field("a").visible({})


def test_variables_that_fill_a_field() -> None:
    field = Field("access_key_id", aliases=("accessKeyId", "access_key_id2"))
    assert field.variables("aws") == (
        "UNVAULT_AWS_ACCESS_KEY_ID",
        "INSOMNIA_AWS_ACCESS_KEY_ID",
        "INSOMNIA_AWS_ACCESSKEYID",
        "INSOMNIA_AWS_ACCESS_KEY_ID2",
    )
    assert Field("token").variables("my-vault")[0] == "UNVAULT_MY_VAULT_TOKEN"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([Field("a"), Field("a")], "two fields are called a"),
        ([Field("a", aliases=("b",)), Field("b")], "two fields are called b"),
        ([Field("a", visible_when={"b": "x"})], "depends on 'b', which is no field"),
        ([Field("b", aliases=("c",)), Field("a", visible_when={"c": "x"})], "which is no field"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(fields: list[Field], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        CredentialType("token", fields=fields)
    with pytest.raises(ValueError, match=says):
        SecretForm(fields=fields, path=["a"])


@pytest.mark.parametrize(
    "types",
    [
        [],
        [CredentialType("a"), CredentialType("a")],
        [CredentialType("a", aliases=("b",)), CredentialType("b")],
    ],
    ids=["none", "twice", "alias"],
)
def test_a_form_has_types_with_names_of_their_own(types: list[CredentialType]) -> None:
    with pytest.raises(ValueError, match="every type a name of its own"):
        CredentialForm("Acme", types)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: CredentialForm("Acme", types=[Field("n")]), "a list of CredentialType.* Field"),
        (lambda: CredentialForm("Acme", types=CredentialType("n")), "a list of CredentialType"),
        (lambda: CredentialType("n", fields=Field("n")), "a list of Field: this is Field"),
        (lambda: CredentialType("n", fields=["n"]), "a list of Field: this is str"),
        (lambda: SecretForm(fields=["x"], path=["x"]), "a list of Field: this is str"),
        (lambda: SecretForm(fields=None, path=["x"]), "a list of Field: this is NoneType"),
        (lambda: SecretForm(fields=[Field("x")], path=[Field("x")]), "a list of str"),
        (lambda: Field("n", kind="choice", choices=[1]), "a list of Choice: this is int"),
        (lambda: Field("n", kind="choice", choices="ab"), "choices are a list"),
    ],
)
def test_the_wrong_things_in_a_form_are_refused_in_clear_words(wrong: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        wrong()


@pytest.mark.parametrize("field", [Field("type"), Field("kind", aliases=("Type",))])
def test_a_field_that_would_share_the_types_variable_is_refused(field: Field) -> None:
    with pytest.raises(ValueError, match="the variable that names the type"):
        CredentialType("token", fields=[field])
    assert SecretForm(fields=[field], path=field.name).path == (field.name,)


def test_a_type_is_found_by_name_and_alias() -> None:
    form = CredentialForm(
        "Acme", [CredentialType("token"), CredentialType("role", aliases=("appRole",))]
    )
    assert [kind.name for kind in form] == ["token", "role"]
    assert form.find("appRole") is form.types[1]
    assert form.find("Token") is None


def test_a_secret_form_names_fields_that_it_has() -> None:
    for wrong in ({"path": []}, {"path": ["b"]}, {"path": ["a"], "field": "b"}):
        with pytest.raises(ValueError, match="fields that it has"):
            SecretForm(fields=[Field("a")], **wrong)


def test_what_is_neither_path_nor_field_is_a_parameter() -> None:
    form = SecretForm(
        [Field("mount"), Field("name"), Field("version"), Field("key")], ["mount", "name"], "key"
    )
    assert [field.name for field in form.parameters] == ["version"]


def test_answers_show_names_only() -> None:
    answers = Answers({"token": CANARY, "on": True})
    credential = Credential("acme", "token", answers, kept=Answers({"refresh": CANARY}))
    session = Session(client=CANARY, renewed={"refresh": CANARY}, credential=credential)
    for shown in (repr(answers), f"{answers} {credential}", repr(credential), repr(session)):
        assert CANARY not in shown
    assert repr(answers) == f"<Answers token={MASK}, on={MASK}>"
    assert CANARY not in repr(attrs.asdict(credential))


def test_answers_do_not_change() -> None:
    given = {"token": "a"}
    answers = Answers(given)
    given["token"] = "b"
    assert dict(answers) == {"token": "a"}
    with pytest.raises(TypeError):
        answers["token"] = "c"  # type: ignore[index]


def test_answers_as_text_and_as_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    answers = Answers({"port": 8200, "file": "~/key.json", "nobody": "~no-such-user-here/key.json"})
    assert (answers.text("port"), answers.text("other")) == ("8200", None)
    assert (answers.path("file"), answers.path("other")) == (tmp_path / "key.json", None)
    assert answers.path("nobody") == Path("~no-such-user-here/key.json")
    assert Answers({"file": "~\0"}).path("file") == Path("~\0")


def test_what_a_session_renewed_stays_closed() -> None:
    session = Session(client=None, renewed={"refresh": CANARY})
    assert CANARY not in repr(attrs.asdict(session))
    assert CANARY not in repr(attrs.astuple(session))
    assert session.renewed == {"refresh": CANARY}
    assert Session(client=None).renewed is None


def test_answers_are_not_pickled_and_a_copy_is_the_same() -> None:
    answers = Answers({"token": CANARY})
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(answers)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Credential("acme", "token", answers))
    assert copy.copy(answers) is copy.deepcopy(answers) is answers
