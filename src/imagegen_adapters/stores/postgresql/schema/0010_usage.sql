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
