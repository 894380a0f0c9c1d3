"""The pages about the provider gcp name what it has."""

from __future__ import annotations

import re

from tests.docs.tables import ROOT, error_names

from unvault import Reference
from unvault_gcp.forms import CREDENTIAL_FORM, SECRET_FORM

PAGE = (ROOT / "docs/reference/gcp.md").read_text("utf-8")
README = (ROOT / "plugins/gcp/README.md").read_text("utf-8")
SOURCE = ROOT / "plugins/gcp/src/unvault_gcp"


def _section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_the_readme_names_every_type_field_and_parameter() -> None:
    names = [kind.name for kind in CREDENTIAL_FORM]
    names += [field.name for kind in CREDENTIAL_FORM for field in kind.fields]
    names += [field.name for field in SECRET_FORM.fields]

    assert [name for name in names if f"`{name}`" not in README] == []


def test_every_type_is_in_the_reference() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", _section("Credential types"), re.M)

    assert listed == [kind.name for kind in CREDENTIAL_FORM]


def test_the_errors_are_those_that_are_raised() -> None:
    source = "".join(path.read_text("utf-8") for path in SOURCE.glob("*.py"))
    listed = re.findall(r"^\| `(\w+)` \|", _section("Errors"), re.M)

    made = [name for name in error_names() if re.search(rf"\b{name}\(", source)]
    assert sorted(listed) == sorted(made)


def test_the_permissions_are_those_that_the_form_shows() -> None:
    listed = re.findall(r"^\| `([\w.]+)` \| `(roles/[\w.]+)` \|", _section("Permissions"), re.M)
    shown = [
        (permission, role)
        for _, text in CREDENTIAL_FORM.permissions
        for role in re.findall(r"--role=(\S+)", text)
        for permission in re.findall(r"the permission (\S+) on", text)
    ]

    assert listed == shown
    assert len(shown) == 3


def test_the_examples_are_references() -> None:
    examples = re.findall(r"^(?:prod|gcp)/\S+", f"{_section('References')}\n{README}", re.M)

    assert len(examples) == 14
    for text in examples:
        parameters = dict(Reference.parse(text).parameters)
        assert parameters.keys() <= {field.name for field in SECRET_FORM.fields}


def test_who_is_asked_is_said_for_each_type() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", _section("Who is asked"), re.M)

    assert listed == [kind.name for kind in CREDENTIAL_FORM]
