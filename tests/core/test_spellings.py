"""However a value is spelt by what prints it, it is masked."""

from __future__ import annotations

import base64
import html
import json
import os
import pprint
import quopri
import shlex
import shutil
import string
import subprocess
import urllib.parse
from pathlib import Path
from xml.sax import saxutils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unvault.redaction import Redactor
from unvault.spellings import HEAD, spellings

MASK = "********"
MARKS = [mark for mark in map(chr, (9, *range(32, 127))) if not mark.isalnum()]
VALUES = [
    "hunter2!",
    "p@ss/w0rd+%2F=&?",
    'it\'s "quoted" `twice`',
    "back\\slash\\\\twice",
    "Grüße, 世界 😀 end",
    "one two\tthree",
    "first line\nand a second\n\nfourth",
    "<b>&amp;</b>",
    "tab\x07bell\x1bescape\x7f",
    *(f"Before{mark}after9" for mark in MARKS),
    *(f"{mark}{mark}between{mark}" for mark in MARKS),
]
LONG = [(value * 400)[:5000] for value in VALUES[:9]]


def redactor_of(*values):
    redactor = Redactor()
    for each in values:
        assert redactor.add(each)
    return redactor


SPELT = {
    "as it is": str,
    "JSON": lambda value: json.dumps(value)[1:-1],
    "JSON in UTF-8": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "JSON of PHP": lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda value: json.dumps(json.dumps(value)[1:-1])[1:-1],
    "JSON of Go": lambda value: (
        json.dumps(value, ensure_ascii=False)[1:-1]
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
    ),
    "repr": lambda value: repr(value)[1:-1],
    "repr of bytes": lambda value: repr(value.encode())[2:-1],
    "repr of JSON": lambda value: repr(json.dumps(value))[2:-2],
    "repr in a list": lambda value: pprint.pformat([value], width=10_000)[2:-2],
    "quote": urllib.parse.quote,
    "quote with slashes": lambda value: urllib.parse.quote(value, safe=""),
    "quote_plus": urllib.parse.quote_plus,
    "quote in lower case": lambda value: _lowered(urllib.parse.quote_plus(value)),
    "form": lambda value: urllib.parse.urlencode({"a": value})[2:],
    "encodeURIComponent": lambda value: urllib.parse.quote(value, safe="!'()*~"),
    "encodeURI": lambda value: urllib.parse.quote(value, safe="!'()*~;/?:@&=+$,#"),
    "all %": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
    "hex": lambda value: value.encode().hex(),
    "upper hex": lambda value: value.encode().hex().upper(),
    "HTML": html.escape,
    "HTML text": lambda value: html.escape(value, quote=False),
    "XML": saxutils.escape,
    "XML attribute": lambda value: saxutils.escape(value, {'"': "&quot;", "'": "&apos;"}),
    "shlex": lambda value: shlex.quote(value).removeprefix("'").removesuffix("'"),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64url": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "bare base64": lambda value: base64.b64encode(value.encode()).decode().rstrip("="),
    "MIME base64": lambda value: base64.encodebytes(value.encode()).decode().rstrip("\n"),
    "a terminal": lambda value: value.replace("\n", "\r\n"),
}


def _lowered(text):
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


@pytest.mark.parametrize("name", SPELT)
def test_it_is_masked_as(name):
    for value in (*VALUES, *LONG):
        known = value.strip()
        text = f"<< {SPELT[name](known)} >>"
        assert redactor_of(value).redact(text) == f"<< {MASK} >>", value[:20]


@pytest.mark.parametrize("name", SPELT)
@given(st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=5))
def test_any_text_is_masked_as(name, value):
    redactor, known = Redactor(), value.strip(" \t\n\r\v\f")
    if redactor.add(value):
        spelt = SPELT[name](known)
        assert redactor.redact(f"({spelt})") == f"({MASK})"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:", "Aladdin:"])
@pytest.mark.parametrize("after", ["", "1", "12", "123"])
@pytest.mark.parametrize("value", ["hunter2!", "~~~???>>>", "Grüße, 世界", "x" * 300])
def test_what_is_certain_of_it_is_masked_inside_longer_base64(before, value, after):
    spelt = base64.b64encode(f"{before}{value}{after}".encode()).decode()
    masked = redactor_of(value).redact(f"Basic {spelt}\n")
    head, mask, tail = masked.partition(MASK)
    assert mask
    # No more is left of it than the characters at the edges, which stand for neighbours as well.
    assert len(head) <= len("Basic ") + -(-len(before.encode()) * 8 // 6)
    assert len(tail) <= len("=\n") + -(-len(after.encode()) * 8 // 6) + (2 if after else 0)


@pytest.mark.skipif(os.name != "posix", reason="it is base64 of coreutils")
@pytest.mark.skipif(not shutil.which("base64"), reason="base64 is not installed")
@pytest.mark.parametrize("options", [[], ["-w", "64"], ["-w", "0"]], ids=str)
def test_it_is_masked_as_base64_prints_it(options):
    value = "a long value, " * 30
    try:
        run = subprocess.run(
            ["base64", *options], input=value.encode(), capture_output=True, check=True
        )
    except subprocess.CalledProcessError:
        pytest.skip("this base64 has no such option")
    redactor = redactor_of(value)
    for printed in (run.stdout, run.stdout.replace(b"\n", b"\r\n")):
        head, mask, tail = redactor.redact_bytes(printed).partition(MASK.encode())
        assert (head, bool(mask)) == (b"", True)
        assert len(tail) < len("gCg==\r\n")  # the white space at its end


SHELL = r"""
while IFS= read -r -d '' value; do
    printf '%q\0' "$value"
    printf '%s\0' "${value@Q}"
    declare -p value; printf '\0'
    (set -x; : "$value") 2>&1; printf '\0'
    env -i "V=$value" sh -c 'export -p'; printf '\0'
done
"""


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_it_is_masked_as_shells_quote_it(locale):
    values = [*VALUES, "Tilde~after9", "a~b=c:~d", "#first9", "~first9"]
    run = subprocess.run(
        ["bash", "-c", SHELL],
        input="".join(f"{value}\0" for value in values).encode(),
        capture_output=True,
        check=True,
        cwd=Path.cwd().anchor,  # a shell prints where it is, too
        env={"LC_ALL": locale, "PATH": os.environ["PATH"]},
    )
    printed = run.stdout.split(b"\0")[:-1]
    assert len(printed) == 5 * len(values)
    for number, text in enumerate(printed):
        value = values[number // 5]
        masked = redactor_of(value).redact_bytes(text).decode(errors="replace")
        assert MASK in masked, (number % 5, text)
        left = masked.replace(MASK, "").replace("declare -- value", "").replace("export V", "")
        left = left.replace("export PWD", "").replace("export OLDPWD", "").replace("=", "")
        assert not set(left) & set(string.digits), (number % 5, text, masked)
        assert not any(word in left for word in ("Before", "after", "between", "line", "hunter"))


# --------------------------------------------------------------------------------------- of parts


def test_the_texts_in_a_json_object_are_values_of_their_own():
    secret = {
        "user": "app",
        "password": " hun\tter2\n",
        "more": {"tokens": ["first-token", "second-token"], "port": 5432123, "on": True},
        "key": "-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n",
    }
    redactor = redactor_of(json.dumps(secret))
    for text in ("hun\tter2", "hun\\tter2", "hun%09ter2", "first-token", "second-token"):
        assert redactor.redact(f"[{text}]") == f"[{MASK}]"
    assert redactor.redact("MIIEvQIBADAN\r\nBgkqhkiG9w0B") == f"{MASK}\r\n{MASK}"
    assert redactor.redact("app 5432123 True ok") == "app 5432123 True ok"
    assert redactor.redact(json.dumps(secret)) == MASK
    assert redactor.redact(repr(secret)).count(MASK) == 4


@pytest.mark.parametrize(
    "value", ['{"a": ', "{" * 3000, '{"a":' * 20_000 + "1" + "}" * 20_000, '["text in a list"]']
)
def test_what_is_no_json_object_has_no_texts(value):
    redactor = redactor_of(value)
    assert redactor.redact("text in a list") == "text in a list"
    assert redactor.redact(value.strip()) == MASK


def test_each_longer_line_is_a_value_and_what_announces_it_is_not():
    key = "-----BEGIN KEY-----\nMIIEvQIBADAN\n  BgkqhkiG9w0B  \nshort\n-----END KEY-----\n"
    redactor = redactor_of(key)
    assert redactor.redact("> MIIEvQIBADAN") == f"> {MASK}"
    assert redactor.redact("> BgkqhkiG9w0B") == f"> {MASK}"
    assert redactor.redact("short -----BEGIN KEY-----") == "short -----BEGIN KEY-----"
    assert redactor.redact(f"'{key}'") == f"'{MASK}\n'"


def test_white_space_around_a_value_does_not_count():
    redactor = redactor_of("\n hunter2 \r\n")
    assert redactor.redact("hunter2") == MASK
    assert base64.b64encode(b"hunter2") not in redactor.redact_bytes(
        base64.b64encode(b"\n hunter2 \r\n")
    )


def test_a_plain_value_has_few_spellings_and_none_twice():
    found = spellings(b"Gxyb4mmzdtzJJjRZ")
    wholes = [each.whole() for each in found]
    assert len(wholes) == len(set(wholes)) <= 14
    assert spellings(b"abc") == spellings(b" abc\n") == []
    assert min(len(each.head) for each in spellings(b"abcd")) >= 4


@pytest.mark.parametrize("value", [b"\xff\x00binary\x80'\"" * 3, b"\xff\x00binary\x80'\"" * 300])
def test_a_binary_value_is_masked_too(value):
    redactor = redactor_of(value)
    for spelt in (value, value.hex().encode(), base64.b64encode(value), repr(value)[2:-1].encode()):
        assert redactor.redact_bytes(b"<" + spelt + b">") == b"<" + MASK.encode() + b">"
    assert redactor.redact(f"<{os.fsdecode(value)}>") == f"<{MASK}>"


@given(st.binary(min_size=HEAD, max_size=4 * HEAD))
def test_the_head_of_a_long_spelling_is_its_beginning(value):
    value += b"x" * 1024
    for each in spellings(value):
        whole = each.whole()
        assert whole.startswith(each.head)
        assert len(each.head) == min(HEAD, len(whole))
        assert each.longer == (len(whole) > HEAD)


def test_quoted_printable_is_one_of_those_it_does_not_know():
    value = "p=ss=w=rd="
    assert redactor_of(value).redact(quopri.encodestring(value.encode()).decode()) != MASK
