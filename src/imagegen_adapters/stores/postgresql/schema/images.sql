-- Marks of images: favourites, tags and collections. Whoever changes them holds an advisory lock, so that nobody waits
-- in a circle for rows of which a change has several.

-- Which images have a mark, a bit for each of the 16,384 ids of a bucket: lists and searches look here. Marks are
-- "favourite", and "tag" or "collection" with its id. As tokens of the search index they would be written with all
-- others of the image. MAIN leaves the bits, compressed or not, in their row.
CREATE TABLE marked_images (
    mark text COLLATE "C" NOT NULL,
    bucket bigint NOT NULL,
    images bit(16384) NOT NULL,
    PRIMARY KEY (mark, bucket)
);

ALTER TABLE marked_images ALTER COLUMN images SET STORAGE MAIN;

-- Marks images, or unmarks them, each with the mark in its place, and lets nodes count their buckets again.
CREATE FUNCTION mark_images(marks text[], ids bigint[], present boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    change record;
BEGIN
    FOR change IN
        SELECT one.mark, id >> 14 AS bucket, bit_or(set_bit(0::bit(16384), (id & 16383)::integer, 1)) AS images
        FROM unnest(marks, ids) AS one (mark, id) GROUP BY 1, 2 ORDER BY 1, 2
    LOOP
        IF present THEN
            INSERT INTO marked_images AS earlier VALUES (change.mark, change.bucket, change.images)
            ON CONFLICT (mark, bucket) DO UPDATE SET images = earlier.images | excluded.images;
        ELSE
            DELETE FROM marked_images
            WHERE mark = change.mark AND bucket = change.bucket AND images & ~change.images = 0::bit(16384);
            UPDATE marked_images SET images = images & ~change.images
            WHERE mark = change.mark AND bucket = change.bucket;
        END IF;
    END LOOP;
    INSERT INTO image_buckets AS counts (bucket, shard, marked)
    SELECT id >> 14, pg_backend_pid() & 15, count(*) FROM unnest(ids) AS id GROUP BY 1 ORDER BY 1
    ON CONFLICT (bucket, shard) DO UPDATE SET marked = counts.marked + excluded.marked;
END
$$;

-- Returns which ids of a large bucket have all marks, as bits, the lowest id first; null for none. The mark "other" is
-- that of all but favourites, also of ids that no image has.
CREATE FUNCTION marked_in(large_bucket bigint, marks text[]) RETURNS bit varying LANGUAGE plpgsql STABLE AS $$
DECLARE
    present constant text[] := array_remove(marks, 'other');
    none constant bit(16384) := 0::bit(16384);
    part bit(16384);
    marked bit varying := '';
BEGIN
    FOR number IN large_bucket << 2 .. large_bucket << 2 | 3 LOOP
        part := CASE WHEN present = '{}' THEN ~none ELSE coalesce((
            SELECT bit_and(images) FROM marked_images WHERE mark = ANY (present) AND bucket = number
            HAVING count(*) = cardinality(present)
        ), none) END;
        IF 'other' = ANY (marks) THEN
            part := part & ~coalesce((
                SELECT images FROM marked_images WHERE mark = 'favourite' AND bucket = number
            ), none);
        END IF;
        marked := marked || part;
    END LOOP;
    RETURN nullif(marked, 0::bit(65536));
END
$$;

-- Returns the ids of a large bucket that bits say, if they are few enough to be looked up one by one, or else null.
CREATE FUNCTION few_marked(marked bit varying, large_bucket bigint) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN bit_count(marked) < 1000 THEN ARRAY(
        SELECT (large_bucket << 16) + part * 64 + place
        FROM generate_series(0, 1023) AS part, generate_series(0, 63) AS place
        WHERE substring(marked FROM part * 64 + 1 FOR 64) <> 0::bit(64) AND get_bit(marked, part * 64 + place) = 1
    ) END
$$;

CREATE TABLE tags (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    folded text COLLATE "C" NOT NULL UNIQUE,
    images bigint NOT NULL DEFAULT 0
);

CREATE INDEX tags_by_use ON tags (images DESC, folded);

CREATE TABLE image_tags (
    image_id bigint NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    tag_id bigint NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (image_id, tag_id)
);

CREATE TABLE collections (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    folded text COLLATE "C" NOT NULL UNIQUE,
    created_at timestamptz(3) NOT NULL,
    images bigint NOT NULL DEFAULT 0
);

CREATE TABLE collection_images (
    collection_id bigint NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    image_id bigint NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    PRIMARY KEY (collection_id, image_id)
);

CREATE INDEX collection_images_by_image ON collection_images (image_id, collection_id);

-- Triggers mark the images, and count how many have a tag, or are in a collection; a tag disappears with the last one.
CREATE FUNCTION count_new_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tags SET images = tags.images + counts.images
    FROM (SELECT tag_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = tag_id;
    PERFORM mark_images(array_agg('tag' || tag_id), array_agg(image_id), true) FROM changed;
    RETURN NULL;
END
$$;

CREATE TRIGGER image_tags_new AFTER INSERT ON image_tags REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_tags();

CREATE FUNCTION count_deleted_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tags SET images = tags.images - counts.images
    FROM (SELECT tag_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = tag_id;
    DELETE FROM tags WHERE images = 0 AND id IN (SELECT tag_id FROM changed);
    PERFORM mark_images(array_agg('tag' || tag_id), array_agg(image_id), false) FROM changed;
    RETURN NULL;
END
$$;

CREATE TRIGGER image_tags_gone AFTER DELETE ON image_tags REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_tags();

CREATE FUNCTION count_new_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE collections SET images = collections.images + counts.images
    FROM (SELECT collection_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = collection_id;
    PERFORM mark_images(array_agg('collection' || collection_id), array_agg(image_id), true) FROM changed;
    RETURN NULL;
END
$$;

CREATE TRIGGER collection_images_new AFTER INSERT ON collection_images REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_members();

CREATE FUNCTION count_deleted_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE collections SET images = collections.images - counts.images
    FROM (SELECT collection_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = collection_id;
    PERFORM mark_images(array_agg('collection' || collection_id), array_agg(image_id), false) FROM changed;
    RETURN NULL;
END
$$;

CREATE TRIGGER collection_images_gone AFTER DELETE ON collection_images REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_members();

-- A column list, or a condition, would be one for each row.
CREATE FUNCTION note_new_favourites() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_images(array_agg('favourite'::text), array_agg(id), true) FROM changed WHERE favourite HAVING count(*) > 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_favourites_new AFTER INSERT ON images REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_new_favourites();

CREATE FUNCTION note_deleted_favourites() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_images(array_agg('favourite'::text), array_agg(id), false) FROM changed WHERE favourite HAVING count(*) > 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_favourites_gone AFTER DELETE ON images REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_deleted_favourites();

CREATE FUNCTION note_changed_favourites() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_images(array_agg('favourite'::text), array_agg(id), favourite)
    FROM (SELECT id, favourite FROM later EXCEPT SELECT id, favourite FROM earlier) AS changed GROUP BY favourite;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_favourites_changed AFTER UPDATE ON images REFERENCING OLD TABLE AS earlier NEW TABLE AS later
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_favourites();

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

-- How many images of each provider, model and operation were made in each quarter of an hour since 1970. Backends
-- that add images at the same time would wait for one row until the other's commit, so each has a lane of its own;
-- what one lane got and another lost is a negative number there. Reading adds the lanes up.
CREATE TABLE image_quarters (
    quarter bigint NOT NULL,
    provider_name text COLLATE "C" NOT NULL,
    model_id text COLLATE "C" NOT NULL,
    operation text COLLATE "C" NOT NULL,
    lane smallint NOT NULL,
    images bigint NOT NULL,
    PRIMARY KEY (quarter, provider_name, model_id, operation, lane)
) WITH (fillfactor = 70);

CREATE FUNCTION count_images_of_quarters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO image_quarters AS counts (quarter, provider_name, model_id, operation, lane, images)
    SELECT floor(extract(epoch FROM created_at) / 900)::bigint, provider_name, model_id, operation,
        pg_backend_pid() & 15, CASE TG_OP WHEN 'DELETE' THEN -count(*) ELSE count(*) END
    FROM changed GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (quarter, provider_name, model_id, operation, lane)
    DO UPDATE SET images = counts.images + excluded.images;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_quarter_new AFTER INSERT ON images REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_images_of_quarters();

CREATE TRIGGER images_quarter_gone AFTER DELETE ON images REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_images_of_quarters();
