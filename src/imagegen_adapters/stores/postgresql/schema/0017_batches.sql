-- Batches: what is to be made, and how many of its items are tasks so far. A batch has ended at completed_at.
-- Failed tasks up to the number retried_until are made again, each once.
CREATE TABLE batches (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    mode text NOT NULL,
    size integer NOT NULL,
    submitted integer NOT NULL DEFAULT 0,
    retried_until bigint NOT NULL DEFAULT 0,
    concurrency integer NOT NULL,
    on_failure text NOT NULL,
    max_cost_currency text COLLATE "C",
    max_cost_ticks bigint,
    estimate json NOT NULL,
    status text COLLATE "C" NOT NULL DEFAULT 'running',
    reason text,
    detail json,
    idempotency_key text COLLATE "C",
    body_digest text,
    created_at timestamptz(3) NOT NULL,
    completed_at timestamptz(3)
);
CREATE UNIQUE INDEX batches_by_key ON batches (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX batches_by_status ON batches (status, seq);
CREATE INDEX batches_unfinished ON batches (seq) WHERE completed_at IS NULL;

-- What a batch makes, which may be megabytes, apart from what changes with each of its tasks.
CREATE TABLE batch_plans (
    batch_id text COLLATE "C" PRIMARY KEY REFERENCES batches (batch_id) ON DELETE CASCADE,
    plan json NOT NULL
);

-- What the ended tasks of a batch cost, or may have cost; no ticks of what nobody knows.
CREATE TABLE batch_costs (
    batch_id text COLLATE "C" NOT NULL REFERENCES batches (batch_id) ON DELETE CASCADE,
    basis text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    ticks bigint NOT NULL,
    PRIMARY KEY (batch_id, basis, currency)
);

-- A task that was made again has no batch_item any more: its successor has it. quote_ticks count against the ceiling
-- of the batch until the task ends. Tasks of batches are claimed after all others.
ALTER TABLE tasks
    ADD COLUMN batch_id text COLLATE "C",
    ADD COLUMN batch_item integer,
    ADD COLUMN quote_ticks bigint,
    ADD COLUMN claim_order integer NOT NULL DEFAULT 0;
CREATE INDEX tasks_by_batch ON tasks (batch_id, seq) WHERE batch_id IS NOT NULL;
CREATE INDEX tasks_of_items ON tasks (batch_id, status, seq) WHERE batch_item IS NOT NULL;
CREATE UNIQUE INDEX tasks_by_item ON tasks (batch_id, batch_item) WHERE batch_item IS NOT NULL;
DROP INDEX tasks_ready;
CREATE INDEX tasks_ready ON tasks (provider_name, claim_order, seq) WHERE status = 'pending' AND not_before IS NULL;

ALTER TABLE webhook_deliveries ADD COLUMN batch_id text COLLATE "C";

-- With the end of its last task a batch ends, and with a failure it may pause. It runs at the end of the transaction,
-- which has stored the attempts by then. The row is locked first, so that the last two ends see each other.
CREATE FUNCTION end_batch_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM batches WHERE batch_id = NEW.batch_id FOR UPDATE;
    INSERT INTO batch_costs (batch_id, basis, currency, ticks)
    SELECT NEW.batch_id, cost_basis, coalesce(cost_currency, ''), add_ticks(sum(coalesce(cost_ticks, 0)), 0)
    FROM attempts WHERE task_id = NEW.task_id AND charge <> 'none' AND cost_basis IS NOT NULL
    GROUP BY cost_basis, cost_currency
    ON CONFLICT (batch_id, basis, currency) DO UPDATE SET ticks = add_ticks(batch_costs.ticks, excluded.ticks);
    UPDATE batches SET status = 'paused', reason = 'failure'
    WHERE batch_id = NEW.batch_id AND status = 'running' AND on_failure = 'stop' AND NEW.status = 'failed';
    UPDATE batches SET
        status = CASE status WHEN 'cancelled' THEN status ELSE 'completed' END,
        reason = NULL, detail = NULL, completed_at = NEW.completed_at
    WHERE batch_id = NEW.batch_id AND completed_at IS NULL
        AND (status = 'cancelled' OR submitted = size AND NOT EXISTS (
            SELECT FROM tasks
            WHERE tasks.batch_id = NEW.batch_id AND batch_item IS NOT NULL
                AND tasks.status = 'failed' AND tasks.seq <= retried_until
        ))
        AND NOT EXISTS (
            SELECT FROM tasks
            WHERE tasks.batch_id = NEW.batch_id AND batch_item IS NOT NULL
                AND tasks.status IN ('pending', 'processing')
        );
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER tasks_batch AFTER UPDATE OF status ON tasks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (
    NEW.batch_id IS NOT NULL AND NEW.status IN ('completed', 'failed', 'cancelled') AND OLD.status <> NEW.status
)
EXECUTE FUNCTION end_batch_task();

-- A batch that is made again in part, and ends again, is another event.
CREATE FUNCTION add_batch_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (event_id, type, batch_id, webhook_id, target, created_at, next_try_at)
    SELECT
        'evt_' || replace(NEW.batch_id, '-', '') || CASE NEW.retried_until
            WHEN 0 THEN '' ELSE '_' || NEW.retried_until
        END,
        'batch.completed', NEW.batch_id, id, id::text, NEW.completed_at, NEW.completed_at
    FROM webhooks WHERE enabled AND strpos(events::text, '"batch.completed"') > 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER batches_webhooks AFTER UPDATE OF status ON batches FOR EACH ROW
WHEN (NEW.status = 'completed' AND OLD.status <> 'completed')
EXECUTE FUNCTION add_batch_deliveries();

-- As before, with the columns of batches and the order of claims.

CREATE OR REPLACE FUNCTION add_tasks(additions json) RETURNS TABLE (outcome text, known_id text) LANGUAGE plpgsql AS $$
DECLARE
    addition record;
    known idempotency_keys;
    pending bigint;
    is_exact boolean := false;
    purged_before timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imagegen.add_tasks'));
    SELECT unfinished + last_value - newest_seq INTO pending
    FROM queue_counts, tasks_seq_seq WHERE last_value >= newest_seq;
    FOR addition IN
        SELECT * FROM json_to_recordset(additions) AS x (task tasks, claim idempotency_keys, queue_size bigint)
    LOOP
        known := NULL;
        known_id := NULL;
        IF (addition.claim).key IS NOT NULL THEN
            purged_before := (addition.task).created_at;
            SELECT * INTO known FROM idempotency_keys
            WHERE scope = (addition.claim).scope AND key = (addition.claim).key AND expires_at > purged_before;
        END IF;
        IF known.task_id IS NOT NULL AND known.body_sha256 = (addition.claim).body_sha256 THEN
            outcome := 'replayed';
            known_id := known.task_id;
        ELSIF known.task_id IS NOT NULL THEN
            outcome := 'reused';
        ELSE
            IF pending IS NULL OR pending >= addition.queue_size AND NOT is_exact THEN
                pending := count_pending_tasks();
                is_exact := true;
            END IF;
            IF pending >= addition.queue_size THEN
                outcome := 'full';
            ELSE
                outcome := 'added';
                pending := pending + 1;
                INSERT INTO tasks (
                    task_id, operation, prompt, params, inputs, provider_name, model_id, status, config_snapshot,
                    override, max_retries, progress, attempts, retries, rescues, warnings, failure,
                    cancel_requested, not_before, locked, owner, epoch, retry_of, created_at, started_at,
                    completed_at, batch_id, batch_item, quote_ticks, claim_order
                )
                SELECT
                    task_id, operation, prompt, json_of_string(params), json_of_string(inputs), provider_name,
                    model_id, status, json_of_string(config_snapshot), override, max_retries, progress, attempts,
                    retries, rescues, json_of_string(warnings), json_of_string(failure), cancel_requested,
                    not_before, locked, owner, epoch, retry_of, created_at, started_at, completed_at,
                    batch_id, batch_item, quote_ticks, coalesce(claim_order, 0)
                FROM (SELECT (addition.task).*) AS task;
                IF (addition.claim).key IS NOT NULL THEN
                    INSERT INTO idempotency_keys (scope, key, body_sha256, task_id, expires_at)
                    SELECT scope, key, body_sha256, task_id, expires_at FROM (SELECT (addition.claim).*) AS claim
                    ON CONFLICT (scope, key) DO UPDATE SET
                        body_sha256 = excluded.body_sha256, task_id = excluded.task_id,
                        expires_at = excluded.expires_at, answered_at = NULL;
                END IF;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
    DELETE FROM idempotency_keys WHERE (scope, key) IN (
        SELECT scope, key FROM idempotency_keys WHERE expires_at <= purged_before ORDER BY expires_at LIMIT 100
    );
END
$$;

CREATE OR REPLACE FUNCTION queue_demand(now timestamptz, beyond timestamptz, most integer)
RETURNS TABLE (name text, processing bigint, next_due timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM release_due_tasks(now, beyond);
    RETURN QUERY
    WITH RECURSIVE ready (provider) AS (
        SELECT min(provider_name) FROM tasks WHERE status = 'pending' AND not_before IS NULL
        UNION ALL
        SELECT (
            SELECT min(provider_name) FROM tasks
            WHERE status = 'pending' AND not_before IS NULL AND provider_name > ready.provider
        ) FROM ready WHERE ready.provider IS NOT NULL
    ), due AS (
        SELECT provider, (
            SELECT seq + claim_order * 4611686018427387904 FROM tasks
            WHERE status = 'pending' AND not_before IS NULL AND provider_name = ready.provider
            ORDER BY claim_order, seq LIMIT 1
        ) AS oldest
        FROM ready WHERE provider IS NOT NULL ORDER BY oldest LIMIT most
    )
    SELECT due.provider::text, (
        SELECT count(*) FROM tasks WHERE status = 'processing' AND provider_name = due.provider
    ), deferred.earliest
    FROM (
        SELECT min(not_before)::timestamptz AS earliest FROM tasks
        WHERE status = 'pending' AND not_before IS NOT NULL
    ) AS deferred LEFT JOIN due ON true
    ORDER BY due.oldest;
END
$$;

CREATE OR REPLACE FUNCTION claim_tasks(
    claimer text, most integer, now timestamptz, beyond timestamptz, provider_limits json
) RETURNS SETOF tasks LANGUAGE plpgsql AS $$
DECLARE
    oldest bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imagegen.claim_tasks'), provider) FROM (
        SELECT DISTINCT hashtext(name) AS provider FROM json_object_keys(provider_limits) AS name
        ORDER BY provider  -- so that no two claims wait for each other
    ) AS providers;
    PERFORM release_due_tasks(now, beyond);
    oldest := ARRAY(
        SELECT candidate.seq FROM json_each_text(provider_limits) AS provider (name, processing_limit)
        CROSS JOIN LATERAL (
            SELECT claim_order, seq FROM tasks
            WHERE status = 'pending' AND not_before IS NULL AND provider_name = provider.name
            ORDER BY claim_order, seq LIMIT least(most, greatest(0, processing_limit::bigint - (
                SELECT count(*) FROM tasks WHERE status = 'processing' AND provider_name = provider.name
            )))
        ) AS candidate
        ORDER BY candidate.claim_order, candidate.seq LIMIT most
    );
    RETURN QUERY
    WITH free AS MATERIALIZED (
        SELECT seq, status, not_before FROM tasks WHERE seq = ANY (oldest) FOR UPDATE SKIP LOCKED
    )
    UPDATE tasks SET
        status = 'processing', locked = false, owner = claimer, epoch = epoch + 1,
        started_at = coalesce(started_at, now)
    FROM free WHERE tasks.seq = free.seq AND free.status = 'pending' AND free.not_before IS NULL
    RETURNING tasks.*;
END
$$;
