-- The schema as of m025_settings. It never changes: whatever comes later is a migration in stores/sqlite/database.py.

-- Saved provider configurations; api_key and sealed_extra (secret headers, passwords of proxies) are sealed for
-- key_origin.
CREATE TABLE provider_configs (
    provider_name TEXT PRIMARY KEY,
    kind TEXT,
    display_name TEXT,
    api_base TEXT,
    api_key TEXT,
    key_origin TEXT,
    models TEXT,
    enabled INTEGER,
    timeout_seconds REAL,
    max_retries INTEGER,
    extra_config TEXT NOT NULL,
    created_at TEXT,
    updated_at TEXT,
    sealed_extra TEXT
) STRICT, WITHOUT ROWID;

-- Tasks are the queue: seq orders them by age, and the partial indexes cover only pending tasks. Those that are locked
-- are deferred until the master key is back.
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
    completed_at TEXT,
    locked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tasks_by_status ON tasks (status, seq);
CREATE INDEX tasks_by_provider ON tasks (provider_name, seq);
CREATE INDEX tasks_by_provider_and_status ON tasks (provider_name, status, seq);
CREATE INDEX tasks_put_off ON tasks (not_before)
WHERE status = 'pending' AND not_before IS NOT NULL;

-- Counting tasks and images must cost the same with ten as with a hundred thousand of them.
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES
    ('pending', 0), ('processing', 0), ('completed', 0), ('failed', 0), ('cancelled', 0),
    ('images', 0), ('images_deleted', 0), ('marks_changed', 0);

CREATE TRIGGER tasks_count_new AFTER INSERT ON tasks BEGIN
    UPDATE counters SET value = value + 1 WHERE name = new.status;
END;

CREATE TRIGGER tasks_count_changed AFTER UPDATE OF status ON tasks WHEN new.status <> old.status BEGIN
    UPDATE counters SET value = value - 1 WHERE name = old.status;
    UPDATE counters SET value = value + 1 WHERE name = new.status;
END;

CREATE TRIGGER tasks_count_gone AFTER DELETE ON tasks BEGIN
    UPDATE counters SET value = value - 1 WHERE name = old.status;
END;

-- answered_at: when a caller received its response; until then, an equal request counts as a retry of the first.
CREATE TABLE idempotency_keys (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    task_id TEXT NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
    expires_at TEXT NOT NULL,
    answered_at TEXT,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_by_task ON idempotency_keys (task_id);

-- The recovery points of paid calls. The configuration of a call is in sealed_config if it contains secrets, otherwise
-- in config; a short response is kept until its images are stored; amounts are in ticks.
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
    updated_at TEXT NOT NULL,
    config TEXT,
    sealed_config TEXT,
    response_name TEXT,
    response BLOB,
    price TEXT,
    cost_basis TEXT,
    cost_currency TEXT,
    cost_ticks INTEGER
) STRICT;
CREATE INDEX attempts_by_task ON attempts (task_id, seq);

-- Images outlive their tasks, and ids are never reused. crc64 is an unsigned integer, hence text.
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
    cost_basis TEXT,
    cost_currency TEXT,
    cost_ticks INTEGER,
    favourite INTEGER NOT NULL DEFAULT 0,
    UNIQUE (attempt_id, position)
) STRICT;
CREATE INDEX images_by_task ON images (task_id);
CREATE INDEX images_by_storage ON images (storage, id);

-- Pending uploads to and removals from the archive.
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
) STRICT;
CREATE INDEX outbox_by_time ON outbox (not_before, id);
CREATE INDEX outbox_by_image ON outbox (image_id);

-- Events of tasks, for subscribers.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_task ON events (task_id, id);
CREATE INDEX events_passing ON events (at) WHERE kind = 'progress';

-- Nothing is written here any more.
CREATE TABLE instances (
    owner TEXT PRIMARY KEY,
    started_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER images_count_new AFTER INSERT ON images BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'images';
END;

CREATE TRIGGER images_count_gone AFTER DELETE ON images BEGIN
    UPDATE counters SET value = value - 1 WHERE name = 'images';
    UPDATE counters SET value = value + 1 WHERE name = 'images_deleted';
END;

-- The range of image ids of each day.
CREATE TABLE image_days (
    day INTEGER PRIMARY KEY,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL
) STRICT;

-- The search index; lists filtered by provider, model or operation use it, too.
CREATE TABLE search_generations (
    generation INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (state IN ('active', 'building', 'leaving')),
    folding TEXT,
    reached INTEGER NOT NULL DEFAULT 0,
    until INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX search_generations_active ON search_generations (state) WHERE state = 'active';
INSERT INTO search_generations (generation, state) VALUES (1, 'active');

CREATE TABLE image_texts_1 (
    id INTEGER PRIMARY KEY, created_ms INTEGER NOT NULL, folded TEXT NOT NULL
) STRICT;

CREATE VIRTUAL TABLE image_index_1 USING fts5(
    tokens, content='', detail=none, columnsize=0, tokenize='ascii'
);

-- Images whose local file may expire, by age, so that younger ones are not visited.
CREATE INDEX images_by_age ON images (created_at, id) WHERE storage = 'both';

-- A claim takes the oldest tasks of each provider, found without visiting those of other providers.
CREATE INDEX tasks_ready ON tasks (provider_name, seq)
WHERE status = 'pending' AND not_before IS NULL;
CREATE INDEX attempts_sealed ON attempts (attempt_id) WHERE sealed_config IS NOT NULL;

-- How many images each block of 1,024 ids has: how a page far down the list is found by its number.
CREATE TABLE image_blocks (block INTEGER PRIMARY KEY, images INTEGER NOT NULL) STRICT;

CREATE TRIGGER images_block_new AFTER INSERT ON images BEGIN
    INSERT INTO image_blocks (block, images) VALUES (new.id >> 10, 1)
    ON CONFLICT (block) DO UPDATE SET images = images + 1;
END;

CREATE TRIGGER images_block_gone AFTER DELETE ON images BEGIN
    UPDATE image_blocks SET images = images - 1 WHERE block = old.id >> 10;
END;

-- Responses that are kept longer, so that they can be wiped later without visiting the others.
CREATE INDEX attempts_kept_responses ON attempts (updated_at)
WHERE response IS NOT NULL AND phase IN ('stored', 'failed');

-- What tasks cost, in ticks, by quarters of an hour; the row without a currency has the numbers.
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
) STRICT, WITHOUT ROWID;

-- The order in which tasks changed last: one that changes again gets a number above all others.
CREATE TABLE task_changes (
    change INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES tasks (seq) ON DELETE CASCADE
) STRICT;

CREATE TRIGGER tasks_change_new AFTER INSERT ON tasks BEGIN
    INSERT INTO task_changes (change, seq)
    SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE seq = new.seq
    ON CONFLICT (seq) DO UPDATE SET change = excluded.change;
END;

CREATE TRIGGER tasks_change AFTER UPDATE OF status, progress, cancel_requested ON tasks
BEGIN
    INSERT INTO task_changes (change, seq)
    SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE seq = new.seq
    ON CONFLICT (seq) DO UPDATE SET change = excluded.change;
END;

CREATE TRIGGER images_change AFTER INSERT ON images BEGIN
    INSERT INTO task_changes (change, seq)
    SELECT (SELECT coalesce(max(change), 0) + 1 FROM task_changes), seq FROM tasks WHERE task_id = new.task_id
    ON CONFLICT (seq) DO UPDATE SET change = excluded.change;
END;

-- What people put on images. Tags disappear with the last image that has them; the search index has tokens of all
-- marks, which those of a removed collection outlive: its id is never used again.
CREATE TABLE tags (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    images INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tags_by_use ON tags (images DESC, folded);

CREATE TABLE image_tags (
    image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (image_id, tag_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER image_tags_new AFTER INSERT ON image_tags BEGIN
    UPDATE tags SET images = images + 1 WHERE id = new.tag_id;
END;

CREATE TRIGGER image_tags_gone AFTER DELETE ON image_tags BEGIN
    UPDATE tags SET images = images - 1 WHERE id = old.tag_id;
    DELETE FROM tags WHERE id = old.tag_id AND images = 0;
END;

CREATE TABLE collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    images INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE collection_images (
    collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    PRIMARY KEY (collection_id, image_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX collection_images_by_image ON collection_images (image_id);

CREATE TRIGGER collection_images_new AFTER INSERT ON collection_images BEGIN
    UPDATE collections SET images = images + 1 WHERE id = new.collection_id;
END;

CREATE TRIGGER collection_images_gone AFTER DELETE ON collection_images BEGIN
    UPDATE collections SET images = images - 1 WHERE id = old.collection_id;
END;

-- How many images each quarter of an hour since 1970 has, of each provider, model and operation.
CREATE TABLE image_quarters (
    quarter INTEGER NOT NULL,
    provider_name TEXT NOT NULL,
    model_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    images INTEGER NOT NULL,
    PRIMARY KEY (quarter, provider_name, model_id, operation)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER images_quarter_new AFTER INSERT ON images BEGIN
    INSERT INTO image_quarters (quarter, provider_name, model_id, operation, images)
    VALUES (strftime('%s', new.created_at) / 900, new.provider_name, new.model_id, new.operation, 1)
    ON CONFLICT (quarter, provider_name, model_id, operation) DO UPDATE SET images = images + 1;
END;

CREATE TRIGGER images_quarter_gone AFTER DELETE ON images BEGIN
    UPDATE image_quarters SET images = images - 1
    WHERE quarter = strftime('%s', old.created_at) / 900 AND provider_name = old.provider_name
        AND model_id = old.model_id AND operation = old.operation;
END;

-- An image's parents are the images that its task took as inputs, in this order.
CREATE TABLE image_lineage (
    parent_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    child_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    PRIMARY KEY (parent_id, child_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_lineage_by_child ON image_lineage (child_id, position);

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
END;

-- Settings that are saved, such as the default provider, over those of config.yaml.
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
