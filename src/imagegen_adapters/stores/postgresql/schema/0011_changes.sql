-- Which transaction has changed each task last, so that all tasks can be followed at once.

ALTER TABLE tasks ADD COLUMN changed_by bigint NOT NULL DEFAULT 0;
CREATE INDEX tasks_by_change ON tasks (changed_by);

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
