"""Any text at all as a reference, a look-up or a text with tags: ours are the only errors."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.core.fuzz import texts
from tests.fakes import BatchProvider, client_for
from tests.soak import fuzz

from unvault.client import Unvault
from unvault.errors import InvalidReference, RenderError, UnvaultError
from unvault.lookups import request_for
from unvault.reference import Reference
from unvault.rendering import decode, encode
from unvault.secret import Secret
from unvault.template import find_tags

Told = Callable[[BaseException], str]


class Anything(BatchProvider):
    """A provider that has one value, wherever it is asked for it."""

    def value(self, session, request):
        return Secret('{"db": "<value>"}')


@pytest.fixture(scope="module")
def vault():
    with client_for(Anything()) as made:
        yield made


@fuzz(text=texts.references)
def test_a_reference_is_read_back_as_it_was_written(text: str, vault: Unvault) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidReference:
        return
    assert Reference.parse(str(reference)) == reference
    assert str(Reference.parse(str(reference))) == str(reference)
    [tag] = find_tags(reference.tag())
    assert tag.target == reference
    try:
        request_for(reference, vault.providers.load("fake").secret_form)
    except InvalidReference as error:
        assert error.reference == str(reference)


@fuzz(text=texts.references)
def test_fetching_what_may_be_a_reference(text: str, vault: Unvault) -> None:
    [outcome] = vault.fetch_many([text])
    try:
        fetched = vault.fetch(text).reveal()
    except UnvaultError as error:
        assert type(outcome) is type(error)
    else:
        assert isinstance(outcome, Secret)
        assert outcome.reveal() == fetched


@fuzz(text=texts.texts)
def test_what_is_no_tag_comes_out_as_it_went_in(text: str, vault: Unvault) -> None:
    tags = [*find_tags(text)]
    try:
        rendered = vault.render(text)
    except RenderError as error:
        assert len(error.problems) <= len(tags)
        assert {(each.line, each.column) for each in error.problems} <= {
            (tag.line, tag.column) for tag in tags
        }
        return
    position = 0
    for tag in tags:
        assert position <= tag.start < tag.end
        between = text[position : tag.start]
        assert rendered.startswith(between)
        rendered = rendered.removeprefix(between)
        [value] = [each for each in ('{"db": "<value>"}', "<value>") if rendered.startswith(each)]
        rendered = rendered.removeprefix(value)
        position = tag.end
    assert rendered == text[position:]


@fuzz(text=texts.texts)
def test_the_references_of_a_text_are_those_that_are_rendered(text: str, vault: Unvault) -> None:
    found = vault.find_references(text)
    assert [(each.line, each.column) for each in found] == [
        (tag.line, tag.column) for tag in find_tags(text)
    ]
    for each in found:
        assert (each.reference is None) is isinstance(each.error, UnvaultError)


@fuzz(content=texts.contents)
def test_any_bytes_are_rendered_or_refused(content: bytes, vault: Unvault) -> None:
    try:
        text = decode(content)
    except RenderError:
        assert b"\0" in content or content.startswith((b"\xff\xfe", b"\xfe\xff"))
        with pytest.raises(RenderError):
            vault.render_bytes(content)
        return
    assert encode(text) == content
    try:
        rendered = vault.render_bytes(content)
    except RenderError:
        assert b"vault" in content
        return
    assert rendered == content or b"vault" in content


@fuzz(lookup=texts.lookups)
def test_a_look_up_is_read_or_refused_and_never_told(
    lookup: str, vault: Unvault, told: Told
) -> None:
    escaped = lookup.replace("\\", "\\\\").replace("'", "\\'")
    try:
        vault.render(f"{{% vault 'fake', '', '{escaped}' %}}")
    except RenderError as error:
        [problem] = error.problems
        assert texts.CANARY not in str(problem.error)
        assert texts.CANARY not in error.message


@fuzz(value=texts.json_like, name=texts.pieces("/", "~", "~0", "~1", "~2", "0", "-1", "01", "a"))
def test_a_field_is_found_or_not(value: object, name: str) -> None:
    secret = Secret(json.dumps(value))
    try:
        field = secret.field(name)
    except UnvaultError as error:
        assert texts.CANARY not in str(error)
    else:
        assert isinstance(field, Secret)
