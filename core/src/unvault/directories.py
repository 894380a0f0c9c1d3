"""Where unvault keeps what it keeps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import attrs

from unvault.errors import StoreUnreadable

HOME_VARIABLE = "UNVAULT_HOME"
"""Environment variable: one folder for everything, instead of the platform's folders."""


@attrs.frozen
class Directories:
    """The folders of one application. None of them has to exist; none is made before a write."""

    data: Path
    """For what a person would lose: the credential store, the local vault."""
    config: Path
    """For the key file, away from the data it opens where the platform has two folders."""
    cache: Path
    """For what can be found out again. Never for secrets."""

    @classmethod
    def default(
        cls, app_name: str = "unvault", environ: Mapping[str, str] | None = None
    ) -> Directories:
        """Return the platform's folders for an application, or those under ``UNVAULT_HOME``.

        Args:
            app_name: The application's name; ``UNVAULT_HOME`` counts only for ``unvault``.
            environ: The environment; the process's own by default.

        Raises:
            StoreUnreadable: There is no home folder.
        """
        home = (os.environ if environ is None else environ).get(HOME_VARIABLE)
        try:
            if home and app_name == "unvault":
                return cls.under(Path(home).expanduser().absolute())
            from platformdirs import PlatformDirs

            dirs = PlatformDirs(app_name, appauthor=False)
            found = cls(dirs.user_data_path, dirs.user_config_path, dirs.user_cache_path)
        except (RuntimeError, ValueError):  # the latter for what cannot be a name at all
            found = None
        if found is None or not found.data.is_absolute():
            what = repr(home) if home and app_name == "unvault" else "this user"
            raise StoreUnreadable(
                f"the home folder of {what} cannot be told, so nothing can be kept",
                hint=f"set HOME or {HOME_VARIABLE} to the full path of a folder",
            )
        return found

    @classmethod
    def under(cls, home: Path) -> Directories:
        """Return folders that all lie under one."""
        return cls(home / "data", home / "config", home / "cache")
