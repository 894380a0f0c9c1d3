"""Secrets that are invented anew in each run, and looked for however they may be written."""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

VALUE, TOKEN, PASSPHRASE, KEPT, VARIABLE = "value", "token", "passphrase", "kept", "variable"
NAMES = (VALUE, TOKEN, PASSPHRASE, KEPT, VARIABLE)
"""What is a secret here: what a vault holds, an answer to a form, a passphrase, what a provider
keeps after a sign-in, and what stands in a variable of the environment."""


class Canaries:
    """One canary for each kind of secret."""

    def __init__(self) -> None:
        self._texts = {name: _invented() for name in NAMES}
        self._forms = {
            form: name for name, text in self._texts.items() for form in forms_of(text) if form
        }
        self._any = re.compile(b"|".join(re.escape(form) for form in self._forms))

    def __getitem__(self, name: str) -> str:
        """Return a canary."""
        return self._texts[name]

    def found(self, content: bytes | str) -> list[str]:
        """Return the kinds of secrets that stand in a content, in whatever form."""
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogateescape")
        return sorted({self._forms[hit[0]] for hit in self._any.finditer(content)})

    def found_below(self, folder: Path, *but: Path) -> list[str]:
        """Return which secrets stand in which files of a folder, or in their names."""
        hits = []
        for path in folder.rglob("*"):
            if any(path.is_relative_to(other) for other in but):
                continue
            content = path.read_bytes() if path.is_file() else b""
            hits += [f"{name} in {path}" for name in self.found(content + bytes(path))]
        return hits


def forms_of(text: str) -> Iterator[bytes]:
    """Return the ways in which a text may be written down, and its middle part in the same ways.

    The middle has letters and digits only: whatever escapes the rest, it stays as it is.
    """
    for part in (text, text[3:-3]):
        plain = part.encode()
        yield from (plain, part.encode("utf-16-le"), part.encode("utf-16-be"))
        yield from (plain.hex().encode(), plain.hex().upper().encode(), plain.hex(" ").encode())
        yield from _in_base64(plain)
        yield base64.b32encode(plain)[: len(plain) // 5 * 8]
        yield "".join(f"%{byte:02X}" for byte in plain).encode()
        yield "".join(f"\\x{byte:02x}" for byte in plain).encode()
        yield "".join(f"\\u{ord(character):04x}" for character in part).encode()
        yield str([*plain])[1:-1].encode()
        for written in (quote(part, safe=""), quote_plus(part), html.escape(part)):
            yield written.encode()
        for written in (json.dumps(part)[1:-1], repr(part)[1:-1], shlex.quote(part)):
            yield written.encode()


def _in_base64(plain: bytes) -> Iterator[bytes]:
    """Return the characters that stand for a text wherever it begins in what is encoded."""
    for before, start in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(before) + plain)
        whole = encoded[start : (before + len(plain)) * 8 // 6]
        yield from (whole, whole.translate(bytes.maketrans(b"+/", b"-_")))


def _invented() -> str:
    return f"é\"\\{secrets.token_hex(10)}&'+"
