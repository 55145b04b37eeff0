"""What attempts and images cost, and the totals of it by quarters of an hour."""

from imagegen_adapters.databases.migrations.sequence import Schema, run

_QUARTER = "coalesce(strftime('%s', coalesce(tasks.completed_at, tasks.created_at)) / 900, 0)"

_ENDED = "tasks.status IN ('completed', 'failed', 'cancelled')"

_KEY = "quarter, provider_name, model_id, currency"

_COLUMNS = f"{_KEY}, tasks, images, unknown_attempts, known, estimated, possible"


def m019_costs(db: Schema) -> None:
    """Costs, in ticks, and the price under which an attempt was sent, kept until it ends.

    Nobody knows what the calls of earlier versions cost. Those that were charged count as unknown in the
    totals of their time, or when their task ends; those of the built-in demo cost nothing. Images that were
    deleted before are not counted.
    """
    run(
        db,
        "ALTER TABLE attempts ADD COLUMN price TEXT",
        "ALTER TABLE attempts ADD COLUMN cost_basis TEXT",
        "ALTER TABLE attempts ADD COLUMN cost_currency TEXT",
        "ALTER TABLE attempts ADD COLUMN cost_ticks INTEGER",
        "ALTER TABLE images ADD COLUMN cost_basis TEXT",
        "ALTER TABLE images ADD COLUMN cost_currency TEXT",
        "ALTER TABLE images ADD COLUMN cost_ticks INTEGER",
        """
        CREATE TABLE usage_totals (
            quarter INTEGER NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            currency TEXT NOT NULL,
            tasks INTEGER NOT NULL,
            images INTEGER NOT NULL,
            unknown_attempts INTEGER NOT NULL,
            known INTEGER NOT NULL,
            estimated INTEGER NOT NULL,
            possible INTEGER NOT NULL,
            PRIMARY KEY (quarter, provider_name, model_id, currency)
        ) STRICT, WITHOUT ROWID
        """,
        """
        UPDATE attempts SET cost_basis = 'unknown'
        WHERE charge <> 'none' AND task_id IN (
            SELECT task_id FROM tasks WHERE status IN ('pending', 'processing') AND provider_name <> 'demo'
        )
        """,
        f"""
        INSERT INTO usage_totals ({_COLUMNS})
        SELECT {_QUARTER}, provider_name, model_id, '', count(*), 0, 0, 0, 0, 0
        FROM tasks WHERE {_ENDED} GROUP BY 1, 2, 3
        """,  # noqa: S608 - expressions of this module
        f"""
        INSERT INTO usage_totals ({_COLUMNS})
        SELECT {_QUARTER}, tasks.provider_name, tasks.model_id, '', 0, count(*), 0, 0, 0, 0
        FROM tasks JOIN images USING (task_id) WHERE {_ENDED} GROUP BY 1, 2, 3
        ON CONFLICT ({_KEY}) DO UPDATE SET images = excluded.images
        """,  # noqa: S608 - expressions of this module
        f"""
        INSERT INTO usage_totals ({_COLUMNS})
        SELECT {_QUARTER}, provider_name, model_id, '', 0, 0, count(*), 0, 0, 0
        FROM tasks JOIN attempts USING (task_id)
        WHERE {_ENDED} AND charge <> 'none' AND provider_name <> 'demo' GROUP BY 1, 2, 3
        ON CONFLICT ({_KEY}) DO UPDATE SET unknown_attempts = excluded.unknown_attempts
        """,  # noqa: S608 - expressions of this module
    )
