-- Marks of images: favourites, tags and collections. Whoever changes them holds an advisory lock, so that nobody waits
-- in a circle for rows of which a change has several.

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

-- What is left of a removed collection in the search index finds nothing: its id is never used again.
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

-- Triggers count how many images have a tag, or are in a collection; a tag disappears with the last image.
CREATE FUNCTION count_new_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tags SET images = tags.images + counts.images
    FROM (SELECT tag_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = tag_id;
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
    RETURN NULL;
END
$$;

CREATE TRIGGER image_tags_gone AFTER DELETE ON image_tags REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_tags();

CREATE FUNCTION count_new_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE collections SET images = collections.images + counts.images
    FROM (SELECT collection_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = collection_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER collection_images_new AFTER INSERT ON collection_images REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_members();

CREATE FUNCTION count_deleted_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE collections SET images = collections.images - counts.images
    FROM (SELECT collection_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = collection_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER collection_images_gone AFTER DELETE ON collection_images REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_members();

-- Returns the tokens of an image's marks, as the search index has them and imagegen_adapters makes them.
CREATE FUNCTION mark_tokens(marked_image bigint) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array_agg(token) FROM (
        SELECT CASE WHEN favourite THEN 'favourite' ELSE 'other' END AS token FROM images WHERE id = marked_image
        UNION ALL
        SELECT 'tag' || encode(convert_to(folded, 'UTF8'), 'hex')
        FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = marked_image
        UNION ALL
        SELECT 'collection' || encode(convert_to(collection_id::text, 'UTF8'), 'hex')
        FROM collection_images WHERE image_id = marked_image
    ) AS tokens
$$;

-- Puts the marks of images into the search index, and lets nodes count those of their buckets again.
CREATE FUNCTION index_marks(ids bigint[]) RETURNS void LANGUAGE sql AS $$
    UPDATE image_texts SET marks = mark_tokens(id) WHERE id = ANY (ids);
    INSERT INTO image_buckets AS counts (bucket, shard, marked)
    SELECT id >> 14, pg_backend_pid() & 15, count(*) FROM unnest(ids) AS id GROUP BY 1 ORDER BY 1
    ON CONFLICT (bucket, shard) DO UPDATE SET marked = counts.marked + excluded.marked;
$$;
