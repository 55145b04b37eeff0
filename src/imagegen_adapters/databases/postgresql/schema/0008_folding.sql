-- By which rules each prompt was folded: nodes of two releases may fold differently, and what another one has
-- folded, or one that does not say so, is indexed again on request.

ALTER TABLE image_texts ADD COLUMN folding text COLLATE "C";

CREATE INDEX image_texts_by_folding ON image_texts (folding);

-- Adds images with their entries of the search index; returns their ids in their order, and null for an image
-- whose (attempt_id, position) exists.
CREATE OR REPLACE FUNCTION add_images(additions json) RETURNS bigint[] LANGUAGE plpgsql AS $$
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
