"""The forms of a provider, as the command hands them to web forms and other programs."""

from __future__ import annotations

from jsonschema import Draft202012Validator
from tests.apps.cli.conftest import TOKEN, Unvault
from tests.apps.cli.forms import HOUSE
from tests.fakes import Site

import acme_provider
from unvault.schema import credential_form, secret_form


def test_show_the_forms_as_json_schemas(unvault: Unvault, site: Site) -> None:
    document = unvault("providers", "show", "acme", "--schema").json
    assert [*document] == ["schema", "id", "credential", "secret"]
    assert (document["schema"], document["id"]) == ("unvault.provider-schema/1", "acme")
    assert credential_form(document["credential"]) == acme_provider.describe_credential_form()
    assert secret_form(document["secret"]) == acme_provider.describe_secret_form()
    valid = Draft202012Validator(document["credential"]).is_valid
    assert valid({"type": "token", "file": "acme.json", "token": TOKEN})
    assert not valid({"type": "token", "file": "acme.json"})
    assert unvault("providers", "show", "acme", "--schema", "--json").json == document
    site.provider("house", HOUSE)
    assert unvault("providers", "show", "house", "--schema").json["secret"] is None
    assert unvault("providers", "show", "nope", "--schema", "--json").error["code"] == (
        "provider-not-found"
    )
