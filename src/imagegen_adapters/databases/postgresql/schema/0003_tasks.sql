-- Tasks are added, claimed and changed by one call each, so that no lock is held across a round trip. Rows come
-- as JSON with the names of columns. What is stored as it came, in columns of type json, is a string in it: parsed
-- as part of it, \u0000 would be refused.

CREATE FUNCTION json_of_string(quoted json) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT (quoted #>> '{}')::json
$$;

-- Without statistics the planner takes it that few tasks have a certain status, which is what the partial
-- indexes are for. Statistics from a time when most tasks were waiting would let it look through all tasks.
ALTER TABLE tasks ALTER COLUMN status SET STATISTICS 0, ALTER COLUMN not_before SET STATISTICS 0;

-- Adds tasks, each with its idempotency key if it has one, and returns an outcome for each in their order:
-- "added", "full" (the queue is), "replayed" (the key's task is known_id) or "reused" (the key has another
-- request). All adding waits in one line, so the number of pending tasks is exact, and seq follows the commits.
CREATE FUNCTION add_tasks(additions json) RETURNS TABLE (outcome text, known_id text) LANGUAGE plpgsql AS $$
DECLARE
    addition record;
    known idempotency_keys;
    pending bigint;
    purged_before timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imagegen.add_tasks'));
    SELECT waiting.tasks + deferred.tasks INTO pending FROM
        (SELECT count(*) AS tasks FROM tasks WHERE status = 'pending' AND not_before IS NULL) AS waiting,
        (SELECT count(*) AS tasks FROM tasks WHERE status = 'pending' AND not_before IS NOT NULL) AS deferred;
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
        ELSIF pending >= addition.queue_size THEN
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
        RETURN NEXT;
    END LOOP;
    DELETE FROM idempotency_keys WHERE (scope, key) IN (
        SELECT scope, key FROM idempotency_keys WHERE expires_at <= purged_before ORDER BY expires_at LIMIT 100
    );
END
$$;

-- Makes the tasks due that are deferred until now or earlier, or further than any task is deferred. What another
-- transaction is changing is passed over.
CREATE FUNCTION release_due_tasks(now timestamptz, beyond timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tasks SET not_before = NULL FROM (
        SELECT seq FROM tasks
        WHERE status = 'pending' AND not_before IS NOT NULL AND (not_before <= now OR not_before > beyond)
        FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE tasks.seq = due.seq;
END
$$;

-- Returns the providers that have due tasks, those whose tasks have waited longest first, each with the number of
-- its tasks that are processing; and in each row, of which there is at least one, when the next task is due.
-- It steps from provider to provider through the index, skipping their tasks.
CREATE FUNCTION queue_demand(now timestamptz, beyond timestamptz, most integer)
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
            SELECT min(seq) FROM tasks
            WHERE status = 'pending' AND not_before IS NULL AND provider_name = ready.provider
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

-- Claims due tasks, oldest first: at most so many, and of each provider only as many as keep its processing
-- tasks within its limit. Claims of a provider wait for each other, wherever they are made, so that the
-- number of its processing tasks is exact.
CREATE FUNCTION claim_tasks(
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
    WITH claimed AS MATERIALIZED (
        SELECT seq FROM tasks
        WHERE seq = ANY (oldest) AND status = 'pending' AND not_before IS NULL
        FOR UPDATE SKIP LOCKED
    )
    UPDATE tasks SET
        status = 'processing', locked = false, owner = claimer, epoch = epoch + 1,
        started_at = coalesce(started_at, now)
    FROM claimed WHERE tasks.seq = claimed.seq RETURNING tasks.*;
END
$$;

-- Adds an event and returns its id. Those of a task are added one after the other, until the end of the
-- transaction, so that who has read one finds all later ones above its id.
CREATE FUNCTION add_event(task text, kind text, at timestamptz, data json) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    event_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imagegen.add_event'), hashtext(task));
    INSERT INTO events (task_id, kind, at, data) VALUES (task, kind, at, data) RETURNING id INTO event_id;
    RETURN event_id;
END
$$;

-- Adds images with their entries of the search index; returns their ids in their order, and null for an image
-- whose (attempt_id, position) exists.
CREATE FUNCTION add_images(additions json) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    addition record;
    image_id bigint;
    ids bigint[] := '{}';
BEGIN
    FOR addition IN
        SELECT * FROM json_to_recordset(additions) AS x (image images, folded text, tokens text[])
    LOOP
        INSERT INTO images (
            task_id, attempt_id, position, operation, prompt, provider_name, model_id, mime_type, width, height,
            size_bytes, sha256, vendor_sha256, crc64, blob_key, thumbnail_key, storage, params, metadata,
            created_at
        )
        SELECT
            task_id, attempt_id, position, operation, prompt, provider_name, model_id, mime_type, width, height,
            size_bytes, sha256, vendor_sha256, crc64, blob_key, thumbnail_key, storage, json_of_string(params),
            json_of_string(metadata), created_at
        FROM (SELECT (addition.image).*) AS image
        ON CONFLICT (attempt_id, position) DO NOTHING RETURNING id INTO image_id;
        IF image_id IS NOT NULL THEN
            INSERT INTO image_texts (id, created_at, folded, tokens) VALUES (
                image_id, (addition.image).created_at, addition.folded, array_to_tsvector(
                    addition.tokens || format('#a%s', image_id >> 14) || format('#b%s', image_id >> 17)
                )
            );
        END IF;
        ids := array_append(ids, image_id);
    END LOOP;
    RETURN ids;
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
    IF state IS NULL THEN
        PERFORM FROM tasks
        WHERE task_id = id AND status IN ('pending', 'processing')
            AND owner IS NOT DISTINCT FROM fence_owner AND epoch = fence_epoch AND status = fence_status
        FOR SHARE;
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
        created_at, updated_at, response_name, response
    )
    SELECT
        attempt_id, task_id, number, part, phase, charge, json_of_string(job), json_of_string(receipt),
        json_of_string(failure), config, sealed_config, created_at, updated_at, response_name, response
    FROM json_populate_recordset(NULL::attempts, new_attempts)
    ON CONFLICT (attempt_id) DO UPDATE SET
        phase = excluded.phase, charge = excluded.charge, job = excluded.job, receipt = excluded.receipt,
        failure = excluded.failure, config = excluded.config, sealed_config = excluded.sealed_config,
        updated_at = excluded.updated_at, response_name = excluded.response_name,
        response = excluded.response;

    IF new_images IS NOT NULL THEN
        image_ids := add_images(new_images);
        PERFORM add_event(id, 'image', created_at, json_build_object('image_id', image_id)) FROM (
            SELECT images.id AS image_id, created_at FROM images WHERE images.id = ANY (image_ids)
            ORDER BY images.id
        ) AS added;
    END IF;

    IF final_event IS NOT NULL THEN
        UPDATE attempts SET config = NULL, sealed_config = NULL,
            response = CASE WHEN phase IN ('stored', 'failed') THEN response END
        WHERE task_id = id AND (
            config IS NOT NULL OR sealed_config IS NOT NULL
            OR response IS NOT NULL AND phase NOT IN ('stored', 'failed')
        );
        PERFORM add_event(id, event.kind, event.at, json_of_string(event.data));
        PERFORM purge_progress(event.at - interval '1 day');
    END IF;
END
$$;

-- Deletes some of the progress events that are older; what another transaction is deleting is passed over.
CREATE FUNCTION purge_progress(before timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM events USING (
        SELECT id FROM events WHERE kind = 'progress' AND at < before LIMIT 1000 FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE events.id = old.id;
END
$$;
