from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unvault.checking import check_answer, check_answers, check_credential, form_error
from unvault.errors import FormError, InvalidReference, Problem
from unvault.forms import Choice, CredentialForm, CredentialType, Field, Kind, SecretForm
from unvault.lookups import reference_for, request_for
from unvault.reference import Reference

CANARY = "canary-d2c41b"
Told = Callable[[BaseException], str]

METHOD = Field(
    "auth_method",
    kind="choice",
    choices=[Choice("token"), Choice("app_role", "AppRole", aliases=("appRole",))],
    default="token",
    aliases=("authMethod",),
)
SERVER = Field("server_address", kind="url", required=True, aliases=("serverAddress",))
ON_SERVER = (
    SERVER,
    METHOD,
    Field("access_token", kind="secret", required=True, visible_when={"auth_method": "token"}),
    Field("role_id", required=True, visible_when={"auth_method": "app_role"}),
    Field("secret_id", kind="secret", required=True, visible_when={"auth_method": "app_role"}),
)
HASHICORP = CredentialForm(
    "HashiCorp Vault",
    [
        CredentialType("on_prem", fields=ON_SERVER, aliases=("onPrem",)),
        CredentialType(
            "cloud",
            fields=[
                Field("client_id", required=True),
                Field("client_secret", kind="secret", required=True),
            ],
        ),
        CredentialType(
            "dedicated",
            fields=[Field("namespace", required=True), *ON_SERVER],
            aliases=("cloudVaultDedicated",),
        ),
    ],
)
LOOKUP = SecretForm(
    fields=[
        Field("mount", aliases=("secretEnginePath",)),
        Field("name", required=True, aliases=("secretName",)),
        Field("key", aliases=("secretKey",)),
        Field(
            "kv_version",
            kind="choice",
            choices=["v1", "v2"],
            default="v2",
            aliases=("kvVersion",),
        ),
        Field("version", kind="integer", visible_when={"kv_version": "v2"}),
        Field(
            "send_namespace",
            kind="flag",
            default=True,
            aliases=("sendNamespaceViaHeader",),
        ),
    ],
    path=["mount", "name"],
    field="key",
)
ADDRESS = "https://vault.example.com:8200"


def check(fields: list[Field] | tuple[Field, ...], **given: object) -> dict[str, object]:
    return dict(check_answers(fields, given, subject="the form"))


def problems(fields: list[Field] | tuple[Field, ...], given: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(FormError) as caught:
        check_answers(fields, given, subject="the form")
    return {problem.field: problem.message for problem in caught.value.problems}


# ------------------------------------------------------------------- one declaration, whole forms


@pytest.mark.parametrize(
    ("kind", "given", "chosen", "answers"),
    [
        (
            None,
            {"server_address": ADDRESS, "access_token": "t"},
            "on_prem",
            {"server_address": ADDRESS, "auth_method": "token", "access_token": "t"},
        ),
        (
            "onPrem",
            {"serverAddress": ADDRESS, "authMethod": "appRole", "role_id": "r", "secret_id": "s"},
            "on_prem",
            {
                "server_address": ADDRESS,
                "auth_method": "app_role",
                "role_id": "r",
                "secret_id": "s",
            },
        ),
        (
            "cloudVaultDedicated",
            {
                "namespace": "admin",
                "server_address": ADDRESS,
                "authMethod": "token",
                "access_token": "t",
                "role_id": "",
                "secret_id": None,
            },
            "dedicated",
            {
                "namespace": "admin",
                "server_address": ADDRESS,
                "auth_method": "token",
                "access_token": "t",
            },
        ),
        ("cloud", {"client_id": "i", "client_secret": "s"}, "cloud", None),
    ],
)
def test_right_answers_come_back_complete_and_under_their_own_names(
    kind: str | None, given: dict[str, object], chosen: str, answers: dict[str, object] | None
) -> None:
    got, checked = check_credential(HASHICORP, kind, given, subject="the credential")
    assert got.name == chosen
    assert dict(checked) == (answers or given)


def test_an_unknown_type_is_told_the_known_ones() -> None:
    with pytest.raises(FormError) as caught:
        check_credential(HASHICORP, "onprem", {"a": CANARY}, subject="the credential")
    assert caught.value.problems == (
        Problem("type", "there is no type 'onprem'; the types are: on_prem, cloud, dedicated"),
    )


def test_all_problems_are_told_at_once_each_with_its_field(told: Told) -> None:
    given = {
        "server_address": f"ftp://{CANARY}",
        "auth_method": "app_role",
        "secret_id": {"nested": [CANARY]},
        "access_token": CANARY,
        "secretid": CANARY,
    }
    with pytest.raises(FormError) as caught:
        check_credential(HASHICORP, "on_prem", given, subject="credential 'prod'")
    error = caught.value
    found = {problem.field: problem.message for problem in error.problems}
    assert found == {
        "access_token": "is used only when auth_method is token",
        "role_id": "is required",
        "secret_id": "must be text",
        "secretid": "is not known; did you mean secret_id?",
        "server_address": "must be an address that starts with https:// or http://",
    }
    assert error.message.startswith("credential 'prod': ")
    assert all(f"{name} {message}" in error.message for name, message in found.items())
    assert CANARY not in told(error)


WRONG: list[tuple[Field, object]] = [
    (Field("a"), {"token": CANARY}),
    (Field("a"), [CANARY]),
    (Field("a"), {"deep": [{"er": (CANARY,)}]}),
    (Field("a"), CANARY.encode()),
    (Field("a"), 17),
    (Field("a"), True),
    (Field("a"), CANARY + "\ud800"),
    (Field("a", kind="secret"), {"token": CANARY}),
    (Field("a", kind="secret"), CANARY + "\udcff"),
    (Field("a", kind="file"), [CANARY]),
    (Field("a", kind="choice", choices=["x"]), CANARY),
    (Field("a", kind="choice", choices=["x"]), {CANARY: CANARY}),
    (Field("a", kind="flag"), CANARY),
    (Field("a", kind="flag"), 1),
    (Field("a", kind="flag"), [True, CANARY]),
    (Field("a", kind="integer"), CANARY),
    (Field("a", kind="integer"), True),
    (Field("a", kind="integer"), 1.5),
    (Field("a", kind="integer"), "1_000"),
    (Field("a", kind="integer"), "\u0661"),
    (Field("a", kind="integer"), "9" * 10_000),
    (Field("a", kind="url"), CANARY),
    (Field("a", kind="url"), {"url": CANARY}),
    (Field("a", kind="url"), f"file:///{CANARY}"),
    (Field("a", kind="url"), f"https:///{CANARY}"),
    (Field("a", kind="url"), f"https://user:{CANARY}@example.com"),
    (Field("a", kind="url"), f"https://{CANARY}@example.com"),
    (Field("a", kind="url"), f"https://:{CANARY}@example.com"),
    (Field("a", kind="url"), f"https://@{CANARY}"),
    (Field("a", kind="url"), f"https://[{CANARY}"),
    (Field("a", kind="url"), f"https://{CANARY}\u2100.example.com"),
    (Field("a", kind="url"), f"https://example.com:{CANARY}"),
    (Field("a", kind="url"), f"https://example.com:99999/{CANARY}"),
    (Field("a", kind="url"), f"https://exam\nple.com/{CANARY}"),
    (Field("a", kind="url"), f"https://example.com/{CANARY} x"),
    (Field("a", kind="url"), f"https://example.com/{CANARY}\ud800"),
    (Field("a", pattern="[0-9]+", pattern_help="digits"), CANARY),
    (Field("a", kind="secret", pattern="[0-9]+", pattern_help="digits"), f"1{CANARY}"),
]


@pytest.mark.parametrize(("field", "answer"), WRONG)
def test_a_wrong_answer_is_never_shown(field: Field, answer: object, told: Told) -> None:
    given = {"a": answer, "b": CANARY}
    with pytest.raises(FormError) as caught:
        check_answers([field, Field("b", kind="secret")], given, subject="the form")
    assert [problem.field for problem in caught.value.problems] == ["a"]
    assert CANARY not in told(caught.value)
    assert caught.value.__context__ is None
    with pytest.raises(ValueError, match=r"^(must|has|holds|is) ") as alone:
        check_answer(field, answer)
    assert CANARY not in told(alone.value)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
EVERY_KIND = [
    Field(f"a_{kind}", kind=kind, choices=["x", "y"] if kind is Kind.CHOICE else ())
    for kind in Kind
]


@given(st.dictionaries(st.sampled_from([f.name for f in EVERY_KIND]) | st.text(), json_like))
def test_whatever_is_answered_only_a_form_error_is_raised(answers: dict[str, object]) -> None:
    try:
        checked = check_answers(EVERY_KIND, answers, subject="the form")
    except FormError as error:
        assert error.problems
        assert error.__context__ is None
        assert {problem.field for problem in error.problems} <= answers.keys()
    else:
        assert all(isinstance(answer, (str, bool, int)) for answer in checked.values())
        assert check_answers(EVERY_KIND, checked, subject="again") == checked


@pytest.mark.parametrize("name", [5, None, (1,)])
def test_a_name_that_is_no_text_is_not_known(name: object) -> None:
    with pytest.raises(FormError) as caught:
        check_answers(EVERY_KIND, {name: "x"}, subject="the form")  # type: ignore[dict-item]
    assert [problem.field for problem in caught.value.problems] == [str(name)]


def test_an_integer_that_python_would_not_write_out_is_none() -> None:
    version = Field("version", kind="integer")
    most = 10**18 - 1
    assert check_answers([version], {"version": -most}, subject="the form")["version"] == -most
    for answer in (most + 1, 10**5000):
        with pytest.raises(FormError, match="version must be a whole number"):
            check_answers([version], {"version": answer}, subject="the form")


# ------------------------------------------------------------------------------------ each kind


@pytest.mark.parametrize(
    ("kind", "answer", "value"),
    [
        ("text", " kept as it is ", " kept as it is "),
        ("text", "é😀\x00\r\n", "é😀\x00\r\n"),
        ("secret", "p" * 65536, "p" * 65536),
        ("file", "~/key.json", "~/key.json"),
        ("url", ADDRESS, ADDRESS),
        ("url", "  http://[::1]:8200/v1?x=y#z ", "http://[::1]:8200/v1?x=y#z"),
        ("url", "HTTPS://Example.com", "HTTPS://Example.com"),
        ("url", "https://example.com/a@b", "https://example.com/a@b"),
        ("integer", 3, 3),
        ("integer", " -12 ", -12),
        ("integer", "+007", 7),
        ("flag", False, False),
        *[("flag", text, True) for text in ("true", "Yes", " ON ", "1")],
        *[("flag", text, False) for text in ("false", "no", "Off", "0")],
    ],
)
def test_a_right_answer_is_read(kind: str, answer: object, value: object) -> None:
    got = check([Field("a", kind=kind)], a=answer)["a"]
    assert got == value
    assert type(got) is type(value)


def test_a_choice_is_kept_under_its_own_value() -> None:
    assert check([METHOD], authMethod="appRole") == {"auth_method": "app_role"}
    assert problems([METHOD], {"auth_method": "AppRoles"}) == {
        "auth_method": "must be one of token, app_role"
    }


def test_a_pattern_has_to_match_the_whole_answer() -> None:
    field = Field("a", pattern="[a-z]+", pattern_help="small letters")
    assert check([field], a="abc") == {"a": "abc"}
    for wrong in ("abc1", "1abc", "abc\n"):
        assert problems([field], {"a": wrong}) == {"a": "has the wrong form: small letters"}


def test_a_pattern_sees_a_number_as_text() -> None:
    field = Field("a", kind="integer", pattern="[1-9]", pattern_help="1 to 9")
    assert check([field], a=" 5 ") == {"a": 5}
    assert problems([field], {"a": 10}) == {"a": "has the wrong form: 1 to 9"}


# ------------------------------------------------------------------- names, defaults, visibility


@pytest.mark.parametrize("answer", ["", None])
def test_an_empty_answer_is_no_answer(answer: str | None) -> None:
    assert problems([Field("a", required=True)], {"a": answer}) == {"a": "is required"}
    assert check([Field("a", default="d"), Field("b")], a=answer, b=answer) == {"a": "d"}


def test_false_and_zero_are_answers() -> None:
    fields = [
        Field("a", kind="flag", required=True, default=True),
        Field("b", kind="integer", required=True),
    ]
    assert check(fields, a=False, b=0) == {"a": False, "b": 0}


def test_a_default_answers_a_required_field() -> None:
    assert check([Field("a", required=True, default="d")]) == {"a": "d"}


@pytest.mark.parametrize("answer", ["", None, "x"])
def test_an_unknown_field_is_a_problem_even_without_an_answer(answer: str | None) -> None:
    assert problems([Field("version")], {"verison": answer}) == {
        "verison": "is not known; did you mean version?"
    }
    assert problems([Field("a"), Field("b")], {"zzz": answer}) == {
        "zzz": "is not known; there are: a, b"
    }


def test_a_field_given_twice_is_a_problem() -> None:
    found = problems([SERVER], {"server_address": ADDRESS, "serverAddress": ADDRESS})
    assert found == {"server_address": "is given twice, once as 'serverAddress'"}


def test_given_twice_and_one_of_them_empty_is_given_once() -> None:
    given = {"server_address": ADDRESS, "serverAddress": ""}
    assert dict(check_answers([SERVER], given, subject="x")) == {"server_address": ADDRESS}


CHAIN = [
    Field("third", required=True, visible_when={"second": "yes"}),
    Field("second", kind="choice", choices=["yes", "no"], visible_when={"first": True}),
    Field("first", kind="flag", default=False),
]


def test_visibility_goes_along_a_chain_in_any_order() -> None:
    assert check(CHAIN) == {"first": False}
    assert check(CHAIN, first="yes", second="no") == {"first": True, "second": "no"}
    assert problems(CHAIN, {"first": True, "second": "yes"}) == {"third": "is required"}
    assert problems(CHAIN, {"second": "yes", "third": "x"}) == {
        "second": "is used only when first is True",
        "third": "is used only when second is yes",
    }


def test_a_field_in_a_circle_is_never_asked() -> None:
    circle = [Field("a", visible_when={"b": "x"}), Field("b", visible_when={"a": "x"}), Field("c")]
    assert check(circle, c="y") == {"c": "y"}
    assert set(problems(circle, {"a": "x", "b": "x"})) == {"a", "b"}


def test_hidden_answers_are_left_out_where_that_is_asked_for() -> None:
    given = {"server_address": ADDRESS, "access_token": "t", "role_id": "r", "secret_id": 17}
    checked = check_answers(ON_SERVER, given, subject="x", ignore_hidden=True)
    assert dict(checked) == {
        "server_address": ADDRESS,
        "auth_method": "token",
        "access_token": "t",
    }


def test_a_hidden_default_is_not_filled_in() -> None:
    fields = [Field("on", kind="flag"), Field("a", default="d", visible_when={"on": True})]
    assert check(fields) == {}
    assert check(fields, on="yes") == {"on": True, "a": "d"}


@pytest.mark.parametrize(
    "name", ["type", "print", "o", "cl", "cls", "attr", "int", "dict", "super", "match", "init"]
)
def test_a_field_may_have_any_name_a_declaration_allows(name: str) -> None:
    assert check([Field(name, required=True), Field("other")], **{name: "v"}) == {name: "v"}


def test_a_form_without_fields_takes_no_answers() -> None:
    assert check([]) == {}
    assert problems([], {"a": CANARY}) == {"a": "is not known; there are: none"}


def test_the_error_holds_its_problems_in_text_and_as_data() -> None:
    error = form_error("the form", [Problem("a", "is required"), Problem("b", "must be text")])
    assert error.message == "the form: a is required; b must be text"
    assert error.describe()["problems"][1] == {"field": "b", "message": "must be text"}


# ----------------------------------------------------------------------- requests and look-ups


def test_a_reference_without_parameters_asks_for_its_path() -> None:
    form = SecretForm([Field("name"), Field("version", kind="integer")], ["name"])
    request = request_for(Reference("prod", "db", field="password"), form)
    assert (request.path, request.parameters) == ("db", ())


def test_parameters_are_checked_sorted_and_called_by_their_own_names() -> None:
    reference = Reference.parse("prod/db?version=3&kvVersion=v2&send_namespace=no")
    request = request_for(reference, LOOKUP)
    assert request.parameters == (("kv_version", "v2"), ("send_namespace", False), ("version", 3))
    assert request.get("version") == 3
    assert request.get("other") is None
    assert request == request_for(Reference.parse(str(reference)), LOOKUP)


def test_parameters_that_are_left_out_have_their_defaults() -> None:
    defaults = (("kv_version", "v2"), ("send_namespace", True))
    bare = request_for(Reference("prod", "db"), LOOKUP)
    assert bare.parameters == defaults
    assert bare == request_for(Reference.parse("prod/db?kv_version=v2"), LOOKUP)
    found = request_for(Reference.parse("prod/db?version=3"), LOOKUP).parameters
    assert found == (*defaults, ("version", 3))


def test_defaults_of_parameters_that_are_hidden_are_left_out() -> None:
    fields = [
        Field("name"),
        Field("mode", kind="choice", choices=["a", "b"], default="a"),
        Field("of_b", default="x", visible_when={"mode": "b"}),
        Field("of_x", default="y", visible_when={"of_b": "x"}),
    ]
    form = SecretForm(fields[::-1], ["name"])
    assert request_for(Reference("prod", "db"), form).parameters == (("mode", "a"),)
    found = request_for(Reference.parse("prod/db?mode=b"), form)
    assert found.parameters == (("mode", "b"), ("of_b", "x"), ("of_x", "y"))
    assert request_for(Reference.parse("prod/db?mode=a"), form).parameters == (("mode", "a"),)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("verison=3", "parameter 'verison' is not known; did you mean version?"),
        ("verison=", "parameter 'verison' is not known; did you mean version?"),
        ("version=x", "parameter 'version' must be a whole number"),
        ("kv_version=v3", "parameter 'kv_version' must be one of v1, v2"),
        ("kv_version=v1&version=3", "parameter 'version' is used only when kv_version is v2"),
        ("kv_version=v1&kvVersion=v1", "parameter 'kv_version' is given twice"),
        ("name=x", "parameter 'name' is not known"),
    ],
)
def test_a_wrong_parameter_is_told_the_known_ones(query: str, says: str) -> None:
    text = f"prod/db?{query}"
    with pytest.raises(InvalidReference) as caught:
        request_for(Reference.parse(text), LOOKUP)
    assert says in caught.value.message
    assert caught.value.hint == "the parameters are: kv_version, version, send_namespace"
    assert caught.value.reference == text
    assert caught.value.__context__ is None


def test_a_provider_without_a_secret_form_takes_no_parameters() -> None:
    assert request_for(Reference("prod", "db"), None).path == "db"
    with pytest.raises(InvalidReference) as caught:
        request_for(Reference.parse("prod/db?version=3"), None)
    assert caught.value.hint == "the parameters are: none"


@pytest.mark.parametrize(
    ("lookup", "text"),
    [
        ({"secretEnginePath": "secret", "secretName": "app/db"}, "prod/secret/app/db"),
        ({"secretEnginePath": "secret/", "secretName": "/app/db"}, "prod/secret/app/db"),
        ({"secretEnginePath": "", "secretName": "/app/db"}, "prod//app/db"),
        ({"name": "db", "secretKey": "password"}, "prod/db#password"),
        ({"name": "db", "secretKey": "", "version": None}, "prod/db"),
        ({"name": "db", "kvVersion": "v2", "sendNamespaceViaHeader": True}, "prod/db"),
        ({"name": "db", "kvVersion": "v1", "version": "4"}, "prod/db?kv_version=v1"),
        (
            {"name": "db", "version": 4, "sendNamespaceViaHeader": False},
            "prod/db?version=4&send_namespace=false",
        ),
        ({"name": "my db?#%", "secretKey": "a b"}, "prod/my%20db%3F%23%25#a%20b"),
    ],
)
def test_a_lookup_becomes_a_reference(lookup: dict[str, object], text: str) -> None:
    reference = reference_for(LOOKUP, "prod", lookup)
    assert str(reference) == text
    request_for(reference, LOOKUP)  # and what was made is asked for without complaint


@pytest.mark.parametrize("name", ["/prod/db", "prod/db/", "https://v.example.com/secrets/x/"])
def test_a_path_of_one_field_stays_as_it_is(name: str) -> None:
    """Some vaults know ``/prod/db`` and ``prod/db`` as two secrets."""
    form = SecretForm([Field("secret_id", required=True, aliases=("SecretId",))], ["secret_id"])
    assert reference_for(form, "aws", {"SecretId": name}).path == name


@pytest.mark.parametrize(
    ("lookup", "fields"),
    [
        ({}, ["name"]),
        ({"mount": "secret"}, ["name"]),
        (
            {"name": {"deep": CANARY}, "version": CANARY, "other": CANARY},
            ["name", "other", "version"],
        ),
    ],
)
def test_a_wrong_lookup_tells_all_problems(
    lookup: dict[str, object], fields: list[str], told: Told
) -> None:
    with pytest.raises(FormError) as caught:
        reference_for(LOOKUP, "prod", lookup)
    assert [problem.field for problem in caught.value.problems] == fields
    assert CANARY not in told(caught.value)


@pytest.mark.parametrize("lookup", [{}, {"mount": "/"}, {"mount": "//", "name": "/"}])
def test_a_lookup_that_leads_nowhere_is_refused(lookup: dict[str, object]) -> None:
    form = SecretForm([Field("mount"), Field("name")], ["mount", "name"])
    with pytest.raises(FormError) as caught:
        reference_for(form, "prod", lookup)
    assert caught.value.problems == (Problem("mount", "is required"),)


@pytest.mark.parametrize("text", ["p/x?version=", "p/x?VersionId=", "p/x?version=&stage=a"])
def test_an_empty_parameter_does_not_silently_mean_the_newest(text: str) -> None:
    form = SecretForm(
        [Field("name"), Field("version", kind="integer", aliases=("VersionId",)), Field("stage")],
        path=["name"],
    )
    with pytest.raises(InvalidReference, match=r"parameter '(version|VersionId)' is empty"):
        request_for(Reference.parse(text), form)
