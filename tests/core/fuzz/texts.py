"""Texts as nobody writes them on purpose: random ones, and pieces out of their places."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import strategies as st

CANARY = "canary-9d41"
"""Stands in what must not be told by an error."""

_ANYTHING = st.text(st.characters(), max_size=12)  # with lone surrogates, too
_SPACE = st.sampled_from([" ", "\n", "\r\n", "\t", "\u2028", "\u00a0", " " * 40, ""])


def pieces(*known: str) -> st.SearchStrategy[str]:
    """Return texts that are made of these pieces and of anything else, in any order."""
    return st.lists(st.sampled_from(known) | _ANYTHING, max_size=14).map("".join)


references = pieces(
    *("unvault://", "fake", "db", "/", "//", "?", "??", "#", "##", "&", "&&", "=", "==", "%"),
    *("%%%", "%2", "%41", "%FF", "%ED%A0%80", "%00", "?version=3", "stage=x", "raw=yes", "~1", " "),
)
"""What may be a reference."""

json_like: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _ANYTHING | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ANYTHING, inner, max_size=4),
    max_leaves=8,
)
"""What JSON can hold, and numbers that it cannot."""

answers = st.dictionaries(
    st.sampled_from(
        ["name", "SecretId", "version", "VersionId", "stage", "raw", "key", "token", "user"]
    )
    | _ANYTHING,
    json_like,
    max_size=5,
)
"""What may be the answers to a form of the fake provider."""


def enveloped(content: bytes) -> str:
    """Return a look-up as Insomnia wraps it."""
    return f"b64::{base64.b64encode(content).decode()}::46b"


lookups = (
    answers.map(lambda each: enveloped(json.dumps(each).encode()))
    | answers.map(json.dumps)
    | st.binary(max_size=20).map(enveloped)
    | pieces("b64::", "::46b", "eyJ9", "{}", "[]", '{"name":', '"db"', "}", "[" * 3000, "9" * 5000)
)
"""What may be a look-up."""


@st.composite
def _tags(draw: st.DrawFn) -> str:
    def quoted(text: str) -> str:
        quote = draw(st.sampled_from("'\""))
        return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote

    arguments = draw(
        st.tuples(references)
        | st.tuples(st.sampled_from(["fake", "other", ""]), references, lookups)
        | st.lists(references, max_size=4)
    )
    space = draw(_SPACE)
    inside = f"{space},{draw(_SPACE)}".join(quoted(each) for each in arguments)
    opening = draw(st.sampled_from(["{%", "{%-", "{%+"]))
    closing = draw(st.sampled_from(["%}", "-%}", "+%}"]))
    return f"{opening}{space}vault {inside}{draw(_SPACE)}{closing}"


_FRAGMENTS = st.sampled_from(
    [
        *("{", "{%", "{%-", "{% ", "%}", "-%}", "}", "vault", "{% vault ", "{% vault 'fake/db"),
        *("'", '"', "\\", "\\'", ",", "{% raw %}", "{%- raw -%}", "{% endraw %}", "{% endraw"),
        *("{% raw", "{{ x }}", "{# {% vault 'fake/db' %} #}", "\ufeff", "\0", "{% vault-x %}"),
    ]
)
texts = st.lists(_tags() | _FRAGMENTS | _SPACE | _ANYTHING, max_size=10).map("".join)
"""What may hold tags."""

contents = st.lists(
    texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.binary(max_size=12)
    | st.sampled_from(["{% vault 'a/b' %}", "{", "{%", "v", "{%- va"]).flatmap(
        lambda text: st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le"]).map(text.encode)
    )
    | st.sampled_from([b"\0", b"\0" * 30, b"{\0", b"%\0", b"\xff\xfe", b"\xef\xbb\xbf"]),
    max_size=6,
).map(b"".join)
"""What may be in a file with tags."""
