"""``python -m unvault_cli`` is the `unvault` command."""

from __future__ import annotations

import sys

from unvault_cli.main import script

sys.exit(script())
