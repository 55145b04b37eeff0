-- Writes down every change of tasks, attempts and images, so that one that was undone later is seen, too.
-- SECURITY DEFINER: the nodes have no rights here, and may lose those that they have elsewhere.

CREATE SCHEMA witness;

CREATE TABLE witness.changes (
    id bigserial PRIMARY KEY, transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    noun text NOT NULL, task_id text NOT NULL, before jsonb, after jsonb NOT NULL
);

CREATE FUNCTION witness.write_down() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO witness.changes (noun, task_id, before, after)
    VALUES (TG_TABLE_NAME, NEW.task_id, to_jsonb(OLD) - 'response', to_jsonb(NEW) - 'response');
    RETURN NULL;
END
$$;

CREATE TRIGGER witness AFTER INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION witness.write_down();
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION witness.write_down();
CREATE TRIGGER witness AFTER INSERT ON images FOR EACH ROW EXECUTE FUNCTION witness.write_down();

-- Whose response is in the spool, the owner's name says: the task's id, a dot, and that of its attempt.
CREATE FUNCTION witness.write_down_removal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    owner constant text[] := string_to_array(split_part(OLD.key, '/', 1), '.');
BEGIN
    INSERT INTO witness.changes (noun, task_id, before, after)
    SELECT 'files', owner[1], to_jsonb(OLD), json_build_object('phase', phase)
    FROM attempts WHERE attempt_id = owner[2] AND owner[3] IS NULL;
    RETURN NULL;
END
$$;

CREATE TRIGGER witness AFTER DELETE ON files FOR EACH ROW WHEN (OLD.store = 'spool' AND OLD.key IS NOT NULL)
    EXECUTE FUNCTION witness.write_down_removal();

CREATE VIEW witness.ends AS
SELECT * FROM witness.changes WHERE noun = 'tasks' AND after ->> 'status' IN ('completed', 'failed', 'cancelled');

CREATE FUNCTION witness.rank(phase text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position('{reserved,submitting,accepted,received,stored,failed}'::text[], phase)
$$;

-- What no node may do, whatever it has missed.
CREATE VIEW witness.violations AS
SELECT 'changed a task that had ended' AS deed, task_id, before, after FROM witness.changes
WHERE noun = 'tasks' AND before ->> 'status' IN ('completed', 'failed', 'cancelled')
    AND (after ->> 'status', after ->> 'epoch', after -> 'failure', after ->> 'completed_at')
        IS DISTINCT FROM (before ->> 'status', before ->> 'epoch', before -> 'failure', before ->> 'completed_at')
UNION ALL
SELECT 'undid a claim', task_id, before, after FROM witness.changes
WHERE noun = 'tasks' AND (after ->> 'epoch')::integer < (before ->> 'epoch')::integer
UNION ALL
SELECT 'took a task without a claim', task_id, before, after FROM witness.changes
WHERE noun = 'tasks' AND (after ->> 'epoch')::integer = (before ->> 'epoch')::integer
    AND after ->> 'owner' <> coalesce(before ->> 'owner', '')
UNION ALL
SELECT 'took an attempt back', task_id, before, after FROM witness.changes AS change
WHERE noun = 'attempts' AND after ->> 'phase' <> before ->> 'phase' AND (
    before ->> 'phase' IN ('stored', 'failed')
    OR witness.rank(after ->> 'phase') < witness.rank(before ->> 'phase')
    -- Who did not hear that its submission was committed has sent nothing, and requeues the task.
    AND NOT (after ->> 'phase' = 'reserved' AND before ->> 'phase' = 'submitting' AND EXISTS (
        SELECT FROM witness.changes AS requeue
        WHERE noun = 'tasks' AND requeue.transaction = change.transaction AND requeue.task_id = change.task_id
            AND requeue.before ->> 'status' = 'processing' AND requeue.after ->> 'status' = 'pending'
    ))
)
UNION ALL
SELECT 'removed a response whose images were not stored', task_id, before, after FROM witness.changes
WHERE noun = 'files' AND after ->> 'phase' = 'received'
UNION ALL
SELECT 'changed a part of a task that had ended', late.task_id, late.before, late.after
FROM witness.changes AS late JOIN witness.ends USING (task_id)
WHERE late.noun IN ('attempts', 'images') AND late.id > ends.id AND late.transaction <> ends.transaction
    AND (late.before IS NULL OR late.after ->> 'phase' <> late.before ->> 'phase');
