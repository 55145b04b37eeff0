"""The SQL of the images table in PostgreSQL, and of its search index."""

ADD_IMAGES = "SELECT add_images($1)"

MARKS = """coalesce((
        SELECT json_agg(name ORDER BY position) FROM image_tags JOIN tags ON tags.id = tag_id
        WHERE image_id = images.id
    ), '[]') AS tags, coalesce((
        SELECT json_agg(collection_id ORDER BY collection_id) FROM collection_images
        WHERE image_id = images.id
    ), '[]') AS collections"""

SELECT_IMAGES = f"SELECT images.*, {MARKS} FROM images"  # noqa: S608 - constants only
"""Images with their marks, as `row_to_image` converts them."""

GET_IMAGE_OF_ATTEMPT = f"{SELECT_IMAGES} WHERE attempt_id = $1 AND position = $2"

GET_IMAGE = f"{SELECT_IMAGES} WHERE id = $1"

GET_IMAGES = f"{SELECT_IMAGES} WHERE id = ANY ($1::bigint[])"

IMAGES_BEFORE = f"{SELECT_IMAGES} WHERE id < $1 ORDER BY id DESC LIMIT $2 OFFSET $3"

BUCKET_AT = """
SELECT (bucket + 1) << 14 AS before, skipped::bigint FROM (
    SELECT bucket, sum(added - deleted) AS images,
        sum(sum(added - deleted)) OVER (ORDER BY bucket DESC) - sum(added - deleted) AS skipped
    FROM image_buckets GROUP BY bucket
) AS counts
WHERE skipped + images > $1 ORDER BY bucket DESC LIMIT 1
"""
"""The bucket of ids in which so many newer images end, and how many of them are in newer buckets."""

OLDEST_OF_NEWEST = """
SELECT coalesce(max(bucket) FILTER (WHERE images >= $2), 0) << 14 AS near,
    coalesce(max(bucket) FILTER (WHERE images >= $3), 0) << 14 AS recent
FROM (
    SELECT bucket, sum(sum(added - deleted)) OVER (ORDER BY bucket DESC) AS images
    FROM image_buckets WHERE bucket <= $1::bigint >> 14 GROUP BY bucket
) AS counts
"""
"""About from which ids on there are so many images up to an id, or so many; 0 if there are fewer."""

IMAGE_COUNT = "SELECT coalesce(sum(added - deleted), 0)::bigint FROM image_buckets"

BUCKETS = """
SELECT bucket >> $3 AS bucket, sum(added)::bigint AS added,
    sum(CASE WHEN $4 THEN deleted + marked ELSE deleted END)::bigint AS deleted
FROM image_buckets WHERE bucket BETWEEN $1 AND $2 GROUP BY 1 HAVING sum(added) > sum(deleted) ORDER BY 1 DESC
"""
"""How often the buckets changed, or large ones of so many bits more; changes of marks are like deletions."""

IMAGES_OF_TASK = f"""
{SELECT_IMAGES} LEFT JOIN attempts USING (attempt_id)
WHERE images.task_id = $1 ORDER BY attempts.part, images.position, images.id
"""

NEWEST_IMAGE = "SELECT coalesce(max(id), 0) FROM images"

OLDEST_IMAGE = "SELECT coalesce(min(id), 0) FROM images WHERE id > $1"

LOCK_MARKS = f"SELECT pg_advisory_xact_lock({0x6D61726B73:d})"
"""Serialises changes of marks until the transaction ends; the key is "marks" in ASCII."""

DELETE_MARKS = """
WITH tagged AS (DELETE FROM image_tags WHERE image_id = ANY ($1::bigint[]))
DELETE FROM collection_images WHERE image_id = ANY ($1::bigint[])
"""

DELETE_IMAGES = """
WITH image AS (
    DELETE FROM images WHERE id = ANY ($1::bigint[]) RETURNING *
), text AS (
    DELETE FROM image_texts WHERE id = ANY ($1::bigint[])
), keys AS (
    SELECT id, number, key FROM image
    CROSS JOIN LATERAL (VALUES (1, blob_key), (2, thumbnail_key)) AS blobs (number, key)
    WHERE key IS NOT NULL
), uploads AS (
    DELETE FROM outbox USING keys WHERE kind = 'upload' AND blob_key = keys.key
), removals AS (
    INSERT INTO outbox (kind, blob_key, image_id) SELECT 'remove', key, id FROM keys ORDER BY id, number
    ON CONFLICT (kind, blob_key) DO NOTHING
)
SELECT * FROM image
"""

TAG_ID = "SELECT id FROM tags WHERE folded = $1"

HAS_COLLECTION = "SELECT EXISTS (SELECT FROM collections WHERE id = $1)"

SET_IMAGE_STORAGE = "UPDATE images SET storage = $2 WHERE id = $1"

BUCKETS_OF_DAYS = """
SELECT min(bucket), max(bucket) FROM image_buckets WHERE last_day >= $1 AND first_day <= $2
"""

FIND_IMAGES = "SELECT id FROM find_images($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, $11)"

FIND_TEXTS = "SELECT id, folded FROM find_texts($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"

COUNT_IMAGES = "SELECT * FROM count_images($1, $2, $3, $4, $5, $6, $7, $8, $9)"

COUNT_BY_QUARTER = "SELECT * FROM count_by_quarter($1, $2, $3, $4, $5, $6, $7, $8)"

FIND_OLDEST_IMAGE = "SELECT find_oldest_image($1, $2, $3, $4, $5, $6, $7, $8, $9)"

HAS_OTHER_FOLDING = """
SELECT EXISTS (SELECT FROM image_texts WHERE folding < $1)
    OR EXISTS (SELECT FROM image_texts WHERE folding > $1)
    OR EXISTS (SELECT FROM image_texts WHERE folding IS NULL)
"""

LOCK_STALE = """
SELECT id, prompt FROM image_texts JOIN images USING (id)
WHERE image_texts.id > $1 AND image_texts.id <= $2 AND folding IS DISTINCT FROM $3
ORDER BY image_texts.id LIMIT $4 FOR UPDATE OF image_texts SKIP LOCKED
"""

REPLACE_ENTRIES = "SELECT replace_entries($1, $2)"
