-- How many of the tasks that ended had failed; those that ended before are counted once.
ALTER TABLE usage_totals ADD COLUMN failed bigint NOT NULL DEFAULT 0;

INSERT INTO usage_totals (
    quarter, provider_name, model_id, currency, lane, tasks, images, unknown_attempts, known, estimated, possible, failed
)
SELECT floor(extract(epoch FROM completed_at) / 900), provider_name, model_id, '', 0, 0, 0, 0, 0, 0, 0, count(*)
FROM tasks WHERE status = 'failed' AND completed_at IS NOT NULL GROUP BY 1, 2, 3
ON CONFLICT (quarter, provider_name, model_id, currency, lane) DO UPDATE SET failed = excluded.failed;

-- Adds a task that has ended, with all that its attempts cost.
CREATE OR REPLACE FUNCTION add_usage(ended_task text, ended_at timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO usage_totals (
        quarter, provider_name, model_id, currency, lane, tasks, images, unknown_attempts, known, estimated, possible,
        failed
    )
    SELECT
        floor(extract(epoch FROM ended_at) / 900), provider_name, model_id, currency, pg_backend_pid() % 16,
        task_count, image_count, unknown_count, known_ticks, estimated_ticks, possible_ticks,
        CASE WHEN currency = '' AND status = 'failed' THEN 1 ELSE 0 END
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
        possible = add_ticks(usage_totals.possible, excluded.possible),
        failed = usage_totals.failed + excluded.failed
$$;
