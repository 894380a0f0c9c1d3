"""Credentials from variables: the families, the types, the names Insomnia's command line uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.fakes import FakeProvider, client_for

from unvault.environment import credential_from, environment_variables
from unvault.errors import CredentialMissing, FormError
from unvault.forms import CORE_VARIABLES, Choice, CredentialForm, CredentialType, Field
from unvault.model import Origin

CANARY = "canary-1f9c"

REGION = Field("region")
ENABLE_CACHE = Field("enable_cache", kind="flag", aliases=("enableCache", "enablecache"))
FILE_PATH = Field("file_path", kind="file", aliases=("filePath", "filepath"))
CONFIG_FILE = Field("config_file_path", kind="file", aliases=("configFilePath", "configfilepath"))
SECTION = Field("section", required=True, pattern=r"[\w-]+", pattern_help="letters and digits")

AWS = CredentialForm(
    "AWS",
    types=[
        CredentialType(
            "temporary",
            fields=[
                Field("access_key_id", required=True, aliases=("accessKeyId", "accesskeyid")),
                Field(
                    "secret_access_key",
                    kind="secret",
                    required=True,
                    aliases=("secretAccessKey", "secretaccesskey"),
                ),
                Field("session_token", kind="secret", aliases=("sessionToken", "sessiontoken")),
                REGION,
            ],
        ),
        CredentialType("file", fields=[SECTION, FILE_PATH, ENABLE_CACHE, REGION, CONFIG_FILE]),
        CredentialType("sso", fields=[SECTION, CONFIG_FILE, FILE_PATH, ENABLE_CACHE, REGION]),
    ],
)

GCP = CredentialForm(
    "GCP",
    types=[
        CredentialType(
            "service_account",
            fields=[
                Field(
                    "key_file",
                    kind="file",
                    required=True,
                    aliases=("serviceAccountKeyFilePath", "serviceaccountkeyfilepath"),
                )
            ],
        )
    ],
)

METHOD = Field(
    "auth_method",
    kind="choice",
    choices=[Choice("token"), Choice("app_role", aliases=("appRole",))],
    default="token",
    aliases=("authMethod", "authmethod"),
)
ON_SERVER = (
    Field("server_address", kind="url", required=True, aliases=("serverAddress", "serveraddress")),
    METHOD,
    Field("access_token", kind="secret", required=True, visible_when={"auth_method": "token"}),
    Field("role_id", required=True, visible_when={"auth_method": "app_role"}),
    Field("secret_id", kind="secret", required=True, visible_when={"auth_method": "app_role"}),
)
HASHICORP = CredentialForm(
    "HashiCorp Vault",
    types=[
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
FORMS = {"aws": AWS, "gcp": GCP, "hashicorp": HASHICORP}


def found(provider, **variables):
    credential = credential_from(provider, FORMS[provider], variables)
    assert credential is not None
    return credential


def insomnia(provider, **variables):
    """Return a credential from Insomnia's variables, written without their common stem."""
    stem = f"INSOMNIA_{provider.upper()}_"
    return found(provider, **{stem + name: value for name, value in variables.items()})


# ------------------------------------------------------------- what people have in their pipelines


def test_aws_temporary_keys():
    credential = insomnia(
        "aws",
        TYPE="temporary",
        ACCESSKEYID="AKIA",
        SECRETACCESSKEY="s",
        SESSIONTOKEN="t",
        REGION="eu-west-1",
    )
    assert credential.type == "temporary"
    assert dict(credential.answers) == {
        "access_key_id": "AKIA",
        "secret_access_key": "s",
        "session_token": "t",
        "region": "eu-west-1",
    }
    assert credential.origin is Origin.ENVIRONMENT
    assert (credential.id, credential.revision, credential.name) == ("", 0, "")


def test_an_aws_credentials_file():
    credential = insomnia(
        "aws",
        TYPE="file",
        SECTION="dev",
        FILEPATH="/c/credentials",
        ENABLECACHE="true",
        REGION="eu-west-1",
    )
    assert credential.type == "file"
    assert dict(credential.answers) == {
        "section": "dev",
        "file_path": "/c/credentials",
        "enable_cache": True,
        "region": "eu-west-1",
    }


@pytest.mark.parametrize("kind", ["sso", "file"])
def test_an_aws_sso_profile_under_both_names_of_its_type(kind):
    credential = insomnia(
        "aws", TYPE=kind, SECTION="dev", CONFIGFILEPATH="/c/config", REGION="eu-west-1"
    )
    assert credential.type == kind
    assert credential.answers["config_file_path"] == "/c/config"


@pytest.mark.parametrize("written", ["false", "False", "0", "no", " OFF "])
def test_a_flag_is_read_as_one(written):
    credential = insomnia("aws", TYPE="sso", SECTION="dev", ENABLECACHE=written)
    assert credential.answers["enable_cache"] is False


def test_a_gcp_service_account():
    credential = insomnia("gcp", SERVICEACCOUNTKEYFILEPATH="/k.json")
    assert (credential.type, dict(credential.answers)) == (
        "service_account",
        {"key_file": "/k.json"},
    )


def test_a_hashicorp_service_principal():
    credential = insomnia("hashicorp", TYPE="cloud", CLIENT_ID="i", CLIENT_SECRET="s")
    assert dict(credential.answers) == {"client_id": "i", "client_secret": "s"}


def test_a_hashicorp_app_role():
    credential = insomnia(
        "hashicorp",
        TYPE="onPrem",
        AUTHMETHOD="appRole",
        SERVERADDRESS="https://vault:8200",
        ROLE_ID="r",
        SECRET_ID="s",
    )
    assert credential.type == "on_prem"
    assert dict(credential.answers) == {
        "server_address": "https://vault:8200",
        "auth_method": "app_role",
        "role_id": "r",
        "secret_id": "s",
    }


def test_a_hashicorp_token():
    credential = insomnia(
        "hashicorp",
        TYPE="onPrem",
        AUTHMETHOD="token",
        SERVERADDRESS="https://vault:8200",
        ACCESS_TOKEN="t",
    )
    assert dict(credential.answers) == {
        "server_address": "https://vault:8200",
        "auth_method": "token",
        "access_token": "t",
    }


# ------------------------------------------------------------------------------------ the families


def test_our_own_variables_go_before_insomnias_and_are_never_mixed_with_them():
    ours = {"UNVAULT_AWS_ACCESS_KEY_ID": "mine", "UNVAULT_AWS_SECRET_ACCESS_KEY": "s"}
    theirs = {
        "INSOMNIA_AWS_TYPE": "file",
        "INSOMNIA_AWS_SECTION": "dev",
        "INSOMNIA_AWS_REGION": "eu-west-1",
        "INSOMNIA_AWS_SESSIONTOKEN": "theirs",
    }
    credential = found("aws", **theirs, **ours)
    assert credential.type == "temporary"
    assert dict(credential.answers) == {"access_key_id": "mine", "secret_access_key": "s"}
    assert set(environment_variables("aws", AWS, theirs | ours)) == set(ours)
    assert set(environment_variables("aws", AWS, theirs)) == set(theirs)


def test_half_of_ours_is_not_filled_up_with_theirs():
    with pytest.raises(FormError) as caught:
        found("aws", UNVAULT_AWS_ACCESS_KEY_ID="a", INSOMNIA_AWS_SECRETACCESSKEY="b")
    assert [problem.field for problem in caught.value.problems] == ["secret_access_key"]


def test_blank_variables_do_not_count():
    variables = {"UNVAULT_AWS_REGION": " ", "UNVAULT_AWS_TYPE": "", "INSOMNIA_AWS_SECTION": "dev"}
    assert dict(found("aws", **variables).answers) == {"section": "dev"}
    assert credential_from("aws", AWS, {"UNVAULT_AWS_REGION": ""}) is None


def test_variables_of_others_do_not_count():
    others = {
        "UNVAULT_GCP_REGION": "x",
        "UNVAULT_AWSX_REGION": "x",
        "UNVAULT_HOME": "/x",
        "AWS_REGION": "x",
        "UNVAULT_AWS_UNKNOWN": "x",
        "unvault_aws_region": "x",
        "UNVAULT_AWS_ACCESSKEYID": "an alias is Insomnia's",
    }
    assert credential_from("aws", AWS, others) is None


def test_white_space_around_values_is_taken_off():
    credential = found(
        "aws",
        UNVAULT_AWS_TYPE=" temporary ",
        UNVAULT_AWS_ACCESS_KEY_ID=" AKIA\n",
        UNVAULT_AWS_SECRET_ACCESS_KEY="\ts e c\r\n",
    )
    assert dict(credential.answers) == {"access_key_id": "AKIA", "secret_access_key": "s e c"}


def test_dashes_in_an_id_are_underscores_in_its_variables():
    form = CredentialForm("Acme", types=[CredentialType("token", fields=[Field("token")])])
    credential = credential_from("acme-corp", form, {"UNVAULT_ACME_CORP_TOKEN": "t"})
    assert credential is not None
    assert credential.provider == "acme-corp"


def test_of_two_names_of_one_field_the_first_counts():
    form = CredentialForm(
        "Acme", types=[CredentialType("token", fields=[Field("token", aliases=("key", "pass"))])]
    )
    variables = {"INSOMNIA_ACME_PASS": "3", "INSOMNIA_ACME_KEY": "2", "INSOMNIA_ACME_TOKEN": "1"}
    for number in ("1", "2", "3"):
        credential = credential_from("acme", form, variables)
        assert credential is not None
        assert credential.answers["token"] == number
        variables = {name: value for name, value in variables.items() if value > number}


# ---------------------------------------------------------------------------------- which type


@pytest.mark.parametrize(
    ("provider", "variables", "kind"),
    [
        ("aws", {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}, "temporary"),
        ("aws", {"SECTION": "dev"}, "file"),
        ("aws", {"SECTION": "dev", "CONFIG_FILE_PATH": "/c"}, "file"),
        ("hashicorp", {"CLIENT_ID": "a", "CLIENT_SECRET": "b"}, "cloud"),
        ("hashicorp", {"SERVER_ADDRESS": "https://v", "ACCESS_TOKEN": "b"}, "on_prem"),
        (
            "hashicorp",
            {"NAMESPACE": "n", "SERVER_ADDRESS": "https://v", "ACCESS_TOKEN": "b"},
            "dedicated",
        ),
    ],
)
def test_the_type_is_told_by_the_fields_given(provider, variables, kind):
    stem = f"UNVAULT_{provider.upper()}_"
    assert found(provider, **{stem + n: v for n, v in variables.items()}).type == kind


def test_variables_that_fit_several_types_mean_the_one_that_means_no_credential():
    key = [Field("key", kind="secret"), REGION]
    found = {}
    for ambient in (False, True):
        last = CredentialType("none", fields=[REGION], ambient=ambient)
        form = CredentialForm("Fake", types=[CredentialType("key", fields=key), last])
        for given in ({"UNVAULT_FAKE_REGION": "eu"}, {"UNVAULT_FAKE_KEY": CANARY}):
            found[ambient, *given] = credential_from("fake", form, given).type
    assert found == {
        (False, "UNVAULT_FAKE_REGION"): "key",
        (False, "UNVAULT_FAKE_KEY"): "key",
        (True, "UNVAULT_FAKE_REGION"): "none",
        (True, "UNVAULT_FAKE_KEY"): "key",
    }


def test_variables_of_another_type_may_linger():
    credential = insomnia("aws", TYPE="sso", SECTION="dev", ACCESSKEYID="AKIA")
    assert dict(credential.answers) == {"section": "dev"}


def test_variables_of_fields_that_the_answers_hide_are_ignored():
    credential = insomnia(
        "hashicorp",
        TYPE="onPrem",
        SERVERADDRESS="https://v",
        ACCESS_TOKEN="t",
        ROLE_ID="lingers",
        SECRET_ID="lingers",
    )
    assert dict(credential.answers) == {
        "server_address": "https://v",
        "auth_method": "token",
        "access_token": "t",
    }


def test_two_types_may_call_different_fields_by_one_variable():
    form = CredentialForm(
        "Acme",
        types=[
            CredentialType("file", fields=[Field("section", required=True)]),
            CredentialType(
                "sso",
                fields=[Field("profile", required=True, aliases=("section",)), Field("portal")],
            ),
        ],
    )
    stem = "INSOMNIA_ACME_"
    for kind, field in (("file", "section"), ("sso", "profile")):
        credential = credential_from("acme", form, {stem + "TYPE": kind, stem + "SECTION": "dev"})
        assert credential is not None
        assert (credential.type, dict(credential.answers)) == (kind, {field: "dev"})
    told = credential_from("acme", form, {stem + "SECTION": "dev", stem + "PORTAL": "p"})
    assert told is not None
    assert told.type == "sso"


# -------------------------------------------------------------------------------------- errors


def failure(provider, **variables):
    with pytest.raises(FormError) as caught:
        found(provider, **variables)
    error = caught.value
    everything = f"{error} {error.hint} {error.describe()} {error.__cause__} {error.__context__}"
    assert CANARY not in everything
    assert error.provider == provider
    return error


def test_wrong_values_are_all_listed_with_the_variables_and_without_the_values():
    error = failure(
        "hashicorp",
        UNVAULT_HASHICORP_TYPE="on_prem",
        UNVAULT_HASHICORP_SERVER_ADDRESS=f"ftp://{CANARY}",
        UNVAULT_HASHICORP_AUTH_METHOD=CANARY,
    )
    assert {problem.field for problem in error.problems} >= {"server_address", "auth_method"}
    assert error.hint is not None
    assert "UNVAULT_HASHICORP_AUTH_METHOD" in error.hint
    assert "UNVAULT_HASHICORP_SERVER_ADDRESS" in error.hint
    assert "the environment" in error.message


def test_what_is_missing_is_named():
    error = failure("aws", INSOMNIA_AWS_TYPE="temporary", INSOMNIA_AWS_ACCESSKEYID=CANARY)
    assert "secret_access_key is required" in error.message
    assert "INSOMNIA_AWS_ACCESSKEYID" in (error.hint or "")


def test_an_unknown_type_lists_those_there_are_and_the_variables():
    error = failure("aws", UNVAULT_AWS_TYPE=CANARY, UNVAULT_AWS_REGION="x")
    assert "temporary, file, sso" in error.message
    assert "UNVAULT_AWS_TYPE" in (error.hint or "")


def test_a_wrong_environment_fails_that_provider_only():
    options = {
        "plugins": {"one": FakeProvider({"a": "1"}), "two": FakeProvider({"a": "2"})},
        "environ": {"UNVAULT_ONE_TYPE": "user"},
    }
    with client_for(**options) as vault:
        first, second = vault.fetch_many(["one/a", "two/a"])
        assert isinstance(first, FormError)
        assert second.text() == "2"
        with pytest.raises(FormError) as caught:
            vault.fetch("one/a")
        assert caught.value.reference == "one/a"
        with pytest.raises(FormError):
            vault.credentials.draft_from_environment("one")


def test_the_client_tells_which_variables_it_uses_and_drafts_from_them():
    environ = {"UNVAULT_FAKE_USER": "me", "UNVAULT_FAKE_PASSWORD": CANARY, "HOME": "/x"}
    with client_for(FakeProvider(), environ=environ) as vault:
        assert vault.credentials.environment("fake") == [
            "UNVAULT_FAKE_PASSWORD",
            "UNVAULT_FAKE_USER",
        ]
        draft = vault.credentials.draft_from_environment("fake", name="saved")
        assert (draft.type, draft.answers["password"]) == ("user", CANARY)
        stored = vault.credentials.add(draft)
        assert (stored.origin, stored.name) == (Origin.STORED, "saved")
        assert CANARY not in repr(draft)
    with (
        client_for(FakeProvider()) as vault,
        pytest.raises(CredentialMissing, match="describes no"),
    ):
        vault.credentials.draft_from_environment("fake")


def test_the_environment_is_read_once(monkeypatch):
    monkeypatch.delenv("UNVAULT_FAKE_TOKEN", raising=False)
    provider = FakeProvider({"a": "1"})
    with client_for(provider, environ=None) as vault:
        monkeypatch.setenv("UNVAULT_FAKE_TOKEN", "too late")
        vault.fetch("fake/a")
    assert provider.credentials[0].origin is Origin.AMBIENT


# ------------------------------------------------------------------------- whose variable it is


def form_with(*names):
    fields = [Field(name) for name in names]
    return CredentialForm("Any", types=[CredentialType("token", fields=fields)])


@pytest.mark.parametrize("family", ["UNVAULT", "INSOMNIA"])
def test_a_variable_is_that_of_the_provider_with_the_longest_id(family):
    variable = f"{family}_AWS_SSO_TOKEN"
    environ = {variable: CANARY}
    aws, sso = form_with("sso_token", "region"), form_with("token")
    both = ["aws", "aws-sso"]
    assert environment_variables("aws", aws, environ, installed=both) == set()
    assert credential_from("aws", aws, environ, installed=both) is None
    assert environment_variables("aws-sso", sso, environ, installed=both) == {variable}
    assert environment_variables("aws", aws, environ, installed=["aws"]) == {variable}
    found = credential_from("aws", aws, {**environ, f"{family}_AWS_REGION": "r"}, installed=both)
    assert found is not None
    assert dict(found.answers) == {"region": "r"}


def test_the_client_hands_no_provider_the_variables_of_another():
    aws, sso = FakeProvider({"a": "1"}), FakeProvider({"a": "1"})
    aws.form, sso.form = form_with("sso_token"), form_with("token")
    environ = {"UNVAULT_AWS_SSO_TOKEN": CANARY}
    with client_for(plugins={"aws": aws, "aws-sso": sso}, environ=environ) as vault:
        vault.fetch_many(["aws/a", "aws-sso/a"])
        assert vault.credentials.environment("aws") == []
        with pytest.raises(CredentialMissing):
            vault.credentials.draft_from_environment("aws")
    assert [dict(each.answers) for each in aws.credentials] == [{}]
    assert [dict(each.answers) for each in sso.credentials] == [{"token": CANARY}]


def test_the_cores_own_variables_answer_no_providers_form():
    for variable in sorted(CORE_VARIABLES):
        provider, _, field = variable.removeprefix("UNVAULT_").lower().partition("_")
        form = form_with(field or "x")
        assert environment_variables(provider, form, {variable: CANARY}) == set()
    assert Field("passphrase").variables("new") == ("INSOMNIA_NEW_PASSPHRASE",)


def test_the_cores_own_variables_are_those_that_are_documented():
    page = (Path(__file__).parents[2] / "docs/reference/environment.md").read_text("utf-8")
    general = page.partition("UNVAULT_<PROVIDER>")[0]
    assert {*re.findall(r"^\| `(UNVAULT_\w+)`", general, re.M)} == CORE_VARIABLES
