from __future__ import annotations

from pathlib import Path

import pytest

from unvault.directories import HOME_VARIABLE, Directories
from unvault.errors import StoreUnreadable


def test_one_folder_for_everything(tmp_path: Path) -> None:
    folders = Directories.default(environ={HOME_VARIABLE: str(tmp_path)})
    assert folders == Directories(tmp_path / "data", tmp_path / "config", tmp_path / "cache")


def test_the_process_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert Directories.default() == Directories.under(tmp_path)


def test_the_variable_is_for_unvault_alone(tmp_path: Path) -> None:
    embedded = Directories.default("acme-app", {HOME_VARIABLE: str(tmp_path)})
    assert embedded == Directories.default("acme-app", {})
    assert not embedded.data.is_relative_to(tmp_path)
    assert "acme-app" in str(embedded.data)


@pytest.mark.parametrize("environ", [{}, {HOME_VARIABLE: ""}], ids=["unset", "empty"])
def test_the_platform_decides_otherwise(environ: dict[str, str]) -> None:
    folders = Directories.default(environ=environ)
    assert folders.data.is_absolute()
    assert "unvault" in str(folders.data)
    assert folders != Directories.default("acme-app", environ)


def test_two_applications_share_no_folder() -> None:
    one, other = Directories.default("one", {}), Directories.default("other", {})
    assert not {one.data, one.config, one.cache} & {other.data, other.config, other.cache}


def test_a_relative_folder_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = Directories.default(environ={HOME_VARIABLE: "here"})
    assert folders.data == tmp_path / "here" / "data"


def test_the_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    folders = Directories.default(environ={HOME_VARIABLE: "~/vaults"})
    assert folders.data == tmp_path / "vaults" / "data"


def test_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    Directories.default(environ={})
    Directories.default("acme-app", {})
    Directories.under(tmp_path / "home")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("home", ["~nobody-knows/x", "~\0"])
def test_the_home_of_nobody_is_refused(home: str) -> None:
    with pytest.raises(StoreUnreadable) as caught:
        Directories.default(environ={"UNVAULT_HOME": home})
    assert f"the home folder of {home!r} cannot be told" in caught.value.message
