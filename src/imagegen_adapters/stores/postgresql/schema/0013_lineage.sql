-- Which images were made from which: an image's parents are the images that its task took as inputs, in this order.
-- No foreign keys: whoever stores an image that was paid for would wait for one who deletes a parent, or fail. So an
-- entry may outlive an image that is deleted at the same time, and those who read look for the images, too.
CREATE TABLE image_lineage (
    parent_id bigint NOT NULL,
    child_id bigint NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (parent_id, child_id)
);

CREATE INDEX image_lineage_by_child ON image_lineage (child_id, position);

CREATE FUNCTION note_parents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO image_lineage (parent_id, child_id, position)
    SELECT images.id, NEW.id, min(input.position)
    FROM tasks
    CROSS JOIN LATERAL (
        SELECT (value ->> 'image_id')::bigint AS image_id, number AS position
        FROM json_array_elements(inputs -> 'references') WITH ORDINALITY AS reference (value, number)
        UNION ALL SELECT (inputs -> 'image' ->> 'image_id')::bigint, 100
        UNION ALL SELECT (inputs -> 'mask' ->> 'image_id')::bigint, 101
    ) AS input
    JOIN images ON images.id = input.image_id
    WHERE tasks.task_id = NEW.task_id
    GROUP BY images.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_lineage_new AFTER INSERT ON images
FOR EACH ROW WHEN (NEW.operation <> 'generate') EXECUTE FUNCTION note_parents();

CREATE FUNCTION forget_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM image_lineage WHERE parent_id = OLD.id;
    DELETE FROM image_lineage WHERE child_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_lineage_gone AFTER DELETE ON images FOR EACH ROW EXECUTE FUNCTION forget_lineage();
