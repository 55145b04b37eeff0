"""Records of images, and what finds and counts them."""

from imagegen_adapters.databases.migrations.sequence import Schema, run


def m004_images(db: Schema) -> None:
    """Images outlive their tasks, and ids are never reused. `crc64` is an unsigned integer, hence text."""
    run(
        db,
        """
        CREATE TABLE images (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            attempt_id TEXT NOT NULL,
            position INTEGER NOT NULL,
            operation TEXT NOT NULL,
            prompt TEXT NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            mime_type TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            size_bytes INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            vendor_sha256 TEXT,
            crc64 TEXT,
            blob_key TEXT NOT NULL,
            thumbnail_key TEXT,
            storage TEXT NOT NULL,
            params TEXT NOT NULL,
            metadata TEXT NOT NULL,
            created_at TEXT NOT NULL,
            UNIQUE (attempt_id, position)
        ) STRICT
        """,
        "CREATE INDEX images_by_task ON images (task_id)",
        "CREATE INDEX images_by_storage ON images (storage, id)",
    )


def m008_search(db: Schema) -> None:
    """The search index, and what makes listing images cheap; see `image_records.index`.

    `image_days` holds the range of image ids of each day. Lists filtered by provider, model or operation use
    the search index, so the images table needs no index for them.
    """
    run(
        db,
        "INSERT INTO counters (name, value) VALUES ('images', 0), ('images_deleted', 0)",
        """
        CREATE TRIGGER images_count_new AFTER INSERT ON images BEGIN
            UPDATE counters SET value = value + 1 WHERE name = 'images';
        END
        """,
        """
        CREATE TRIGGER images_count_gone AFTER DELETE ON images BEGIN
            UPDATE counters SET value = value - 1 WHERE name = 'images';
            UPDATE counters SET value = value + 1 WHERE name = 'images_deleted';
        END
        """,
        """
        CREATE TABLE image_days (
            day INTEGER PRIMARY KEY,
            first_id INTEGER NOT NULL,
            last_id INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE search_generations (
            generation INTEGER PRIMARY KEY AUTOINCREMENT,
            state TEXT NOT NULL CHECK (state IN ('active', 'building', 'leaving')),
            folding TEXT,
            reached INTEGER NOT NULL DEFAULT 0,
            until INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        "CREATE UNIQUE INDEX search_generations_active ON search_generations (state) WHERE state = 'active'",
        "INSERT INTO search_generations (generation, state) VALUES (1, 'active')",
        """
        CREATE TABLE image_texts_1 (
            id INTEGER PRIMARY KEY, created_ms INTEGER NOT NULL, folded TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE VIRTUAL TABLE image_index_1 USING fts5(
            tokens, content='', detail=none, columnsize=0, tokenize='ascii'
        )
        """,
    )


def m009_picture_ages(db: Schema) -> None:
    """Images whose local file may expire, by age, so that younger ones are not visited."""
    run(db, "CREATE INDEX images_by_age ON images (created_at, id) WHERE storage = 'both'")


def m016_image_blocks(db: Schema) -> None:
    """How many images each block of 1,024 ids has: how a page far down the list is found by its number."""
    run(
        db,
        "CREATE TABLE image_blocks (block INTEGER PRIMARY KEY, images INTEGER NOT NULL) STRICT",
        "INSERT INTO image_blocks (block, images) SELECT id >> 10, count(*) FROM images GROUP BY 1",
        """
        CREATE TRIGGER images_block_new AFTER INSERT ON images BEGIN
            INSERT INTO image_blocks (block, images) VALUES (new.id >> 10, 1)
            ON CONFLICT (block) DO UPDATE SET images = images + 1;
        END
        """,
        """
        CREATE TRIGGER images_block_gone AFTER DELETE ON images BEGIN
            UPDATE image_blocks SET images = images - 1 WHERE block = old.id >> 10;
        END
        """,
    )


def m023_image_quarters(db: Schema) -> None:
    """How many images each quarter of an hour since 1970 has, of each provider, model and operation."""
    run(
        db,
        """
        CREATE TABLE image_quarters (
            quarter INTEGER NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            operation TEXT NOT NULL,
            images INTEGER NOT NULL,
            PRIMARY KEY (quarter, provider_name, model_id, operation)
        ) STRICT, WITHOUT ROWID
        """,
        """
        INSERT INTO image_quarters (quarter, provider_name, model_id, operation, images)
        SELECT strftime('%s', created_at) / 900, provider_name, model_id, operation, count(*)
        FROM images GROUP BY 1, 2, 3, 4
        """,
        """
        CREATE TRIGGER images_quarter_new AFTER INSERT ON images BEGIN
            INSERT INTO image_quarters (quarter, provider_name, model_id, operation, images)
            VALUES (strftime('%s', new.created_at) / 900, new.provider_name, new.model_id, new.operation, 1)
            ON CONFLICT (quarter, provider_name, model_id, operation) DO UPDATE SET images = images + 1;
        END
        """,
        """
        CREATE TRIGGER images_quarter_gone AFTER DELETE ON images BEGIN
            UPDATE image_quarters SET images = images - 1
            WHERE quarter = strftime('%s', old.created_at) / 900 AND provider_name = old.provider_name
                AND model_id = old.model_id AND operation = old.operation;
        END
        """,
    )
