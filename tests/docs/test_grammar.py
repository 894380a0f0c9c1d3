"""The tables about references and tags show what is so."""

from __future__ import annotations

import re

import pytest
from tests.docs.tables import ROOT

from unvault import Reference
from unvault.errors import InvalidReference
from unvault.reference import SCHEME
from unvault.template import Lookup, find_tags

REFERENCES = (ROOT / "docs/reference/references.md").read_text("utf-8")
TAGS = (ROOT / "docs/reference/tags.md").read_text("utf-8")

_REFUSED = re.findall(
    r"^\| `([^`]+)` \| (.+) \|$", REFERENCES.partition("## What is refused")[2], re.M
)
_ENCODED = re.findall(r"^\| the (\w+) `([^`]+)` \| `([^`]+)` \|$", REFERENCES, re.M)
_EXAMPLES = re.findall(r"^((?:prod|local|aws|azure)/\S+)", REFERENCES, re.M)


@pytest.mark.parametrize(("text", "why"), _REFUSED)
def test_what_is_said_to_be_refused_is(text: str, why: str) -> None:
    with pytest.raises(InvalidReference):
        Reference.parse(text)


@pytest.mark.parametrize(("part", "meant", "written"), _ENCODED)
def test_what_is_said_to_be_encoded_is(part: str, meant: str, written: str) -> None:
    reference = Reference.parse(written)

    assert getattr(reference, {"secret": "path"}.get(part, part)) == meant
    assert str(reference) == written


@pytest.mark.parametrize("text", _EXAMPLES)
def test_the_examples_are_references(text: str) -> None:
    assert str(Reference.parse(text)) == text
    assert Reference.parse(SCHEME + text) == Reference.parse(text)


def test_the_tables_are_found() -> None:
    assert len(_REFUSED) == 7
    assert len(_ENCODED) == 5
    assert len(_EXAMPLES) == 5


def test_the_two_forms_of_a_tag_are_understood() -> None:
    example = TAGS.partition("```text\n")[2].partition("```")[0]

    first, second = find_tags(example)
    assert first.target == Reference.parse("prod/db/main#password")
    assert second.target == Lookup("aws", "cloudCred_1b2c", {"SecretId": "db"})
