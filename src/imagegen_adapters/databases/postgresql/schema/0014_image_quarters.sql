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

-- Counts entries by quarters in each of the buckets, as count_images does; one quarter may come several times.
CREATE FUNCTION count_by_quarter(
    tokens text[], patterns text[], since timestamptz, until timestamptz, buckets bigint[]
) RETURNS TABLE (quarter bigint, images bigint) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    bucket bigint;
    bucket_tokens text[];
BEGIN
    FOREACH bucket IN ARRAY buckets LOOP
        IF tokens IS NULL THEN
            RETURN QUERY
                SELECT floor(extract(epoch FROM date_bin('15 minutes', created_at, 'epoch')) / 900)::bigint, count(*)
                FROM image_texts
                WHERE id BETWEEN bucket << 14 AND (bucket << 14) + 16383 AND folded LIKE ALL (patterns)
                    AND created_at >= since AND created_at < until
                GROUP BY date_bin('15 minutes', created_at, 'epoch');
        ELSE
            bucket_tokens := in_bucket(bucket, tokens);
            RETURN QUERY
                SELECT floor(extract(epoch FROM date_bin('15 minutes', created_at, 'epoch')) / 900)::bigint, count(*)
                FROM image_texts
                WHERE image_tokens(id, folded, provider_name, model_id, operation, marks) @> bucket_tokens
                    AND folded LIKE ALL (patterns) AND created_at >= since AND created_at < until
                GROUP BY date_bin('15 minutes', created_at, 'epoch');
        END IF;
    END LOOP;
END
$$;

-- Returns the oldest entry from low to high that find_images would find; null for none. The oldest entries are read
-- one by one, ever more of them; if it takes too many, large buckets are looked up in the index, the oldest first.
CREATE FUNCTION find_oldest_image(
    tokens text[], patterns text[], words text[], facets text[], mark_tokens text[], since timestamptz, until timestamptz,
    low bigint, high bigint
) RETURNS bigint LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    newest constant bigint := least(high, (SELECT coalesce(max(id), 0) FROM image_texts));
    bottom bigint := greatest(low, (SELECT coalesce(min(id), 0) FROM image_texts));
    top bigint;
    size bigint := CASE WHEN tokens IS NULL THEN newest + 1 - bottom ELSE 250 END;
    oldest bigint;
    bucket_tokens text[];
BEGIN
    WHILE bottom <= newest LOOP
        IF tokens IS NULL OR size < 2000 THEN
            top := least(newest, bottom + size - 1);
            SELECT id INTO oldest FROM image_texts
            WHERE id BETWEEN bottom AND top AND folded LIKE ALL (words)
                AND provider_name = coalesce(facets[1], provider_name)
                AND model_id = coalesce(facets[2], model_id)
                AND operation = coalesce(facets[3], operation) AND marks @> mark_tokens
                AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
            ORDER BY id LIMIT 1;
            size := 4 * size;
        ELSE
            top := least(newest, bottom | 65535);
            bucket_tokens := in_bucket(bottom >> 16, tokens);
            SELECT id INTO oldest FROM image_texts
            WHERE image_tokens(id, folded, provider_name, model_id, operation, marks) @> bucket_tokens
                AND id + 0 BETWEEN bottom AND top AND folded LIKE ALL (patterns)
                AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
            ORDER BY id + 0 LIMIT 1;
        END IF;
        EXIT WHEN oldest IS NOT NULL;
        bottom := top + 1;
    END LOOP;
    RETURN oldest;
END
$$;
