"""`Reference`: how a text names one secret.

::

    [unvault://]<credential>/<path>[?<param>=<value>&...][#<field>]

    prod/db/main#password
    aws/prod/db?version_stage=AWSPREVIOUS
    azure/https://my-vault.vault.azure.net/secrets/api-key
    local/greeting#/a/b/0

``%``, ``?``, ``#``, white space and whatever cannot be printed are percent-encoded (RFC 3986,
section 2.1, as UTF-8) inside a part; so are ``/`` in the credential, and ``&`` and ``=`` in a
parameter. What is parsed and what is formatted are each other's inverse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from unvault.errors import InvalidReference

SCHEME = "unvault://"
"""The prefix a reference may carry, where a plain text would not be known for one."""

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")


def _as_pairs(parameters: Mapping[str, str] | tuple[tuple[str, str], ...]) -> object:
    return tuple(parameters.items()) if isinstance(parameters, Mapping) else tuple(parameters)


@attrs.frozen
class Reference:
    """Names one secret, or one field of it. Holds no secret itself.

    Raises:
        InvalidReference: A part that must be there is empty, a parameter is given twice, or a
            part cannot be written as UTF-8.
    """

    credential: str
    """The head: name of a stored credential, or a provider's id."""
    path: str
    """Where the secret is, in the vault's own words."""
    parameters: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_as_pairs)
    """What else is said about it, such as a version, in the order it was written."""
    field: str | None = None
    """A key of a JSON secret or, starting with ``/``, a JSON Pointer. None: the whole secret."""

    def __attrs_post_init__(self) -> None:
        """Check the parts."""
        if not self.credential:
            raise _invalid("it starts with the name of a credential or a provider", self)
        if not self.path:
            raise _invalid(f"after {self.credential + '/'!r} it needs the secret's path", self)
        _check_parameters(self)
        try:
            "".join((self.credential, self.path, self.field or "")).encode()
        except UnicodeEncodeError:
            raise _invalid("it holds a character that cannot be written as UTF-8") from None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference.

        Args:
            text: The reference, with or without ``unvault://`` before it.

        Raises:
            InvalidReference: The text is not a reference; the error says where and why.
        """
        _check_characters(text)
        body, hash_, field = text.removeprefix(SCHEME).partition("#")
        body, _, query = body.partition("?")
        head, slash, path = body.partition("/")
        if not slash:
            raise _invalid("it needs a '/' between the credential and the secret's path", text)
        decode = _Decoder(text)
        return cls(
            credential=decode(head),
            path=decode(path),
            parameters=tuple(decode.pair(part) for part in query.split("&")) if query else (),
            field=decode(field) if hash_ else None,
        )

    def __str__(self) -> str:
        """Return the reference as text; `parse` reads it back."""
        text = f"{_encode(self.credential, '/')}/{_encode(self.path)}"
        if self.parameters:
            pairs = (
                f"{_encode(key, '&=')}={_encode(value, '&')}" for key, value in self.parameters
            )
            text += "?" + "&".join(pairs)
        if self.field is not None:
            text += "#" + _encode(self.field)
        return SCHEME + text if text.startswith(SCHEME) else text

    def tag(self) -> str:
        """Return the vault tag that stands for this secret in a text."""
        quoted = str(self).replace("\\", "\\\\").replace("'", "\\'")
        return f"{{% vault '{quoted}' %}}"


def _check_parameters(reference: Reference) -> None:
    seen: set[str] = set()
    for key, value in reference.parameters:
        if not key:
            raise _invalid("a parameter has no name")
        if key in seen:
            raise _invalid(f"the parameter {key!r} is given twice")
        seen.add(key)
        try:
            (key + value).encode()
        except UnicodeEncodeError:
            raise _invalid("it holds a character that cannot be written as UTF-8") from None


def _must_be_encoded(character: str) -> bool:
    return character.isspace() or not character.isprintable()


def _check_characters(text: str) -> None:
    if text.isprintable() and " " not in text:
        return
    for column, character in enumerate(text, start=1):
        if _must_be_encoded(character):
            escape = "".join(f"%{byte:02X}" for byte in character.encode(errors="replace"))
            raise _invalid(
                f"white space and control characters are percent-encoded (column {column})",
                hint=f"write {escape} there",
            )


class _Decoder:
    """Takes percent-encoding out of the parts of one reference."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, part: str) -> str:
        if "%" not in part:
            return part
        pieces = []
        end = 0
        for escape in _ESCAPE.finditer(part):
            if escape[1] is None:
                raise _invalid("a '%' is not followed by two hexadecimal digits", self._text)
            pieces += [part[end : escape.start()].encode(), bytes.fromhex(escape[1])]
            end = escape.end()
        try:
            return (b"".join(pieces) + part[end:].encode()).decode()
        except UnicodeDecodeError:
            raise _invalid("what is percent-encoded is not UTF-8", self._text) from None

    def pair(self, part: str) -> tuple[str, str]:
        key, equals, value = part.partition("=")
        if not equals:
            raise _invalid(f"a parameter is written name=value, and {part!r} is not", self._text)
        return self(key), self(value)


def _encode(part: str, more: str = "") -> str:
    """Percent-encode what may not stand in a part: ``more`` are characters special to it."""
    special = "%?#" + more
    if part.isprintable() and not any(c in part for c in " " + special):
        return part
    return "".join(
        "".join(f"%{byte:02X}" for byte in c.encode()) if c in special or _must_be_encoded(c) else c
        for c in part
    )


def _invalid(why: str, text: object = None, *, hint: str | None = None) -> InvalidReference:
    advice = "a reference is written credential/path?param=value#field; a '%' in it is %25"
    named = None if text is None or isinstance(text, Reference) else str(text)
    return InvalidReference(f"not a reference: {why}", hint=hint or advice, reference=named)
