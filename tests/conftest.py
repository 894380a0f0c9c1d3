"""What holds for all tests, and for the processes they start."""

from __future__ import annotations

import os

# Each of the many processes started here would compile the whole library again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What a developer has configured must neither help a test nor be changed by it.
for name in [*os.environ]:
    if name.startswith(("UNVAULT_", "INSOMNIA_")):
        del os.environ[name]
