-- Endpoints that hear of ended tasks. Secrets are sealed; all tries have failed since failing_since.
CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_until TEXT,
    created_at TEXT NOT NULL,
    last_success_at TEXT,
    last_failure_at TEXT,
    failing_since TEXT,
    disabled_reason TEXT
) STRICT;

-- What is or was to be sent, rendered at each try: to an endpoint, or to the URL of its task. next_try_at is there
-- while it is pending, and is the end of its claim once it is claimed. Those of one target wait for each other.
CREATE TABLE webhook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    task_id TEXT,
    webhook_id INTEGER,
    url TEXT,
    target TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    tries INTEGER NOT NULL DEFAULT 0,
    next_try_at TEXT,
    claimed INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER,
    last_error TEXT,
    answer TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    delivered_at TEXT
) STRICT;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (target, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (webhook_id, status, id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- However a task ends, its deliveries are added in the same transaction. The target of a URL is its origin.
CREATE TRIGGER tasks_webhooks AFTER UPDATE OF status ON tasks
WHEN new.status IN ('completed', 'failed', 'cancelled') AND old.status <> new.status
BEGIN
    INSERT INTO webhook_deliveries (event_id, type, task_id, webhook_id, url, target, created_at, next_try_at)
    SELECT
        'evt_' || replace(new.task_id, '-', ''), 'task.' || new.status, new.task_id, receiver.id, receiver.url,
        coalesce(
            CAST(receiver.id AS TEXT),
            substr(receiver.url, 1, instr(substr(receiver.url, 9) || '/', '/') + 7)
        ),
        coalesce(new.completed_at, new.created_at), coalesce(new.completed_at, new.created_at)
    FROM (
        SELECT id, NULL AS url FROM webhooks WHERE enabled AND instr(events, '"task.' || new.status || '"') > 0
        UNION ALL
        SELECT NULL, json_extract(new.config_snapshot, '$.webhook_url')
        WHERE instr(new.config_snapshot, '"webhook_url"') > 0
            AND json_extract(new.config_snapshot, '$.webhook_url') IS NOT NULL
    ) AS receiver;
END;
