-- The tables of SQLite's schema. Ids and keys are compared as bytes (COLLATE "C"): sorted as Python sorts them,
-- and no index breaks when the server's locales change. JSON that is returned as it came is of type json:
-- jsonb reorders keys, writes 1e300 in digits and refuses \u0000.

-- Functions take rows as JSON with the names of columns. What is stored as it came, in columns of type json, is a
-- string in it: parsed as part of it, \u0000 would be refused.
CREATE FUNCTION json_of_string(quoted json) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT (quoted #>> '{}')::json
$$;

CREATE TABLE provider_configs (
    provider_name text COLLATE "C" PRIMARY KEY,
    kind text,
    display_name text,
    api_base text,
    api_key text,
    key_origin text,
    models json,
    enabled boolean,
    timeout_seconds double precision,
    max_retries integer,
    extra_config json NOT NULL,
    sealed_extra text,
    created_at timestamptz(3),
    updated_at timestamptz(3)
);

-- Tasks are the queue: seq orders them by age, and the partial indexes cover only those that wait or run. The
-- transaction that has changed a task last is in changed_by, so that all tasks can be followed at once.
CREATE TABLE tasks (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id text COLLATE "C" NOT NULL UNIQUE,
    operation text NOT NULL,
    prompt text NOT NULL,
    params json NOT NULL,
    inputs json NOT NULL,
    provider_name text COLLATE "C" NOT NULL,
    model_id text NOT NULL,
    status text COLLATE "C" NOT NULL,
    config_snapshot json NOT NULL,
    override text,
    max_retries integer NOT NULL,
    progress double precision,
    attempts integer NOT NULL,
    retries integer NOT NULL,
    rescues integer NOT NULL,
    warnings json NOT NULL,
    failure json,
    cancel_requested boolean NOT NULL,
    not_before timestamptz(3),
    locked boolean NOT NULL,
    owner text COLLATE "C",
    epoch integer NOT NULL,
    retry_of text,
    created_at timestamptz(3) NOT NULL,
    started_at timestamptz(3),
    completed_at timestamptz(3),
    changed_by bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

CREATE INDEX tasks_by_status ON tasks (status, seq);
CREATE INDEX tasks_by_provider ON tasks (provider_name, seq);
CREATE INDEX tasks_ready ON tasks (provider_name, seq) WHERE status = 'pending' AND not_before IS NULL;
CREATE INDEX tasks_put_off ON tasks (not_before) WHERE status = 'pending' AND not_before IS NOT NULL;
CREATE INDEX tasks_running ON tasks (provider_name, owner, seq) WHERE status = 'processing';
CREATE INDEX tasks_by_change ON tasks (changed_by);

-- Without statistics the planner takes it that few tasks have a certain status, which is what the partial
-- indexes are for. Statistics from a time when most tasks were waiting would let it look through all tasks.
ALTER TABLE tasks ALTER COLUMN status SET STATISTICS 0, ALTER COLUMN not_before SET STATISTICS 0;

CREATE TABLE idempotency_keys (
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    body_sha256 text NOT NULL,
    task_id text COLLATE "C" NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
    expires_at timestamptz(3) NOT NULL,
    answered_at timestamptz(3),
    PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_by_task ON idempotency_keys (task_id);

-- The configuration of a call is text: it is compared and opened as it was sent.
CREATE TABLE attempts (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id text COLLATE "C" NOT NULL UNIQUE,
    task_id text COLLATE "C" NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
    number integer NOT NULL,
    part integer NOT NULL,
    phase text NOT NULL,
    charge text NOT NULL,
    job json,
    receipt json,
    failure json,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    config text,
    sealed_config text,
    response_name text,
    response bytea,
    price text,
    cost_basis text,
    cost_currency text COLLATE "C",
    cost_ticks bigint
);

CREATE INDEX attempts_by_task ON attempts (task_id, seq);
CREATE INDEX attempts_sealed ON attempts (attempt_id) WHERE sealed_config IS NOT NULL;
CREATE INDEX attempts_kept_responses ON attempts (updated_at)
    WHERE response IS NOT NULL AND phase IN ('stored', 'failed');

-- Images outlive their tasks, and ids are never reused. crc64 is an unsigned integer, hence text.
CREATE TABLE images (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id text COLLATE "C" NOT NULL,
    attempt_id text COLLATE "C" NOT NULL,
    position integer NOT NULL,
    operation text NOT NULL,
    prompt text NOT NULL,
    provider_name text NOT NULL,
    model_id text NOT NULL,
    mime_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    vendor_sha256 text,
    crc64 text,
    blob_key text COLLATE "C" NOT NULL,
    thumbnail_key text COLLATE "C",
    storage text COLLATE "C" NOT NULL,
    params json NOT NULL,
    metadata json NOT NULL,
    created_at timestamptz(3) NOT NULL,
    cost_basis text,
    cost_currency text,
    cost_ticks bigint,
    favourite boolean NOT NULL DEFAULT false,
    UNIQUE (attempt_id, position)
);

CREATE INDEX images_by_task ON images (task_id);
CREATE INDEX images_by_storage ON images (storage, id);
CREATE INDEX images_by_age ON images (created_at, id) WHERE storage = 'both';

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('upload', 'remove')),
    blob_key text COLLATE "C" NOT NULL,
    image_id bigint,
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz(3),
    last_error json,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (kind, blob_key)
);

CREATE INDEX outbox_ready ON outbox (id) WHERE not_before IS NULL;
CREATE INDEX outbox_deferred ON outbox (not_before) WHERE not_before IS NOT NULL;
CREATE INDEX outbox_by_image ON outbox (image_id);

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    at timestamptz(3) NOT NULL,
    data json NOT NULL
);

CREATE INDEX events_by_task ON events (task_id, id);
CREATE INDEX events_passing ON events (at) WHERE kind = 'progress';

-- Settings that are saved, such as the default provider, over those of config.yaml.
CREATE TABLE settings (
    name text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);
