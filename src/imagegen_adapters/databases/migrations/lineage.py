"""Which images were made from which."""

from imagegen_adapters.databases.migrations.sequence import Schema, run


def m024_lineage(db: Schema) -> None:
    """An image's parents are the images that its task took as inputs, in this order.

    Earlier tasks have not written down which of their inputs were stored images.
    """
    run(
        db,
        """
        CREATE TABLE image_lineage (
            parent_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            child_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            PRIMARY KEY (parent_id, child_id)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX image_lineage_by_child ON image_lineage (child_id, position)",
        """
        CREATE TRIGGER images_lineage_new AFTER INSERT ON images WHEN new.operation <> 'generate' BEGIN
            INSERT INTO image_lineage (parent_id, child_id, position)
            SELECT images.id, new.id, min(input.position)
            FROM (
                SELECT json_extract(reference.value, '$.image_id') AS image_id, reference.key AS position
                FROM tasks CROSS JOIN json_each(inputs, '$.references') AS reference
                WHERE task_id = new.task_id
                UNION ALL
                SELECT json_extract(inputs, '$.image.image_id'), 100 FROM tasks WHERE task_id = new.task_id
                UNION ALL
                SELECT json_extract(inputs, '$.mask.image_id'), 101 FROM tasks WHERE task_id = new.task_id
            ) AS input
            CROSS JOIN images ON images.id = input.image_id
            GROUP BY images.id;
        END
        """,
    )
