-- The search index over the prompts of images, and what makes counting them cheap.
--
-- Ids are divided into buckets of 16,384 and of 131,072. Beside the n-grams of its prompt and the values that
-- lists are filtered by, the entry of an image has the tokens '#a…' and '#b…' of its two buckets, so that the
-- index returns the matches of a bucket without those of others.

-- "folding" says by which rules the prompt was folded: nodes of two releases may fold differently, and what another
-- one has folded, or one that does not say so, is indexed again on request.
CREATE TABLE image_texts (
    id bigint PRIMARY KEY,
    created_at timestamptz(3) NOT NULL,
    folded text COLLATE "C" NOT NULL,
    tokens tsvector NOT NULL,
    folding text COLLATE "C"
);

-- Entries of the newest images, some hundred, wait in a list, and are put in their places together: one by one, each
-- writes the lists of some eighty tokens to the log again. The list is short, since each search reads it.
CREATE INDEX image_texts_tokens ON image_texts USING gin (tokens) WITH (gin_pending_list_limit = 256);
CREATE INDEX image_texts_by_folding ON image_texts (folding);

-- How many images each bucket of 16,384 ids ever got and lost, and the days, counted from 1970, on which its
-- images were created. Several rows a bucket, since each is locked until the transaction that changes it ends.
CREATE TABLE image_buckets (
    bucket bigint,
    shard integer,
    added bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    first_day integer,
    last_day integer,
    PRIMARY KEY (bucket, shard)
) WITH (fillfactor = 50);

CREATE FUNCTION count_new_images() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO image_buckets AS counts (bucket, shard, added, first_day, last_day)
    SELECT id >> 14, pg_backend_pid() & 15, count(*), min(day), max(day)
    FROM (SELECT id, floor(extract(epoch FROM created_at) / 86400)::integer AS day FROM changed) AS images
    GROUP BY 1
    ON CONFLICT (bucket, shard) DO UPDATE SET added = counts.added + excluded.added,
        first_day = least(counts.first_day, excluded.first_day),
        last_day = greatest(counts.last_day, excluded.last_day);
    RETURN NULL;
END
$$;

CREATE TRIGGER images_count_new AFTER INSERT ON images REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_images();

CREATE FUNCTION count_deleted_images() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO image_buckets AS counts (bucket, shard, deleted)
    SELECT id >> 14, pg_backend_pid() & 15, count(*) FROM changed GROUP BY 1
    ON CONFLICT (bucket, shard) DO UPDATE SET deleted = counts.deleted + excluded.deleted;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_count_gone AFTER DELETE ON images REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_images();

-- Returns ids from low to high, newest first, of entries that match the query, were created from since until
-- before until, and whose folded prompt is like all patterns; without the first "skipped" of them.
--
-- The newest 2,000 entries are read one by one: a common word fills a page there. Older ones are looked up
-- bucket by bucket. The expression id + 0 and the function ts_match_vq keep the planner from the other index;
-- it would choose by estimates that do not know how common a token is.
CREATE FUNCTION find_images(
    query tsquery, patterns text[], since timestamptz, until timestamptz,
    low bigint, high bigint, skipped bigint, wanted bigint
) RETURNS SETOF bigint LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    newest constant bigint := least(high, (SELECT coalesce(max(id), 0) FROM image_texts));
    top bigint := newest;
    bottom bigint := CASE WHEN query IS NULL THEN low ELSE greatest(low, newest - 1999) END;
    matches bigint := 0;
    bucket tsquery;
    found_id bigint;
BEGIN
    FOR found_id IN
        SELECT id FROM image_texts
        WHERE id BETWEEN bottom AND top AND (query IS NULL OR ts_match_vq(tokens, query))
            AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
            AND folded LIKE ALL (patterns)
        ORDER BY id DESC LIMIT skipped + wanted
    LOOP
        matches := matches + 1;
        IF matches > skipped THEN RETURN NEXT found_id; END IF;
    END LOOP;
    WHILE bottom > low AND matches < skipped + wanted LOOP
        top := bottom - 1;
        IF (top + 1) & 131071 <> 0 THEN
            bucket := format('''#a%s''', top >> 14)::tsquery;
            bottom := greatest(low, top >> 14 << 14);
        ELSE
            bucket := format('''#b%s''', top >> 17)::tsquery;
            bottom := greatest(low, top >> 17 << 17);
        END IF;
        FOR found_id IN
            SELECT id FROM image_texts
            WHERE tokens @@ (query && bucket) AND id + 0 BETWEEN bottom AND top
                AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
                AND folded LIKE ALL (patterns)
            ORDER BY id + 0 DESC LIMIT skipped + wanted - matches
        LOOP
            matches := matches + 1;
            IF matches > skipped THEN RETURN NEXT found_id; END IF;
        END LOOP;
    END LOOP;
END
$$;

-- Counts such entries in each of the buckets of 16,384 ids, in their order, until there are enough of them.
CREATE FUNCTION count_images(
    query tsquery, patterns text[], since timestamptz, until timestamptz, buckets bigint[], enough bigint
) RETURNS TABLE (bucket bigint, images bigint) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    total bigint := 0;
BEGIN
    FOREACH bucket IN ARRAY buckets LOOP
        IF query IS NULL THEN
            SELECT count(*) INTO images FROM image_texts
            WHERE id BETWEEN bucket << 14 AND (bucket << 14) + 16383
                AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
                AND folded LIKE ALL (patterns);
        ELSE
            SELECT count(*) INTO images FROM image_texts
            WHERE tokens @@ (query && format('''#a%s''', bucket)::tsquery)
                AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
                AND folded LIKE ALL (patterns);
        END IF;
        RETURN NEXT;
        total := total + images;
        EXIT WHEN total >= enough;
    END LOOP;
END
$$;

-- Adds images with their entries of the search index; returns their ids in their order, and null for an image
-- whose (attempt_id, position) exists.
CREATE FUNCTION add_images(additions json) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    addition record;
    image_id bigint;
    ids bigint[] := '{}';
BEGIN
    FOR addition IN
        SELECT * FROM json_to_recordset(additions) AS x (image images, folded text, tokens text[], folding text)
    LOOP
        INSERT INTO images (
            task_id, attempt_id, position, operation, prompt, provider_name, model_id, mime_type, width, height,
            size_bytes, sha256, vendor_sha256, crc64, blob_key, thumbnail_key, storage, params, metadata,
            created_at
        )
        SELECT
            task_id, attempt_id, position, operation, prompt, provider_name, model_id, mime_type, width, height,
            size_bytes, sha256, vendor_sha256, crc64, blob_key, thumbnail_key, storage, json_of_string(params),
            json_of_string(metadata), created_at
        FROM (SELECT (addition.image).*) AS image
        ON CONFLICT (attempt_id, position) DO NOTHING RETURNING id INTO image_id;
        IF image_id IS NOT NULL THEN
            INSERT INTO image_texts (id, created_at, folded, folding, tokens) VALUES (
                image_id, (addition.image).created_at, addition.folded, addition.folding, array_to_tsvector(
                    addition.tokens || format('#a%s', image_id >> 14) || format('#b%s', image_id >> 17)
                )
            );
        END IF;
        ids := array_append(ids, image_id);
    END LOOP;
    RETURN ids;
END
$$;

-- Replaces entries of the search index, and returns how many. An image that is indexed again counts as deleted and
-- added, so that nodes count its bucket again.
CREATE FUNCTION replace_entries(entries json, new_folding text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    replaced bigint[];
BEGIN
    WITH changed AS (
        UPDATE image_texts SET folded = entry.folded, folding = new_folding, tokens = array_to_tsvector(
            entry.tokens || format('#a%s', image_texts.id >> 14) || format('#b%s', image_texts.id >> 17)
        )
        FROM json_to_recordset(entries) AS entry (id bigint, folded text, tokens text[])
        WHERE image_texts.id = entry.id
        RETURNING image_texts.id
    )
    SELECT array_agg(id) INTO replaced FROM changed;
    INSERT INTO image_buckets AS counts (bucket, shard, added, deleted)
    SELECT id >> 14, pg_backend_pid() & 15, count(*), count(*) FROM unnest(replaced) AS id GROUP BY 1 ORDER BY 1
    ON CONFLICT (bucket, shard) DO UPDATE SET
        added = counts.added + excluded.added, deleted = counts.deleted + excluded.deleted;
    RETURN coalesce(cardinality(replaced), 0);
END
$$;
