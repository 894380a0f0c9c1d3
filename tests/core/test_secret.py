from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unvault import secret as secret_module
from unvault.errors import FieldNotFound, WrongFormat
from unvault.secret import MASK, Secret

CANARY = "canary-5f0d1c"
Told = Callable[[BaseException], str]


@attrs.frozen
class Holder:
    """Holds a secret, as an application's own class may."""

    secret: Secret
    name: str = "holder"


def logged(secret: Secret) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log = logging.getLogger("unvault-test-of-secrets")
    log.handlers[:] = [handler]
    log.warning("got %s and %r", secret, secret)
    log.warning("in %s", {"secret": [secret]})
    return stream.getvalue()


def raised(secret: Secret) -> str:
    try:
        raise RuntimeError(secret)
    except RuntimeError as error:
        return "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )


FACES: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda s: format(s, ">30s"),
    "f-string": lambda s: f"{s} {s!r} {s!s:>40} {s:x}",
    "percent": lambda s: "%s %r" % (s, s),  # noqa: UP031  # this way of formatting, too
    "str.format": lambda s: "{} {0!r}".replace("{} ", "{0} ").format(s),
    "logging": logged,
    "pprint": lambda s: pprint.pformat({"a": [s, (s,)]}),
    "asdict": lambda s: repr(attrs.asdict(Holder(s))),
    "astuple": lambda s: repr(attrs.astuple(Holder(s))),
    "holder": lambda s: repr(Holder(s)),
    "traceback": raised,
}


@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
@pytest.mark.parametrize("value", [CANARY, CANARY.encode()], ids=["text", "bytes"])
def test_no_face_shows_the_value(face: Callable[[Secret], str], value: str | bytes) -> None:
    shown = face(Secret(value))
    assert CANARY not in shown
    assert MASK in shown


def test_what_takes_values_apart_finds_no_way_in() -> None:
    secret = Secret(CANARY)
    openers: list[Callable[[Any], object]] = [json.dumps, bytes, vars, list, dict, len, iter]
    for opener in openers:
        with pytest.raises(TypeError) as caught:
            opener(secret)
        assert CANARY not in str(caught.value)


def test_the_value_is_shown_when_asked() -> None:
    assert Secret("größe").reveal() == "größe".encode()
    assert Secret("größe").text() == "größe"
    assert Secret(b"\x00\xff").reveal() == b"\x00\xff"
    assert Secret(bytearray(b"ab")).reveal() == b"ab"  # type: ignore[arg-type]
    assert Secret("").text() == ""


@given(st.binary())
def test_bytes_come_back_as_they_are(value: bytes) -> None:
    assert Secret(value).reveal() == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_comes_back_as_it_is(value: str) -> None:
    assert Secret(value).text() == value


@pytest.mark.parametrize("value", [5432, None, 1.5, True, ["a"], {"a": 1}])
def test_what_is_neither_text_nor_bytes_is_refused(value: Any) -> None:
    """A number in particular: ``bytes(5432)`` would be a secret of 5432 zeros."""
    with pytest.raises(TypeError):
        Secret(value)


def test_a_mutable_value_is_copied() -> None:
    buffer = bytearray(b"before")
    secret = Secret(buffer)  # type: ignore[arg-type]
    buffer[:] = b"after!"
    assert secret.reveal() == b"before"


def test_metadata_is_kept_and_belongs_to_fields_too() -> None:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    secret = Secret(
        '{"a": "b"}',
        version="3",
        created=moment,
        expires=moment,
        content_type="application/json",
        tags={"team": "a"},
    )
    field = secret.field("a")
    assert (field.version, field.created, field.expires) == ("3", moment, moment)
    assert field.content_type is None
    assert field.tags == secret.as_stale().tags == {"team": "a"}
    assert Secret("x").tags == {}
    with pytest.raises(TypeError):
        secret.tags["team"] = "b"  # type: ignore[index]  # which is what is shown
    again = pickle.loads(pickle.dumps(secret.picklable()))
    assert (again.version, again.created, again.expires) == ("3", moment, moment)
    assert again.content_type == "application/json"
    assert again.tags == {"team": "a"}


@pytest.mark.parametrize("name", ["_value", "_picklable", "version", "content_type", "tags", "new"])
def test_a_secret_does_not_change(name: str) -> None:
    secret = Secret(CANARY)
    with pytest.raises(AttributeError):
        setattr(secret, name, "other")
    with pytest.raises(AttributeError):
        delattr(secret, name)
    assert secret.text() == CANARY


def test_equality_is_by_value() -> None:
    assert Secret("a") == Secret(b"a", version="2")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("a") != b"a"


def test_it_has_no_hash() -> None:
    with pytest.raises(TypeError):
        hash(Secret("a"))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_is_refused_unless_asked_for(protocol: int, told: Told) -> None:
    secret = Secret(CANARY)
    for held in (secret, [secret], Holder(secret)):
        with pytest.raises(TypeError, match="picklable") as caught:
            pickle.dumps(held, protocol)
        assert CANARY not in told(caught.value)
    again = pickle.loads(pickle.dumps(secret.picklable(), protocol))
    assert again == secret
    assert pickle.loads(pickle.dumps(again, protocol)) == secret
    with pytest.raises(TypeError):
        pickle.dumps(secret, protocol)  # the original is as it was


def test_copies_are_the_secret_itself() -> None:
    secret = Secret(CANARY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"a": [secret]})["a"][0] is secret


@pytest.mark.parametrize(
    ("pointer", "value"),
    [  # RFC 6901, section 5; its "" is the whole document, which is the secret itself
        ("/foo", '["bar","baz"]'),
        ("/foo/0", "bar"),
        ("/", "0"),
        ("/a~1b", "1"),
        ("/c%d", "2"),
        ("/e^f", "3"),
        ("/g|h", "4"),
        ("/i\\j", "5"),
        ('/k"l', "6"),
        ("/ ", "7"),
        ("/m~0n", "8"),
    ],
)
def test_json_pointer(pointer: str, value: str) -> None:
    document = {
        "foo": ["bar", "baz"],
        "": 0,
        "a/b": 1,
        "c%d": 2,
        "e^f": 3,
        "g|h": 4,
        "i\\j": 5,
        'k"l': 6,
        " ": 7,
        "m~n": 8,
    }
    assert Secret(json.dumps(document)).field(pointer).text() == value


def test_a_key_is_a_field_and_escapes_come_in_the_right_order() -> None:
    secret = Secret('{"": "empty", "a/b": "slash", "~1": "tilde", "a": {"b": "deep"}}')
    assert secret.field("").text() == "empty"
    assert secret.field("a/b").text() == "slash"
    assert secret.field("/~01").text() == "tilde"
    assert secret.field("/a/b").text() == "deep"


@pytest.mark.parametrize("written", ["1.10", "1e400", "-0", "0.1E-7", "1" * 40, "9" * 5000, "-1"])
def test_numbers_stay_as_they_are_written(written: str) -> None:
    secret = Secret(f'{{"n": {written}, "deep": {{"list": [{written}]}}}}')
    assert secret.field("n").text() == written
    assert secret.field("/deep/list/0").text() == written
    assert secret.field("deep").text() == f'{{"list":[{written}]}}'


@pytest.mark.parametrize(
    ("written", "text"),
    [("true", "true"), ("null", "null"), ("[]", "[]"), ("{}", "{}"), ('"é\\n\\""', 'é\n"')],
)
def test_other_values_are_json_text(written: str, text: str) -> None:
    assert Secret(f'{{"a": {written}}}').field("a").text() == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.data())
def test_a_pointer_leads_to_every_value(document: Any, data: st.DataObject) -> None:
    pointer, value = "", document
    while isinstance(value, (dict, list)) and value:
        key = data.draw(
            st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value)))
        )
        pointer += "/" + str(key).replace("~", "~0").replace("/", "~1")
        value = value[key]
        found = Secret(json.dumps(document)).field(pointer).text()
        assert found == value if isinstance(value, str) else json.loads(found) == value


NOT_JSON = {
    "text": CANARY,
    "half": f'{{"a": "{CANARY}',
    "nan": f'{{"a": NaN, "b": "{CANARY}"}}',
    "infinity": f'["{CANARY}", -Infinity]',
    "more": f'{{}} "{CANARY}"',
    "empty": "",
    "deep": f'{{"a": "{CANARY}", "b": ' + "[" * 200_000 + "]" * 200_000 + "}",
    "deep-objects": '{"a":' * 200_000 + f'"{CANARY}"',
    "binary": b"\xff\xfe\xfd" + CANARY.encode(),
    "control": f'"{CANARY}\n"',
}


@pytest.mark.parametrize("value", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_has_no_fields(value: str | bytes, told: Told) -> None:
    for read in (Secret(value).json, lambda: Secret(value).field("a")):
        with pytest.raises(WrongFormat) as caught:
            read()
        assert CANARY not in told(caught.value)
        assert caught.value.__context__ is None


@pytest.mark.parametrize("depth", [100, 300, 700, 900, 970, 5_000])
def test_any_depth_is_read_or_refused_in_our_words(depth: int, told: Told) -> None:
    secret = Secret(f'{{"a": {"[" * depth}"{CANARY}"{"]" * depth}}}')
    try:
        assert CANARY in secret.field("a").text()
    except WrongFormat as error:
        assert CANARY not in told(error)


def test_binary_is_not_text(told: Told) -> None:
    with pytest.raises(WrongFormat) as caught:
        Secret(b"\xff" + CANARY.encode()).text()
    assert CANARY not in told(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Secret(CANARY + "\ud800"),
        lambda: Secret(f'{{"a": "{CANARY}\\ud800"}}').field("a"),
        lambda: Secret(b'{"a": "%s\xed\xa0\x80"}' % CANARY.encode()).field("a"),
        lambda: Secret(f'{{"a": ["{CANARY}\\ud800"]}}').field("a"),
    ],
    ids=["constructor", "escape", "bytes", "nested"],
)
def test_half_a_character_is_refused_without_showing_the_rest(
    make: Callable[[], object], told: Told
) -> None:
    with pytest.raises(WrongFormat) as caught:
        make()
    assert CANARY not in told(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "says", "candidates"),
    [
        ("hostname", "the fields there are: host, list, deep", ("host", "list", "deep")),
        ("/host/x", "in 'host': it is a single value", ()),
        ("/list/2", "in 'list'; it is a list of 2, counted from 0", ()),
        ("/list/-", "it is a list of 2", ()),
        ("/list/01", "it is a list of 2", ()),
        ("/list/-1", "it is a list of 2", ()),
        ("/list/+1", "it is a list of 2", ()),
        ("/list/\u0661", "it is a list of 2", ()),
        ("/list/" + "9" * 5000, "it is a list of 2", ()),
        ("/list/host", "it is a list of 2", ()),
        ("/list/", "it is a list of 2", ()),
        ("/deep/nothing", "in 'deep'; the fields there are: key", ("key",)),
        ("/deep/key/0", "in 'deep/key': it is a single value", ()),
        ("", "the fields there are: host, list, deep", ("host", "list", "deep")),
    ],
)
def test_a_missing_field_tells_names_and_no_value(
    name: str, says: str, candidates: tuple[str, ...], told: Told
) -> None:
    secret = Secret(json.dumps({"host": CANARY, "list": [CANARY, CANARY], "deep": {"key": CANARY}}))
    with pytest.raises(FieldNotFound) as caught:
        secret.field(name)
    assert says in caught.value.message
    assert caught.value.candidates == candidates
    assert CANARY not in told(caught.value)


@pytest.mark.parametrize("value", ["1", '"text"', "null", "true"])
def test_a_single_value_has_no_fields(value: str) -> None:
    with pytest.raises(FieldNotFound, match="a JSON value without fields"):
        Secret(value).field("a")


@pytest.mark.parametrize("value", [f'{{"a": "{CANARY}"}}', f'["{CANARY}"]', CANARY, b"\xff"])
def test_not_even_the_variables_of_our_frames_show_the_value(value: str | bytes) -> None:
    """Tools that report errors, and ``pytest --showlocals``, print local variables."""
    with pytest.raises((FieldNotFound, WrongFormat)) as caught:
        Secret(value).field("b")
    stack = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    ours = [frame for frame in stack if frame.filename == secret_module.__file__]
    assert ours
    assert CANARY not in str([frame.locals for frame in ours])
