"""The pages about the provider hashicorp name what it has."""

from __future__ import annotations

import re

from tests.docs.tables import ROOT, error_names

from unvault import Reference
from unvault_hashicorp.forms import CREDENTIAL_FORM, SECRET_FORM

PAGE = (ROOT / "docs/reference/hashicorp.md").read_text("utf-8")
README = (ROOT / "plugins/hashicorp/README.md").read_text("utf-8")
SOURCE = ROOT / "plugins/hashicorp/src/unvault_hashicorp"


def _section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_the_readme_names_every_type_method_field_and_parameter() -> None:
    fields = {field.name: field for kind in CREDENTIAL_FORM for field in kind.fields}
    names = [kind.name for kind in CREDENTIAL_FORM] + [*fields]
    names += [choice.value for choice in fields["auth_method"].choices]
    names += [field.name for field in SECRET_FORM.fields]

    assert [name for name in names if f"`{name}`" not in README] == []


def test_every_type_and_method_is_in_the_reference_with_its_aliases() -> None:
    section = _section("Credential types")
    fields = {field.name: field for kind in CREDENTIAL_FORM for field in kind.fields}
    names = [name for kind in CREDENTIAL_FORM for name in kind.names]
    for choice in fields["auth_method"].choices:
        names += [choice.value, *choice.aliases]

    assert [name for name in names if f"`{name}`" not in section] == []


def test_the_variables_without_a_credential_are_those_that_are_read() -> None:
    read = set(re.findall(r'\bget\("(\w+)"\)', (SOURCE / "ambient.py").read_text("utf-8")))
    rows = re.findall(r"^\| `BAO_(\w+)`, `VAULT_(\w+)` \|", _section("Without a credential"), re.M)

    assert read
    assert sorted(rows) == sorted((name, name) for name in read)
    assert all(f"`VAULT_{name}`" in README for name in read)


def test_the_errors_are_those_that_are_raised() -> None:
    source = "".join(path.read_text("utf-8") for path in SOURCE.glob("*.py"))
    listed = re.findall(r"^\| `(\w+)` \|", _section("Errors"), re.M)

    made = [name for name in error_names() if re.search(rf"\b{name}(?:\(| as TooMany)", source)]
    assert sorted(listed) == sorted(made)


def test_the_examples_are_references() -> None:
    examples = re.findall(r"^(?:prod|hashicorp)/\S+", f"{_section('References')}\n{README}", re.M)

    assert len(examples) == 13
    for text in examples:
        parameters = dict(Reference.parse(text).parameters)
        assert parameters.keys() <= {field.name for field in SECRET_FORM.fields}
