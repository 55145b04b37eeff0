-- Returns entries as find_images does, but the oldest first: the oldest ones are read one by one, as many as are
-- probably needed by what the older ones held. If it takes too many, large buckets are looked up in the index, the
-- oldest first. Nodes of earlier releases call find_oldest_image.
CREATE FUNCTION find_oldest_images(
    tokens text[], patterns text[], words text[], facets text[], marks text[], since timestamptz, until timestamptz,
    low bigint, high bigint, skipped bigint, wanted bigint
) RETURNS SETOF bigint LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    newest constant bigint := least(high, (SELECT coalesce(max(id), 0) FROM image_texts));
    oldest constant bigint := greatest(low, (SELECT coalesce(min(id), 0) FROM image_texts));
    bottom bigint := oldest;
    top bigint;
    matches bigint := 0;
    missing bigint := skipped + wanted;
    size bigint := CASE WHEN tokens IS NULL THEN newest + 1 - oldest ELSE 250 END;
    marked bit varying;
    ids bigint[];
    marked_bucket bigint;
    entries refcursor;
    entry bigint;
BEGIN
    WHILE bottom <= newest AND missing > 0 LOOP
        bottom := (SELECT min(id) FROM image_texts WHERE id >= bottom);  -- a restore leaves a gap of millions of ids
        EXIT WHEN bottom > newest;
        IF cardinality(marks) > 0 AND marked_bucket IS DISTINCT FROM bottom >> 16 THEN
            marked_bucket := bottom >> 16;
            marked := marked_in(marked_bucket, marks);
            ids := few_marked(marked, marked_bucket);
        END IF;
        IF marked_bucket IS NOT NULL AND (marked IS NULL OR ids IS NOT NULL) THEN
            top := least(newest, bottom | 65535);
            IF marked IS NULL THEN
                bottom := top + 1;
                CONTINUE;
            END IF;
            OPEN entries FOR
                SELECT id FROM entries_among(ids, words, facets, since, until)
                WHERE id BETWEEN bottom AND top ORDER BY id LIMIT missing;
        ELSIF tokens IS NULL OR size < 2000 THEN
            top := least(newest, bottom + size - 1, marked_bucket << 16 | 65535);
            OPEN entries FOR
                SELECT id FROM entries_between(bottom, top, words, facets, since, until, marked)
                ORDER BY id LIMIT missing;
        ELSE
            top := least(newest, bottom | 65535);
            OPEN entries FOR
                SELECT id
                FROM entries_with(in_bucket(bottom >> 16, tokens), bottom, top, patterns, since, until, marked)
                ORDER BY id + 0 LIMIT missing;
        END IF;
        LOOP
            FETCH entries INTO entry;
            EXIT WHEN NOT FOUND;
            matches := matches + 1;
            CONTINUE WHEN matches <= skipped;
            RETURN NEXT entry;
        END LOOP;
        CLOSE entries;
        missing := skipped + wanted - matches;
        size := CASE WHEN matches = 0 THEN 65536 ELSE 1.25 * missing * (top + 1 - oldest) / matches + 1 END;
        bottom := top + 1;
    END LOOP;
END
$$;
