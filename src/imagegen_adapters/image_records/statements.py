"""The SQL of the images table and of the generations of the search index, whose tables have their own."""

INSERT_IMAGE = """
INSERT INTO images (
    task_id, attempt_id, position, operation, prompt, provider_name, model_id, mime_type,
    width, height, size_bytes, sha256, vendor_sha256, crc64, blob_key, thumbnail_key, storage, params,
    metadata, created_at, cost_basis, cost_currency, cost_ticks
) VALUES (
    :task_id, :attempt_id, :position, :operation, :prompt, :provider_name, :model_id,
    :mime_type, :width, :height, :size_bytes, :sha256, :vendor_sha256, :crc64, :blob_key, :thumbnail_key,
    :storage, :params, :metadata, :created_at, :cost_basis, :cost_currency, :cost_ticks
)
ON CONFLICT (attempt_id, position) DO NOTHING
"""

_MARKS = """(
        SELECT json_group_array(name) FROM (
            SELECT name FROM image_tags JOIN tags ON tags.id = tag_id
            WHERE image_id = images.id ORDER BY position
        )
    ) AS tags, (
        SELECT json_group_array(collection_id) FROM (
            SELECT collection_id FROM collection_images WHERE image_id = images.id ORDER BY collection_id
        )
    ) AS collections"""

SELECT_IMAGES = f"SELECT images.*, {_MARKS} FROM images"  # noqa: S608 - constants only
"""Images with their marks, as `row_to_image` converts them."""

GET_IMAGE_OF_ATTEMPT = f"{SELECT_IMAGES} WHERE attempt_id = ? AND position = ?"

GET_IMAGES = f"{SELECT_IMAGES} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - as above

IMAGES_BEFORE = f"{SELECT_IMAGES} WHERE id < ? ORDER BY id DESC LIMIT ? OFFSET ?"

BLOCKS_SINCE = "SELECT block, images FROM image_blocks WHERE block >= ? ORDER BY block"

BLOCKS_UP_TO = "SELECT block, images FROM image_blocks WHERE block <= ? ORDER BY block DESC"

IMAGES_AFTER = "SELECT * FROM images WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"

MARKS_BETWEEN = f"SELECT id, favourite, {_MARKS} FROM images WHERE id BETWEEN ? AND ?"  # noqa: S608 - as above

IMAGES_OF_TASK = f"""
{SELECT_IMAGES} LEFT JOIN attempts USING (attempt_id)
WHERE images.task_id = ? ORDER BY attempts.part, images.position, images.id
"""

IMAGE_COUNT = "SELECT value FROM counters WHERE name = 'images'"

DELETED_IMAGE_COUNT = "SELECT value FROM counters WHERE name = 'images_deleted'"

CHANGE_COUNT = """
SELECT sum(value) FROM counters WHERE name IN ('images_deleted', 'marks_changed')
"""
"""How often images were deleted or their marks changed."""

COUNT_MARK_CHANGE = "UPDATE counters SET value = value + 1 WHERE name = 'marks_changed'"

HAS_COLLECTION = "SELECT 1 FROM collections WHERE id = ?"

NEWEST_IMAGE = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'images'), 0)"
"""The highest id ever assigned."""

DELETE_IMAGE = "DELETE FROM images WHERE id = ?"

SET_IMAGE_STORAGE = "UPDATE images SET storage = :storage WHERE id = :id"

PUT_DAY = """
INSERT INTO image_days (day, first_id, last_id) VALUES (?, ?, ?)
ON CONFLICT (day) DO UPDATE SET
    first_id = min(first_id, excluded.first_id), last_id = max(last_id, excluded.last_id)
"""

IDS_OF_DAYS = "SELECT min(first_id), max(last_id) FROM image_days WHERE day BETWEEN ? AND ?"

# ---------------------------------------------------------------- generations of the search index

# A generation that is no longer used has the state 'leaving' until its tables are dropped.

LIVE_GENERATIONS = "SELECT generation, state, folding FROM search_generations WHERE state <> 'leaving'"

ACTIVE_GENERATION = "SELECT generation FROM search_generations WHERE state = 'active'"

SET_FOLDING = "UPDATE search_generations SET folding = ? WHERE folding IS NULL"

BUILDING_GENERATION = """
SELECT generation, reached, until FROM search_generations WHERE state = 'building' AND folding = ?
"""

INSERT_GENERATION = """
INSERT INTO search_generations (state, folding, until) VALUES ('building', ?, ?) RETURNING generation
"""

SAVE_PROGRESS = "UPDATE search_generations SET reached = ? WHERE generation = ?"

RETIRE_BUILDING = "UPDATE search_generations SET state = 'leaving' WHERE state = 'building'"

RETIRE_ACTIVE = "UPDATE search_generations SET state = 'leaving' WHERE state = 'active'"

ACTIVATE_GENERATION = "UPDATE search_generations SET state = 'active' WHERE generation = ?"

RETIRED_GENERATIONS = "SELECT generation FROM search_generations WHERE state = 'leaving' ORDER BY generation"

DELETE_GENERATION = "DELETE FROM search_generations WHERE generation = ?"
