-- Deleted images that can be restored: their rows, with the marks that they had. Nothing that reads images looks here.
CREATE TABLE trash (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id INTEGER NOT NULL UNIQUE,
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
    cost_basis TEXT,
    cost_currency TEXT,
    cost_ticks INTEGER,
    favourite INTEGER NOT NULL,
    tags TEXT NOT NULL,
    collections TEXT NOT NULL,
    trashed_at TEXT NOT NULL
) STRICT;
CREATE INDEX trash_by_age ON trash (trashed_at);

-- Rows of image_lineage of which one image or both are in the trash.
CREATE TABLE trash_lineage (
    parent_id INTEGER NOT NULL,
    child_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (parent_id, child_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX trash_lineage_by_child ON trash_lineage (child_id);
