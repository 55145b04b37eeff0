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

-- Returns the quarters, in ascending order, in which entries in each of the buckets were created, as those of
-- count_images, and how many they are.
CREATE FUNCTION count_by_quarter(
    tokens text[], patterns text[], words text[], facets text[], marks text[], since timestamptz, until timestamptz,
    buckets bigint[]
) RETURNS TABLE (bucket bigint, quarters bigint[], counts bigint[]) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    bits constant integer := CASE WHEN tokens IS NULL AND cardinality(marks) = 0 THEN 14 ELSE 16 END;
    low bigint;
    high bigint;
    marked bit varying;
    ids bigint[];
BEGIN
    FOREACH bucket IN ARRAY buckets LOOP
        low := bucket << bits;
        high := low | ((1 << bits) - 1);
        IF cardinality(marks) > 0 THEN
            marked := marked_in(bucket, marks);
            ids := few_marked(marked, bucket);
        END IF;
        IF cardinality(marks) > 0 AND marked IS NULL OR ids IS NOT NULL THEN
            SELECT array_agg((date_part('epoch', start) / 900)::bigint ORDER BY start), array_agg(images ORDER BY start)
            INTO quarters, counts FROM (
                SELECT date_bin('15 minutes', created_at, 'epoch') AS start, count(*) AS images
                FROM entries_among(ids, words, facets, since, until) GROUP BY 1
            ) AS starts;
        ELSIF tokens IS NULL THEN
            SELECT array_agg((date_part('epoch', start) / 900)::bigint ORDER BY start), array_agg(images ORDER BY start)
            INTO quarters, counts FROM (
                SELECT date_bin('15 minutes', created_at, 'epoch') AS start, count(*) AS images
                FROM entries_between(low, high, patterns, facets, since, until, marked) GROUP BY 1
            ) AS starts;
        ELSE
            SELECT array_agg((date_part('epoch', start) / 900)::bigint ORDER BY start), array_agg(images ORDER BY start)
            INTO quarters, counts FROM (
                SELECT date_bin('15 minutes', created_at, 'epoch') AS start, count(*) AS images
                FROM entries_with(in_bucket(bucket, tokens), low, high, patterns, since, until, marked) GROUP BY 1
            ) AS starts;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Returns the oldest entry from low to high that find_images would find; null for none. The oldest entries are read
-- one by one, ever more of them; if it takes too many, large buckets are looked up in the index, the oldest first.
CREATE FUNCTION find_oldest_image(
    tokens text[], patterns text[], words text[], facets text[], marks text[], since timestamptz, until timestamptz,
    low bigint, high bigint
) RETURNS bigint LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    newest constant bigint := least(high, (SELECT coalesce(max(id), 0) FROM image_texts));
    bottom bigint := greatest(low, (SELECT coalesce(min(id), 0) FROM image_texts));
    top bigint;
    size bigint := CASE WHEN tokens IS NULL THEN newest + 1 - bottom ELSE 250 END;
    oldest bigint;
    marked bit varying;
    ids bigint[];
    marked_bucket bigint;
BEGIN
    WHILE bottom <= newest AND oldest IS NULL LOOP
        bottom := (SELECT min(id) FROM image_texts WHERE id >= bottom);
        IF cardinality(marks) > 0 AND marked_bucket IS DISTINCT FROM bottom >> 16 THEN
            marked_bucket := bottom >> 16;
            marked := marked_in(marked_bucket, marks);
            ids := few_marked(marked, marked_bucket);
        END IF;
        IF marked_bucket IS NOT NULL AND (marked IS NULL OR ids IS NOT NULL) THEN
            top := least(newest, bottom | 65535);
            SELECT id INTO oldest FROM entries_among(ids, words, facets, since, until)
            WHERE id BETWEEN bottom AND top ORDER BY id LIMIT 1;
        ELSIF tokens IS NULL OR size < 2000 THEN
            top := least(newest, bottom + size - 1, marked_bucket << 16 | 65535);
            SELECT id INTO oldest FROM entries_between(bottom, top, words, facets, since, until, marked)
            ORDER BY id LIMIT 1;
            size := 4 * size;
        ELSE
            top := least(newest, bottom | 65535);
            SELECT id INTO oldest
            FROM entries_with(in_bucket(bottom >> 16, tokens), bottom, top, patterns, since, until, marked)
            ORDER BY id + 0 LIMIT 1;
        END IF;
        bottom := top + 1;
    END LOOP;
    RETURN oldest;
END
$$;
