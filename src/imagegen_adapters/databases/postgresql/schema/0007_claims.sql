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
