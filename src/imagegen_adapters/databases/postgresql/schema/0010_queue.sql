-- Adds count the pending tasks only when there may be too many. How many tasks had not ended when they were last
-- counted, and the seq of the newest one then: what waits now is no more than those and all that came since.
CREATE TABLE queue_counts (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    unfinished bigint NOT NULL,
    newest_seq bigint NOT NULL
);

-- Returns the number of pending tasks, and remembers that of those that have not ended.
CREATE FUNCTION count_pending_tasks() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    pending bigint;
    processing bigint;
BEGIN
    SELECT
        (SELECT count(*) FROM tasks WHERE status = 'pending' AND not_before IS NULL)
            + (SELECT count(*) FROM tasks WHERE status = 'pending' AND not_before IS NOT NULL),
        (SELECT count(*) FROM tasks WHERE status = 'processing')
    INTO pending, processing;
    INSERT INTO queue_counts (unfinished, newest_seq)
    SELECT pending + processing, CASE WHEN is_called THEN last_value ELSE 0 END FROM tasks_seq_seq
    ON CONFLICT (only_row) DO UPDATE SET
        unfinished = excluded.unfinished, newest_seq = excluded.newest_seq;
    RETURN pending;
END
$$;

-- Adds tasks, each with its idempotency key if it has one, and returns an outcome for each in their order:
-- "added", "full" (the queue is), "replayed" (the key's task is known_id) or "reused" (the key has another
-- request). All adding waits in one line, so the number of pending tasks is exact, and seq follows the commits.
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
                    completed_at
                )
                SELECT
                    task_id, operation, prompt, json_of_string(params), json_of_string(inputs), provider_name,
                    model_id, status, json_of_string(config_snapshot), override, max_retries, progress, attempts,
                    retries, rescues, json_of_string(warnings), json_of_string(failure), cancel_requested,
                    not_before, locked, owner, epoch, retry_of, created_at, started_at, completed_at
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

-- A claim locks the tasks that it has found by their keys alone, and looks at their status afterwards: otherwise
-- the planner would look for them among all that wait.

-- Claims due tasks, oldest first: at most so many, and of each provider only as many as keep its processing
-- tasks within its limit. Claims of a provider wait for each other, wherever they are made, so that the
-- number of its processing tasks is exact.
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
            SELECT seq FROM tasks
            WHERE status = 'pending' AND not_before IS NULL AND provider_name = provider.name
            ORDER BY seq LIMIT least(most, greatest(0, processing_limit::bigint - (
                SELECT count(*) FROM tasks WHERE status = 'processing' AND provider_name = provider.name
            )))
        ) AS candidate
        ORDER BY candidate.seq LIMIT most
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
