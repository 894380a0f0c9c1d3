"""The tables of the credential store."""

from __future__ import annotations

from unvault.sqlite_file import Layout

LAYOUT = Layout(
    what="credential store",
    application_id=0x756E7661,  # "unva"
    tables=(
        """CREATE TABLE credential (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            provider TEXT NOT NULL,
            type TEXT,
            revision INTEGER NOT NULL,
            answers BLOB NOT NULL,
            kept BLOB NOT NULL,
            created TEXT NOT NULL,
            updated TEXT NOT NULL
        ) STRICT""",
        "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    ),
)
"""What kind of file it is."""
