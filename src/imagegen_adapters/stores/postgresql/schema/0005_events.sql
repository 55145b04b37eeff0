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
