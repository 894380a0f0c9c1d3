"""Entry points of what is installed, found without the library that knows all about it.

``importlib.metadata`` takes longer to import than a whole command may (it needs ``email``,
``zipfile``, ``csv`` …). Nearly everywhere, ``sys.path`` is plain folders with ``*.dist-info``
folders in them; those are read here, as it would read them. Anything else is left to it. Nothing is
remembered between processes, so nothing can be out of date.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

_METADATA = (".dist-info", ".egg-info")
_SEPARATORS = re.compile(r"[-_.]+")
_PLAIN_VALUE = re.compile(r"([\w.]+)(?::([\w.]+))?")


class _NotPlain(Exception):
    """Something is installed in a way that only ``importlib.metadata`` knows how to read."""


class Entry:
    """One entry point of an installed distribution.

    Args:
        name: Its name.
        value: The module, and the object in it, that it stands for: ``module:object``.
        group: The group it is in.
        home: The distribution's metadata: its folder, or what was made of it already.
    """

    __slots__ = ("_home", "group", "name", "value")

    def __init__(self, name: str, value: str, group: str, home: str | Distribution | None) -> None:
        self.name = name
        self.value = value
        self.group = group
        self._home = home

    @property
    def dist(self) -> Distribution | None:
        """The distribution it belongs to, where that is known."""
        if not isinstance(self._home, str):
            return self._home
        from importlib.metadata import Distribution

        return Distribution.at(self._home)

    @property
    def distribution(self) -> str | None:
        """The name of its distribution; None where its metadata is gone or cannot be read."""
        return self._told("Name")

    @property
    def version(self) -> str | None:
        """The version of its distribution; None where its metadata is gone or cannot be read."""
        return self._told("Version")

    def _told(self, header: str) -> str | None:
        if isinstance(self._home, str):
            return _header(self._home, header)
        try:
            told = self._home.metadata[header] if self._home else None
            return None if told is None else str(told)
        except Exception:  # noqa: BLE001  # which one depends on the Python, and on who made it
            return None

    @property
    def module(self) -> str:
        """The module it names.

        Raises:
            AttributeError: It names none.
        """
        plain = _PLAIN_VALUE.fullmatch(self.value)
        return plain[1] if plain else self._full().module

    def load(self) -> Any:
        """Import what it stands for."""
        plain = _PLAIN_VALUE.fullmatch(self.value)
        if plain is None:
            return self._full().load()
        found: Any = import_module(plain[1])
        for name in filter(None, (plain[2] or "").split(".")):
            found = getattr(found, name)
        return found

    def _full(self) -> EntryPoint:
        """Return the real one, which understands extras and white space, or says what is wrong."""
        from importlib.metadata import EntryPoint

        return EntryPoint(self.name, self.value, self.group)


def entries(group: str) -> Sequence[Entry]:
    """Return the installed entry points of one group, but for distributions that are damaged."""
    try:
        return [*_read(group, _metadata())]
    except Exception:  # noqa: BLE001  # not plain, or odder than anything thought of here
        return _told(group)


def _metadata() -> Sequence[os.DirEntry[str]]:
    """Return the metadata folders of everything on ``sys.path``, in its order.

    Raises:
        _NotPlain: Something else than folders is searched.
    """
    from importlib.machinery import PathFinder

    searching = [finder for finder in sys.meta_path if getattr(finder, "find_distributions", None)]
    if searching != [PathFinder]:
        raise _NotPlain
    found: list[os.DirEntry[str]] = []
    searched: Sequence[Any] = sys.path  # a path that is no text gets there, too
    for place in searched:
        if not isinstance(place, str) or place.lower().endswith(".egg"):
            raise _NotPlain
        try:
            with os.scandir(place or ".") as children:
                found += [each for each in children if each.name.lower().endswith(_METADATA)]
        except NotADirectoryError:  # a zip file
            raise _NotPlain from None
        except (OSError, ValueError):  # it is not there, or may not be read: nothing comes from it
            continue
    return found


def _read(group: str, metadata: Sequence[os.DirEntry[str]]) -> Iterator[Entry]:
    seen = set()
    for folder in metadata:
        name = folder.name.rpartition(".")[0].partition("-")[0]
        if not name:
            raise _NotPlain
        name = _normal(name)
        if name in seen:
            continue  # the first of a name is the one that is imported
        seen.add(name)
        for key, value in _pairs(_content(folder.path, "entry_points.txt"), group):
            yield Entry(key, value, group, folder.path)


def _normal(name: str) -> str:
    return _SEPARATORS.sub("_", name).lower()


def _content(folder: str, name: str) -> bytes:
    try:
        with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123  # a hundred times
            return file.read()
    except OSError:  # most distributions have no entry points
        return b""


def _header(folder: str, wanted: str) -> str | None:
    """Return what a distribution's metadata says under a header."""
    content = _content(folder, "METADATA") or _content(folder, "PKG-INFO")
    for line in content.decode(errors="replace").splitlines():
        name, colon, value = line.partition(":")
        if not line:
            break  # what follows is the description
        if colon and name.lower() == wanted.lower():
            return value.strip() or None
    return None


def _pairs(content: bytes, group: str) -> Sequence[tuple[str, str]]:
    """Return names and values of one group; none where the file is damaged anywhere."""
    if group.encode() not in content:
        return []
    found = []
    section = None
    try:
        lines = [line.strip() for line in content.decode().splitlines()]
    except UnicodeDecodeError:
        return []
    for line in lines:
        if line.startswith("[") and line.endswith("]"):
            section = line.strip("[]")
        elif line and not line.startswith("#") and section is not None:
            name, equals, value = line.partition("=")
            if not equals:
                return []
            if section == group:
                found.append((name.strip(), value.strip()))
    return found


def _told(group: str) -> Sequence[Entry]:
    """Return what ``importlib.metadata`` tells."""
    from importlib.metadata import entry_points

    try:
        found = [*entry_points(group=group)]
    except Exception:  # noqa: BLE001  # whatever the parser makes of it
        found = [*_one_by_one(group)]
    return [Entry(each.name, each.value, each.group, each.dist) for each in found]


def _one_by_one(group: str) -> Iterator[EntryPoint]:
    """Return what ``importlib.metadata`` tells of all distributions that can be read."""
    from importlib.metadata import distributions

    # Nothing is imported from anything else, and it fails where there is.
    searched: Sequence[Any] = sys.path
    places: Any = [each for each in searched if isinstance(each, str | os.PathLike)]
    seen = set()
    for distribution in distributions(path=places):
        try:
            name = _name_of(distribution)
            if name in seen:
                continue
            seen.add(name)  # the first of a name is imported, even where it is damaged
            yield from [*distribution.entry_points.select(group=group)]
        except Exception:  # noqa: BLE001, S112  # the one that cannot be read
            continue


def _name_of(distribution: Distribution) -> str:
    """Return what tells a distribution from others: its folder's name, as for `_read`, or its own.

    A distribution may be there without the file that has its name.
    """
    return _normal(getattr(distribution, "_normalized_name", None) or distribution.name)
