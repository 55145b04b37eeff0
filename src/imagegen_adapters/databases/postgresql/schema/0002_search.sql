-- The search index over the prompts of images, and what makes counting them cheap.
--
-- Ids are divided into buckets of 16,384, eight of which are a large bucket. Beside the n-grams of its prompt and
-- the values that lists are filtered by, the entry of an image has the tokens '#a…' and '#b…' of its two buckets,
-- so that the index returns the matches of some buckets without those of others.

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

-- Returns a query for what is in any of some buckets of a kind: 'a' or, for large ones, 'b'.
CREATE FUNCTION in_buckets(kind text, buckets bigint[]) RETURNS tsquery LANGUAGE sql STABLE AS $$
    SELECT format('''#%s%s''', kind, array_to_string(buckets, format('''|''#%s', kind)))::tsquery
$$;

-- Returns entries from low to high, newest first, that match the query, were created from since until before
-- until, and whose folded prompt is like all patterns; without the first "skipped" of them.
--
-- They are looked for in windows of ids, each as large as probably needed by what the newer ones held. A small
-- window is read entry by entry: a common word fills a page there. A larger one is looked up in the index; the
-- buckets are a condition of their own there, without which the index goes through what other buckets have. The
-- expression id + 0 and the function ts_match_vq keep the planner from the other index; it would choose by
-- estimates that do not know how common a token is.
CREATE FUNCTION find_images(
    query tsquery, patterns text[], since timestamptz, until timestamptz,
    low bigint, high bigint, skipped bigint, wanted bigint
) RETURNS TABLE (id bigint, folded text) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    newest constant bigint := least(high, (SELECT coalesce(max(id), 0) FROM image_texts));
    bottom bigint := newest + 1;
    top bigint;
    examined bigint;
    matches bigint := 0;
    size bigint := CASE WHEN query IS NULL THEN newest + 1 - low ELSE 250 END;
    kind text;
    bits integer;
    buckets tsquery;
BEGIN
    WHILE bottom > low AND matches < skipped + wanted LOOP
        top := bottom - 1;
        IF query IS NULL OR size < 2000 THEN
            bottom := greatest(low, bottom - size);
            FOR id, folded IN
                SELECT id, folded FROM image_texts
                WHERE id BETWEEN bottom AND top AND (query IS NULL OR ts_match_vq(tokens, query))
                    AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
                    AND folded LIKE ALL (patterns)
                ORDER BY id DESC LIMIT skipped + wanted - matches
            LOOP
                matches := matches + 1;
                IF matches > skipped THEN RETURN NEXT; END IF;
            END LOOP;
        ELSE
            kind := CASE WHEN size < 65536 THEN 'a' ELSE 'b' END;
            bits := CASE WHEN kind = 'a' THEN 14 ELSE 17 END;
            bottom := greatest(low, (bottom - size) >> bits << bits);
            buckets := in_buckets(kind, ARRAY(SELECT generate_series(bottom >> bits, top >> bits)));
            FOR id, folded IN
                SELECT id, folded FROM image_texts
                WHERE tokens @@ query AND tokens @@ buckets AND id + 0 BETWEEN bottom AND top
                    AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
                    AND folded LIKE ALL (patterns)
                ORDER BY id + 0 DESC LIMIT skipped + wanted - matches
            LOOP
                matches := matches + 1;
                IF matches > skipped THEN RETURN NEXT; END IF;
            END LOOP;
        END IF;
        examined := newest - bottom + 1;
        IF matches = 0 THEN
            size := greatest(65536, least(8 * examined, 262144));
        ELSE
            size := least(8 * examined, 262144, 1.25 * (skipped + wanted - matches) * examined / matches + 1);
        END IF;
    END LOOP;
END
$$;

-- Returns what several queries find that is not like all words: of each query, from its own lowest id on, at most
-- "wanted" of the "examined" newest entries; each entry once; and of no further query once there are enough.
CREATE FUNCTION find_texts(
    queries text[], lows bigint[], high bigint, since timestamptz, until timestamptz,
    words text[], examined bigint, wanted bigint, enough bigint
) RETURNS TABLE (id bigint, folded text) LANGUAGE plpgsql STABLE AS $$
DECLARE
    ids bigint[] := '{}';
BEGIN
    FOR number IN 1 .. cardinality(queries) LOOP
        FOR id, folded IN
            SELECT entry.id, entry.folded
            FROM find_images(
                queries[number]::tsquery, '{}', since, until, lows[number], high, 0, examined
            ) AS entry
            WHERE NOT entry.folded LIKE ALL (words) LIMIT wanted
        LOOP
            IF id <> ALL (ids) THEN
                ids := ids || id;
                RETURN NEXT;
            END IF;
        END LOOP;
        EXIT WHEN cardinality(ids) >= enough;
    END LOOP;
END
$$;

-- Counts such entries in each of some buckets of 16,384 ids; one without any may be left out.
CREATE FUNCTION count_in_buckets(
    query tsquery, patterns text[], since timestamptz, until timestamptz, buckets bigint[]
) RETURNS TABLE (bucket bigint, images bigint) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    any_bucket tsquery := in_buckets('a', buckets);
BEGIN
    IF cardinality(buckets) >= 8 THEN
        any_bucket := in_buckets('b', ARRAY(SELECT DISTINCT number >> 3 FROM unnest(buckets) AS number));
    END IF;
    IF query IS NULL THEN
        RETURN QUERY SELECT number, (
            SELECT count(*) FROM image_texts
            WHERE id BETWEEN number << 14 AND (number << 14) + 16383
                AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
                AND folded LIKE ALL (patterns)
        ) FROM unnest(buckets) AS number;
    ELSE
        RETURN QUERY SELECT id >> 14, count(*) FROM image_texts
        WHERE tokens @@ query AND tokens @@ any_bucket AND id >> 14 = ANY (buckets)
            AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
            AND folded LIKE ALL (patterns)
        GROUP BY 1;
    END IF;
END
$$;

-- Counts such entries in each of the buckets of 16,384 ids, in their order, until there are enough of them; as
-- many buckets at a time as probably needed.
CREATE FUNCTION count_images(
    query tsquery, patterns text[], since timestamptz, until timestamptz, buckets bigint[], enough bigint
) RETURNS TABLE (bucket bigint, images bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
    newest constant bigint := (SELECT coalesce(max(id), 0) FROM image_texts);
    counted bigint := 0;
    examined bigint := 0;
    size bigint := 1;
    total bigint := 0;
    part bigint[];
BEGIN
    WHILE counted < cardinality(buckets) AND total < enough LOOP
        part := buckets[counted + 1 : counted + size];
        FOR bucket, images IN
            SELECT number, coalesce(matches, 0) FROM unnest(part) AS number
            LEFT JOIN count_in_buckets(query, patterns, since, until, part) AS counts (number, matches)
                USING (number)
        LOOP
            total := total + images;
            examined := examined + least(16384, newest + 1 - (bucket << 14));
            RETURN NEXT;
        END LOOP;
        counted := counted + size;
        size := least(8 * size, 16, (enough - total) * examined / (greatest(total, 1) << 14) + 1);
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
            created_at, cost_basis, cost_currency, cost_ticks
        )
        SELECT
            task_id, attempt_id, position, operation, prompt, provider_name, model_id, mime_type, width, height,
            size_bytes, sha256, vendor_sha256, crc64, blob_key, thumbnail_key, storage, json_of_string(params),
            json_of_string(metadata), created_at, cost_basis, cost_currency, cost_ticks
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
