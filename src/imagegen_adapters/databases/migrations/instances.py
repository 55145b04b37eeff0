"""Starts of the service."""

from imagegen_adapters.databases.migrations.sequence import Schema, run


def m007_instances(db: Schema) -> None:
    """Each start of the service; nothing is written there any more, see `Nodes`."""
    run(
        db,
        """
        CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    )
