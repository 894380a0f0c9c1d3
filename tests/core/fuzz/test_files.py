"""What lies in files that others write: remembered verdicts, and the metadata of distributions."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from tests.core.fuzz import texts
from tests.fakes import FakeProvider, Site
from tests.soak import fuzz

from unvault import installed
from unvault.client import Unvault
from unvault.directories import Directories
from unvault.errors import UnvaultError
from unvault.health import examine
from unvault.hookspecs import PROVIDERS
from unvault.provider import ProviderState
from unvault.providers import Providers

_GARBAGE = st.binary(max_size=40)
_ENTRY_LINES = st.sampled_from(
    [
        *("[unvault.providers]", "[unvault.providers", "unvault.providers]", "[other]", "[]", ""),
        *("fuzz = fuzz_module", "fuzz=fuzz_module:thing", "Fuzz = x", "a b = c d", "= x", "x ="),
        *("no equals", "# comment", "fuzz = fuzz_module [extra]", "fuzz = :", "é = ü", "\0 = \0"),
        *("fuzz = ..", "fuzz = a:b:c", "fuzz == x", "   fuzz   =   fuzz_module   ", "fuzz = 1.2"),
    ]
)
_ENTRY_POINTS = st.lists(_ENTRY_LINES, max_size=8).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n", "\r", "\u2028"]).map(
        lambda end: end.join(lines).encode()
    )
)
_METADATA = st.lists(
    st.sampled_from(
        [
            *(b"Metadata-Version: 2.1", b"Name: fuzz-dist", b"Name:", b"Version: 1.0", b"Version:"),
            *(b"Version: \xff", b"Name: a\nName: b", b"", b"\xff\xfe\0", b" folded", b"Nonsense"),
        ]
    )
    | _GARBAGE,
    max_size=5,
).map(b"\n".join)
_FOLDERS = st.sampled_from(
    [
        *("fuzz_dist-1.0.dist-info", "Fuzz.Dist-2.dist-info", "fuzz-dist.dist-info", "-.dist-info"),
        *(
            ".dist-info",
            "x.egg-info",
            "fuzz_dist-1.0.DIST-INFO",
            "fuzz dist-1.dist-info",
            "é.egg-info",
        ),
    ]
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path / "site", monkeypatch)


def _filled(
    folder: Path, entry_points: bytes | None, metadata: bytes | None, *, as_file: bool
) -> None:
    if as_file:
        folder.write_bytes(metadata or b"")
        return
    folder.mkdir(exist_ok=True)
    for name, content in (("entry_points.txt", entry_points), ("METADATA", metadata)):
        if content is not None:
            (folder / name).write_bytes(content)


@fuzz(
    40,
    distributions=st.lists(
        st.tuples(
            _FOLDERS,
            st.none() | _ENTRY_POINTS | _GARBAGE,
            st.none() | _METADATA,
            st.integers(0, 9).map(lambda number: not number),
        ),
        max_size=3,
    ),
)
def test_whatever_is_installed_the_others_are_found(
    distributions: Sequence[tuple[str, bytes | None, bytes | None, bool]], site: Site
) -> None:
    for each in site.folder.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    real = Providers().ids()
    site.distribution("good-one", providers={"good": "good_module"})
    for name, entry_points, metadata, as_file in distributions:
        if (site.folder / name).exists():
            continue
        _filled(site.folder / name, entry_points, metadata, as_file=as_file)
    assert "good" in [entry.name for entry in installed.entries(PROVIDERS)]
    providers = Providers()
    for info in providers.list():
        assert info.state in {ProviderState.INSTALLED, ProviderState.CONFLICT}
        if info.id not in real:
            found = providers.check(info.id)
            assert found.state in {ProviderState.BROKEN, ProviderState.CONFLICT}
            assert found.reason
    assert "good" in providers.ids()


@fuzz(
    20,
    remembered=_GARBAGE
    | texts.json_like.map(lambda each: json.dumps(each).encode())
    | st.dictionaries(st.sampled_from(["fake", "x"]), texts.json_like).map(
        lambda each: json.dumps(each).encode()
    )
    | st.sampled_from([b"[" * 3000, b"9" * 5000, b"{", b'{"fake": NaN}', b"\xef\xbb\xbf{}", b"\0"]),
)
def test_whatever_is_remembered_of_providers(remembered: bytes, tmp_path: Path) -> None:
    (tmp_path / "providers.json").write_bytes(remembered)
    [info] = examine(Providers({"fake": FakeProvider()}, discover=False), tmp_path)
    assert (info.id, info.state) == ("fake", ProviderState.READY)


_NAMES = st.sampled_from(["UNVAULT_HOME", "HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"])
_PLACES = st.text(st.characters(), max_size=8) | st.sampled_from(["~", "~nobody", "/", "..", "\0"])


@fuzz(environ=st.dictionaries(_NAMES, _PLACES, max_size=3))
def test_any_folders_in_the_environment(environ: dict[str, str], tmp_path: Path) -> None:
    def used() -> Any:
        with Unvault(discover=False, environ=environ, plugins={"fake": FakeProvider()}) as vault:
            return vault.credentials.list()

    try:
        folders = Directories.default("unvault", environ)
    except UnvaultError:
        return
    assert os.fspath(folders.data)
    try:
        used()
    except UnvaultError as error:
        assert error.message
