"""The SQL of all frequent operations, except that of images, which is beside their search index."""

# ---------------------------------------------------------------- tasks

INSERT_TASK_IF_ROOM = """
INSERT INTO tasks (
    task_id, operation, prompt, params, inputs, provider_name, model_id, status, config_snapshot, override,
    max_retries, progress, attempts, retries, rescues, warnings, failure, cancel_requested, not_before,
    locked, owner, epoch, retry_of, created_at, started_at, completed_at
) SELECT
    :task_id, :operation, :prompt, :params, :inputs, :provider_name, :model_id, :status, :config_snapshot,
    :override, :max_retries, :progress, :attempts, :retries, :rescues, :warnings, :failure,
    :cancel_requested, :not_before, :locked, :owner, :epoch, :retry_of, :created_at, :started_at,
    :completed_at
WHERE (SELECT value FROM counters WHERE name = 'pending') < :queue_size
"""

UPDATE_TASK = """
UPDATE tasks SET
    model_id = :model_id, status = :status, config_snapshot = :config_snapshot, override = :override,
    max_retries = :max_retries, progress = :progress, attempts = :attempts, retries = :retries,
    rescues = :rescues, warnings = :warnings, failure = :failure,
    cancel_requested = max(cancel_requested, :cancel_requested), not_before = :not_before, locked = :locked,
    owner = :owner, epoch = :epoch, started_at = :started_at, completed_at = :completed_at
WHERE task_id = :task_id AND status IN ('pending', 'processing')
    AND owner IS :fence_owner AND epoch = :fence_epoch AND status = :fence_status
"""
"""A request to cancel is never lost to a worker that saves a task it read before the request."""

REQUEST_CANCEL = "UPDATE tasks SET cancel_requested = 1 WHERE task_id = ? AND status = 'processing'"

CANCEL_REQUESTS = """
SELECT task_id FROM tasks
WHERE task_id IN (SELECT value FROM json_each(?)) AND status = 'processing' AND cancel_requested = 1
"""

GET_TASK = "SELECT * FROM tasks WHERE task_id = ?"

ORPHANS = """
SELECT * FROM tasks INDEXED BY tasks_by_status
WHERE status = 'processing'
  AND coalesce(owner, '') NOT IN (SELECT value FROM json_each(:alive))
  AND task_id NOT IN (SELECT value FROM json_each(:running))
ORDER BY seq
"""

LAST_CHANGE = "SELECT coalesce(max(change), 0) FROM task_changes"

CHANGED_TASKS = """
SELECT change, tasks.* FROM task_changes JOIN tasks ON tasks.seq = task_changes.seq
WHERE change >= ? ORDER BY change LIMIT ?
"""

COUNTERS = "SELECT name, value FROM counters"

# ---------------------------------------------------------------- the queue

# Without statistics SQLite picks the broad index on the status; INDEXED BY fails if the index does not apply.

RELEASE_DUE = """
UPDATE tasks INDEXED BY tasks_put_off SET not_before = NULL
WHERE status = 'pending' AND not_before IS NOT NULL AND (not_before <= :now OR not_before > :beyond)
"""
"""Due tasks become ordinary pending ones, so that demand and claims need only one short index."""

RELEASE_LOCKED = """
UPDATE tasks INDEXED BY tasks_put_off SET not_before = NULL
WHERE status = 'pending' AND not_before IS NOT NULL AND locked = 1
"""

IS_ANY_DEFERRED_DUE = """
SELECT EXISTS (
    SELECT 1 FROM tasks INDEXED BY tasks_put_off
    WHERE status = 'pending' AND not_before IS NOT NULL AND not_before <= :now
) OR EXISTS (
    SELECT 1 FROM tasks INDEXED BY tasks_put_off
    WHERE status = 'pending' AND not_before IS NOT NULL AND not_before > :beyond
)
"""

DEMAND = """
WITH RECURSIVE ready (provider_name) AS (
    SELECT min(provider_name) FROM tasks INDEXED BY tasks_ready
    WHERE status = 'pending' AND not_before IS NULL
    UNION ALL
    SELECT (
        SELECT min(tasks.provider_name) FROM tasks INDEXED BY tasks_ready
        WHERE status = 'pending' AND not_before IS NULL AND tasks.provider_name > ready.provider_name
    ) FROM ready WHERE ready.provider_name IS NOT NULL
), due (provider_name, oldest) AS (
    SELECT provider_name, (
        SELECT min(seq) FROM tasks INDEXED BY tasks_ready
        WHERE status = 'pending' AND not_before IS NULL AND tasks.provider_name = ready.provider_name
    ) FROM ready WHERE provider_name IS NOT NULL
)
SELECT provider_name, (
    SELECT count(*) FROM tasks INDEXED BY tasks_by_provider_and_status
    WHERE tasks.provider_name = due.provider_name AND status = 'processing'
) AS processing
FROM due ORDER BY oldest LIMIT :limit
"""
"""Steps from provider to provider through the index, skipping their pending tasks."""

CLAIM = """
UPDATE tasks SET
    status = 'processing', locked = 0, owner = :owner, epoch = epoch + 1,
    started_at = coalesce(started_at, :now)
WHERE seq IN (
    SELECT oldest.value
    FROM json_each(:provider_limits) AS provider
    CROSS JOIN json_each((
        SELECT json_group_array(seq) FROM (
            SELECT seq FROM tasks INDEXED BY tasks_ready
            WHERE status = 'pending' AND not_before IS NULL AND provider_name = provider.key
            ORDER BY seq LIMIT :limit
        )
    )) AS oldest
    WHERE oldest.key < provider.value - (
        SELECT count(*) FROM tasks INDEXED BY tasks_by_provider_and_status
        WHERE provider_name = provider.key AND status = 'processing'
    )
    ORDER BY oldest.value LIMIT :limit
)
RETURNING *
"""
"""Visits only the oldest tasks of each provider, however many wait for one at its limit."""

NEXT_DUE = """
SELECT min(not_before) FROM tasks INDEXED BY tasks_put_off
WHERE status = 'pending' AND not_before IS NOT NULL
"""

POSITION = """
SELECT (
    SELECT count(*) + 1 FROM tasks INDEXED BY tasks_ready
    WHERE status = 'pending' AND not_before IS NULL
        AND provider_name = mine.provider_name AND seq < mine.seq
)
FROM tasks AS mine WHERE mine.task_id = ? AND mine.status = 'pending'
"""

# ---------------------------------------------------------------- idempotency keys

GET_IDEMPOTENCY_KEY = """
SELECT body_sha256, task_id FROM idempotency_keys WHERE scope = :scope AND key = :key AND expires_at > :now
"""

TASKS_OF_KEYS = """
SELECT tasks.*, idempotency_keys.key FROM idempotency_keys CROSS JOIN tasks USING (task_id)
WHERE scope = :scope AND key >= :first AND key < :last AND expires_at > :now
ORDER BY tasks.seq DESC LIMIT 20
"""

UNANSWERED_KEYS = """
SELECT idempotency_keys.key, idempotency_keys.task_id FROM idempotency_keys CROSS JOIN tasks USING (task_id)
WHERE scope = :scope AND key >= :first AND key < :last AND expires_at > :now AND answered_at IS NULL
    AND (tasks.completed_at IS NULL OR tasks.completed_at > :ended_since)
ORDER BY tasks.seq LIMIT 2000
"""

ANSWER_KEYS = """
UPDATE idempotency_keys SET answered_at = :answered_at WHERE task_id = :task_id AND answered_at IS NULL
"""

PUT_IDEMPOTENCY_KEY = """
INSERT INTO idempotency_keys (scope, key, body_sha256, task_id, expires_at)
VALUES (:scope, :key, :body_sha256, :task_id, :expires_at)
ON CONFLICT (scope, key) DO UPDATE SET
    body_sha256 = excluded.body_sha256, task_id = excluded.task_id, expires_at = excluded.expires_at,
    answered_at = NULL
"""

PURGE_IDEMPOTENCY_KEYS = """
DELETE FROM idempotency_keys WHERE (scope, key) IN (
    SELECT scope, key FROM idempotency_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT 100
)
"""

# ---------------------------------------------------------------- attempts

PUT_ATTEMPT = """
INSERT INTO attempts (
    attempt_id, task_id, number, part, phase, charge, job, receipt, failure, config, sealed_config,
    created_at, updated_at, response_name, response, price, cost_basis, cost_currency, cost_ticks
) SELECT
    :attempt_id, :task_id, :number, :part, :phase, :charge, :job, :receipt, :failure, :config, :sealed_config,
    :created_at, :updated_at, :response_name, :response, :price, :cost_basis, :cost_currency, :cost_ticks
FROM tasks
WHERE task_id = :task_id AND status IN ('pending', 'processing')
    AND owner IS :fence_owner AND epoch = :fence_epoch AND status = :fence_status
ON CONFLICT (attempt_id) DO UPDATE SET
    phase = excluded.phase, charge = excluded.charge, job = excluded.job, receipt = excluded.receipt,
    failure = excluded.failure, config = excluded.config,
    sealed_config = excluded.sealed_config, updated_at = excluded.updated_at,
    response_name = excluded.response_name, response = excluded.response, price = excluded.price,
    cost_basis = excluded.cost_basis, cost_currency = excluded.cost_currency, cost_ticks = excluded.cost_ticks
"""

WIPE_ATTEMPTS = """
UPDATE attempts SET config = NULL, sealed_config = NULL, price = NULL,
    response = CASE WHEN phase IN ('stored', 'failed') THEN response END
WHERE task_id = ? AND (
    config IS NOT NULL OR sealed_config IS NOT NULL OR price IS NOT NULL
    OR response IS NOT NULL AND phase NOT IN ('stored', 'failed')
)
"""
"""Only an attempt that has ended keeps its response: one that is still active has no failure."""

OLD_RESPONSE = """
SELECT 1 FROM attempts
WHERE response IS NOT NULL AND phase IN ('stored', 'failed') AND updated_at < ? LIMIT 1
"""

WIPE_RESPONSES = """
UPDATE attempts SET response = NULL
WHERE response IS NOT NULL AND phase IN ('stored', 'failed') AND updated_at < ?
"""

ATTEMPTS = "SELECT * FROM attempts WHERE task_id = ? ORDER BY seq"

# ---------------------------------------------------------------- costs

ADD_USAGE = """
INSERT INTO usage_totals (
    quarter, provider_name, model_id, currency, tasks, images, unknown_attempts, known, estimated, possible
)
SELECT
    :quarter, provider_name, model_id, '', 1,
    (SELECT count(*) FROM images WHERE images.task_id = :task_id),
    (
        SELECT count(*) FROM attempts
        WHERE attempts.task_id = :task_id AND charge <> 'none'
            AND cost_basis IS NOT NULL AND cost_ticks IS NULL
    ),
    0, 0, 0
FROM tasks WHERE task_id = :task_id
UNION ALL
SELECT
    :quarter, provider_name, model_id, cost_currency, 0, 0, 0,
    sum(CASE WHEN charge = 'certain' AND cost_basis = 'known' THEN cost_ticks ELSE 0 END),
    sum(CASE WHEN charge = 'certain' AND cost_basis <> 'known' THEN cost_ticks ELSE 0 END),
    sum(CASE WHEN charge = 'possible' THEN cost_ticks ELSE 0 END)
FROM tasks JOIN attempts USING (task_id)
WHERE task_id = :task_id AND charge <> 'none' AND cost_ticks IS NOT NULL
GROUP BY cost_currency
ON CONFLICT (quarter, provider_name, model_id, currency) DO UPDATE SET
    tasks = tasks + excluded.tasks, images = images + excluded.images,
    unknown_attempts = unknown_attempts + excluded.unknown_attempts,
    known = min(known + excluded.known, 9000000000000000000),
    estimated = min(estimated + excluded.estimated, 9000000000000000000),
    possible = min(possible + excluded.possible, 9000000000000000000)
"""
"""Adds a task that has ended to the totals of its quarter of an hour, with all that its attempts cost.

The numbers of tasks and images have the row without a currency. A sum that no column can hold stays at the
highest number, so that no amount, however absurd, keeps a task from ending.
"""

COSTS_OF_TASKS = """
SELECT task_id, cost_basis, cost_currency, cost_ticks FROM attempts
WHERE task_id IN (SELECT value FROM json_each(?)) AND charge <> 'none' AND cost_basis IS NOT NULL
ORDER BY seq
"""

# ---------------------------------------------------------------- the outbox

PUT_REMOVAL = """
INSERT INTO outbox (kind, blob_key, image_id) VALUES ('remove', :blob_key, :image_id)
ON CONFLICT (kind, blob_key) DO NOTHING
"""

DELETE_UPLOAD = "DELETE FROM outbox WHERE kind = 'upload' AND blob_key = ?"

# ---------------------------------------------------------------- events

INSERT_EVENT = "INSERT INTO events (task_id, kind, at, data) VALUES (:task_id, :kind, :at, :data)"

EVENTS_AFTER = "SELECT * FROM events WHERE task_id = ? AND id > ? ORDER BY id LIMIT 500"

LAST_EVENT = "SELECT id, kind FROM events WHERE task_id = ? ORDER BY id DESC LIMIT 1"

PURGE_PROGRESS = """
DELETE FROM events WHERE id IN (SELECT id FROM events WHERE kind = 'progress' AND at < ? LIMIT 1000)
"""
