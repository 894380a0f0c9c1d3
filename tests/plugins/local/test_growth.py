"""Files to import that nobody writes but an adversary: time in proportion to their length."""

import pytest
from tests.growth import MOST, done, growth

from unvault_local.importing import read_secrets

FILES = {
    "env": {
        "a quote": lambda n: b"A='" + b"x" * n,
        "quotes that do not end": lambda n: b"A='x\n" * n,
        "double quotes that do not end": lambda n: b'A="x\n' * n,
        "quotes": lambda n: b"'" * n,
        "quoted names": lambda n: b"'k'" * n,
        "backslashes": lambda n: b"A='" + b"\\" * n,
        "escaped quotes": lambda n: b"A='" + b"\\'" * n,
        "escapes": lambda n: b'A="' + b"\\n" * n + b'"',
        "export": lambda n: b"export " * n,
        "export on lines": lambda n: b"export \n" * n,
        "variables": lambda n: b"A=" + b"${" * n,
        "equals signs": lambda n: b"=" * n,
        "comments": lambda n: b"A=x" + b" #" * n,
        "wide space": lambda n: b"A=" + (b"x" + b" " * 250) * n,
        "wide space on lines": lambda n: (b" " * 250 + b"\n") * n,
        "space in one piece": lambda n: b"A=x" + b" " * n,
        "other spaces": lambda n: b"A=x" + "\u00a0".encode() * n,
        "form feeds": lambda n: b"A=x" + b"\x0b" * n,
        "lines": lambda n: b"\n" * n,
        "carriage returns": lambda n: b"\r" * n,
        "bad lines": lambda n: b"bad line\n" * n,
        "blank lines before a bad one": lambda n: b"A=1\n" + b" \n" * n + b"B",
        "names": lambda n: b"".join(b"K%d=v\n" % i for i in range(n)),
    },
    "json": {
        "objects": lambda n: b'{"a":' * n,
        "lists": lambda n: b"[" * n,
        "digits": lambda n: b'{"a":' + b"1" * n + b"}",
        "decimals": lambda n: b'{"a":0.' + b"1" * n + b"}",
        "an exponent": lambda n: b'{"a":1e' + b"1" * n + b"}",
        "numbers": lambda n: b'{"a":[' + b"1.5," * n + b"1]}",
        "small numbers": lambda n: b'{"a":[' + b"1e-999999999," * n + b"1]}",
        "the same name": lambda n: b'{"a":1,' + b'"a":1,' * n + b'"b":1}',
        "names": lambda n: b"{" + b",".join(b'"k%d":1' % i for i in range(n)) + b"}",
        "surrogates": lambda n: b'{"a":"' + b"\\ud800" * n + b'"}',
    },
}
EACH = [(form, name) for form, members in FILES.items() for name in members]


@pytest.mark.parametrize(("form", "name"), EACH)
def test_an_adversary_is_read_or_refused(form, name):
    for size in (0, 1, 2, 300):
        done(lambda content: read_secrets(content, form), FILES[form][name](size))


@pytest.mark.soak
@pytest.mark.parametrize(("form", "name"), EACH)
def test_an_adversary_takes_time_in_proportion(form, name):
    assert growth(lambda content: read_secrets(content, form), FILES[form][name]) < MOST
