"""Tasks, which are the queue, and the idempotency keys of their callers."""

from imagegen_adapters.databases.migrations.sequence import Schema, run


def m002_tasks(db: Schema) -> None:
    """Tasks are the queue: `seq` orders them by age, and the partial indexes cover only pending tasks.

    Counting pending tasks must cost the same with ten as with a hundred thousand of them, hence the counters.
    """
    run(
        db,
        """
        CREATE TABLE tasks (
            seq INTEGER PRIMARY KEY,
            task_id TEXT NOT NULL UNIQUE,
            operation TEXT NOT NULL,
            prompt TEXT NOT NULL,
            params TEXT NOT NULL,
            inputs TEXT NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            status TEXT NOT NULL,
            config_snapshot TEXT NOT NULL,
            override TEXT,
            max_retries INTEGER NOT NULL,
            progress REAL,
            attempts INTEGER NOT NULL,
            retries INTEGER NOT NULL,
            rescues INTEGER NOT NULL,
            warnings TEXT NOT NULL,
            failure TEXT,
            cancel_requested INTEGER NOT NULL,
            not_before TEXT,
            owner TEXT,
            epoch INTEGER NOT NULL,
            retry_of TEXT,
            created_at TEXT NOT NULL,
            started_at TEXT,
            completed_at TEXT
        ) STRICT
        """,
        "CREATE INDEX tasks_by_status ON tasks (status, seq)",
        "CREATE INDEX tasks_by_provider ON tasks (provider_name, seq)",
        "CREATE INDEX tasks_by_provider_and_status ON tasks (provider_name, status, seq)",
        """
        CREATE INDEX tasks_ready ON tasks (seq, provider_name)
        WHERE status = 'pending' AND not_before IS NULL
        """,
        """
        CREATE INDEX tasks_put_off ON tasks (not_before)
        WHERE status = 'pending' AND not_before IS NOT NULL
        """,
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "INSERT INTO counters (name, value) VALUES ('pending', 0), ('processing', 0)",
        """
        CREATE TRIGGER tasks_count_new AFTER INSERT ON tasks BEGIN
            UPDATE counters SET value = value + 1 WHERE name = new.status;
        END
        """,
        """
        CREATE TRIGGER tasks_count_changed AFTER UPDATE OF status ON tasks WHEN new.status <> old.status BEGIN
            UPDATE counters SET value = value - 1 WHERE name = old.status;
            UPDATE counters SET value = value + 1 WHERE name = new.status;
        END
        """,
        """
        CREATE TRIGGER tasks_count_gone AFTER DELETE ON tasks BEGIN
            UPDATE counters SET value = value - 1 WHERE name = old.status;
        END
        """,
        """
        CREATE TABLE idempotency_keys (
            scope TEXT NOT NULL,
            key TEXT NOT NULL,
            body_sha256 TEXT NOT NULL,
            task_id TEXT NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
            expires_at TEXT NOT NULL,
            PRIMARY KEY (scope, key)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at)",
        "CREATE INDEX idempotency_keys_by_task ON idempotency_keys (task_id)",
    )


def m011_ready_by_provider(db: Schema) -> None:
    """A claim takes the oldest tasks of each provider, found without visiting those of other providers."""
    run(
        db,
        "DROP INDEX tasks_ready",
        """
        CREATE INDEX tasks_ready ON tasks (provider_name, seq)
        WHERE status = 'pending' AND not_before IS NULL
        """,
    )


def m014_answered_keys(db: Schema) -> None:
    """When a caller received its response; until then, an equal request counts as a retry of the first."""
    run(db, "ALTER TABLE idempotency_keys ADD COLUMN answered_at TEXT")


def m015_locked_tasks(db: Schema) -> None:
    """Tasks deferred until the master key is back, which the next start makes due."""
    run(db, "ALTER TABLE tasks ADD COLUMN locked INTEGER NOT NULL DEFAULT 0")


def m018_counts_of_ended_tasks(db: Schema) -> None:
    """How many tasks have ended in which way; the triggers that count the others count these, too."""
    run(
        db,
        """
        INSERT INTO counters (name, value)
        SELECT ended.value, (SELECT count(*) FROM tasks WHERE status = ended.value)
        FROM json_each('["completed", "failed", "cancelled"]') AS ended
        """,
    )


_NOTE_CHANGE = """
INSERT INTO task_changes (change, seq)
SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE {condition}
ON CONFLICT (seq) DO UPDATE SET change = excluded.change
"""


def m020_task_changes(db: Schema) -> None:
    """The order in which tasks changed last, so that all can be followed at once.

    A task that changes again gets a number above all others. What changed before this table was there is not
    in it.
    """
    of_task = _NOTE_CHANGE.format(condition="seq = new.seq")
    of_image = _NOTE_CHANGE.format(condition="task_id = new.task_id")
    run(
        db,
        """
        CREATE TABLE task_changes (
            change INTEGER PRIMARY KEY,
            seq INTEGER NOT NULL UNIQUE REFERENCES tasks (seq) ON DELETE CASCADE
        ) STRICT
        """,
        f"CREATE TRIGGER tasks_change_new AFTER INSERT ON tasks BEGIN {of_task}; END",
        f"""
        CREATE TRIGGER tasks_change AFTER UPDATE OF status, progress, cancel_requested ON tasks
        BEGIN {of_task}; END
        """,
        f"CREATE TRIGGER images_change AFTER INSERT ON images BEGIN {of_image}; END",
    )
