"""What Insomnia's people have: their look-ups, and credentials in the environment."""

from __future__ import annotations

import base64
import json

import pytest
from tests.plugins.azure.using import by_secret

from unvault.errors import FormError, InteractionRequired
from unvault_azure.forms import CREDENTIAL_FORM

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture
def robot(entra, vault):
    made = entra.app("robot")
    vault.allow(made).put("api-key", "canary-1")
    vault.put_key("signing", curve=True)
    return made


def tag(**lookup):
    return "{% vault 'azure', 'cloudCred_" + "0" * 32 + "', '" + json.dumps(lookup) + "' %}"


def in_base64(**lookup):
    text = base64.b64encode(json.dumps(lookup).encode()).decode()
    return "{% vault 'azure', 'cloudCred_" + "0" * 32 + f"', 'b64::{text}::46b' %}}"


@pytest.fixture
def unvault(open_unvault, robot):
    environ = {f"UNVAULT_AZURE_{name.upper()}": value for name, value in by_secret(robot).items()}
    return open_unvault(environ=environ)


@pytest.mark.parametrize("write", [tag, in_base64])
def test_a_tag_with_a_look_up_of_a_secret_is_rendered(unvault, write):
    address = "https://app.vault.azure.net/secrets/api-key"
    text = write(secretIdentifier=address, secretType="secret")
    assert unvault.render(f"key={text}") == "key=canary-1"
    assert unvault.render(write(secretIdentifier=address)) == "canary-1"


def test_a_tag_with_a_look_up_of_a_key_is_rendered_as_its_public_part(unvault):
    address = "https://app.vault.azure.net/keys/signing"
    key = json.loads(unvault.render(tag(secretIdentifier=address, secretType="key")))
    assert (key["kty"], key["crv"]) == ("EC", "P-256")


def test_azures_own_variables_are_not_those_of_a_credential(open_unvault, robot):
    environ = {f"AZURE_{name.upper()}": value for name, value in by_secret(robot).items()}
    unvault = open_unvault(environ=environ)
    assert unvault.credentials.environment("azure") == []


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["TENANT_ID"], "browser"),
        (["TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"], "client_secret"),
        (["TENANT_ID", "CLIENT_ID", "CERTIFICATE_PATH"], "client_certificate"),
        (["TENANT_ID", "CLIENT_ID", "TOKEN_FILE"], "workload_identity"),
        (["TYPE=managed_identity", "CLIENT_ID"], "managed_identity"),
        (["TYPE=cli"], "cli"),
        (["TYPE=device_code"], "device_code"),
    ],
)
def test_the_variables_say_which_type_it_is(open_unvault, names, kind):
    pairs = [each.partition("=") for each in names]
    environ = {f"UNVAULT_AZURE_{name}": value or "x" for name, _, value in pairs}
    found = open_unvault(environ=environ).credentials.draft_from_environment("azure")
    assert found.type == kind


def test_a_person_in_the_environment_needs_a_person(open_unvault):
    unvault = open_unvault(environ={"UNVAULT_AZURE_TYPE": "browser"})
    with pytest.raises(InteractionRequired):
        unvault.fetch("azure/app/api-key")


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"tenant_id": "a b"}, "tenant_id"),
        ({"client_id": "x/y"}, "client_id"),
        ({"authority": "http://login.example.com"}, "authority"),
        ({"cloud": "moon"}, "cloud"),
        ({"allowed_hosts": "https://a.example"}, "allowed_hosts"),
        ({"timeout": 0}, "timeout"),
        ({"wait": 0}, "wait"),
        ({"redirect_port": -1}, "redirect_port"),
    ],
)
def test_answers_that_cannot_be_meant_are_refused_in_the_form(open_unvault, answers, field):
    with pytest.raises(FormError) as raised:
        open_unvault().credentials.draft("azure", "browser", answers)
    assert [problem.field for problem in raised.value.problems] == [field]


def test_a_person_has_to_answer_nothing():
    for kind in CREDENTIAL_FORM.types[:2]:
        assert kind.named_by_sign_in
        assert not any(field.required for field in kind.fields)
