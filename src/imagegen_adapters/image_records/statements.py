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

GET_IMAGE_OF_ATTEMPT = "SELECT * FROM images WHERE attempt_id = ? AND position = ?"

GET_IMAGES = "SELECT * FROM images WHERE id IN (SELECT value FROM json_each(?))"

IMAGES_BEFORE = "SELECT * FROM images WHERE id < ? ORDER BY id DESC LIMIT ? OFFSET ?"

BLOCKS_SINCE = "SELECT block, images FROM image_blocks WHERE block >= ? ORDER BY block"

IMAGES_AFTER = "SELECT * FROM images WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"

IDS_BETWEEN = "SELECT id FROM images WHERE id BETWEEN ? AND ?"

IMAGES_OF_TASK = """
SELECT images.* FROM images LEFT JOIN attempts USING (attempt_id)
WHERE images.task_id = ? ORDER BY attempts.part, images.position, images.id
"""

IMAGE_COUNT = "SELECT value FROM counters WHERE name = 'images'"

DELETED_IMAGE_COUNT = "SELECT value FROM counters WHERE name = 'images_deleted'"

NEWEST_IMAGE = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'images'), 0)"
"""The highest id ever assigned."""

DELETE_IMAGE = "DELETE FROM images WHERE id = ? RETURNING *"

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
