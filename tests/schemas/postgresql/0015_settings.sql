--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: add_event(text, text, timestamp with time zone, json); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.add_event(task text, kind text, at timestamp with time zone, data json) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    event_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imagegen.add_event'), hashtext(task));
    INSERT INTO events (task_id, kind, at, data) VALUES (task, kind, at, data) RETURNING id INTO event_id;
    RETURN event_id;
END
$$;


--
-- Name: add_images(json); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.add_images(additions json) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: add_tasks(json); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.add_tasks(additions json) RETURNS TABLE(outcome text, known_id text)
    LANGUAGE plpgsql
    AS $$
DECLARE
    addition record;
    known idempotency_keys;
    pending bigint;
    is_exact boolean := false;
    purged_before timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imagegen.add_tasks'));
    SELECT unfinished + last_value - newest_seq INTO pending
    FROM queue_counts, tasks_seq_seq WHERE last_value >= newest_seq;
    FOR addition IN
        SELECT * FROM json_to_recordset(additions) AS x (task tasks, claim idempotency_keys, queue_size bigint)
    LOOP
        known := NULL;
        known_id := NULL;
        IF (addition.claim).key IS NOT NULL THEN
            purged_before := (addition.task).created_at;
            SELECT * INTO known FROM idempotency_keys
            WHERE scope = (addition.claim).scope AND key = (addition.claim).key AND expires_at > purged_before;
        END IF;
        IF known.task_id IS NOT NULL AND known.body_sha256 = (addition.claim).body_sha256 THEN
            outcome := 'replayed';
            known_id := known.task_id;
        ELSIF known.task_id IS NOT NULL THEN
            outcome := 'reused';
        ELSE
            IF pending IS NULL OR pending >= addition.queue_size AND NOT is_exact THEN
                pending := count_pending_tasks();
                is_exact := true;
            END IF;
            IF pending >= addition.queue_size THEN
                outcome := 'full';
            ELSE
                outcome := 'added';
                pending := pending + 1;
                INSERT INTO tasks (
                    task_id, operation, prompt, params, inputs, provider_name, model_id, status, config_snapshot,
                    override, max_retries, progress, attempts, retries, rescues, warnings, failure,
                    cancel_requested, not_before, locked, owner, epoch, retry_of, created_at, started_at,
                    completed_at
                )
                SELECT
                    task_id, operation, prompt, json_of_string(params), json_of_string(inputs), provider_name,
                    model_id, status, json_of_string(config_snapshot), override, max_retries, progress, attempts,
                    retries, rescues, json_of_string(warnings), json_of_string(failure), cancel_requested,
                    not_before, locked, owner, epoch, retry_of, created_at, started_at, completed_at
                FROM (SELECT (addition.task).*) AS task;
                IF (addition.claim).key IS NOT NULL THEN
                    INSERT INTO idempotency_keys (scope, key, body_sha256, task_id, expires_at)
                    SELECT scope, key, body_sha256, task_id, expires_at FROM (SELECT (addition.claim).*) AS claim
                    ON CONFLICT (scope, key) DO UPDATE SET
                        body_sha256 = excluded.body_sha256, task_id = excluded.task_id,
                        expires_at = excluded.expires_at, answered_at = NULL;
                END IF;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
    DELETE FROM idempotency_keys WHERE (scope, key) IN (
        SELECT scope, key FROM idempotency_keys WHERE expires_at <= purged_before ORDER BY expires_at LIMIT 100
    );
END
$$;


--
-- Name: add_ticks(numeric, numeric); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.add_ticks(ticks numeric, more numeric) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT least(ticks + more, 9000000000000000000)::bigint
$$;


--
-- Name: add_usage(text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.add_usage(ended_task text, ended_at timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO usage_totals (
        quarter, provider_name, model_id, currency, lane, tasks, images, unknown_attempts, known, estimated, possible
    )
    SELECT
        floor(extract(epoch FROM ended_at) / 900), provider_name, model_id, currency, pg_backend_pid() % 16,
        task_count, image_count, unknown_count, known_ticks, estimated_ticks, possible_ticks
    FROM tasks, LATERAL (
        SELECT
            '' AS currency, 1 AS task_count, (SELECT count(*) FROM images WHERE images.task_id = ended_task) AS image_count,
            (
                SELECT count(*) FROM attempts
                WHERE attempts.task_id = ended_task AND charge <> 'none'
                    AND cost_basis IS NOT NULL AND cost_ticks IS NULL
            ) AS unknown_count,
            0 AS known_ticks, 0 AS estimated_ticks, 0 AS possible_ticks
        UNION ALL
        SELECT
            cost_currency, 0, 0, 0,
            add_ticks(coalesce(sum(cost_ticks) FILTER (WHERE charge = 'certain' AND cost_basis = 'known'), 0), 0),
            add_ticks(coalesce(sum(cost_ticks) FILTER (WHERE charge = 'certain' AND cost_basis <> 'known'), 0), 0),
            add_ticks(coalesce(sum(cost_ticks) FILTER (WHERE charge = 'possible'), 0), 0)
        FROM attempts
        WHERE attempts.task_id = ended_task AND charge <> 'none' AND cost_ticks IS NOT NULL
        GROUP BY cost_currency
    ) AS part
    WHERE tasks.task_id = ended_task
    ORDER BY currency
    ON CONFLICT (quarter, provider_name, model_id, currency, lane) DO UPDATE SET
        tasks = usage_totals.tasks + excluded.tasks, images = usage_totals.images + excluded.images,
        unknown_attempts = usage_totals.unknown_attempts + excluded.unknown_attempts,
        known = add_ticks(usage_totals.known, excluded.known),
        estimated = add_ticks(usage_totals.estimated, excluded.estimated),
        possible = add_ticks(usage_totals.possible, excluded.possible)
$$;


--
-- Name: alive_nodes(text, interval); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.alive_nodes(observer text, dead_after interval) RETURNS SETOF text
    LANGUAGE sql STABLE
    AS $$
    SELECT node FROM nodes
    WHERE heard_at >= now() - dead_after
        OR NOT EXISTS (
            SELECT FROM nodes AS mine
            WHERE mine.node = observer AND can_tell_from <= now() AND heard_at >= now() - dead_after / 2
        )
$$;


--
-- Name: ask_for_place(text, text, text, integer, interval); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ask_for_place(new_token text, of_resource text, asking text, of_capacity integer, dead_after interval, OUT is_granted boolean, OUT woken text[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM lock_resource(of_resource);
    DELETE FROM places WHERE seq IN (
        SELECT seq FROM places WHERE node NOT IN (SELECT alive_nodes(asking, dead_after)) FOR UPDATE SKIP LOCKED
    );
    INSERT INTO places (token, resource, node, capacity) VALUES (new_token, of_resource, asking, of_capacity)
    ON CONFLICT (token) DO NOTHING;
    woken := ARRAY(SELECT grant_places(of_resource));
    SELECT granted INTO is_granted FROM places WHERE token = new_token;
END
$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: tasks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tasks (
    seq bigint NOT NULL,
    task_id text NOT NULL COLLATE pg_catalog."C",
    operation text NOT NULL,
    prompt text NOT NULL,
    params json NOT NULL,
    inputs json NOT NULL,
    provider_name text NOT NULL COLLATE pg_catalog."C",
    model_id text NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    config_snapshot json NOT NULL,
    override text,
    max_retries integer NOT NULL,
    progress double precision,
    attempts integer NOT NULL,
    retries integer NOT NULL,
    rescues integer NOT NULL,
    warnings json NOT NULL,
    failure json,
    cancel_requested boolean NOT NULL,
    not_before timestamp(3) with time zone,
    locked boolean NOT NULL,
    owner text COLLATE pg_catalog."C",
    epoch integer NOT NULL,
    retry_of text,
    created_at timestamp(3) with time zone NOT NULL,
    started_at timestamp(3) with time zone,
    completed_at timestamp(3) with time zone,
    changed_by bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='70');
ALTER TABLE ONLY public.tasks ALTER COLUMN status SET STATISTICS 0;
ALTER TABLE ONLY public.tasks ALTER COLUMN not_before SET STATISTICS 0;


--
-- Name: claim_tasks(text, integer, timestamp with time zone, timestamp with time zone, json); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.claim_tasks(claimer text, most integer, now timestamp with time zone, beyond timestamp with time zone, provider_limits json) RETURNS SETOF public.tasks
    LANGUAGE plpgsql
    AS $$
DECLARE
    oldest bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imagegen.claim_tasks'), provider) FROM (
        SELECT DISTINCT hashtext(name) AS provider FROM json_object_keys(provider_limits) AS name
        ORDER BY provider  -- so that no two claims wait for each other
    ) AS providers;
    PERFORM release_due_tasks(now, beyond);
    oldest := ARRAY(
        SELECT candidate.seq FROM json_each_text(provider_limits) AS provider (name, processing_limit)
        CROSS JOIN LATERAL (
            SELECT seq FROM tasks
            WHERE status = 'pending' AND not_before IS NULL AND provider_name = provider.name
            ORDER BY seq LIMIT least(most, greatest(0, processing_limit::bigint - (
                SELECT count(*) FROM tasks WHERE status = 'processing' AND provider_name = provider.name
            )))
        ) AS candidate
        ORDER BY candidate.seq LIMIT most
    );
    RETURN QUERY
    WITH free AS MATERIALIZED (
        SELECT seq, status, not_before FROM tasks WHERE seq = ANY (oldest) FOR UPDATE SKIP LOCKED
    )
    UPDATE tasks SET
        status = 'processing', locked = false, owner = claimer, epoch = epoch + 1,
        started_at = coalesce(started_at, now)
    FROM free WHERE tasks.seq = free.seq AND free.status = 'pending' AND free.not_before IS NULL
    RETURNING tasks.*;
END
$$;


--
-- Name: count_by_quarter(text[], text[], text[], text[], text[], timestamp with time zone, timestamp with time zone, bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_by_quarter(tokens text[], patterns text[], words text[], facets text[], marks text[], since timestamp with time zone, until timestamp with time zone, buckets bigint[]) RETURNS TABLE(bucket bigint, quarters bigint[], counts bigint[])
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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


--
-- Name: count_deleted_images(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_deleted_images() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO image_buckets AS counts (bucket, shard, deleted)
    SELECT id >> 14, pg_backend_pid() & 15, count(*) FROM changed GROUP BY 1
    ON CONFLICT (bucket, shard) DO UPDATE SET deleted = counts.deleted + excluded.deleted;
    RETURN NULL;
END
$$;


--
-- Name: count_deleted_members(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_deleted_members() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE collections SET images = collections.images - counts.images
    FROM (SELECT collection_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = collection_id;
    PERFORM mark_images(array_agg('collection' || collection_id), array_agg(image_id), false) FROM changed;
    RETURN NULL;
END
$$;


--
-- Name: count_deleted_tags(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_deleted_tags() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE tags SET images = tags.images - counts.images
    FROM (SELECT tag_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = tag_id;
    DELETE FROM tags WHERE images = 0 AND id IN (SELECT tag_id FROM changed);
    PERFORM mark_images(array_agg('tag' || tag_id), array_agg(image_id), false) FROM changed;
    RETURN NULL;
END
$$;


--
-- Name: count_images(text[], text[], text[], text[], text[], timestamp with time zone, timestamp with time zone, bigint[], bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_images(tokens text[], patterns text[], words text[], facets text[], marks text[], since timestamp with time zone, until timestamp with time zone, buckets bigint[], enough bigint) RETURNS TABLE(bucket bigint, images bigint)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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


--
-- Name: count_images_of_quarters(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_images_of_quarters() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: count_new_images(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_new_images() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: count_new_members(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_new_members() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE collections SET images = collections.images + counts.images
    FROM (SELECT collection_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = collection_id;
    PERFORM mark_images(array_agg('collection' || collection_id), array_agg(image_id), true) FROM changed;
    RETURN NULL;
END
$$;


--
-- Name: count_new_tags(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_new_tags() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE tags SET images = tags.images + counts.images
    FROM (SELECT tag_id, count(*) AS images FROM changed GROUP BY 1) AS counts WHERE id = tag_id;
    PERFORM mark_images(array_agg('tag' || tag_id), array_agg(image_id), true) FROM changed;
    RETURN NULL;
END
$$;


--
-- Name: count_pending_tasks(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_pending_tasks() RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    pending bigint;
    processing bigint;
BEGIN
    SELECT
        (SELECT count(*) FROM tasks WHERE status = 'pending' AND not_before IS NULL)
            + (SELECT count(*) FROM tasks WHERE status = 'pending' AND not_before IS NOT NULL),
        (SELECT count(*) FROM tasks WHERE status = 'processing')
    INTO pending, processing;
    INSERT INTO queue_counts (unfinished, newest_seq)
    SELECT pending + processing, CASE WHEN is_called THEN last_value ELSE 0 END FROM tasks_seq_seq
    ON CONFLICT (only_row) DO UPDATE SET
        unfinished = excluded.unfinished, newest_seq = excluded.newest_seq;
    RETURN pending;
END
$$;


--
-- Name: image_texts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_texts (
    id bigint NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    folded text NOT NULL COLLATE pg_catalog."C",
    provider_name text NOT NULL COLLATE pg_catalog."C",
    model_id text NOT NULL COLLATE pg_catalog."C",
    operation text NOT NULL COLLATE pg_catalog."C",
    folding text COLLATE pg_catalog."C"
);


--
-- Name: entries_among(bigint[], text[], text[], timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.entries_among(ids bigint[], words text[], facets text[], since timestamp with time zone, until timestamp with time zone) RETURNS SETOF public.image_texts
    LANGUAGE sql STABLE
    AS $$
    SELECT * FROM image_texts
    WHERE id = ANY (ids) AND folded LIKE ALL (words)
        AND provider_name = coalesce(facets[1], provider_name) AND model_id = coalesce(facets[2], model_id)
        AND operation = coalesce(facets[3], operation)
        AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
$$;


--
-- Name: entries_between(bigint, bigint, text[], text[], timestamp with time zone, timestamp with time zone, bit varying); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.entries_between(low bigint, high bigint, words text[], facets text[], since timestamp with time zone, until timestamp with time zone, marked bit varying) RETURNS SETOF public.image_texts
    LANGUAGE sql STABLE
    AS $$
    SELECT * FROM image_texts
    WHERE id BETWEEN low AND high AND (marked IS NULL OR get_bit(marked, (id & 65535)::integer) = 1)
        AND provider_name = coalesce(facets[1], provider_name) AND model_id = coalesce(facets[2], model_id)
        AND operation = coalesce(facets[3], operation) AND folded LIKE ALL (words)
        AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
$$;


--
-- Name: entries_with(text[], bigint, bigint, text[], timestamp with time zone, timestamp with time zone, bit varying); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.entries_with(tokens text[], low bigint, high bigint, patterns text[], since timestamp with time zone, until timestamp with time zone, marked bit varying) RETURNS SETOF public.image_texts
    LANGUAGE sql STABLE
    AS $$
    SELECT * FROM image_texts
    WHERE image_tokens(id, folded, provider_name, model_id, operation) @> tokens
        AND id + 0 BETWEEN low AND high AND (marked IS NULL OR get_bit(marked, (id & 65535)::integer) = 1)
        AND folded LIKE ALL (patterns)
        AND (since IS NULL OR created_at >= since) AND (until IS NULL OR created_at < until)
$$;


--
-- Name: few_marked(bit varying, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.few_marked(marked bit varying, large_bucket bigint) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE WHEN bit_count(marked) < 1000 THEN ARRAY(
        SELECT (large_bucket << 16) + part * 64 + place
        FROM generate_series(0, 1023) AS part, generate_series(0, 63) AS place
        WHERE substring(marked FROM part * 64 + 1 FOR 64) <> 0::bit(64) AND get_bit(marked, part * 64 + place) = 1
    ) END
$$;


--
-- Name: find_images(text[], text[], text[], text[], text[], timestamp with time zone, timestamp with time zone, bigint, bigint, bigint, bigint, text[], bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.find_images(tokens text[], patterns text[], words text[], facets text[], marks text[], since timestamp with time zone, until timestamp with time zone, low bigint, high bigint, skipped bigint, wanted bigint, unlike text[], enough bigint) RETURNS TABLE(id bigint, folded text)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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


--
-- Name: find_oldest_image(text[], text[], text[], text[], text[], timestamp with time zone, timestamp with time zone, bigint, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.find_oldest_image(tokens text[], patterns text[], words text[], facets text[], marks text[], since timestamp with time zone, until timestamp with time zone, low bigint, high bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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


--
-- Name: find_texts(text[], text[], text[], text[], text[], bigint[], bigint, timestamp with time zone, timestamp with time zone, text[], bigint, bigint, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.find_texts(sets text[], patterns text[], facet_tokens text[], facets text[], marks text[], lows bigint[], high bigint, since timestamp with time zone, until timestamp with time zone, words text[], examined bigint, wanted bigint, enough bigint) RETURNS TABLE(id bigint, folded text)
    LANGUAGE plpgsql STABLE
    AS $$
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


--
-- Name: finish_file(bigint, text, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.finish_file(finished bigint, new_key text, size bigint) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    its_store constant text := (SELECT store FROM files WHERE file_id = finished);
BEGIN
    IF its_store IS NULL OR size <> (
        SELECT coalesce(sum(octet_length(content)), 0) FROM file_chunks WHERE file_id = finished
    ) THEN
        RETURN false;
    END IF;
    -- Of two who give a new key at the same time, neither would see the file of the other.
    PERFORM pg_advisory_xact_lock(hashtextextended(its_store || '/' || new_key, 0));
    UPDATE files SET key = NULL, written_at = now()
    WHERE store = its_store AND key = new_key AND file_id <> finished;
    UPDATE files SET key = new_key, size_bytes = size, written_at = now() WHERE file_id = finished;
    RETURN FOUND;
END
$$;


--
-- Name: forget_lineage(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.forget_lineage() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM image_lineage WHERE parent_id = OLD.id;
    DELETE FROM image_lineage WHERE child_id = OLD.id;
    RETURN NULL;
END
$$;


--
-- Name: free_place(text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.free_place(old_token text, of_resource text) RETURNS SETOF text
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM lock_resource(of_resource);
    DELETE FROM places WHERE token = old_token;
    RETURN QUERY SELECT grant_places(of_resource);
END
$$;


--
-- Name: grant_places(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.grant_places(of_resource text) RETURNS SETOF text
    LANGUAGE plpgsql
    AS $$
DECLARE
    taken bigint := (SELECT count(*) FROM places WHERE resource = of_resource AND granted);
    next_one places;
BEGIN
    FOR next_one IN SELECT * FROM places WHERE resource = of_resource AND NOT granted ORDER BY seq LOOP
        EXIT WHEN taken >= next_one.capacity;
        UPDATE places SET granted = true WHERE seq = next_one.seq;
        taken := taken + 1;
        RETURN NEXT next_one.token;
    END LOOP;
END
$$;


--
-- Name: image_tokens(bigint, text, text, text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.image_tokens(id bigint, folded text, provider_name text, model_id text, operation text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
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
$_$;


--
-- Name: in_bucket(bigint, text[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.in_bucket(bucket bigint, tokens text[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT array_agg(bucket || '#' || token) FROM unnest(tokens) AS token
$$;


--
-- Name: json_of_string(json); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.json_of_string(quoted json) RETURNS json
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT (quoted #>> '{}')::json
$$;


--
-- Name: lock_resource(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_resource(resource text) RETURNS void
    LANGUAGE sql
    AS $$
    SELECT pg_advisory_xact_lock(hashtext('imagegen.places'), hashtext(resource))
$$;


--
-- Name: mark_images(text[], bigint[], boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.mark_images(marks text[], ids bigint[], present boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: marked_in(bigint, text[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.marked_in(large_bucket bigint, marks text[]) RETURNS bit varying
    LANGUAGE plpgsql STABLE
    AS $$
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


--
-- Name: move_files(text, text, text[], text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.move_files(from_store text, folder text, names text[], to_store text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    moved constant text[] := ARRAY(SELECT folder || '/' || name FROM unnest(names) AS name);
BEGIN
    DELETE FROM files AS earlier USING files AS later
    WHERE earlier.store = to_store AND earlier.key = ANY (moved)
        AND later.store = from_store AND later.key = earlier.key;
    UPDATE files SET store = to_store WHERE store = from_store AND key = ANY (moved);
    DELETE FROM files WHERE store = from_store AND key >= folder || '/' AND key < folder || '0';
END
$$;


--
-- Name: note_change(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.changed_by := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END
$$;


--
-- Name: note_changed_favourites(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_changed_favourites() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM mark_images(array_agg('favourite'::text), array_agg(id), favourite)
    FROM (SELECT id, favourite FROM later EXCEPT SELECT id, favourite FROM earlier) AS changed GROUP BY favourite;
    RETURN NULL;
END
$$;


--
-- Name: note_deleted_favourites(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_deleted_favourites() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM mark_images(array_agg('favourite'::text), array_agg(id), false) FROM changed WHERE favourite HAVING count(*) > 0;
    RETURN NULL;
END
$$;


--
-- Name: note_new_favourites(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_new_favourites() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM mark_images(array_agg('favourite'::text), array_agg(id), true) FROM changed WHERE favourite HAVING count(*) > 0;
    RETURN NULL;
END
$$;


--
-- Name: note_parents(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_parents() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: oldest_transaction(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.oldest_transaction() RETURNS bigint
    LANGUAGE sql STABLE
    AS $$
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint
$$;


--
-- Name: publish_events(json); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.publish_events(additions json) RETURNS SETOF bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    addition events;
    last_kind text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imagegen.add_event'), task) FROM (
        SELECT DISTINCT hashtext(task_id) AS task FROM json_populate_recordset(NULL::events, additions)
        ORDER BY task
    ) AS tasks;
    FOR addition IN SELECT * FROM json_populate_recordset(NULL::events, additions) LOOP
        last_kind := (SELECT kind FROM events WHERE task_id = addition.task_id ORDER BY id DESC LIMIT 1);
        IF last_kind IN ('completed', 'failed', 'cancelled') THEN
            RETURN NEXT NULL::bigint;
        ELSE
            RETURN NEXT add_event(
                addition.task_id, addition.kind, addition.at, json_of_string(addition.data)
            );
        END IF;
    END LOOP;
END
$$;


--
-- Name: purge_progress(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.purge_progress(before timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM events USING (
        SELECT id FROM events WHERE kind = 'progress' AND at < before LIMIT 1000 FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE events.id = old.id;
END
$$;


--
-- Name: queue_demand(timestamp with time zone, timestamp with time zone, integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.queue_demand(now timestamp with time zone, beyond timestamp with time zone, most integer) RETURNS TABLE(name text, processing bigint, next_due timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM release_due_tasks(now, beyond);
    RETURN QUERY
    WITH RECURSIVE ready (provider) AS (
        SELECT min(provider_name) FROM tasks WHERE status = 'pending' AND not_before IS NULL
        UNION ALL
        SELECT (
            SELECT min(provider_name) FROM tasks
            WHERE status = 'pending' AND not_before IS NULL AND provider_name > ready.provider
        ) FROM ready WHERE ready.provider IS NOT NULL
    ), due AS (
        SELECT provider, (
            SELECT min(seq) FROM tasks
            WHERE status = 'pending' AND not_before IS NULL AND provider_name = ready.provider
        ) AS oldest
        FROM ready WHERE provider IS NOT NULL ORDER BY oldest LIMIT most
    )
    SELECT due.provider::text, (
        SELECT count(*) FROM tasks WHERE status = 'processing' AND provider_name = due.provider
    ), deferred.earliest
    FROM (
        SELECT min(not_before)::timestamptz AS earliest FROM tasks
        WHERE status = 'pending' AND not_before IS NOT NULL
    ) AS deferred LEFT JOIN due ON true
    ORDER BY due.oldest;
END
$$;


--
-- Name: release_due_tasks(timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.release_due_tasks(now timestamp with time zone, beyond timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE tasks SET not_before = NULL FROM (
        SELECT seq FROM tasks
        WHERE status = 'pending' AND not_before IS NOT NULL AND (not_before <= now OR not_before > beyond)
        FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE tasks.seq = due.seq;
END
$$;


--
-- Name: replace_entries(json, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.replace_entries(entries json, new_folding text) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: save_task(text, text, integer, text, json, json, json, json); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.save_task(id text, fence_owner text, fence_epoch integer, fence_status text, state json, new_attempts json, new_images json, final_event json, OUT outcome text, OUT image_ids bigint[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE
    task constant tasks := json_populate_record(NULL::tasks, state);
    event constant events := json_populate_record(NULL::events, final_event);
BEGIN
    IF state IS NULL AND new_images IS NULL THEN
        PERFORM FROM tasks
        WHERE task_id = id AND status IN ('pending', 'processing')
            AND owner IS NOT DISTINCT FROM fence_owner AND epoch = fence_epoch AND status = fence_status
        FOR SHARE;
    ELSIF state IS NULL THEN
        UPDATE tasks SET cancel_requested = cancel_requested -- nothing but that it has changed, by its images
        WHERE task_id = id AND status IN ('pending', 'processing')
            AND owner IS NOT DISTINCT FROM fence_owner AND epoch = fence_epoch AND status = fence_status;
    ELSE
        UPDATE tasks SET
            model_id = task.model_id, status = task.status,
            config_snapshot = json_of_string(task.config_snapshot), override = task.override,
            max_retries = task.max_retries, progress = task.progress, attempts = task.attempts,
            retries = task.retries, rescues = task.rescues, warnings = json_of_string(task.warnings),
            failure = json_of_string(task.failure),
            cancel_requested = cancel_requested OR task.cancel_requested, not_before = task.not_before,
            locked = task.locked, owner = task.owner, epoch = task.epoch, started_at = task.started_at,
            completed_at = task.completed_at
        WHERE task_id = id AND status IN ('pending', 'processing')
            AND owner IS NOT DISTINCT FROM fence_owner AND epoch = fence_epoch AND status = fence_status;
    END IF;
    IF NOT FOUND THEN
        outcome := CASE WHEN EXISTS (SELECT FROM tasks WHERE task_id = id) THEN 'stale' ELSE 'unknown' END;
        RETURN;
    END IF;
    outcome := 'saved';

    INSERT INTO attempts (
        attempt_id, task_id, number, part, phase, charge, job, receipt, failure, config, sealed_config,
        created_at, updated_at, response_name, response, price, cost_basis, cost_currency, cost_ticks
    )
    SELECT
        attempt_id, task_id, number, part, phase, charge, json_of_string(job), json_of_string(receipt),
        json_of_string(failure), config, sealed_config, created_at, updated_at, response_name, response, price,
        cost_basis, cost_currency, cost_ticks
    FROM json_populate_recordset(NULL::attempts, new_attempts)
    ON CONFLICT (attempt_id) DO UPDATE SET
        phase = excluded.phase, charge = excluded.charge, job = excluded.job, receipt = excluded.receipt,
        failure = excluded.failure, config = excluded.config, sealed_config = excluded.sealed_config,
        updated_at = excluded.updated_at, response_name = excluded.response_name,
        response = excluded.response, price = excluded.price, cost_basis = excluded.cost_basis,
        cost_currency = excluded.cost_currency, cost_ticks = excluded.cost_ticks;

    IF new_images IS NOT NULL THEN
        image_ids := add_images(new_images);
        PERFORM add_event(id, 'image', created_at, json_build_object('image_id', image_id)) FROM (
            SELECT images.id AS image_id, created_at FROM images WHERE images.id = ANY (image_ids)
            ORDER BY images.id
        ) AS added;
    END IF;

    IF final_event IS NOT NULL THEN
        UPDATE attempts SET config = NULL, sealed_config = NULL, price = NULL,
            response = CASE WHEN phase IN ('stored', 'failed') THEN response END
        WHERE task_id = id AND (
            config IS NOT NULL OR sealed_config IS NOT NULL OR price IS NOT NULL
            OR response IS NOT NULL AND phase NOT IN ('stored', 'failed')
        );
        PERFORM add_event(id, event.kind, event.at, json_of_string(event.data));
        PERFORM add_usage(id, event.at);
        PERFORM purge_progress(event.at - interval '1 day');
    END IF;
END
$$;


--
-- Name: attempts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.attempts (
    seq bigint NOT NULL,
    attempt_id text NOT NULL COLLATE pg_catalog."C",
    task_id text NOT NULL COLLATE pg_catalog."C",
    number integer NOT NULL,
    part integer NOT NULL,
    phase text NOT NULL,
    charge text NOT NULL,
    job json,
    receipt json,
    failure json,
    created_at timestamp(3) with time zone NOT NULL,
    updated_at timestamp(3) with time zone NOT NULL,
    config text,
    sealed_config text,
    response_name text,
    response bytea,
    price text,
    cost_basis text,
    cost_currency text COLLATE pg_catalog."C",
    cost_ticks bigint
);


--
-- Name: attempts_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.attempts ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.attempts_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: collection_images; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.collection_images (
    collection_id bigint NOT NULL,
    image_id bigint NOT NULL
);


--
-- Name: collections; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.collections (
    id bigint NOT NULL,
    name text NOT NULL,
    folded text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp(3) with time zone NOT NULL,
    images bigint DEFAULT 0 NOT NULL
);


--
-- Name: collections_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.collections ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.collections_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events (
    id bigint NOT NULL,
    task_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    at timestamp(3) with time zone NOT NULL,
    data json NOT NULL
);


--
-- Name: events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: file_chunks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.file_chunks (
    file_id bigint NOT NULL,
    starts_at bigint NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE ONLY public.file_chunks ALTER COLUMN content SET STORAGE EXTERNAL;


--
-- Name: files; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.files (
    file_id bigint NOT NULL,
    store text NOT NULL COLLATE pg_catalog."C",
    key text COLLATE pg_catalog."C",
    size_bytes bigint,
    written_at timestamp(3) with time zone DEFAULT now() NOT NULL
);


--
-- Name: files_file_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.files ALTER COLUMN file_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.files_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    scope text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    body_sha256 text NOT NULL,
    task_id text NOT NULL COLLATE pg_catalog."C",
    expires_at timestamp(3) with time zone NOT NULL,
    answered_at timestamp(3) with time zone
);


--
-- Name: image_buckets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_buckets (
    bucket bigint NOT NULL,
    shard integer NOT NULL,
    added bigint DEFAULT 0 NOT NULL,
    deleted bigint DEFAULT 0 NOT NULL,
    marked bigint DEFAULT 0 NOT NULL,
    first_day integer,
    last_day integer
)
WITH (fillfactor='50');


--
-- Name: image_lineage; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_lineage (
    parent_id bigint NOT NULL,
    child_id bigint NOT NULL,
    "position" integer NOT NULL
);


--
-- Name: image_quarters; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_quarters (
    quarter bigint NOT NULL,
    provider_name text NOT NULL COLLATE pg_catalog."C",
    model_id text NOT NULL COLLATE pg_catalog."C",
    operation text NOT NULL COLLATE pg_catalog."C",
    lane smallint NOT NULL,
    images bigint NOT NULL
)
WITH (fillfactor='70');


--
-- Name: image_tags; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_tags (
    image_id bigint NOT NULL,
    tag_id bigint NOT NULL,
    "position" integer NOT NULL
);


--
-- Name: images; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.images (
    id bigint NOT NULL,
    task_id text NOT NULL COLLATE pg_catalog."C",
    attempt_id text NOT NULL COLLATE pg_catalog."C",
    "position" integer NOT NULL,
    operation text NOT NULL,
    prompt text NOT NULL,
    provider_name text NOT NULL,
    model_id text NOT NULL,
    mime_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    vendor_sha256 text,
    crc64 text,
    blob_key text NOT NULL COLLATE pg_catalog."C",
    thumbnail_key text COLLATE pg_catalog."C",
    storage text NOT NULL COLLATE pg_catalog."C",
    params json NOT NULL,
    metadata json NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    cost_basis text,
    cost_currency text,
    cost_ticks bigint,
    favourite boolean DEFAULT false NOT NULL
);


--
-- Name: images_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.images ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.images_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: installation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.installation (
    is_only boolean DEFAULT true NOT NULL,
    id text NOT NULL,
    CONSTRAINT installation_is_only_check CHECK (is_only)
);


--
-- Name: marked_images; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.marked_images (
    mark text NOT NULL COLLATE pg_catalog."C",
    bucket bigint NOT NULL,
    images bit(16384) NOT NULL
);
ALTER TABLE ONLY public.marked_images ALTER COLUMN images SET STORAGE MAIN;


--
-- Name: master_key_witness; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.master_key_witness (
    is_only boolean DEFAULT true NOT NULL,
    token text NOT NULL,
    CONSTRAINT master_key_witness_is_only_check CHECK (is_only)
);


--
-- Name: moves; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.moves (
    id boolean DEFAULT true NOT NULL,
    source text NOT NULL,
    started_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    images_through bigint DEFAULT 0 NOT NULL,
    finished_at timestamp(3) with time zone,
    CONSTRAINT moves_id_check CHECK (id)
);


--
-- Name: nodes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.nodes (
    node text NOT NULL COLLATE pg_catalog."C",
    heard_at timestamp with time zone NOT NULL,
    can_tell_from timestamp with time zone NOT NULL,
    host text DEFAULT ''::text NOT NULL,
    roles text[] DEFAULT '{}'::text[] NOT NULL,
    version text DEFAULT ''::text NOT NULL
)
WITH (fillfactor='50');


--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    blob_key text NOT NULL COLLATE pg_catalog."C",
    image_id bigint,
    attempts integer DEFAULT 0 NOT NULL,
    not_before timestamp(3) with time zone,
    last_error json,
    created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
    CONSTRAINT outbox_kind_check CHECK ((kind = ANY (ARRAY['upload'::text, 'remove'::text])))
);


--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: places; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.places (
    seq bigint NOT NULL,
    token text NOT NULL COLLATE pg_catalog."C",
    resource text NOT NULL COLLATE pg_catalog."C",
    node text NOT NULL COLLATE pg_catalog."C",
    capacity integer NOT NULL,
    granted boolean DEFAULT false NOT NULL
)
WITH (fillfactor='50');


--
-- Name: places_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.places ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.places_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: provider_configs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_configs (
    provider_name text NOT NULL COLLATE pg_catalog."C",
    kind text,
    display_name text,
    api_base text,
    api_key text,
    key_origin text,
    models json,
    enabled boolean,
    timeout_seconds double precision,
    max_retries integer,
    extra_config json NOT NULL,
    sealed_extra text,
    created_at timestamp(3) with time zone,
    updated_at timestamp(3) with time zone
);


--
-- Name: queue_counts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.queue_counts (
    only_row boolean DEFAULT true NOT NULL,
    unfinished bigint NOT NULL,
    newest_seq bigint NOT NULL,
    CONSTRAINT queue_counts_only_row_check CHECK (only_row)
);


--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    name text NOT NULL COLLATE pg_catalog."C",
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: settings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.settings (
    name text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL
);


--
-- Name: tags; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tags (
    id bigint NOT NULL,
    name text NOT NULL,
    folded text NOT NULL COLLATE pg_catalog."C",
    images bigint DEFAULT 0 NOT NULL
);


--
-- Name: tags_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.tags ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tags_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: tasks_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.tasks ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tasks_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: usage_totals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.usage_totals (
    quarter bigint NOT NULL,
    provider_name text NOT NULL COLLATE pg_catalog."C",
    model_id text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    lane smallint DEFAULT 0 NOT NULL,
    tasks bigint NOT NULL,
    images bigint NOT NULL,
    unknown_attempts bigint NOT NULL,
    known bigint NOT NULL,
    estimated bigint NOT NULL,
    possible bigint NOT NULL
)
WITH (fillfactor='70');


--
-- Data for Name: attempts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.attempts OVERRIDING SYSTEM VALUE VALUES (1, '01a22a1f-3e0a-7638-976e-624ac462f98c', '01a22a1f-3ded-77d3-8845-90ccab874ebb', 1, 0, 'reserved', 'certain', NULL, NULL, NULL, '2026-11-24 04:30:00.123-03:30', '2026-11-24 04:30:00.123-03:30', NULL, NULL, NULL, NULL, NULL, 'known', 'USD', 12345);
INSERT INTO public.attempts OVERRIDING SYSTEM VALUE VALUES (3, '01a22a1f-3e4f-74f7-b150-956299babfca', '01a22a1f-3e4d-7042-98bb-23ad9012a884', 1, 0, 'reserved', 'certain', NULL, NULL, NULL, '2026-11-24 04:30:00.123-03:30', '2026-11-24 04:30:00.123-03:30', NULL, NULL, NULL, NULL, NULL, 'known', 'USD', 12345);
INSERT INTO public.attempts OVERRIDING SYSTEM VALUE VALUES (5, '01a22a1f-3ea0-706d-9860-d4c2011dddc5', '01a22a1f-3e9e-754c-81d7-d63deba54ab5', 1, 0, 'reserved', 'certain', NULL, NULL, NULL, '2026-11-24 04:30:00.123-03:30', '2026-11-24 04:30:00.123-03:30', NULL, NULL, NULL, NULL, NULL, 'known', 'USD', 12345);


--
-- Data for Name: collection_images; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.collection_images VALUES (1, 1);
INSERT INTO public.collection_images VALUES (1, 2);


--
-- Data for Name: collections; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.collections OVERRIDING SYSTEM VALUE VALUES (1, '家', '家', '2026-11-24 04:30:00.123-03:30', 2);


--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events OVERRIDING SYSTEM VALUE VALUES (1, '01a22a1f-3ded-77d3-8845-90ccab874ebb', 'image', '2026-11-24 04:30:00.123-03:30', '{"image_id" : 1}');
INSERT INTO public.events OVERRIDING SYSTEM VALUE VALUES (2, '01a22a1f-3ded-77d3-8845-90ccab874ebb', 'image', '2026-11-24 04:30:00.123-03:30', '{"image_id" : 2}');
INSERT INTO public.events OVERRIDING SYSTEM VALUE VALUES (3, '01a22a1f-3ded-77d3-8845-90ccab874ebb', 'completed', '2026-11-24 04:30:20.123-03:30', '{}');
INSERT INTO public.events OVERRIDING SYSTEM VALUE VALUES (4, '01a22a1f-3e4d-7042-98bb-23ad9012a884', 'image', '2026-11-24 04:30:00.123-03:30', '{"image_id" : 3}');
INSERT INTO public.events OVERRIDING SYSTEM VALUE VALUES (5, '01a22a1f-3e4d-7042-98bb-23ad9012a884', 'image', '2026-11-24 04:30:00.123-03:30', '{"image_id" : 4}');
INSERT INTO public.events OVERRIDING SYSTEM VALUE VALUES (6, '01a22a1f-3e4d-7042-98bb-23ad9012a884', 'failed', '2026-11-24 04:30:21.123-03:30', '{"error":"outcome_unknown"}');
INSERT INTO public.events OVERRIDING SYSTEM VALUE VALUES (7, '01a22a1f-3e9e-754c-81d7-d63deba54ab5', 'image', '2026-11-24 04:30:00.123-03:30', '{"image_id" : 5}');
INSERT INTO public.events OVERRIDING SYSTEM VALUE VALUES (8, '01a22a1f-3e9e-754c-81d7-d63deba54ab5', 'image', '2026-11-24 04:30:00.123-03:30', '{"image_id" : 6}');


--
-- Data for Name: file_chunks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.file_chunks VALUES (1, 0, '\x0001726573706f6e7365');


--
-- Data for Name: files; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.files OVERRIDING SYSTEM VALUE VALUES (1, 'spool', 'task.attempt/response', 10, '2026-11-29 22:13:40.478-03:30');


--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.idempotency_keys VALUES ('token/generate', 'k1', 'aa', '01a22a1f-3ded-77d3-8845-90ccab874ebb', '2026-11-25 04:30:00.123-03:30', NULL);
INSERT INTO public.idempotency_keys VALUES ('token/generate', 'k2', 'aa', '01a22a1f-3e4d-7042-98bb-23ad9012a884', '2026-11-25 04:30:00.123-03:30', NULL);
INSERT INTO public.idempotency_keys VALUES ('token/generate', 'k3', 'aa', '01a22a1f-3e9e-754c-81d7-d63deba54ab5', '2026-11-25 04:30:00.123-03:30', NULL);


--
-- Data for Name: image_buckets; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.image_buckets VALUES (0, 13, 6, 1, 6, 20781, 20781);


--
-- Data for Name: image_lineage; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: image_quarters; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.image_quarters VALUES (1995008, 'demo', 'demo-1', 'generate', 13, 5);


--
-- Data for Name: image_tags; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.image_tags VALUES (2, 1, 0);
INSERT INTO public.image_tags VALUES (1, 1, 0);


--
-- Data for Name: image_texts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.image_texts VALUES (1, '2026-11-24 04:30:00.123-03:30', '一只可爱的猫', 'demo', 'demo-1', 'generate', '1-da555a0fc9b6c794');
INSERT INTO public.image_texts VALUES (2, '2026-11-24 04:30:00.123-03:30', '一只可爱的猫', 'demo', 'demo-1', 'generate', '1-da555a0fc9b6c794');
INSERT INTO public.image_texts VALUES (4, '2026-11-24 04:30:00.123-03:30', '雨中的猫 in the rain', 'demo', 'demo-1', 'generate', '1-da555a0fc9b6c794');
INSERT INTO public.image_texts VALUES (5, '2026-11-24 04:30:00.123-03:30', '两只狗', 'demo', 'demo-1', 'generate', '1-da555a0fc9b6c794');
INSERT INTO public.image_texts VALUES (6, '2026-11-24 04:30:00.123-03:30', '两只狗', 'demo', 'demo-1', 'generate', '1-da555a0fc9b6c794');


--
-- Data for Name: images; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.images OVERRIDING SYSTEM VALUE VALUES (4, '01a22a1f-3e4d-7042-98bb-23ad9012a884', '01a22a1f-3e4f-74f7-b150-956299babfca', 1, 'generate', '雨中的猫 in the rain', 'demo', 'demo-1', 'image/png', 64, 48, 1234, 'abababababababababababababababababababababababababababababababab', NULL, '18446744073709551615', 'images/01a22a1f-3e4f-74f7-b150-956299babfca-1.png', 'thumbnails/01a22a1f-3e4f-74f7-b150-956299babfca-1.webp', 'local', '{"seed":7}', '{"revised_prompt":"a cat"}', '2026-11-24 04:30:00.123-03:30', NULL, NULL, NULL, false);
INSERT INTO public.images OVERRIDING SYSTEM VALUE VALUES (5, '01a22a1f-3e9e-754c-81d7-d63deba54ab5', '01a22a1f-3ea0-706d-9860-d4c2011dddc5', 0, 'generate', '两只狗', 'demo', 'demo-1', 'image/png', 64, 48, 1234, 'abababababababababababababababababababababababababababababababab', NULL, '18446744073709551615', 'images/01a22a1f-3ea0-706d-9860-d4c2011dddc5-0.png', 'thumbnails/01a22a1f-3ea0-706d-9860-d4c2011dddc5-0.webp', 'local', '{"seed":7}', '{"revised_prompt":"a cat"}', '2026-11-24 04:30:00.123-03:30', NULL, NULL, NULL, false);
INSERT INTO public.images OVERRIDING SYSTEM VALUE VALUES (6, '01a22a1f-3e9e-754c-81d7-d63deba54ab5', '01a22a1f-3ea0-706d-9860-d4c2011dddc5', 1, 'generate', '两只狗', 'demo', 'demo-1', 'image/png', 64, 48, 1234, 'abababababababababababababababababababababababababababababababab', NULL, '18446744073709551615', 'images/01a22a1f-3ea0-706d-9860-d4c2011dddc5-1.png', 'thumbnails/01a22a1f-3ea0-706d-9860-d4c2011dddc5-1.webp', 'local', '{"seed":7}', '{"revised_prompt":"a cat"}', '2026-11-24 04:30:00.123-03:30', NULL, NULL, NULL, false);
INSERT INTO public.images OVERRIDING SYSTEM VALUE VALUES (1, '01a22a1f-3ded-77d3-8845-90ccab874ebb', '01a22a1f-3e0a-7638-976e-624ac462f98c', 0, 'generate', '一只可爱的猫', 'demo', 'demo-1', 'image/png', 64, 48, 1234, 'abababababababababababababababababababababababababababababababab', NULL, '18446744073709551615', 'images/01a22a1f-3e0a-7638-976e-624ac462f98c-0.png', 'thumbnails/01a22a1f-3e0a-7638-976e-624ac462f98c-0.webp', 'local', '{"seed":7}', '{"revised_prompt":"a cat"}', '2026-11-24 04:30:00.123-03:30', NULL, NULL, NULL, true);
INSERT INTO public.images OVERRIDING SYSTEM VALUE VALUES (2, '01a22a1f-3ded-77d3-8845-90ccab874ebb', '01a22a1f-3e0a-7638-976e-624ac462f98c', 1, 'generate', '一只可爱的猫', 'demo', 'demo-1', 'image/png', 64, 48, 1234, 'abababababababababababababababababababababababababababababababab', NULL, '18446744073709551615', 'images/01a22a1f-3e0a-7638-976e-624ac462f98c-1.png', 'thumbnails/01a22a1f-3e0a-7638-976e-624ac462f98c-1.webp', 'local', '{"seed":7}', '{"revised_prompt":"a cat"}', '2026-11-24 04:30:00.123-03:30', NULL, NULL, NULL, true);


--
-- Data for Name: installation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.installation VALUES (true, 'e2feb774-cf94-4b14-9b10-62d6f308745e');


--
-- Data for Name: marked_images; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.marked_images VALUES ('favourite', 0, B'0110000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO public.marked_images VALUES ('tag1', 0, B'0110000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO public.marked_images VALUES ('collection1', 0, B'0110000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000');


--
-- Data for Name: master_key_witness; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.master_key_witness VALUES (true, 'gAAAAABrDNTMkOyvH9_7e5hJGRb2Ntn-4p-zXcjvPc6EnIF-v1zkbs9VGR7wYR-wGIg-Zk7B04K-kBLPeLcEBtsAazGqANeFJJfEHp0tpqVDuNR-8xjgfkEag7HSg4jKEW3a5MGJ2nh4mUOUpDTNI6INRWG7Br53SAAyqlnHLPPH9pmkmEWgivokA7VGZQATfcp2rI0FqnpE');


--
-- Data for Name: moves; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: nodes; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: outbox; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (1, 'remove', 'images/01a22a1f-3e4f-74f7-b150-956299babfca-0.png', 3, 0, NULL, NULL, '2026-11-29 22:13:40.464-03:30');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, 'remove', 'thumbnails/01a22a1f-3e4f-74f7-b150-956299babfca-0.webp', 3, 0, NULL, NULL, '2026-11-29 22:13:40.464-03:30');


--
-- Data for Name: places; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: provider_configs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.provider_configs VALUES ('kept', 'openai-images', NULL, 'https://example.com/v1', 'gAAAAABrDNTMgsBEDndBdOIm7smuBs_Ay85uQOKxNzb-QPasOCeo1-OlmlreT5Rij_CLS8QMJ_yeDtsxRLxXMVLt1csghBje9AF5MkTzL7XkAx5DFgMYgVEvZIq5fX5aJ1U9zDC_G306PHIb7dsjDMSkEmfQnjCvreFd-JZTyPzp2qxGi1_KDtNsLmCI7er9IwfKdcf_vqEY2goEgkSLdqDC6v_AQAwqGGPf6bDTL4fTbFgoifrd3Gw=', 'https://example.com:443', NULL, NULL, NULL, NULL, '{}', NULL, '2026-11-24 04:30:00.123-03:30', '2026-11-24 04:30:00.123-03:30');


--
-- Data for Name: queue_counts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.queue_counts VALUES (true, 0, 0);


--
-- Data for Name: schema_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.schema_migrations VALUES ('0001_tables', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0002_search', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0003_tasks', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0004_queue', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0005_events', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0006_nodes', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0007_files', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0008_moves', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0009_installation', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0010_usage', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0011_changes', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0012_marked_images', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0013_lineage', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0014_image_quarters', '2026-11-29 22:13:40.134853-03:30');
INSERT INTO public.schema_migrations VALUES ('0015_settings', '2026-11-29 22:13:40.134853-03:30');


--
-- Data for Name: settings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.settings VALUES ('default_provider', 'kept');


--
-- Data for Name: tags; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.tags OVERRIDING SYSTEM VALUE VALUES (1, '猫', '猫', 2);


--
-- Data for Name: tasks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.tasks OVERRIDING SYSTEM VALUE VALUES (1, '01a22a1f-3ded-77d3-8845-90ccab874ebb', 'generate', '一只可爱的猫', '{"num":2,"seed":7}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo-1', 'completed', '{"api_base":"https://example.com/v1","timeout_seconds":60}', NULL, 3, 1, 0, 0, 0, '[]', NULL, false, NULL, false, NULL, 1, NULL, '2026-11-24 04:30:01.123-03:30', '2026-11-24 04:30:10.123-03:30', '2026-11-24 04:30:20.123-03:30', 735);
INSERT INTO public.tasks OVERRIDING SYSTEM VALUE VALUES (2, '01a22a1f-3e4d-7042-98bb-23ad9012a884', 'generate', '雨中的猫 in the rain', '{"num":2,"seed":7}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo-1', 'failed', '{"api_base":"https://example.com/v1","timeout_seconds":60}', NULL, 3, NULL, 0, 0, 0, '[]', '{"code":"outcome_unknown","retryable":false,"possible_charge":true,"upstream_status":null,"upstream_code":null,"message":"lost"}', false, NULL, false, NULL, 1, NULL, '2026-11-24 04:30:02.123-03:30', '2026-11-24 04:30:10.123-03:30', '2026-11-24 04:30:21.123-03:30', 740);
INSERT INTO public.tasks OVERRIDING SYSTEM VALUE VALUES (3, '01a22a1f-3e9e-754c-81d7-d63deba54ab5', 'generate', '两只狗', '{"num":2,"seed":7}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo-1', 'processing', '{"api_base":"https://example.com/v1","timeout_seconds":60}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, false, NULL, false, 'node-1', 1, NULL, '2026-11-24 04:30:03.123-03:30', '2026-11-24 04:30:10.123-03:30', NULL, 744);
INSERT INTO public.tasks OVERRIDING SYSTEM VALUE VALUES (4, '01a22a1f-3ea2-7679-8ee0-242b84840bfe', 'generate', '等待的任务', '{"num":2,"seed":7}', '{"references":[],"image":null,"mask":null}', 'demo', 'demo-1', 'pending', '{"api_base":"https://example.com/v1","timeout_seconds":60}', NULL, 3, NULL, 0, 0, 0, '[]', NULL, false, NULL, false, NULL, 0, NULL, '2026-11-24 04:30:30.123-03:30', NULL, NULL, 745);


--
-- Data for Name: usage_totals; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.usage_totals VALUES (1995008, 'demo', 'demo-1', '', 13, 2, 4, 0, 0, 0, 0);
INSERT INTO public.usage_totals VALUES (1995008, 'demo', 'demo-1', 'USD', 13, 0, 0, 0, 24690, 0, 0);


--
-- Name: attempts_seq_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.attempts_seq_seq', 6, true);


--
-- Name: collections_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.collections_id_seq', 1, true);


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.events_id_seq', 8, true);


--
-- Name: files_file_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.files_file_id_seq', 1, true);


--
-- Name: images_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.images_id_seq', 6, true);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_id_seq', 2, true);


--
-- Name: places_seq_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.places_seq_seq', 1, false);


--
-- Name: tags_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.tags_id_seq', 1, true);


--
-- Name: tasks_seq_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.tasks_seq_seq', 4, true);


--
-- Name: attempts attempts_attempt_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_attempt_id_key UNIQUE (attempt_id);


--
-- Name: attempts attempts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (seq);


--
-- Name: collection_images collection_images_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_images
    ADD CONSTRAINT collection_images_pkey PRIMARY KEY (collection_id, image_id);


--
-- Name: collections collections_folded_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collections
    ADD CONSTRAINT collections_folded_key UNIQUE (folded);


--
-- Name: collections collections_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collections
    ADD CONSTRAINT collections_pkey PRIMARY KEY (id);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);


--
-- Name: file_chunks file_chunks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.file_chunks
    ADD CONSTRAINT file_chunks_pkey PRIMARY KEY (file_id, starts_at);


--
-- Name: files files_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_pkey PRIMARY KEY (file_id);


--
-- Name: files files_store_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_store_key_key UNIQUE (store, key);


--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key);


--
-- Name: image_buckets image_buckets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_buckets
    ADD CONSTRAINT image_buckets_pkey PRIMARY KEY (bucket, shard);


--
-- Name: image_lineage image_lineage_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_lineage
    ADD CONSTRAINT image_lineage_pkey PRIMARY KEY (parent_id, child_id);


--
-- Name: image_quarters image_quarters_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_quarters
    ADD CONSTRAINT image_quarters_pkey PRIMARY KEY (quarter, provider_name, model_id, operation, lane);


--
-- Name: image_tags image_tags_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_tags
    ADD CONSTRAINT image_tags_pkey PRIMARY KEY (image_id, tag_id);


--
-- Name: image_texts image_texts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_texts
    ADD CONSTRAINT image_texts_pkey PRIMARY KEY (id);


--
-- Name: images images_attempt_id_position_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_attempt_id_position_key UNIQUE (attempt_id, "position");


--
-- Name: images images_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_pkey PRIMARY KEY (id);


--
-- Name: installation installation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (is_only);


--
-- Name: marked_images marked_images_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.marked_images
    ADD CONSTRAINT marked_images_pkey PRIMARY KEY (mark, bucket);


--
-- Name: master_key_witness master_key_witness_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.master_key_witness
    ADD CONSTRAINT master_key_witness_pkey PRIMARY KEY (is_only);


--
-- Name: moves moves_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.moves
    ADD CONSTRAINT moves_pkey PRIMARY KEY (id);


--
-- Name: nodes nodes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (node);


--
-- Name: outbox outbox_kind_blob_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_kind_blob_key_key UNIQUE (kind, blob_key);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: places places_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.places
    ADD CONSTRAINT places_pkey PRIMARY KEY (seq);


--
-- Name: places places_token_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.places
    ADD CONSTRAINT places_token_key UNIQUE (token);


--
-- Name: provider_configs provider_configs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_configs
    ADD CONSTRAINT provider_configs_pkey PRIMARY KEY (provider_name);


--
-- Name: queue_counts queue_counts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.queue_counts
    ADD CONSTRAINT queue_counts_pkey PRIMARY KEY (only_row);


--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);


--
-- Name: settings settings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (name);


--
-- Name: tags tags_folded_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_folded_key UNIQUE (folded);


--
-- Name: tags tags_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_pkey PRIMARY KEY (id);


--
-- Name: tasks tasks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (seq);


--
-- Name: tasks tasks_task_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_task_id_key UNIQUE (task_id);


--
-- Name: usage_totals usage_totals_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.usage_totals
    ADD CONSTRAINT usage_totals_pkey PRIMARY KEY (quarter, provider_name, model_id, currency, lane);


--
-- Name: attempts_by_task; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempts_by_task ON public.attempts USING btree (task_id, seq);


--
-- Name: attempts_kept_responses; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempts_kept_responses ON public.attempts USING btree (updated_at) WHERE ((response IS NOT NULL) AND (phase = ANY (ARRAY['stored'::text, 'failed'::text])));


--
-- Name: attempts_sealed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempts_sealed ON public.attempts USING btree (attempt_id) WHERE (sealed_config IS NOT NULL);


--
-- Name: collection_images_by_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX collection_images_by_image ON public.collection_images USING btree (image_id, collection_id);


--
-- Name: events_by_task; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_task ON public.events USING btree (task_id, id);


--
-- Name: events_passing; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_passing ON public.events USING btree (at) WHERE (kind = 'progress'::text);


--
-- Name: files_without_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX files_without_key ON public.files USING btree (written_at) WHERE (key IS NULL);


--
-- Name: idempotency_keys_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_by_expiry ON public.idempotency_keys USING btree (expires_at);


--
-- Name: idempotency_keys_by_task; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_by_task ON public.idempotency_keys USING btree (task_id);


--
-- Name: image_lineage_by_child; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_lineage_by_child ON public.image_lineage USING btree (child_id, "position");


--
-- Name: image_texts_by_folding; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_texts_by_folding ON public.image_texts USING btree (folding);


--
-- Name: image_texts_tokens; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_texts_tokens ON public.image_texts USING gin (public.image_tokens(id, folded, provider_name, model_id, operation)) WITH (gin_pending_list_limit='256');


--
-- Name: images_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX images_by_age ON public.images USING btree (created_at, id) WHERE (storage = 'both'::text);


--
-- Name: images_by_storage; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX images_by_storage ON public.images USING btree (storage, id);


--
-- Name: images_by_task; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX images_by_task ON public.images USING btree (task_id);


--
-- Name: outbox_by_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_by_image ON public.outbox USING btree (image_id);


--
-- Name: outbox_deferred; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_deferred ON public.outbox USING btree (not_before) WHERE (not_before IS NOT NULL);


--
-- Name: outbox_ready; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_ready ON public.outbox USING btree (id) WHERE (not_before IS NULL);


--
-- Name: places_by_resource; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX places_by_resource ON public.places USING btree (resource, seq);


--
-- Name: tags_by_use; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tags_by_use ON public.tags USING btree (images DESC, folded);


--
-- Name: tasks_by_change; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_change ON public.tasks USING btree (changed_by);


--
-- Name: tasks_by_provider; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_provider ON public.tasks USING btree (provider_name, seq);


--
-- Name: tasks_by_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_status ON public.tasks USING btree (status, seq);


--
-- Name: tasks_put_off; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_put_off ON public.tasks USING btree (not_before) WHERE ((status = 'pending'::text) AND (not_before IS NOT NULL));


--
-- Name: tasks_ready; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_ready ON public.tasks USING btree (provider_name, seq) WHERE ((status = 'pending'::text) AND (not_before IS NULL));


--
-- Name: tasks_running; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_running ON public.tasks USING btree (provider_name, owner, seq) WHERE (status = 'processing'::text);


--
-- Name: collection_images collection_images_gone; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER collection_images_gone AFTER DELETE ON public.collection_images REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_deleted_members();


--
-- Name: collection_images collection_images_new; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER collection_images_new AFTER INSERT ON public.collection_images REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_new_members();


--
-- Name: image_tags image_tags_gone; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER image_tags_gone AFTER DELETE ON public.image_tags REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_deleted_tags();


--
-- Name: image_tags image_tags_new; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER image_tags_new AFTER INSERT ON public.image_tags REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_new_tags();


--
-- Name: images images_count_gone; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER images_count_gone AFTER DELETE ON public.images REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_deleted_images();


--
-- Name: images images_count_new; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER images_count_new AFTER INSERT ON public.images REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_new_images();


--
-- Name: images images_favourites_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER images_favourites_changed AFTER UPDATE ON public.images REFERENCING OLD TABLE AS earlier NEW TABLE AS later FOR EACH STATEMENT EXECUTE FUNCTION public.note_changed_favourites();


--
-- Name: images images_favourites_gone; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER images_favourites_gone AFTER DELETE ON public.images REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_deleted_favourites();


--
-- Name: images images_favourites_new; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER images_favourites_new AFTER INSERT ON public.images REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_new_favourites();


--
-- Name: images images_lineage_gone; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER images_lineage_gone AFTER DELETE ON public.images FOR EACH ROW EXECUTE FUNCTION public.forget_lineage();


--
-- Name: images images_lineage_new; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER images_lineage_new AFTER INSERT ON public.images FOR EACH ROW WHEN ((new.operation <> 'generate'::text)) EXECUTE FUNCTION public.note_parents();


--
-- Name: images images_quarter_gone; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER images_quarter_gone AFTER DELETE ON public.images REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_images_of_quarters();


--
-- Name: images images_quarter_new; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER images_quarter_new AFTER INSERT ON public.images REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_images_of_quarters();


--
-- Name: tasks tasks_change; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER tasks_change BEFORE INSERT OR UPDATE OF status, progress, cancel_requested ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.note_change();


--
-- Name: attempts attempts_task_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(task_id) ON DELETE CASCADE;


--
-- Name: collection_images collection_images_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_images
    ADD CONSTRAINT collection_images_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collections(id) ON DELETE CASCADE;


--
-- Name: collection_images collection_images_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_images
    ADD CONSTRAINT collection_images_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.images(id) ON DELETE CASCADE;


--
-- Name: file_chunks file_chunks_file_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.file_chunks
    ADD CONSTRAINT file_chunks_file_id_fkey FOREIGN KEY (file_id) REFERENCES public.files(file_id) ON DELETE CASCADE;


--
-- Name: idempotency_keys idempotency_keys_task_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(task_id) ON DELETE CASCADE;


--
-- Name: image_tags image_tags_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_tags
    ADD CONSTRAINT image_tags_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.images(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--



