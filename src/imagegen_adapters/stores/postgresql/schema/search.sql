-- The search index over the prompts of images, and what makes counting them cheap.
--
-- Ids are divided into buckets of 16,384, four of which are a large bucket. Each token of an image begins with the
-- number of its large bucket, and each bucket is looked up by itself: as a token of their own, buckets would have
-- the longest lists of all, through which every lookup would go.

-- "folding" says by which rules the prompt was folded: nodes of two releases may fold differently, and what another
-- one has folded, or one that does not say so, is indexed again on request. What people put on images is not there: an
-- update of a row writes all its tokens to the index again.
CREATE TABLE image_texts (
    id bigint PRIMARY KEY,
    created_at timestamptz(3) NOT NULL,
    folded text COLLATE "C" NOT NULL,
    provider_name text COLLATE "C" NOT NULL,
    model_id text COLLATE "C" NOT NULL,
    operation text COLLATE "C" NOT NULL,
    folding text COLLATE "C"
);

-- Returns the tokens of an image: the n-grams of imagegen_core.search.ngrams, and the values that lists are filtered
-- by. They are in the index alone: in the table, they would be most of it, and whoever counts ten thousand entries
-- visits as many pages as hold these.
CREATE FUNCTION image_tokens(
    id bigint, folded text, provider_name text, model_id text, operation text
) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    white constant text := E'\t\n\u000B\f\r\u001C\u001D\u001E\u001F\u0085\u00A0\u1680\u2000\u2001\u2002\u2003'
        '\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000';
    punctuation constant text := E'!"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008'
        '\u000E\u000F\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u007F';
    bucket constant text := (id >> 16) || '#';
    tokens text[] := ARRAY[
        bucket || 'provider' || encode(convert_to(provider_name, 'UTF8'), 'hex'),
        bucket || 'model' || encode(convert_to(model_id, 'UTF8'), 'hex'),
        bucket || 'operation' || encode(convert_to(operation, 'UTF8'), 'hex')
    ];
    this text COLLATE "C";
    previous text;
    pair text;
    letters integer := 0;
BEGIN
    FOREACH this IN ARRAY string_to_array(translate(folded, white, repeat(' ', length(white))), NULL) LOOP
        IF this = ' ' THEN
            previous := NULL;
            letters := 0;
            CONTINUE;
        ELSIF this < E'\u0080' THEN
            IF strpos(punctuation, this) > 0 THEN this := chr(ascii(this) + 57344); END IF;
        ELSIF this >= E'\uE000' AND this < E'\uE080' THEN
            this := chr(ascii(this) + 128);
        END IF;
        tokens := tokens || (bucket || this);
        letters := CASE WHEN this < E'\u2E80' THEN letters + 1 ELSE 0 END;
        IF letters > 2 THEN tokens := tokens || (bucket || pair || this); END IF;
        IF previous IS NOT NULL THEN
            pair := previous || this;
            tokens := tokens || (bucket || pair);
        END IF;
        previous := this;
    END LOOP;
    RETURN tokens;
END
$$;

-- Entries of the newest images, some hundred, wait in a list, and are put in their places together: one by one, each
-- writes the lists of some eighty tokens to the log again. The list is short, since each search reads it.
CREATE INDEX image_texts_tokens ON image_texts
USING gin (image_tokens(id, folded, provider_name, model_id, operation)) WITH (gin_pending_list_limit = 256);
CREATE INDEX image_texts_by_folding ON image_texts (folding);

-- How many images each bucket of 16,384 ids ever got and lost, how often their marks changed, and the days, counted from 1970, on which its
-- images were created. Several rows a bucket, since each is locked until the transaction that changes it ends.
CREATE TABLE image_buckets (
    bucket bigint,
    shard integer,
    added bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    marked bigint NOT NULL DEFAULT 0,
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

-- Returns tokens as those of a large bucket.
CREATE FUNCTION in_bucket(bucket bigint, tokens text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(bucket || '#' || token) FROM unnest(tokens) AS token
$$;

-- Returns entries from low to high whose folded prompt is like all words, which are patterns, that have the facets,
-- and were created from since until before until. "marked" says which ids of one large bucket are wanted, if not
-- null. This function and the two below become a part of the statements that call them, which say in which order.
CREATE FUNCTION entries_between(
    low bigint, high bigint, words text[], facets text[], since timestamptz, until timestamptz, marked bit varying
) RETURNS SETOF image_texts LANGUAGE sql STABLE AS $$
    SELECT * FROM image_texts
    WHERE id BETWEEN low AND high AND (marked IS NULL OR get_bit(marked, (id & 65535)::integer) = 1)
        AND provider_name = coalesce(facets[1], provider_name) AND model_id = coalesce(facets[2], model_id)
        AND operation = coalesce(facets[3], operation) AND folded LIKE ALL (words)
        AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
$$;

-- Does the same for those of some ids.
CREATE FUNCTION entries_among(
    ids bigint[], words text[], facets text[], since timestamptz, until timestamptz
) RETURNS SETOF image_texts LANGUAGE sql STABLE AS $$
    SELECT * FROM image_texts
    WHERE id = ANY (ids) AND folded LIKE ALL (words)
        AND provider_name = coalesce(facets[1], provider_name) AND model_id = coalesce(facets[2], model_id)
        AND operation = coalesce(facets[3], operation)
        AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
$$;

-- Does the same by the index, for those that have all tokens, which prove words and facets but for the patterns. The
-- expression id + 0, also in the order, keeps the planner from the other index; it would choose by estimates that do
-- not know how common a token is.
CREATE FUNCTION entries_with(
    tokens text[], low bigint, high bigint, patterns text[], since timestamptz, until timestamptz, marked bit varying
) RETURNS SETOF image_texts LANGUAGE sql STABLE AS $$
    SELECT * FROM image_texts
    WHERE image_tokens(id, folded, provider_name, model_id, operation) @> tokens
        AND id + 0 BETWEEN low AND high AND (marked IS NULL OR get_bit(marked, (id & 65535)::integer) = 1)
        AND folded LIKE ALL (patterns)
        AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
$$;

-- Returns entries from low to high, newest first, that have all tokens and marks and whose folded prompt is like all
-- patterns, that were created from since until before until; without the first "skipped" of them. Of the "wanted" next
-- ones those are left out that are like all of "unlike", unless that is null, and no more are read once there are enough.
--
-- The newest entries are read one by one, as many as are probably needed by what the newer ones held: a common word
-- fills a page there. For that, "words" and "facets" say the same as tokens and patterns; without words, there is
-- nothing to read them by. If it takes too many, large buckets are looked up in the index, the newest first. With
-- marks, each step stays in one large bucket, of which few ids that have the marks are read by themselves.
CREATE FUNCTION find_images(
    tokens text[], patterns text[], words text[], facets text[], marks text[], since timestamptz, until timestamptz,
    low bigint, high bigint, skipped bigint, wanted bigint, unlike text[], enough bigint
) RETURNS TABLE (id bigint, folded text) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    newest constant bigint := least(high, (SELECT coalesce(max(id), 0) FROM image_texts));
    bottom bigint := newest + 1;
    top bigint;
    matches bigint := 0;
    returned bigint := 0;
    missing bigint := skipped + wanted;
    size bigint := CASE WHEN tokens IS NULL THEN newest + 1 - low WHEN words IS NULL THEN 65536 ELSE 250 END;
    needed bigint;
    marked bit varying;
    ids bigint[];
    marked_bucket bigint;
    entries refcursor;
BEGIN
    WHILE bottom > low AND missing > 0 LOOP
        top := (SELECT max(id) FROM image_texts WHERE id < bottom);  -- a restore leaves a gap of millions of ids
        EXIT WHEN top IS NULL OR top < low;
        bottom := top + 1;
        IF cardinality(marks) > 0 AND marked_bucket IS DISTINCT FROM top >> 16 THEN
            marked_bucket := top >> 16;
            marked := marked_in(marked_bucket, marks);
            ids := few_marked(marked, marked_bucket);
        END IF;
        IF marked_bucket IS NOT NULL AND (marked IS NULL OR ids IS NOT NULL AND words IS NOT NULL) THEN
            bottom := greatest(low, top >> 16 << 16);
            CONTINUE WHEN marked IS NULL;
            OPEN entries FOR
                SELECT id, folded FROM entries_among(ids, words, facets, since, until)
                WHERE id BETWEEN bottom AND top ORDER BY id DESC LIMIT missing;
        ELSIF tokens IS NULL OR size < 2000 AND words IS NOT NULL THEN
            bottom := greatest(low, bottom - size, marked_bucket << 16);
            OPEN entries FOR
                SELECT id, folded FROM entries_between(bottom, top, words, facets, since, until, marked)
                ORDER BY id DESC LIMIT missing;
        ELSE
            bottom := greatest(low, top >> 16 << 16);
            OPEN entries FOR
                SELECT id, folded
                FROM entries_with(in_bucket(top >> 16, tokens), bottom, top, patterns, since, until, marked)
                ORDER BY id + 0 DESC LIMIT missing;
        END IF;
        LOOP
            FETCH entries INTO id, folded;
            EXIT WHEN NOT FOUND;
            matches := matches + 1;
            CONTINUE WHEN matches <= skipped OR folded LIKE ALL (unlike);
            RETURN NEXT;
            returned := returned + 1;
            EXIT WHEN returned = enough;
        END LOOP;
        CLOSE entries;
        EXIT WHEN returned = enough;
        missing := skipped + wanted - matches;
        needed := CASE WHEN returned = 0 THEN missing ELSE least(missing, (enough - returned) * matches / returned) END;
        size := CASE WHEN matches = 0 THEN 65536 ELSE 1.25 * needed * (newest - bottom + 1) / matches + 1 END;
    END LOOP;
END
$$;

-- Returns what several sets of tokens find that is not like all words: of each set, from its own lowest id on, at
-- most "wanted" of the "examined" newest entries; each entry once; and of no further set once there are enough. A
-- set, and the patterns that say the same, are joined by spaces.
CREATE FUNCTION find_texts(
    sets text[], patterns text[], facet_tokens text[], facets text[], marks text[], lows bigint[], high bigint,
    since timestamptz, until timestamptz, words text[], examined bigint, wanted bigint, enough bigint
) RETURNS TABLE (id bigint, folded text) LANGUAGE plpgsql STABLE AS $$
DECLARE
    ids bigint[] := '{}';
BEGIN
    FOR number IN 1 .. cardinality(sets) LOOP
        FOR id, folded IN
            SELECT entry.id, entry.folded
            FROM find_images(
                string_to_array(sets[number], ' ') || facet_tokens, '{}',
                string_to_array(patterns[number], ' '), facets, marks, since, until, lows[number], high, 0, examined,
                words, wanted
            ) AS entry
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

-- Counts entries in each of the buckets, in their order, until there are enough of them: of the last one there may be
-- more then. They are large ones, but without tokens and marks, where nothing is looked up, those of 16,384 ids.
CREATE FUNCTION count_images(
    tokens text[], patterns text[], words text[], facets text[], marks text[], since timestamptz, until timestamptz,
    buckets bigint[], enough bigint
) RETURNS TABLE (bucket bigint, images bigint) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    bits constant integer := CASE WHEN tokens IS NULL AND cardinality(marks) = 0 THEN 14 ELSE 16 END;
    is_marks_alone constant boolean := tokens IS NULL AND patterns = '{}' AND since IS NULL AND until IS NULL
        AND cardinality(marks) > 0 AND 'other' <> ALL (marks);
    total bigint := 0;
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
        images := CASE
            WHEN cardinality(marks) > 0 AND marked IS NULL THEN 0
            WHEN is_marks_alone THEN bit_count(marked)
            WHEN ids IS NOT NULL THEN (SELECT count(*) FROM (
                SELECT FROM entries_among(ids, words, facets, since, until) LIMIT enough - total
            ) AS entries)
            WHEN tokens IS NULL THEN (SELECT count(*) FROM (
                SELECT FROM entries_between(low, high, patterns, facets, since, until, marked) LIMIT enough - total
            ) AS entries)
            ELSE (SELECT count(*) FROM (
                SELECT FROM entries_with(in_bucket(bucket, tokens), low, high, patterns, since, until, marked)
                LIMIT enough - total
            ) AS entries)
        END;
        total := total + images;
        RETURN NEXT;
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
        SELECT * FROM json_to_recordset(additions) AS x (image images, folded text, folding text)
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
            INSERT INTO image_texts (
                id, created_at, provider_name, model_id, operation, folded, folding
            ) VALUES (
                image_id, (addition.image).created_at, (addition.image).provider_name, (addition.image).model_id,
                (addition.image).operation, addition.folded, addition.folding
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
        UPDATE image_texts SET folded = entry.folded, folding = new_folding
        FROM json_to_recordset(entries) AS entry (id bigint, folded text)
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
