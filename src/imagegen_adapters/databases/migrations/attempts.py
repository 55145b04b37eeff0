"""Attempts: the paid calls of tasks."""

from imagegen_adapters.databases.migrations.sequence import Schema, run


def m003_attempts(db: Schema) -> None:
    """Attempts: the recovery points of paid calls."""
    run(
        db,
        """
        CREATE TABLE attempts (
            seq INTEGER PRIMARY KEY,
            attempt_id TEXT NOT NULL UNIQUE,
            task_id TEXT NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            part INTEGER NOT NULL,
            phase TEXT NOT NULL,
            charge TEXT NOT NULL,
            job TEXT,
            receipt TEXT,
            failure TEXT,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX attempts_by_task ON attempts (task_id, seq)",
    )


def m012_attempt_configs(db: Schema) -> None:
    """The provider configuration of a call, kept until the provider has finished and the result is stored.

    In `sealed_config` if it contains secrets, otherwise in `config`.
    """
    run(
        db,
        "ALTER TABLE attempts ADD COLUMN config TEXT",
        "ALTER TABLE attempts ADD COLUMN sealed_config TEXT",
        "CREATE INDEX attempts_sealed ON attempts (attempt_id) WHERE sealed_config IS NOT NULL",
    )


def m017_inline_responses(db: Schema) -> None:
    """Short responses, stored with their attempt until its images are stored.

    The index holds those that are kept longer, so that they can be wiped later without visiting the others.
    """
    run(
        db,
        "ALTER TABLE attempts ADD COLUMN response_name TEXT",
        "ALTER TABLE attempts ADD COLUMN response BLOB",
        """
        CREATE INDEX attempts_kept_responses ON attempts (updated_at)
        WHERE response IS NOT NULL AND phase IN ('stored', 'failed')
        """,
    )
