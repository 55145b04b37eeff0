"""Events of tasks."""

from imagegen_adapters.databases.migrations.sequence import Schema, run


def m006_events(db: Schema) -> None:
    """Events of tasks, for subscribers."""
    run(
        db,
        """
        CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX events_by_task ON events (task_id, id)",
        "CREATE INDEX events_passing ON events (at) WHERE kind = 'progress'",
    )


def m013_last_events(db: Schema) -> None:
    """Adds the final event of tasks that ended without one, because of a crash between the two writes.

    `failure` was written by earlier versions, and text that is not JSON must not make the migration fail.
    """
    run(
        db,
        """
        INSERT INTO events (task_id, kind, at, data)
        SELECT task_id, status, coalesce(completed_at, created_at),
            CASE json_valid(failure) WHEN 1 THEN json_object('error', json_extract(failure, '$.code'))
                ELSE '{}' END
        FROM tasks WHERE status IN ('completed', 'failed', 'cancelled') AND NOT EXISTS (
            SELECT 1 FROM events
            WHERE events.task_id = tasks.task_id AND kind IN ('completed', 'failed', 'cancelled')
        )
        """,
    )
