-- The queue is what waits in the table of tasks. It, too, is asked by one call each.

-- Without statistics the planner takes it that few tasks have a certain status, which is what the partial
-- indexes are for. Statistics from a time when most tasks were waiting would let it look through all tasks.
ALTER TABLE tasks ALTER COLUMN status SET STATISTICS 0, ALTER COLUMN not_before SET STATISTICS 0;

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
