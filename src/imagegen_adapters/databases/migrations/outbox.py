"""The outbox of the archive."""

from imagegen_adapters.databases.migrations.sequence import Schema, run


def m005_outbox(db: Schema) -> None:
    """Pending uploads to and removals from the archive."""
    run(
        db,
        """
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CHECK (kind IN ('upload', 'remove')),
            blob_key TEXT NOT NULL,
            image_id INTEGER,
            attempts INTEGER NOT NULL DEFAULT 0,
            not_before TEXT,
            last_error TEXT,
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            UNIQUE (kind, blob_key)
        ) STRICT
        """,
        "CREATE INDEX outbox_by_time ON outbox (not_before, id)",
        "CREATE INDEX outbox_by_image ON outbox (image_id)",
    )
