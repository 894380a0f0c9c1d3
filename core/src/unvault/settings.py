"""What a person configures: how long values are cached, and which credential is the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from unvault.errors import InvalidSetting

if TYPE_CHECKING:
    from unvault.cache import CacheStatistics, SecretCache
    from unvault.store import CredentialStore

DEFAULT_CACHE_MINUTES = 30
LONGEST_CACHE_MINUTES = 720

_CACHE_MINUTES = "cache_minutes"
_DEFAULT = "default_credential:"


class Settings:
    """Reads and changes the settings in a store.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: CredentialStore) -> None:
        self._store = store

    @property
    def cache_minutes(self) -> int:
        """For how many minutes a value is cached; 0 turns the cache off.

        What is stored and out of range was not set here, and counts for nothing.
        """
        value = self._store.settings().get(_CACHE_MINUTES)
        return value if _in_range(value) else DEFAULT_CACHE_MINUTES

    @cache_minutes.setter
    def cache_minutes(self, minutes: int) -> None:
        self._store.change_setting(_CACHE_MINUTES, check_cache_minutes(minutes))

    def default_credential(self, provider: str) -> str | None:
        """Return the id of the credential that a provider's own id stands for."""
        value = self._store.settings().get(_DEFAULT + provider)
        return value if isinstance(value, str) else None

    def set_default_credential(self, provider: str, credential_id: str | None) -> None:
        """Choose the credential that a provider's own id stands for; None chooses none."""
        self._store.change_setting(_DEFAULT + provider, credential_id)


class CacheControl:
    """The values in memory: for how long they are kept, and how to drop them.

    Args:
        cache: The cache.
        settings: Where the time is kept between processes.
    """

    def __init__(self, cache: SecretCache, settings: Settings) -> None:
        self._cache = cache
        self._settings = settings

    @property
    def minutes(self) -> float:
        """For how many minutes a value is kept: 0 to 720, and 0 turns the cache off.

        Setting it also changes the stored setting.
        """
        return self._cache.minutes

    @minutes.setter
    def minutes(self, minutes: int) -> None:
        self._settings.cache_minutes = check_cache_minutes(minutes)
        self._cache.minutes = minutes

    @property
    def max_entries(self) -> int:
        """How many values are kept at the most."""
        return self._cache.max_entries

    def statistics(self) -> CacheStatistics:
        """Return how many values are kept, and how often that helped."""
        return self._cache.statistics()

    def clear(self) -> int:
        """Drop all values, and return how many there were."""
        return self._cache.clear()


def check_cache_minutes(minutes: int) -> int:
    """Return the minutes if they are in range.

    Raises:
        InvalidSetting: They are not.
    """
    if isinstance(minutes, bool) or not isinstance(minutes, int):
        raise InvalidSetting("the cache's time is a whole number of minutes")
    if not _in_range(minutes):
        raise InvalidSetting(
            f"the cache keeps values for 0 to {LONGEST_CACHE_MINUTES} minutes, not {minutes}",
            hint="0 turns it off",
        )
    return minutes


def check_stale_minutes(minutes: int) -> int:
    """Return for how long a value may stand in for one that cannot be had, if it is in range.

    Raises:
        InvalidSetting: It is not.
    """
    if not _in_range(minutes):
        raise InvalidSetting(
            "a value whose time is over may stand in for 0 to"
            f" {LONGEST_CACHE_MINUTES} whole minutes, not for {minutes!r}",
            hint="0 turns it off",
        )
    return minutes


def _in_range(value: object) -> TypeGuard[int]:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 0 <= value <= LONGEST_CACHE_MINUTES
