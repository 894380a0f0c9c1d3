"""Any env file at all: what is sent through everything that reads one."""

from __future__ import annotations

from hypothesis import strategies as st

CANARY = "canary-e27c"
"""A value in them, for what must not show."""

_PIECES = st.sampled_from(
    [
        *("NAME", "OTHER", "=", " = ", "export ", "export", "'", '"', "\\", "\\'", '\\"', "\\n"),
        *(
            "#",
            " # ",
            "${",
            "${NAME}",
            "$NAME",
            "}",
            "\n",
            "\r\n",
            "\r",
            "\t",
            " ",
            " " * 300,
            "\0",
        ),
        *("\ufeff", "\u2028", "\u00a0", "\x0b", "\x0c", ":", "'a b'", "NAME=" + CANARY, CANARY),
    ]
)
ENV_FILES = (
    st.lists(_PIECES | st.text(max_size=5), max_size=16).map(lambda found: "".join(found).encode())
    | st.binary(max_size=20)
    | st.lists(_PIECES.map(str.encode) | st.binary(max_size=3), max_size=12).map(b"".join)
)
