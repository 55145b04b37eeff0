-- Does what save_task does, for a task that has gone on from its first provider: its provider may be another one.
CREATE FUNCTION save_moved_task(
    id text, fence_owner text, fence_epoch integer, fence_status text,
    state json, new_attempts json, new_images json, final_event json,
    OUT outcome text, OUT image_ids bigint[]
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT saved.outcome, saved.image_ids INTO save_moved_task.outcome, save_moved_task.image_ids
    FROM save_task(
        id, fence_owner, fence_epoch, fence_status, state, new_attempts, new_images, final_event
    ) AS saved;
    IF outcome = 'saved' THEN
        UPDATE tasks SET provider_name = state ->> 'provider_name'
        WHERE task_id = id AND provider_name <> state ->> 'provider_name';
    END IF;
END
$$;
