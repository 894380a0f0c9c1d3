"""What holds for all tests, and for the processes they start."""

from __future__ import annotations

import os

from hypothesis import settings

# What hypothesis draws is the same in each run, so that a change meets what the last one met, and
# passes or fails by itself. New things are looked for in the soak: see tests/soak.py.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


# Each of the many processes started here would compile the whole library again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What a developer has configured must neither help a test nor be changed by it.
for name in [*os.environ]:
    if name.startswith(("UNVAULT_", "INSOMNIA_")):
        del os.environ[name]
