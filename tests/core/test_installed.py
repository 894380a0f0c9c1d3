"""What is installed is found as `importlib.metadata` finds it, and mostly without it."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import zipfile
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from unvault.hookspecs import PROVIDERS
from unvault.installed import Entry, entries

GROUP = "unvault.tests"


@pytest.fixture(autouse=True)
def _plain_python(monkeypatch):
    """Undo what importlib-metadata, which keyring imports, does to a whole process."""
    finder = staticmethod(importlib.metadata.MetadataPathFinder.find_distributions)
    monkeypatch.setattr(PathFinder, "find_distributions", finder, raising=False)
    others = [each for each in sys.meta_path if not hasattr(each, "find_distributions")]
    monkeypatch.setattr(sys, "meta_path", [*others, PathFinder])


@pytest.fixture
def unneeded(monkeypatch):
    """Let whatever asks `importlib.metadata` fail: a test that uses this needs none of it."""

    def refuse(*_arguments, **_options):
        raise AssertionError("importlib.metadata was asked")

    monkeypatch.setattr("unvault.installed._told", refuse)


@pytest.fixture
def only(monkeypatch, tmp_path):
    """Return a folder that is all of ``sys.path``."""
    folder = tmp_path / "only"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder)])
    return folder


def install(folder: Path, info: str, content: str | bytes | None, *, name: str = "") -> Path:
    home = folder / info
    home.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {name or info.partition('-')[0]}\nVersion: 1.0\n"
    (home / ("METADATA" if info.endswith("dist-info") else "PKG-INFO")).write_text(head)
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (home / "entry_points.txt").write_bytes(data)
    return home


def found(group: str = GROUP) -> list[tuple[str, str]]:
    return sorted((each.name, each.value) for each in entries(group))


def theirs(group: str = GROUP) -> list[tuple[str, str]]:
    return sorted((each.name, each.value) for each in importlib.metadata.entry_points(group=group))


@pytest.mark.usefixtures("unneeded")
@pytest.mark.parametrize("group", [PROVIDERS, "unvault.commands", "console_scripts", "pytest11"])
def test_in_this_environment_it_finds_what_importlib_metadata_finds(group):
    ours = [(each.name, each.value, each.dist.name) for each in entries(group) if each.dist]
    real = importlib.metadata.entry_points(group=group)
    assert sorted(ours) == sorted((each.name, each.value, each.dist.name) for each in real)
    assert ours


LISTING = """
import sys
from unvault.installed import entries
from unvault.hookspecs import PROVIDERS
print([entry.name for entry in entries(PROVIDERS)], "importlib.metadata" in sys.modules)
"""


def test_it_does_without_importlib_metadata(tmp_path):
    site = tmp_path / "site"
    install(site, "dist_one-1.0.dist-info", f"[{PROVIDERS}]\none = provider_one\n")
    done = subprocess.run(
        [sys.executable, "-c", LISTING],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "'one'" in done.stdout
    assert done.stdout.endswith("] False\n")


ODD = {
    "plain": f"[{GROUP}]\na = b\n",
    "spaces": f"\n  [{GROUP}]  \n\n  a   =   b : c  \n\td=e\n",
    "comments": f"# first\n[{GROUP}]\n# a = b\nc = d # not a comment\n",
    "groups": f"[other]\nx = y\n[{GROUP}]\na = b\n[{GROUP}.more]\nc = d\n[{GROUP}]\ne = f\n",
    "before a group": f"nonsense\n[{GROUP}]\na = b\n",
    "several equals signs": f"[{GROUP}]\na = b=c\n",
    "extras": f"[{GROUP}]\na = b:c [more,and more]\n",
    "line ends": f"[{GROUP}]\r\na = b\r\nc = d\r",
    "no name": f"[{GROUP}]\n= b\n",
    "brackets": f"[[{GROUP}]]\na = b\n",
    "twice": f"[{GROUP}]\na = b\na = c\n",
    "mentioned": f"[other]\na = {GROUP}\n",
    "a mark of the encoding": f"\ufeff[{GROUP}]\na = b\n",
    "empty": "",
    "nothing": None,
}


@pytest.mark.usefixtures("unneeded")
@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
@pytest.mark.parametrize("info", ["x-1.0.dist-info", "x.egg-info", "x-1.0-py3.11.egg-info"])
def test_it_reads_a_file_as_importlib_metadata_does(only, info, content):
    install(only, info, content, name="x")
    assert found() == theirs()


DAMAGED = {
    "no equals sign": f"[{GROUP}]\nc = d\nno equals sign\n".encode(),
    "no equals sign in another group": f"[{GROUP}]\nc = d\n[other]\nno equals sign\n".encode(),
    "not text": f"[{GROUP}]\nc = d\n".encode() + b"\xff\xfe",
}


@pytest.mark.usefixtures("unneeded")
@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_distribution_is_left_out_and_no_other(only, content):
    install(only, "bad-1.0.dist-info", content)
    install(only, "good-1.0.dist-info", f"[{GROUP}]\na = b\n")
    assert found() == [("a", "b")]
    with pytest.raises(Exception):  # noqa: B017, PT011  # which one depends on the Python
        theirs()


@pytest.mark.usefixtures("unneeded")
def test_the_first_of_a_name_is_the_one(only, monkeypatch):
    other = only.parent / "other"
    install(only, "My_Dist-1.0.dist-info", f"[{GROUP}]\na = first\n")
    install(other, "my.dist-2.0.dist-info", f"[{GROUP}]\na = second\nb = second\n")
    install(other, "another-2.0.dist-info", f"[{GROUP}]\nb = another\n")
    monkeypatch.setattr(sys, "path", [str(only), str(other), str(only)])
    assert found() == theirs() == [("a", "first"), ("b", "another")]


@pytest.mark.usefixtures("unneeded")
def test_folders_that_are_not_there_do_not_matter(only, monkeypatch):
    install(only, "x-1.0.dist-info", f"[{GROUP}]\na = b\n")
    (only / "file.dist-info").write_text("no folder")
    monkeypatch.chdir(only)
    monkeypatch.setattr(sys, "path", ["/no/such/folder", "not\0possible", ""])
    assert found() == [("a", "b")]


@pytest.mark.usefixtures("unneeded")
def test_nothing_is_remembered(only):
    """What is installed, changed in place, upgraded or removed is seen by the next look."""
    assert found() == []
    info = install(only, "x-1.0.dist-info", f"[{GROUP}]\na = b\n")
    times = (info.stat(), only.stat())
    assert found() == [("a", "b")]

    file = info / "entry_points.txt"
    file.write_text(f"[{GROUP}]\na = c\n")  # as long as before, and with its times, too
    os.utime(file, ns=(times[0].st_atime_ns, times[0].st_mtime_ns))
    os.utime(info, ns=(times[0].st_atime_ns, times[0].st_mtime_ns))
    os.utime(only, ns=(times[1].st_atime_ns, times[1].st_mtime_ns))
    assert found() == [("a", "c")]

    info.rename(only / "x-2.0.dist-info")
    install(only, "y-1.0.dist-info", f"[{GROUP}]\ny = z\n")
    assert found() == [("a", "c"), ("y", "z")]

    (only / "x-2.0.dist-info" / "entry_points.txt").unlink()
    assert found() == [("y", "z")]


def zipped(folder: Path) -> Path:
    file = folder / "packed.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("packed-1.0.dist-info/METADATA", "Name: packed\nVersion: 1.0\n")
        archive.writestr("packed-1.0.dist-info/entry_points.txt", f"[{GROUP}]\nzip = packed\n")
    return file


def test_what_is_in_a_zip_file_is_left_to_importlib_metadata(only, monkeypatch):
    install(only, "x-1.0.dist-info", f"[{GROUP}]\na = b\n")
    monkeypatch.setattr(sys, "path", [str(only), str(zipped(only.parent))])
    assert found() == theirs() == [("a", "b"), ("zip", "packed")]
    [packed] = [each for each in entries(GROUP) if each.name == "zip"]
    assert packed.dist is not None
    assert packed.dist.version == "1.0"


def test_what_is_in_an_egg_is_left_to_importlib_metadata(only, monkeypatch):
    egg = only / "thing-1.0-py3.11.egg"
    install(egg, "EGG-INFO", f"[{GROUP}]\na = b\n", name="thing")
    monkeypatch.setattr(sys, "path", [str(only), str(egg)])
    assert found() == theirs() == [("a", "b")]


def test_where_somebody_elses_finder_knows_distributions_it_is_asked(only, monkeypatch):
    hidden = install(only.parent / "hidden", "x-1.0.dist-info", f"[{GROUP}]\na = b\n")

    class Finder:
        def find_spec(self, *_arguments):
            return None

        def find_distributions(self, *_arguments):
            return [importlib.metadata.Distribution.at(hidden)]

    assert found() == []
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert found() == theirs() == [("a", "b")]


def test_a_damaged_distribution_is_left_out_there_too(only, monkeypatch):
    install(only, "bad-1.0.dist-info", f"[{GROUP}]\nno equals sign\n")
    monkeypatch.setattr(sys, "path", [str(only), str(zipped(only.parent))])
    assert found() == [("zip", "packed")]


@pytest.mark.parametrize("kind", [Path, os.fsencode, lambda _: None, lambda _: 3])
def test_what_is_no_text_in_sys_path_does_no_harm(only, monkeypatch, kind):
    other = only.parent / "other"
    install(only, "x-1.0.dist-info", f"[{GROUP}]\na = b\n")
    install(other, "y-1.0.dist-info", f"[{GROUP}]\nc = d\n")
    monkeypatch.setattr(sys, "path", [kind(str(other)), str(only)])
    known = [("a", "b"), ("c", "d")] if kind is Path else [("a", "b")]
    assert found() == known
    if kind is Path:
        assert theirs() == known


@pytest.mark.parametrize("wrong", [RuntimeError, TypeError, KeyError])
def test_whatever_goes_wrong_importlib_metadata_is_asked(only, monkeypatch, wrong):
    install(only, "x-1.0.dist-info", f"[{GROUP}]\na = b\n")

    def fail(*_arguments):
        raise wrong

    monkeypatch.setattr("unvault.installed._pairs", fail)
    assert found() == theirs() == [("a", "b")]


DAMAGED_CONTENT = f"[{GROUP}]\nno equals sign\n"


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "not plain"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (DAMAGED_CONTENT, f"[{GROUP}]\na = stale\n"),
        (None, f"[{GROUP}]\na = stale\n"),
        (f"[{GROUP}]\na = first\n", f"[{GROUP}]\na = stale\nb = stale\n"),
    ],
    ids=["damaged", "no entries", "good"],
)
def test_a_second_copy_counts_for_nothing(only, monkeypatch, first, second, packed):
    other = only.parent / "other"
    install(only, "Foo_Bar-2.0.dist-info", first)
    install(only, "bad-1.0.dist-info", DAMAGED_CONTENT)  # so all are read one by one
    install(other, "foo.bar-1.0.dist-info", second)
    places = [only, other, *([zipped(only.parent)] if packed else [])]
    monkeypatch.setattr(sys, "path", [str(place) for place in places])
    known = [("a", "first")] if first and "first" in first else []
    assert found() == known + ([("zip", "packed")] if packed else [])


def test_a_distribution_without_its_description_is_read_there_too(only, monkeypatch):
    home = install(only, "x-1.0.dist-info", f"[{GROUP}]\na = b\n")
    (home / "METADATA").unlink()
    install(only, "bad-1.0.dist-info", DAMAGED_CONTENT)
    assert found() == [("a", "b")]
    monkeypatch.setattr(sys, "path", [str(only), str(zipped(only.parent))])
    assert found() == [("a", "b"), ("zip", "packed")]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("os", os),
        ("os.path", os.path),
        ("os:path.join", os.path.join),
        ("os : path.join", os.path.join),
        ("os:path.join [an-extra]", os.path.join),
    ],
)
def test_an_entry_is_loaded(value, wanted):
    entry = Entry("a", value, GROUP, None)
    assert entry.load() is wanted
    assert entry.module == value.partition(":")[0].strip()
    assert entry.dist is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Metadata-Version: 2.1\nName: a-b\nVersion: 1.0\n\nName: other\n", ("a-b", "1.0")),
        ("name:a-b\r\nVERSION:   1.0  \r\n", ("a-b", "1.0")),
        ("Name: a\nName: b\nSummary: Version: 3\n", ("a", None)),
        ("Summary: x\n\nName: a\nVersion: 1\n", (None, None)),
        (b"Name: a\nSummary: \xff\nVersion: 1\n", ("a", "1")),
        (b"\xff\xfe\0", (None, None)),
        ("Name:\nVersion\n", (None, None)),
        (None, (None, None)),
    ],
)
def test_an_entry_tells_its_distribution_where_that_can_be_read(only, content, told):
    home = install(only, "x-1.0.dist-info", f"[{GROUP}]\na = b\n")
    for file in ("METADATA", "PKG-INFO"):
        for each in home.glob("*A*"):
            each.unlink()
        if content is not None:
            (home / file).write_bytes(content.encode() if isinstance(content, str) else content)
        [entry] = entries(GROUP)
        assert (entry.distribution, entry.version) == told


def test_in_this_environment_it_tells_what_importlib_metadata_tells():
    for entry in entries("console_scripts"):
        assert entry.dist is not None
        assert (entry.distribution, entry.version) == (entry.dist.name, entry.dist.version)


def test_a_distribution_in_a_zip_file_tells_its_name_too(only, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(zipped(only.parent))])
    [entry] = entries(GROUP)
    assert (entry.distribution, entry.version) == ("packed", "1.0")
    [entry] = [Entry("a", "b", GROUP, importlib.metadata.PathDistribution(only / "nowhere"))]
    assert (entry.distribution, entry.version) == (None, None)


@pytest.mark.parametrize("value", ["", "not a module", "os:no such thing", "-"])
def test_what_cannot_be_an_entry_fails_as_it_would(value):
    real = importlib.metadata.EntryPoint("a", value, GROUP)
    for load in (real.load, Entry("a", value, GROUP, None).load):
        with pytest.raises((AttributeError, ImportError)):
            load()
