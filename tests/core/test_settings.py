from __future__ import annotations

from pathlib import Path

import pytest

from unvault.errors import InvalidSetting
from unvault.protection import KeyFile
from unvault.settings import Settings, check_cache_minutes
from unvault.sqlite_store import SqliteStore


def stored(tmp_path: Path) -> Settings:
    return Settings(SqliteStore(tmp_path / "credentials.db", [KeyFile(tmp_path / "key")]))


def test_defaults_need_no_file(tmp_path: Path) -> None:
    settings = stored(tmp_path)
    assert settings.cache_minutes == 30
    assert settings.default_credential("aws") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("minutes", [0, 1, 720])
def test_minutes_are_kept(minutes: int, tmp_path: Path) -> None:
    stored(tmp_path).cache_minutes = minutes
    assert stored(tmp_path).cache_minutes == minutes


@pytest.mark.parametrize("minutes", [-1, 721, 10**30, 1.5, "30", True, None])
def test_minutes_out_of_range_are_refused_and_change_nothing(
    minutes: object, tmp_path: Path
) -> None:
    settings = stored(tmp_path)
    settings.cache_minutes = 5
    with pytest.raises(InvalidSetting):
        settings.cache_minutes = minutes  # type: ignore[assignment]
    assert settings.cache_minutes == 5
    with pytest.raises(InvalidSetting):
        check_cache_minutes(minutes)  # type: ignore[arg-type]


def test_what_is_out_of_range_writes_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="0 to 720"):
        stored(tmp_path).cache_minutes = 721
    assert list(tmp_path.iterdir()) == []


def test_each_provider_has_its_own_default(tmp_path: Path) -> None:
    settings = stored(tmp_path)
    settings.set_default_credential("aws", "id-1")
    settings.set_default_credential("gcp", "id-2")
    settings.set_default_credential("aws", "id-3")
    settings.set_default_credential("gcp", None)
    again = stored(tmp_path)
    assert (again.default_credential("aws"), again.default_credential("gcp")) == ("id-3", None)


def test_two_stores_share_no_setting(tmp_path: Path) -> None:
    one, other = Settings(SqliteStore()), Settings(SqliteStore())
    one.cache_minutes = 5
    assert other.cache_minutes == 30


@pytest.mark.parametrize("minutes", [-1, 721, 10**30, True, 1.5, "30", [5]])
def test_stored_minutes_that_are_out_of_range_count_for_nothing(
    minutes: object, tmp_path: Path
) -> None:
    """Whoever can write the file could keep values for ever."""
    store = SqliteStore(tmp_path / "credentials.db", [KeyFile(tmp_path / "key")])
    store.change_setting("cache_minutes", minutes)
    assert Settings(store).cache_minutes == 30
