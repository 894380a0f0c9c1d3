"""Reading files that hold secrets in the clear."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unvault.errors import UsageError
from unvault_local.importing import read_secrets

CANARY = "hunter2-and-nobody-may-see-it"

NUMBERS = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
CLEAN = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | CLEAN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CLEAN, inner, max_size=3),
    max_leaves=5,
)


class TestJson:
    def test_text_as_it_is_and_everything_else_as_json(self):
        text = '{"a": "x", "b": {"user": "ü", "ports": [1, 2.50]}, "c": null, "d": true, "e": ""}'
        assert read_secrets(text.encode(), "json") == {
            "a": b"x",
            "b": '{"user":"ü","ports":[1,2.5]}'.encode(),
            "c": b"null",
            "d": b"true",
            "e": b"",
        }

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "not JSON: Expecting value, line 1, column 1"),
            (f'{{"a": "{CANARY}",\n "b": {CANARY}}}', "line 2, column 7"),
            (f'{{"a": "{CANARY}\\q"}}', "escape"),
            (f'["{CANARY}"]', "not an object"),
            (f'"{CANARY}"', "not an object"),
            (f'{{"a": "{CANARY}", "a": 1}}', "'a' is there twice"),
            (f'{{"a": {{"b": "{CANARY}", "b": 1}}}}', "'b' is there twice"),
            (f'{{"a": ["{CANARY}", NaN]}}', "NaN is no number"),
            (f'{{"a": ["{CANARY}", 1.00000000000000000001]}}', "more digits"),
            (f'{{"a": ["{CANARY}", 1e999]}}', "more digits"),
            (f'{{"a": ["{CANARY}", 1e-999999999999999999999999]}}', "more digits"),
            (f'{{"a": "{CANARY}\\ud800"}}', "'a' holds half a character"),
            (f'{{"a": "{CANARY}", "b": ' + "[" * 200_000, "nested too deep"),
            (f'{{"a": "{CANARY}", "b": ' + "9" * 5000 + "}", "too long a number"),
        ],
    )
    def test_what_is_wrong_is_said_without_a_value(self, told, text, why):
        with pytest.raises(UsageError, match=why) as raised:
            read_secrets(text.encode(errors="surrogatepass"), "json")
        assert CANARY not in told(raised.value)

    @settings(deadline=None, database=None)
    @given(st.dictionaries(CLEAN, VALUES))
    def test_whatever_json_holds_comes_out_as_the_same(self, secrets):
        found = read_secrets(json.dumps(secrets).encode(), "json")
        assert list(found) == list(secrets)
        for name, value in secrets.items():
            text = found[name].decode()
            assert (text if isinstance(value, str) else json.loads(text)) == value


class TestEnv:
    def test_values_are_taken_as_written(self):
        text = (
            "# a comment\r\n"
            "export PLAIN=hunter2 # another\r\n"
            "\r\n"
            "SINGLE='it is $HOME and ${HOME}'\n"
            'DOUBLE="two\\nlines"\n'
            "DOLLAR=${PLAIN}$(id)\n"
            "EMPTY=\n"
            "SEVERAL='a\nb'\n"
            "UMLAUT=ü"
        )
        assert read_secrets(b"\xef\xbb\xbf" + text.encode(), "env") == {
            "PLAIN": b"hunter2",
            "SINGLE": b"it is $HOME and ${HOME}",
            "DOUBLE": b"two\nlines",
            "DOLLAR": b"${PLAIN}$(id)",
            "EMPTY": b"",
            "SEVERAL": b"a\nb",
            "UMLAUT": "ü".encode(),
        }

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (f"A=1\n\n\nKEY=begin\n{CANARY}\n", "line 5 of the file is not NAME=value"),
            (f'A=1\nB="{CANARY}\n', "line 2 of the file is not NAME=value"),
            (f"A=1\n\n# x\n\n={CANARY}\n", "line 5 of the file is not NAME=value"),
            (f"{CANARY}=1\nB=2\n{CANARY}=3\n", "line 3 of the file has a name that is there"),
        ],
    )
    def test_what_is_wrong_is_said_by_line_only(self, told, text, why):
        with pytest.raises(UsageError, match=why) as raised:
            read_secrets(text.encode(), "env")
        assert CANARY not in told(raised.value)


@pytest.mark.parametrize("form", ["json", "env"])
def test_what_is_not_utf_8_is_refused_by_line(told, form):
    with pytest.raises(UsageError, match="line 2") as raised:
        read_secrets(f"A={CANARY}\nB=caf".encode() + b"\xe9", form)
    assert CANARY not in told(raised.value)


class TestWhiteSpace:
    """python-dotenv takes the square of a run's length."""

    @pytest.mark.parametrize("blank", [" ", "\t", "\u3000", "\v"])
    def test_a_long_run_is_refused_at_once_with_its_line(self, blank):
        text = f"# one\r\nA={CANARY}\rB={CANARY}{blank * 200_000}x\n"
        with pytest.raises(UsageError, match="line 3 of the file") as caught:
            read_secrets(text.encode(), "env")
        assert CANARY not in str(caught.value)

    def test_many_runs_that_are_short_enough_are_read(self):
        text = "".join(f"A{number}=x{' ' * 256}y\n\n\n" for number in range(2000))
        assert len(read_secrets(text.encode(), "env")) == 2000

    def test_empty_lines_are_no_run(self):
        assert read_secrets(b"A=1" + b"\n" * 100_000 + b"B=2", "env") == {"A": b"1", "B": b"2"}
