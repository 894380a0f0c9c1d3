from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unvault import reference as reference_module
from unvault.errors import InvalidReference
from unvault.reference import SCHEME, Reference

anything = st.text(st.characters(exclude_categories=["Cs"]))
tricky = st.text("%?#/&=:\\'\"{} \t\n\x00\x7f\u0085\u3000\u200bunvault:é😀")
part = anything | tricky | st.just("unvault:") | st.just("%25")
some = part.filter(bool)


@st.composite
def references(draw: st.DrawFn) -> Reference:
    parameters = draw(st.dictionaries(some, part, max_size=4))
    return Reference(draw(some), draw(some), parameters, draw(st.none() | part))


@given(references())
@example(Reference("unvault:", "/x"))
@example(Reference("unvault:", "/unvault://x"))
@example(Reference("a", "b", {"c": ""}, ""))
@example(Reference("a", "b", {"=&%#?/ ": "=&%#?/ "}, "#?&=%/ "))
@example(Reference("a/b?c#d%e", "/"))
@example(Reference("a", "b", {"é": "😀\u3000"}, "/~01/\x00"))
def test_formatting_and_parsing_are_each_others_inverse(reference: Reference) -> None:
    text = str(reference)
    assert Reference.parse(text) == reference
    assert Reference.parse(SCHEME + text) == reference or text.startswith(SCHEME)
    assert str(Reference.parse(text)) == text
    assert text.isprintable()
    assert " " not in text


@given(anything | tricky | st.text() | part.map(lambda text: f"a/{text}"))
@example("\ud800/x")
@example("a/%ED%A0%80")
@example("a/%FF")
def test_any_text_is_a_reference_or_not_and_nothing_else_happens(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidReference as error:
        assert error.message.startswith("not a reference: ")
        assert error.hint
        return
    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("prod/db/main#password", Reference("prod", "db/main", field="password")),
        (
            "aws/prod/db?version_stage=AWSPREVIOUS",
            Reference("aws", "prod/db", {"version_stage": "AWSPREVIOUS"}),
        ),
        (
            "azure/https://my-vault.vault.azure.net/secrets/api-key",
            Reference("azure", "https://my-vault.vault.azure.net/secrets/api-key"),
        ),
        ("local/greeting#/a/b/0", Reference("local", "greeting", field="/a/b/0")),
        (
            "aws/arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf#password",
            Reference(
                "aws",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
                field="password",
            ),
        ),
        (
            "gcp/projects/my-project/secrets/api-key/versions/3",
            Reference("gcp", "projects/my-project/secrets/api-key/versions/3"),
        ),
        (
            "hashicorp/secret/app/db?version=2#password",
            Reference("hashicorp", "secret/app/db", {"version": "2"}, "password"),
        ),
    ],
)
def test_examples(text: str, reference: Reference) -> None:
    assert Reference.parse(text) == reference
    assert Reference.parse(SCHEME + text) == reference
    assert str(reference) == text


def test_the_examples_of_the_docstring_are_references() -> None:
    shown = re.findall(r"^    ([a-z]+/\S+)$", reference_module.__doc__ or "", re.MULTILINE)
    assert len(shown) == 4
    assert [str(Reference.parse(text)) for text in shown] == shown


@pytest.mark.parametrize(
    ("text", "reference", "formatted"),
    [
        ("a/b?", Reference("a", "b"), "a/b"),
        ("a/b#", Reference("a", "b", field=""), "a/b#"),
        ("a/b?c=", Reference("a", "b", {"c": ""}), "a/b?c="),
        ("a/b?c=d=e&f=", Reference("a", "b", {"c": "d=e", "f": ""}), "a/b?c=d=e&f="),
        ("a/b#c#d?e", Reference("a", "b", field="c#d?e"), "a/b#c%23d%3Fe"),
        ("a/b?c=d?e", Reference("a", "b", {"c": "d?e"}), "a/b?c=d%3Fe"),
        ("a%2Fb/c%2fd", Reference("a/b", "c/d"), "a%2Fb/c/d"),
        ("a/%c3%A9+%20", Reference("a", "é+ "), "a/é+%20"),
        ("unvault://unvault://x", Reference("unvault:", "/x"), "unvault://unvault://x"),
        ("a//b/", Reference("a", "/b/"), "a//b/"),
        ("a/b?x=1&%78y=2", Reference("a", "b", {"x": "1", "xy": "2"}), "a/b?x=1&xy=2"),
    ],
)
def test_the_corners_of_the_grammar(text: str, reference: Reference, formatted: str) -> None:
    assert Reference.parse(text) == reference
    assert str(reference) == formatted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "needs a '/'"),
        ("prod", "needs a '/'"),
        ("unvault://", "needs a '/'"),
        ("prod?a=b/c", "needs a '/'"),
        ("/db", "starts with the name of a credential"),
        ("prod/", "after 'prod/' it needs the secret's path"),
        ("prod/?a=b", "needs the secret's path"),
        ("prod/db?version", "a parameter is written name=value, and 'version' is not"),
        ("prod/db?a=b&", "a parameter is written name=value, and '' is not"),
        ("prod/db?=b", "a parameter has no name"),
        ("prod/db?a=1&b=2&a=3", "the parameter 'a' is given twice"),
        ("prod/db?a=1&%61=3", "the parameter 'a' is given twice"),
        ("prod/100%", "'%' is not followed by two hexadecimal digits"),
        ("prod/%zz", "'%' is not followed by two hexadecimal digits"),
        ("prod/%4", "'%' is not followed by two hexadecimal digits"),
        ("prod/%\u0664\u0661", "'%' is not followed by two hexadecimal digits"),
        ("prod/%ff", "what is percent-encoded is not UTF-8"),
        ("prod/%ed%a0%80", "what is percent-encoded is not UTF-8"),
        ("prod/my db", "percent-encoded (column 8)"),
        ("prod/db\n", "percent-encoded (column 8)"),
        (" prod/db", "percent-encoded (column 1)"),
        ("prod/db#a\u3000b", "percent-encoded (column 10)"),
    ],
)
def test_what_is_no_reference_is_told_why(text: str, why: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    assert why in caught.value.message
    assert caught.value.hint


def test_the_hint_says_what_to_write_instead() -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse("prod/my\u3000db")
    assert caught.value.hint == "write %E3%80%80 there"
    assert Reference.parse("prod/my%E3%80%80db").path == "my\u3000db"


@pytest.mark.parametrize(
    ("credential", "path", "parameters", "field"),
    [
        ("", "b", {}, None),
        ("a", "", {}, None),
        ("a", "b", {"": "c"}, None),
        ("a", "b", (("c", "1"), ("c", "2")), None),
        ("\ud800", "b", {}, None),
        ("a", "\udcff", {}, None),
        ("a", "b", {"\ud800": ""}, None),
        ("a", "b", {"c": "\ud800"}, None),
        ("a", "b", {}, "\ud800"),
    ],
)
def test_what_cannot_be_written_cannot_be_made(
    credential: str, path: str, parameters: dict[str, str], field: str | None
) -> None:
    with pytest.raises(InvalidReference):
        Reference(credential, path, parameters, field)


@given(references())
@example(Reference("a", "it's \\ {% %} {{ }}'", field="\\'"))
def test_a_tag_quotes_its_reference(reference: Reference) -> None:
    tag = re.fullmatch(r"\{% vault '((?:[^'\\]|\\.)*)' %\}", reference.tag(), re.DOTALL)
    assert tag
    assert Reference.parse(re.sub(r"\\(.)", r"\1", tag[1])) == reference
    assert reference.tag().index("%}") == len(reference.tag()) - 2


def test_references_that_say_the_same_are_equal_and_have_one_hash() -> None:
    one, other = Reference.parse("a/b?c=%64#e"), Reference("a", "b", {"c": "d"}, "e")
    assert one == other
    assert len({one, other}) == 1


N = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "a/" + "%41" * N,
        "a/" + "é%C3%A9" * N,
        "a/b?" + "&".join(f"k{n}=v" for n in range(N)),
        "a/b?" + "a=" * N,
        "a/b?" + "&" * N,
        "a/b?a=" + "%26" * N,
        "a/b#" + "#" * N,
        "/" * N,
        "%" * N,
        "a/" + "%ff" * N,
        "a/" + "x" * N + " ",
        "unvault://" * N,
    ],
    ids=lambda text: f"{text[:14]}...",
)
def test_long_text_takes_time_in_proportion(text: str) -> None:
    """Each takes a tenth of a second; in quadratic time it would be many minutes."""
    begin = time.process_time()
    with contextlib.suppress(InvalidReference):
        assert Reference.parse(str(Reference.parse(text)))
    assert time.process_time() - begin < 5
