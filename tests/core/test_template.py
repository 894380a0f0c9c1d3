"""Finding vault tags in a text."""

from __future__ import annotations

import base64
import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unvault.errors import InvalidReference, InvalidTag, UnvaultError
from unvault.reference import Reference
from unvault.template import Lookup, find_tags


def only(text):
    """Return the one tag of a text."""
    (tag,) = find_tags(text)
    return tag


def replaced(text, mark="<>"):
    """Return a text with a mark in place of each tag."""
    pieces, position = [], 0
    for tag in find_tags(text):
        pieces += [text[position : tag.start], mark]
        position = tag.end
    return "".join([*pieces, text[position:]])


def enveloped(answers):
    return f"b64::{base64.b64encode(json.dumps(answers).encode()).decode()}::46b"


# ------------------------------------------------------------------------------------ both forms


@pytest.mark.parametrize(
    "tag",
    [
        "{% vault 'prod/db/main#password' %}",
        '{% vault "prod/db/main#password" %}',
        "{%vault 'prod/db/main#password'%}",
        "{%   vault\n\t'prod/db/main#password'\r\n%}",
        "{% vault'prod/db/main#password' %}",
        "{%+ vault 'prod/db/main#password' +%}",
        "{% vault 'unvault://prod/db/main#password' %}",
        r"{% vault 'prod/db\/main#pass\word' %}",
    ],
)
def test_a_reference_is_written_in_these_ways(tag):
    found = only(f"before {tag} after")
    assert found.target == Reference("prod", "db/main", field="password")
    assert replaced(f"before {tag} after") == "before <> after"


@pytest.mark.parametrize(
    "lookup",
    [
        '{"SecretId": "db", "n": 1, "flag": true}',
        enveloped({"SecretId": "db", "n": 1, "flag": True}),
    ],
)
@pytest.mark.parametrize(("quote", "space"), [("'", " "), ('"', ""), ("'", "\n  ")])
def test_insomnias_form_has_three_arguments(lookup, quote, space):
    written = lookup.replace('"', '\\"') if quote == '"' else lookup
    arguments = f",{space}".join(
        f"{quote}{each}{quote}" for each in ("aws", "cloudCred_1", written)
    )
    target = only(f"{{% vault {arguments} %}}").target
    assert target == Lookup("aws", "cloudCred_1", {"SecretId": "db", "n": 1, "flag": True})


def test_numbers_booleans_and_names_are_arguments_too():
    target = only("{% vault aws, 12.5, '{\"a\": 1}' %}").target
    assert target == Lookup("aws", "12.5", {"a": 1})
    assert only("{% vault aws, true, '{}' %}").target == Lookup("aws", "true", {})
    assert only("{% vault aws, -3, '{}' -%}").target == Lookup("aws", "-3", {})


def test_a_backslash_escapes_the_next_character():
    target = only(r"""{% vault 'a/it\'s \"quoted\" \\ here' %}""".replace(" \\", "\\")).target
    assert isinstance(target, (Reference, InvalidReference))
    assert only(r"{% vault 'a/it\'s' %}").target == Reference("a", "it's")
    assert only(r'{% vault "a/\"x\"" %}').target == Reference("a", '"x"')
    assert only(r"{% vault 'a/b\\c' %}").target == Reference("a", "b\\c")
    assert only("{% vault 'a/b%}c' %}").target.code == "invalid-reference"
    assert replaced("{% vault 'a/b%7D' %} {% vault \"it's/%25}\" %}") == "<> <>"


def test_a_reference_written_as_a_tag_is_found_again():
    for path in ("db", "it's", 'a"b', "back\\slash", "%}", "{% vault 'x/y' %}", "a b\nc", "ü😀"):
        reference = Reference("my cred", path, {"version": "1"}, field="f'\"")
        assert only(f"x{reference.tag()}y").target == reference


@given(
    st.builds(
        Reference,
        st.text(st.characters(codec="utf-8"), min_size=1),
        st.text(st.characters(codec="utf-8"), min_size=1),
    )
)
def test_any_reference_written_as_a_tag_is_found_again(reference):
    assert only(reference.tag()).target == reference


# ------------------------------------------------------------------------------ what is trimmed


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a  {%- vault 'x/y' %}  b", "a<>  b"),
        ("a  {% vault 'x/y' -%}  b", "a  <>b"),
        ("a \r\n\t{%- vault 'x/y' -%}\n\n b", "a<>b"),
        ("  {%- vault 'x/y' -%}  ", "<>"),
        ("a {%- vault 'x/y' -%} {%- vault 'x/y' -%} b", "a<><>b"),
        ("a {% vault 'x/y' %} {%- vault 'x/y' %} b", "a <><> b"),
        ("{% raw %} {% endraw %} {%- vault 'x/y' %}", "{% raw %} {% endraw %}<>"),
        ("a {%+ vault 'x/y' +%} b", "a <> b"),
    ],
)
def test_dashes_take_the_white_space_on_their_side_away(text, result):
    assert replaced(text) == result


# ----------------------------------------------------------------------------- what is left alone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "{{ name }} {% if x %}{% endif %} {# comment #}",
        "{% vaults 'x/y' %} {% vault_x 'x/y' %} {% unvault 'x/y' %}",
        "{ % vault 'x/y' % } {%% vault 'x/y' %}",
        "{{ vault 'x/y' }}",
        "${VAULT:-default} $(vault read x) `vault`",
        "{% raw %}{% vault 'x/y' %}{% endraw %}",
        "{%- raw -%}{% vault 'x/y' %}{%- endraw -%}",
        "{% raw %}{% raw %}{% vault 'x/y' %}{% endraw %}",
        "{% raw %}{% vault 'x{% endraw %}",
        "{% raw %} never closed, and nothing follows",
        "{% endraw %}",
        "{% raw",
        "{%",
        "{% vault_",
        "\ufeff\x00\udcff",
    ],
)
def test_everything_else_is_no_tag(text):
    assert list(find_tags(text)) == []


def test_a_raw_block_ends_where_it_ends():
    text = "{% vault 'a/1' %}{% raw %}{% vault 'a/2' %}{% endraw %}{% vault 'a/3' %}"
    assert [tag.target.path for tag in find_tags(text)] == ["1", "3"]
    assert replaced("{% raw x %}{% vault 'a/1' %}") == "{% raw x %}<>"


@pytest.mark.parametrize("before", ["", "{% vault 'a/b' %}\n", "{% raw %}{% endraw %}\n"])
def test_a_raw_block_that_is_never_closed_and_hides_a_tag_is_a_problem(before):
    *_, tag = find_tags(before + "xx{% raw %}\n{% vault 'a/b' %}")
    assert isinstance(tag.target, InvalidTag)
    assert "never closed" in tag.target.message
    assert (tag.line, tag.column) == (1 + before.count("\n"), 3)


# ----------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{% vault %}", "not 0"),
        ("{% vault '' %}", "needs a '/'"),
        ("{% vault 'a/b', 'c' %}", "1 or 3 arguments, not 2"),
        ("{% vault 'a', 'b', '{}', 'd' %}", "1 or 3 arguments, not 4"),
        ("{% vault 'a/b'", "the text ends"),
        ("{% vault 'a/b' }", "unexpected '}'"),
        ("{% vault 'a/b' 'c' %}", 'unexpected "\'"'),
        ("{% vault 'a/b %}", 'unexpected "\'"'),
        ("{% vault", "the text ends"),
        ("{% vault , 'a/b' %}", "unexpected ','"),
        ("{% vault a/b %}", "unexpected '/'"),
        ("{% vault noslash %}", "needs a '/'"),
        ("{% vault 'a/b c' %}", "percent-encoded"),
        ("{% vault 'a', 'b', 'no json' %}", "not a JSON object"),
        ("{% vault 'a', 'b', '[]' %}", "not a JSON object"),
        ("{% vault 'a', 'b', 'b64::!!::46b' %}", "not a JSON object"),
        ("{% vault 'a', 'b', 'b64::::46b' %}", "not a JSON object"),
        ("{% vault 'a', 'b', 'b64:://///w==::46b' %}", "not a JSON object"),
        ("{% vault 'a', 'b', '" + "[" * 100_000 + "' %}", "not a JSON object"),
        ("{% vault 'a', 'b', '{\"n\": " + "9" * 5_000 + "}' %}", "not a JSON object"),
    ],
)
def test_a_wrong_tag_says_what_is_wrong(text, words):
    tag = only(f"xx{text}")
    assert isinstance(tag.target, UnvaultError)
    assert words in tag.target.message
    assert tag.target.hint
    assert (tag.line, tag.column) == (1, 3)
    assert tag.target.__cause__ is tag.target.__context__ is None or isinstance(
        tag.target, InvalidReference
    )


def test_tags_after_a_wrong_one_are_found_too():
    text = "{% vault 'a/b' {% vault 'c/d' %}\n{% vault\n{% vault 'e/f' %}"
    tags = list(find_tags(text))
    assert [type(tag.target).__name__ for tag in tags] == [
        "InvalidTag",
        "Reference",
        "InvalidTag",
        "Reference",
    ]


# ------------------------------------------------------------------------------------ where it is


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("{% vault 'a/b' %}", [(1, 1)]),
        ("\ufeff{% vault 'a/b' %} {% vault 'a/b' %}", [(1, 1), (1, 19)]),
        ("\ufeff\n{% vault 'a/b' %}", [(2, 1)]),
        ("x\r\ny{% vault 'a/b' %}\r\n\r\n{% vault 'a/b' %}", [(2, 2), (4, 1)]),
        ("{% vault\n\n'a/b'\n%}{% vault 'a/b' %}", [(1, 1), (4, 3)]),
        ("{% vault 'a\n/b' %} {% vault 'a/b' %}\n {% vault 'a/b' %}", [(1, 1), (2, 8), (3, 2)]),
        ("ü😀{% vault 'a/b' %}", [(1, 3)]),
        ("\udcff\udcfe{% vault 'a/b' %}", [(1, 3)]),
        ("  \n  {%- vault 'a/b' -%} \n {% vault 'a/b' %}", [(2, 3), (3, 2)]),
        ("{% raw %}\n{% endraw %}{% vault 'a/b' %}", [(2, 13)]),
        ("\n{% raw %}\n\n{% vault 'a/b' %}", [(2, 1)]),
        ("\ufeff{% raw %} {% vault 'a/b' %}", [(1, 1)]),
    ],
)
def test_lines_and_columns_count_from_one_in_characters(text, places):
    assert [(tag.line, tag.column) for tag in find_tags(text)] == places


@given(
    st.lists(
        st.sampled_from(
            [
                "\n",
                "\r\n",
                "x",
                " ",
                "ü",
                "\ufeff",
                "{% vault 'a/b' %}",
                "{% vault\n'a/b' -%}",
                "{%",
            ]
        )
    ).map("".join)
)
def test_places_are_what_counting_by_hand_gives(text):
    for tag in find_tags(text):
        opening = re.compile(r"\s*(\{%)").match(text, tag.start)
        assert opening is not None
        before = text[: opening.start(1)]
        start = before.rfind("\n") + 1
        column = len(before) - start + 1
        if start == 0 and text.startswith("\ufeff"):
            column -= 1
        assert (tag.line, tag.column) == (before.count("\n") + 1, column)


# ----------------------------------------------------------------------------- any text whatsoever

PIECES = st.sampled_from(
    [
        "{%",
        "%}",
        "{%-",
        "-%}",
        "vault",
        "raw",
        "endraw",
        "'",
        '"',
        "\\",
        ",",
        " ",
        "\n",
        "a/b",
        "b64::",
    ]
)


@given(st.lists(PIECES).map("".join) | st.text())
def test_any_text_is_read_and_tags_follow_one_another(text):
    position = 0
    for tag in find_tags(text):
        assert position <= tag.start < tag.end <= len(text)
        position = tag.end


@given(st.text(st.characters(exclude_characters="%")))
def test_a_text_without_an_opening_has_no_tags(text):
    assert list(find_tags(text)) == []


def seconds(text):
    """Return how much of the processor a text takes to read: the best of three."""
    best = float("inf")
    text += " vault"  # without the word, a text is not gone through
    for _ in range(3):
        begun = time.thread_time()
        for _ in find_tags(text):
            pass
        best = min(best, time.thread_time() - begun)
    return best


ADVERSARIES = {
    "tags": "{% vault 'a/b' %}\n",
    "single quotes": "{% vault '",
    "double quotes": '{% vault "',
    "both quotes": "{% vault '\" {% vault \"' ",
    "spaces": "{%" + " " * 10,
    "spaces after the name": "{% vault" + " " * 10,
    "dashes": " {%- vault 'a/b' -%} ",
    "openings": "{%",
    "raw": "{% raw %}",
    "raw without end": "{% raw ",
    "raw blocks": "{% raw %}{% endraw %}",
    "endraw": "{% endraw",
    "commas": "{% vault ,",
    "arguments": "{% vault a, ",
    "backslashes": "{% vault '\\",
    "escaped quotes": "{% vault '\\'",
    "lines": "\n",
}


@pytest.mark.parametrize("name", ADVERSARIES)
def test_time_is_linear_in_the_length(name):
    piece = ADVERSARIES[name]
    small = max(seconds(piece * 1_000), 1e-3)
    assert seconds(piece * 10_000) < 40 * small  # ten times as long; a square would take a hundred


@pytest.mark.parametrize(
    "text",
    [
        "{% vault" + " " * 300_000,
        "{% vault '" + "\\" * 300_001,
        "{% vault '" + "x" * 300_000,
        "{%" + " " * 300_000,
        "{% raw" + " " * 300_000,
        "{% raw %}{% endraw" + " " * 300_000,
        "{% raw %}" + "{% endraw " * 50_000,
        " " * 300_000 + "{%- vault 'a/b' %}",
        "{% vault 'a/b' -%}" + " " * 300_000,
        "{% vault " + "a," * 100_000,
        "{% vault 'a', 'b', 'b64::" + "A" * 300_000 + "::46b' %}",
    ],
    ids=range(11),
)
def test_a_single_long_run_takes_no_time_either(text):
    text += " vault"  # as above
    begun = time.perf_counter()
    list(find_tags(text))
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize("word", ["vault-x", "vault.x", "vault-agent", "vault.kv 'a/b'"])
def test_a_longer_word_is_another_tag(word):
    text = f"{{% {word} %}}"
    assert [*find_tags(text)] == []
    assert [*find_tags(f"{{% raw %}} {text}")] == []


def test_a_dash_that_trims_may_follow_the_word_at_once():
    assert isinstance(only("{% vault-%}").target, UnvaultError)
