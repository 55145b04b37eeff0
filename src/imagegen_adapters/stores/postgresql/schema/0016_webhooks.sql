-- Endpoints that hear of ended tasks. Secrets are sealed; all tries have failed since failing_since.
CREATE TABLE webhooks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL,
    events json NOT NULL,
    enabled boolean NOT NULL,
    secret text NOT NULL,
    previous_secret text,
    previous_until timestamptz(3),
    created_at timestamptz(3) NOT NULL,
    last_success_at timestamptz(3),
    last_failure_at timestamptz(3),
    failing_since timestamptz(3),
    disabled_reason json
);

-- What is or was to be sent, rendered at each try: to an endpoint, or to the URL of its task. next_try_at is there
-- while it is pending, and is the end of its claim once it is claimed. Those of one target wait for each other.
CREATE TABLE webhook_deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL,
    type text NOT NULL,
    task_id text COLLATE "C",
    webhook_id bigint,
    url text,
    target text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL DEFAULT 'pending',
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz(3),
    claimed boolean NOT NULL DEFAULT false,
    last_status integer,
    last_error json,
    answer text NOT NULL DEFAULT '',
    created_at timestamptz(3) NOT NULL,
    delivered_at timestamptz(3)
);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (target, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (webhook_id, status, id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- However a task ends, its deliveries are added in the same transaction. The target of a URL is its origin. The
-- configuration is only parsed where there is a URL in it: a task must end whatever an older one contains.
CREATE FUNCTION add_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (event_id, type, task_id, webhook_id, url, target, created_at, next_try_at)
    SELECT
        'evt_' || replace(NEW.task_id, '-', ''), 'task.' || NEW.status, NEW.task_id, receiver.id, receiver.url,
        coalesce(receiver.id::text, split_part(receiver.url, '/', 1) || '//' || split_part(receiver.url, '/', 3)),
        coalesce(NEW.completed_at, NEW.created_at), coalesce(NEW.completed_at, NEW.created_at)
    FROM (
        SELECT id, NULL AS url FROM webhooks
        WHERE enabled AND strpos(events::text, '"task.' || NEW.status || '"') > 0
        UNION ALL
        SELECT NULL, NEW.config_snapshot ->> 'webhook_url'
        WHERE strpos(NEW.config_snapshot::text, '"webhook_url"') > 0
            AND NEW.config_snapshot ->> 'webhook_url' IS NOT NULL
    ) AS receiver;
    RETURN NULL;
END
$$;

CREATE TRIGGER tasks_webhooks AFTER UPDATE OF status ON tasks FOR EACH ROW
WHEN (NEW.status IN ('completed', 'failed', 'cancelled') AND OLD.status <> NEW.status)
EXECUTE FUNCTION add_webhook_deliveries();
