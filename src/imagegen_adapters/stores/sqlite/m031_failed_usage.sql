-- How many of the tasks that ended had failed; those that ended before are counted once.
ALTER TABLE usage_totals ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
UPDATE usage_totals SET failed = failures.number FROM (
    SELECT
        CAST(strftime('%s', completed_at) AS INTEGER) / 900 AS ended, provider_name AS provider, model_id AS model,
        count(*) AS number
    FROM tasks INDEXED BY tasks_by_status WHERE status = 'failed' GROUP BY 1, 2, 3
) AS failures
WHERE quarter = ended AND provider_name = provider AND model_id = model AND currency = '';
