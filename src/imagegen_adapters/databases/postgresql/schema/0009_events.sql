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
