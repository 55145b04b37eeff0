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

-- The queue is what waits in the table of tasks. It, too, is asked by one call each.

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
--
-- The tasks that it has found are locked by their keys alone, and their status is looked at afterwards: otherwise
-- the planner would look for them among all that wait.
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

-- The events of tasks, which have an order of their own.

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

-- Adds events and returns their ids in the same order; null for one whose task has its final event, since a worker
-- that lost its task may still report progress of it. All locks of add_event are taken first, in one order, so that
-- no two transactions wait for each other, and so that an end that is just being stored elsewhere is seen.
CREATE FUNCTION publish_events(additions json) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    addition events;
    last_kind text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imagegen.add_event'), task) FROM (
        SELECT DISTINCT hashtext(task_id) AS task FROM json_populate_recordset(NULL::events, additions)
        ORDER BY task
    ) AS tasks;
    FOR addition IN SELECT * FROM json_populate_recordset(NULL::events, additions) LOOP
        last_kind := (SELECT kind FROM events WHERE task_id = addition.task_id ORDER BY id DESC LIMIT 1);
        IF last_kind IN ('completed', 'failed', 'cancelled') THEN
            RETURN NEXT NULL::bigint;
        ELSE
            RETURN NEXT add_event(
                addition.task_id, addition.kind, addition.at, json_of_string(addition.data)
            );
        END IF;
    END LOOP;
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

-- What was used, by quarters of an hour since 1970: tasks that ended, their images, and what their attempts cost,
-- in ticks. The row without a currency has the numbers. Backends that end tasks at the same time would wait for one
-- row until the other's commit, so each has a lane of its own; reading adds the lanes up.
CREATE TABLE usage_totals (
    quarter bigint NOT NULL,
    provider_name text COLLATE "C" NOT NULL,
    model_id text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    lane smallint NOT NULL DEFAULT 0,
    tasks bigint NOT NULL,
    images bigint NOT NULL,
    unknown_attempts bigint NOT NULL,
    known bigint NOT NULL,
    estimated bigint NOT NULL,
    possible bigint NOT NULL,
    PRIMARY KEY (quarter, provider_name, model_id, currency, lane)
) WITH (fillfactor = 70);

-- Adds up ticks; a sum that no column can hold stays at the highest number, so that no amount, however absurd,
-- keeps a task from ending.
CREATE FUNCTION add_ticks(ticks numeric, more numeric) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT least(ticks + more, 9000000000000000000)::bigint
$$;

-- Adds a task that has ended, with all that its attempts cost.
CREATE FUNCTION add_usage(ended_task text, ended_at timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO usage_totals (
        quarter, provider_name, model_id, currency, lane, tasks, images, unknown_attempts, known, estimated, possible
    )
    SELECT
        floor(extract(epoch FROM ended_at) / 900), provider_name, model_id, currency, pg_backend_pid() % 16,
        task_count, image_count, unknown_count, known_ticks, estimated_ticks, possible_ticks
    FROM tasks, LATERAL (
        SELECT
            '' AS currency, 1 AS task_count, (SELECT count(*) FROM images WHERE images.task_id = ended_task) AS image_count,
            (
                SELECT count(*) FROM attempts
                WHERE attempts.task_id = ended_task AND charge <> 'none'
                    AND cost_basis IS NOT NULL AND cost_ticks IS NULL
            ) AS unknown_count,
            0 AS known_ticks, 0 AS estimated_ticks, 0 AS possible_ticks
        UNION ALL
        SELECT
            cost_currency, 0, 0, 0,
            add_ticks(coalesce(sum(cost_ticks) FILTER (WHERE charge = 'certain' AND cost_basis = 'known'), 0), 0),
            add_ticks(coalesce(sum(cost_ticks) FILTER (WHERE charge = 'certain' AND cost_basis <> 'known'), 0), 0),
            add_ticks(coalesce(sum(cost_ticks) FILTER (WHERE charge = 'possible'), 0), 0)
        FROM attempts
        WHERE attempts.task_id = ended_task AND charge <> 'none' AND cost_ticks IS NOT NULL
        GROUP BY cost_currency
    ) AS part
    WHERE tasks.task_id = ended_task
    ORDER BY currency
    ON CONFLICT (quarter, provider_name, model_id, currency, lane) DO UPDATE SET
        tasks = usage_totals.tasks + excluded.tasks, images = usage_totals.images + excluded.images,
        unknown_attempts = usage_totals.unknown_attempts + excluded.unknown_attempts,
        known = add_ticks(usage_totals.known, excluded.known),
        estimated = add_ticks(usage_totals.estimated, excluded.estimated),
        possible = add_ticks(usage_totals.possible, excluded.possible)
$$;

-- How all tasks are followed.

-- Returns the number of the oldest transaction that has not ended: what an earlier one has written is visible.
CREATE FUNCTION oldest_transaction() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint
$$;

CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_by := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END
$$;

CREATE TRIGGER tasks_change BEFORE INSERT OR UPDATE OF status, progress, cancel_requested ON tasks
FOR EACH ROW EXECUTE FUNCTION note_change();
