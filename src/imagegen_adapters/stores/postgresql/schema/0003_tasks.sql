-- Tasks are added and changed by one call each, so that no lock is held across a round trip.

-- Adds tasks, each with its idempotency key if it has one, and returns an outcome for each in their order:
-- "added", "full" (the queue is), "replayed" (the key's task is known_id) or "reused" (the key has another
-- request). All adding waits in one line, so the number of pending tasks is exact, and seq follows the commits.
CREATE FUNCTION add_tasks(additions json) RETURNS TABLE (outcome text, known_id text) LANGUAGE plpgsql AS $$
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

-- Stores a changed task (its request never changes), new or changed attempts of it and images of these, if the
-- stored task has not ended and is of this owner, epoch and status; otherwise the outcome is "stale", or
-- "unknown" where there is none. A state of null leaves the task as it is. A final event makes it the last
-- write: attempts keep only what outlives their task.
CREATE FUNCTION save_task(
    id text, fence_owner text, fence_epoch integer, fence_status text,
    state json, new_attempts json, new_images json, final_event json,
    OUT outcome text, OUT image_ids bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    task constant tasks := json_populate_record(NULL::tasks, state);
    event constant events := json_populate_record(NULL::events, final_event);
BEGIN
    IF state IS NULL AND new_images IS NULL THEN
        PERFORM FROM tasks
        WHERE task_id = id AND status IN ('pending', 'processing')
            AND owner IS NOT DISTINCT FROM fence_owner AND epoch = fence_epoch AND status = fence_status
        FOR SHARE;
    ELSIF state IS NULL THEN
        UPDATE tasks SET cancel_requested = cancel_requested -- nothing but that it has changed, by its images
        WHERE task_id = id AND status IN ('pending', 'processing')
            AND owner IS NOT DISTINCT FROM fence_owner AND epoch = fence_epoch AND status = fence_status;
    ELSE
        UPDATE tasks SET
            model_id = task.model_id, status = task.status,
            config_snapshot = json_of_string(task.config_snapshot), override = task.override,
            max_retries = task.max_retries, progress = task.progress, attempts = task.attempts,
            retries = task.retries, rescues = task.rescues, warnings = json_of_string(task.warnings),
            failure = json_of_string(task.failure),
            cancel_requested = cancel_requested OR task.cancel_requested, not_before = task.not_before,
            locked = task.locked, owner = task.owner, epoch = task.epoch, started_at = task.started_at,
            completed_at = task.completed_at
        WHERE task_id = id AND status IN ('pending', 'processing')
            AND owner IS NOT DISTINCT FROM fence_owner AND epoch = fence_epoch AND status = fence_status;
    END IF;
    IF NOT FOUND THEN
        outcome := CASE WHEN EXISTS (SELECT FROM tasks WHERE task_id = id) THEN 'stale' ELSE 'unknown' END;
        RETURN;
    END IF;
    outcome := 'saved';

    INSERT INTO attempts (
        attempt_id, task_id, number, part, phase, charge, job, receipt, failure, config, sealed_config,
        created_at, updated_at, response_name, response, price, cost_basis, cost_currency, cost_ticks
    )
    SELECT
        attempt_id, task_id, number, part, phase, charge, json_of_string(job), json_of_string(receipt),
        json_of_string(failure), config, sealed_config, created_at, updated_at, response_name, response, price,
        cost_basis, cost_currency, cost_ticks
    FROM json_populate_recordset(NULL::attempts, new_attempts)
    ON CONFLICT (attempt_id) DO UPDATE SET
        phase = excluded.phase, charge = excluded.charge, job = excluded.job, receipt = excluded.receipt,
        failure = excluded.failure, config = excluded.config, sealed_config = excluded.sealed_config,
        updated_at = excluded.updated_at, response_name = excluded.response_name,
        response = excluded.response, price = excluded.price, cost_basis = excluded.cost_basis,
        cost_currency = excluded.cost_currency, cost_ticks = excluded.cost_ticks;

    IF new_images IS NOT NULL THEN
        image_ids := add_images(new_images);
        PERFORM add_event(id, 'image', created_at, json_build_object('image_id', image_id)) FROM (
            SELECT images.id AS image_id, created_at FROM images WHERE images.id = ANY (image_ids)
            ORDER BY images.id
        ) AS added;
    END IF;

    IF final_event IS NOT NULL THEN
        UPDATE attempts SET config = NULL, sealed_config = NULL, price = NULL,
            response = CASE WHEN phase IN ('stored', 'failed') THEN response END
        WHERE task_id = id AND (
            config IS NOT NULL OR sealed_config IS NOT NULL OR price IS NOT NULL
            OR response IS NOT NULL AND phase NOT IN ('stored', 'failed')
        );
        PERFORM add_event(id, event.kind, event.at, json_of_string(event.data));
        PERFORM add_usage(id, event.at);
        PERFORM purge_progress(event.at - interval '1 day');
    END IF;
END
$$;
