"""Secrets in place of tags: all of them or none, and everything else byte for byte."""

from __future__ import annotations

import base64
import json
import os
import stat
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import BatchProvider, FakeProvider, client_for

from unvault.errors import InvalidTag, RenderError, SecretNotFound, Unavailable, WrongFormat
from unvault.secret import Secret

VALUES = {
    "db": '{"user": "admin", "password": "p\'w\\"d"}',
    "token": "hunter2",
    "multi": "line 1\nline 2\r\n",
    "tagged": "{% vault 'fake/token' %}",
    "bin": b"\xff\xfe\x00",
    "empty": "",
    "ü": "ünïcode 😀",
}
LOOKUP = json.dumps({"SecretId": "db", "SecretKey": "user"})


@pytest.fixture
def vault():
    with client_for(FakeProvider(VALUES)) as made:
        yield made


def enveloped(text):
    return f"b64::{base64.b64encode(text.encode()).decode()}::46b"


def failed(vault, text):
    """Render what cannot be rendered; return the problems' places and codes, and the error."""
    with pytest.raises(RenderError) as caught:
        vault.render_bytes(text) if isinstance(text, bytes) else vault.render(text)
    return [(p.line, p.column, p.error.code) for p in caught.value.problems], caught.value


# ---------------------------------------------------------------------------------- what comes out


def test_both_forms_are_replaced(vault):
    text = (
        "a={% vault 'fake/token' %};"
        'b={% vault "fake/db#user" %};'
        f"c={{% vault 'fake', 'cloudCred_{'0' * 32}', '{enveloped(LOOKUP)}' %}};"
        f"d={{% vault 'fake', '', '{LOOKUP}' %}};"
        "e={% vault 'fake/empty' %};"
    )
    assert vault.render(text) == "a=hunter2;b=admin;c=admin;d=admin;e=;"


def test_values_are_put_in_as_they_are(vault):
    assert vault.render("{% vault 'fake/tagged' %}") == VALUES["tagged"]
    assert vault.render("<{% vault 'fake/multi' %}>") == f"<{VALUES['multi']}>"
    assert vault.render("{% vault 'fake/ü' %}") == VALUES["ü"]
    assert vault.render("{% vault 'fake/db#password' %}") == "p'w\"d"


def test_other_languages_around_stay_as_they_are(vault):
    text = (
        "{% if x %}{{ name | upper }}{% endif %}{# {{ not }} #}\r\n"
        "{{ _.base_url }}/{% response 'body', 'req_1', 'b64::eA==::46b' %}\n"
        "export A=\"${B:-c}\" $(cat <<'EOF'\n{%- vault_x %}\nEOF\n)\t`x` \\ %} {%\n"
        "{% raw %}{% vault 'fake/token' %}{% endraw %}"
    )
    assert vault.render(text) == text
    assert vault.render(text + "{% vault 'fake/token' %}") == text + "hunter2"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r"])
def test_line_ends_marks_and_a_missing_end_stay(vault, mark, end):
    line = b"x: {% vault 'fake/token' %}"
    content = mark + line + b"\r\n\r\n" + line + b"\n\r" + line + end
    expected = content.replace(b"{% vault 'fake/token' %}", b"hunter2")
    assert vault.render_bytes(content) == expected


def test_bytes_of_other_encodings_stay(vault):
    latin = "é à ü".encode("latin-1")
    content = latin + b"{% vault 'fake/token' %}" + bytes(range(256)) + b"\xed\xa0\x80" + latin
    expected = content.replace(b"{% vault 'fake/token' %}", b"hunter2")
    assert vault.render_bytes(content) == expected
    shift = "日本 {% vault 'fake/token' %}".encode("shift-jis")
    assert vault.render_bytes(shift) == "日本 hunter2".encode("shift-jis")


def test_the_rest_is_not_looked_at():
    provider = FakeProvider(VALUES)
    with client_for(provider) as vault:
        assert vault.render("no tags {{ here }}") == "no tags {{ here }}"
        assert vault.render_bytes(b"") == b""
    assert provider.credentials == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_texts_are_refused_rather_than_left_with_their_tags(vault, encoding):
    marked = "\ufeff" * (encoding != "utf-16") + "{% vault 'fake/token' %}"
    with pytest.raises(RenderError, match="UTF-16 or UTF-32") as caught:
        vault.render_bytes(marked.encode(encoding))
    assert "UTF-8" in (caught.value.hint or "")
    with pytest.raises(RenderError):
        vault.find_references(marked.encode(encoding))


@given(st.binary().filter(lambda b: not b.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))))
def test_bytes_without_tags_come_out_as_they_went_in(content):
    content = content.replace(b"{%", b"{ %")
    with client_for(FakeProvider()) as vault:
        assert vault.render_bytes(content) == content


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=6))
def test_between_tags_every_byte_stays(pieces):
    pieces = [b"x" + piece.replace(b"{%", b"{ %") for piece in pieces]
    tag, value = b"{% vault 'fake/token' %}", b"hunter2"
    with client_for(FakeProvider(VALUES)) as vault:
        assert vault.render_bytes(tag.join(pieces)) == value.join(pieces)


# ---------------------------------------------------------------------------------- all or nothing


def test_one_bad_tag_and_nothing_is_rendered(vault):
    text = "{% vault 'fake/token' %}\n  {% vault 'fake/none' %}\n{% vault 'fake/db#user' %}"
    problems, error = failed(vault, text)
    assert problems == [(2, 3, "secret-not-found")]
    assert isinstance(error.problems[0].error, SecretNotFound)
    assert error.problems[0].error.reference == "fake/none"
    assert "1 of 3 vault tags" in error.message
    assert "line 2, column 3" in error.message
    assert "hunter2" not in f"{error} {error.describe()}"


def test_all_problems_are_listed_with_their_places(vault):
    text = (
        "\ufeff{% vault 'fake/none' %} {% vault\n 'fake/none' %}{% vault 'fake/bin' %}\r\n"
        "{% vault 'no reference' %} {% vault 'nobody/x' %}\n"
        "ok {% vault 'fake/token' %} {% vault 'fake/db#nope' %}\n"
        "{% vault 'fake', '', '{}' %} {% vault 'fake', '', 'x' %}\n"
        "{% vault 'fake/token?x=1' %} {% vault"
    )
    problems, error = failed(vault, text)
    assert problems == [
        (1, 1, "secret-not-found"),
        (1, 25, "secret-not-found"),
        (2, 16, "wrong-format"),
        (3, 1, "invalid-reference"),
        (3, 28, "credential-not-found"),
        (4, 29, "field-not-found"),
        (5, 1, "invalid-form"),
        (5, 30, "invalid-tag"),
        (6, 1, "invalid-reference"),
        (6, 30, "invalid-tag"),
    ]
    assert "10 of 11 vault tags" in error.message
    plain = json.loads(json.dumps(error.describe()))
    assert [(p["line"], p["column"], p["code"]) for p in plain["problems"]] == problems
    assert all(p["message"] for p in plain["problems"])
    assert "hunter2" not in json.dumps(plain)
    assert "admin" not in json.dumps(plain)


def test_a_binary_secret_in_a_tag_is_a_problem_without_its_bytes(vault):
    problems, error = failed(vault, "{% vault 'fake/bin' %}")
    assert problems == [(1, 1, "wrong-format")]
    (problem,) = error.problems
    assert isinstance(problem.error, WrongFormat)
    assert problem.error.reference == "fake/bin"
    assert error.__cause__ is None


def test_columns_count_after_bytes_that_are_not_utf_8(vault):
    problems, _ = failed(vault, b"\xef\xbb\xbf\xff\xfe\xe9 {% vault 'fake/none' %}")
    assert problems == [(1, 5, "secret-not-found")]


def test_bytes_that_are_not_utf_8_inside_a_tag_are_a_problem(vault):
    problems, error = failed(vault, b"{% vault 'fake/\xff' %}")
    assert problems == [(1, 1, "invalid-reference")]
    str(error).encode()
    json.dumps(error.describe()).encode()


def test_a_raw_block_that_hides_tags_is_a_problem(vault):
    problems, _ = failed(vault, "\n{% raw %}{% vault 'fake/token' %}")
    assert problems == [(2, 1, "invalid-tag")]


def test_an_outage_is_listed_for_each_tag():
    provider = BatchProvider({"a": "1", "b": "2"})

    def answer(*_):
        raise Unavailable("down")

    provider.answer = answer
    with client_for(provider) as vault:
        problems, _ = failed(vault, "{% vault 'fake/a' %}{% vault 'fake/b' %}{% vault 'fake/a' %}")
    assert [code for *_, code in problems] == ["unavailable"] * 3


# ------------------------------------------------------------------------------------- how it asks


def test_equal_references_are_fetched_once_and_in_one_batch():
    provider = BatchProvider(VALUES)
    text = "".join(
        f"{{% vault '{each}' %}}"
        for each in ("fake/token", "fake/db#user", "fake/token", "fake/db#password", "fake/ü")
    )
    with client_for(provider) as vault:
        vault.render(text)
        vault.render(text)
        assert provider.batches == [["token", "db", "ü"]]
        vault.render(text, fresh=True)
    assert provider.batches == [["token", "db", "ü"]] * 2
    assert provider.fetched == []


def test_references_are_found_without_signing_in():
    provider = FakeProvider()
    text = (
        "x{% vault 'fake/a#b' %}\n{% vault 'fake', '', '{\"SecretId\": \"db\"}' %}{% vault 'no' %}"
    )
    with client_for(provider) as vault:
        found = vault.find_references(text)
        assert vault.find_references(text.encode())[:2] == found[:2]
    assert [(each.line, each.column, each.reference) for each in found] == [
        (1, 2, "fake/a#b"),
        (2, 1, "fake/db"),
        (2, 45, None),
    ]
    assert found[2].error.code == "invalid-reference"
    assert found[0].error is None
    assert provider.credentials == provider.fetched == []


# ------------------------------------------------------------------------------------------- files


def test_a_file_is_rendered_into_one_that_only_its_owner_reads(vault, tmp_path):
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_bytes(b"\xef\xbb\xbfx={% vault 'fake/token' %}\r\n\xff")
    target.write_text("old")
    target.chmod(0o644)
    vault.render_file(source, str(target))
    assert target.read_bytes() == b"\xef\xbb\xbfx=hunter2\r\n\xff"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.txt", "out.txt"]


def test_a_file_may_be_rendered_into_itself(vault, tmp_path):
    file = tmp_path / "same.txt"
    file.write_text("x={% vault 'fake/token' %}")
    vault.render_file(file, file)
    assert file.read_text() == "x=hunter2"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_when_a_tag_fails_the_target_is_untouched(vault, tmp_path):
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("{% vault 'fake/token' %}{% vault 'fake/none' %}")
    with pytest.raises(RenderError) as caught:
        vault.render_file(source, target)
    assert caught.value.source == str(source)
    assert caught.value.describe()["source"] == str(source)
    assert [each.name for each in tmp_path.iterdir()] == ["in.txt"]
    target.write_text("old")
    target.chmod(0o644)
    with pytest.raises(RenderError):
        vault.render_file(source, target)
    assert target.read_text() == "old"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_a_file_of_utf_16_says_which_file_it_is(vault, tmp_path):
    source = tmp_path / "wide.txt"
    source.write_text("{% vault 'fake/token' %}", "utf-16")
    with pytest.raises(RenderError, match="UTF-16") as caught:
        vault.render_file(source, tmp_path / "out.txt")
    assert caught.value.source == str(source)


def test_a_missing_source_or_folder_is_the_systems_error(vault, tmp_path):
    with pytest.raises(FileNotFoundError):
        vault.render_file(tmp_path / "none", tmp_path / "out")
    source = tmp_path / "in.txt"
    source.write_text("{% vault 'fake/token' %}")
    with pytest.raises(FileNotFoundError):
        vault.render_file(source, tmp_path / "no folder" / "out")
    assert os.listdir(tmp_path) == ["in.txt"]  # noqa: PTH208  # the names are all there is to see


# -------------------------------------------------------------------------------------------- speed


def cost(vault, count):
    """Return how much of the processor so many tags take: the best of two."""
    text = "".join(f"line {n}: {{% vault 'fake/n{n % 500}' %}}\n" for n in range(count))
    best = float("inf")
    for _ in range(2):
        begun = time.thread_time()
        vault.render(text)
        best = min(best, time.thread_time() - begun)
    return best


def test_ten_times_the_tags_cost_about_ten_times_as_much():
    provider = BatchProvider()
    provider.value = lambda _, request: Secret(request.path)
    with client_for(provider) as vault:
        cost(vault, 100)
        small = cost(vault, 2_000)
        assert cost(vault, 20_000) < 25 * small


def test_much_text_without_a_tag_takes_no_time(vault):
    text = "the quick brown fox { % jumps } over {{ the }} lazy dog\n" * 100_000
    begun = time.thread_time()
    assert vault.render(text) == text
    assert time.thread_time() - begun < 1


def test_a_problem_may_be_any_of_our_errors():
    error = InvalidTag("x")
    provider = FakeProvider({"a": error})
    with client_for(provider) as vault:
        problems, raised = failed(vault, "{% vault 'fake/a' %}")
    assert problems == [(1, 1, "invalid-tag")]
    assert raised.problems[0].error is not error


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("tag", ["{% vault 'a/b' %}", "{%- vault 'a/b' -%}", "{%vault 'a/b'%}"])
def test_wide_texts_without_a_mark_are_refused_if_they_have_tags(vault, encoding, tag):
    with pytest.raises(RenderError, match="UTF-16"):
        vault.render_bytes(f"a: {tag}\n".encode(encoding))
    with pytest.raises(RenderError, match="UTF-16"):
        vault.find_references(f"a: {tag}\n".encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_texts_without_a_mark_and_without_tags_stay(vault, encoding):
    for text in ("a vault", "{% if vault %}", "{% valet %}"):
        assert vault.render_bytes(text.encode(encoding)) == text.encode(encoding)
