"""`Secret`: a value that never shows itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NoReturn, Self

from unvault.errors import FieldNotFound, WrongFormat
from unvault.frames import forgets_locals
from unvault.suggestions import sentence
from unvault.unshown import MASK

__all__ = ["MASK", "Secret"]


class _Number(float):
    """A JSON number that remembers how it was written: ``1.10`` stays ``1.10``."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, written: str) -> Self:
        number = super().__new__(cls, written)
        number.written = written
        return number


class Secret:
    """A secret's value and what its vault says about it.

    The value is bytes and is shown only by an explicit call: `reveal`, `text` or `json`.
    ``repr``, ``str``, ``format`` and logging show a mask; pickling is refused unless
    `picklable` was asked for; two secrets are compared in constant time.

    It is not an attrs class on purpose: ``attrs.asdict`` walks into attrs classes, and would
    turn an object that holds a secret into a dictionary that shows it.

    Args:
        value: The value; text is kept as UTF-8.
        version: The version that was read, in the vault's own words.
        created: When this version was made, with a time zone.
        expires: When the value stops being valid, with a time zone; it is not cached for longer.
        content_type: The value's media type, where the vault knows it.
        tags: What its owner noted about it in the vault, by name; no secrets.
        stale: Whether its time in the cache is over, and it stands in while the vault is down.

    Raises:
        WrongFormat: The text cannot be written as UTF-8.
    """

    __slots__ = (
        "_picklable",
        "_value",
        "content_type",
        "created",
        "expires",
        "stale",
        "tags",
        "version",
    )

    version: str | None
    created: datetime | None
    expires: datetime | None
    content_type: str | None
    tags: Mapping[str, str]
    stale: bool

    @forgets_locals
    def __init__(
        self,
        value: bytes | str,
        *,
        version: str | None = None,
        created: datetime | None = None,
        expires: datetime | None = None,
        content_type: str | None = None,
        tags: Mapping[str, str] | None = None,
        stale: bool = False,
    ) -> None:
        put = object.__setattr__
        kept = _utf8(value) if isinstance(value, str) else bytes(memoryview(value))
        # In a method: what shows all attributes of an object shows a method, and not the value. One
        # that bytes have is a single object; a function of ours would be three.
        put(self, "_value", kept.__bytes__)
        put(self, "_picklable", False)
        put(self, "version", version)
        put(self, "created", created)
        put(self, "expires", expires)
        put(self, "content_type", content_type)
        put(self, "tags", MappingProxyType(dict(tags or {})))
        put(self, "stale", stale)

    def reveal(self) -> bytes:
        """Return the value, as bytes."""
        value: bytes = self._value()  # type: ignore[attr-defined]  # set in __init__, past the guard
        return value

    def text(self) -> str:
        """Return the value as text.

        Raises:
            WrongFormat: The value is not UTF-8.
        """
        try:
            return self.reveal().decode()
        except UnicodeDecodeError:
            pass  # raised below, outside: the codec's exception holds the whole value
        raise WrongFormat(
            "the secret is binary, not text",
            hint="ask for its bytes: `unvault get --output bytes`, or Secret.reveal() in a program",
        )

    def json(self) -> Any:
        """Return the value, read as JSON (RFC 8259).

        Raises:
            WrongFormat: The value is not JSON, or is nested too deeply to be read.
        """
        import json

        wrong = "the secret is not JSON, so it has no fields"
        try:
            return json.loads(
                self.reveal(), parse_float=_Number, parse_int=_whole, parse_constant=_refuse
            )
        except ValueError:
            pass  # raised below, outside: the decoder's exception holds the whole value
        except RecursionError:
            wrong = "the secret's JSON is nested too deeply to be read"
        raise WrongFormat(wrong)

    @forgets_locals
    def field(self, name: str) -> Secret:
        """Return one field of a JSON secret, as a secret of its own.

        Args:
            name: A key of the JSON object or, where it starts with ``/``, a JSON Pointer
                (RFC 6901) to any depth.

        Returns:
            Text as it is; any other JSON value as JSON text.

        Raises:
            WrongFormat: The value is not JSON.
            FieldNotFound: There is no such field; the error lists the names there are.
        """
        found = _walk(self.json(), _steps(name), name)
        if isinstance(found, FieldNotFound):
            raise found  # from here, where no local variable holds the value
        return Secret(
            found if isinstance(found, str) else _as_json(found),
            version=self.version,
            created=self.created,
            expires=self.expires,
            tags=self.tags,
            stale=self.stale,
        )

    def as_stale(self) -> Secret:
        """Return a twin that says of itself that it is stale."""
        return Secret(self.reveal(), **{**self._metadata(), "stale": True})

    def picklable(self) -> Secret:
        """Return a copy that may be pickled: its value then travels in the clear."""
        twin = Secret(self.reveal(), **self._metadata())
        object.__setattr__(twin, "_picklable", True)
        return twin

    def _metadata(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "created": self.created,
            "expires": self.expires,
            "content_type": self.content_type,
            "tags": dict(self.tags),
            "stale": self.stale,
        }

    def __eq__(self, other: object) -> bool:
        """Compare two secrets' values, in constant time."""
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest(self.reveal(), other.reveal())

    __hash__ = None  # type: ignore[assignment]  # a hash would let values be compared in a set

    def __repr__(self) -> str:
        """Return a mask."""
        return f"<Secret {MASK}>"

    def __str__(self) -> str:
        """Return a mask."""
        return MASK

    def __format__(self, spec: str) -> str:
        """Return a mask, whatever the format."""
        return MASK

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: a secret does not change."""
        raise AttributeError(f"a Secret does not change: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse: a secret does not change."""
        raise AttributeError(f"a Secret does not change: {name} cannot be deleted")

    def __copy__(self) -> Self:
        """Return itself: it does not change."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Return itself: it does not change."""
        return self

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        """Pickle a copy made by `picklable`, and refuse any other."""
        if not self._picklable:  # type: ignore[attr-defined]
            raise TypeError("a Secret is not pickled; secret.picklable() makes a copy that is")
        return _restore, (self.reveal(), self._metadata())


def _restore(value: bytes, metadata: dict[str, Any]) -> Secret:
    return Secret(value, **metadata).picklable()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are not JSON


def _whole(written: str) -> int | _Number:
    """Read a whole number; one that Python would write differently, or not at all, as written."""
    return _Number(written) if written == "-0" or len(written) > 4000 else int(written)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass  # raised below, outside: the codec's exception holds the whole value
    raise WrongFormat("the secret's text holds a character that cannot be written as UTF-8")


def _as_json(found: Any) -> str:
    try:
        return _written(found)
    except RecursionError:
        pass  # raised below, outside: a thousand frames that hold the value
    raise WrongFormat("the field is nested too deeply")


def _written(found: Any) -> str:
    """Return a JSON value as text: numbers as they stood in the secret, at any depth."""
    import json

    if isinstance(found, _Number):
        return found.written
    if isinstance(found, dict):
        pairs = (f"{_written(key)}:{_written(value)}" for key, value in found.items())
        return f"{{{','.join(pairs)}}}"
    if isinstance(found, list):
        return f"[{','.join(map(_written, found))}]"
    return json.dumps(found, ensure_ascii=False)


def _steps(name: str) -> list[str]:
    """Return the keys a field's name leads along; see RFC 6901, section 4, for the escapes."""
    if not name.startswith("/"):
        return [name]
    return [step.replace("~1", "/").replace("~0", "~") for step in name[1:].split("/")]


def _walk(value: Any, steps: Sequence[str], name: str) -> Any:
    """Return what the steps lead to, or the error to raise where they lead nowhere."""
    for done, step in enumerate(steps):
        try:
            value = value[_index(step) if isinstance(value, list) else step]
        except (KeyError, IndexError, TypeError, ValueError):
            return _no_field(name, value, inside="/".join(steps[:done]))
    return value


def _index(step: str) -> int:
    if not (step.isascii() and step.isdigit()) or (step[0] == "0" and step != "0"):
        raise ValueError
    return int(step)


def _no_field(name: str, value: object, *, inside: str) -> FieldNotFound:
    where = f" in {inside!r}" if inside else ""
    if isinstance(value, Mapping):
        names = tuple(str(key) for key in value)
        there = sentence("the fields there are", names)
        return FieldNotFound(f"no field {name!r}{where}; {there}", candidates=names)
    if isinstance(value, list):
        there = f"it is a list of {len(value)}, counted from 0"
        return FieldNotFound(f"no field {name!r}{where}; {there}")
    what = "a single value" if inside else "a JSON value without fields"
    return FieldNotFound(f"no field {name!r}{where}: it is {what}")
