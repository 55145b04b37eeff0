"""The SQL of tags and collections in SQLite."""

DELETE_TAG = """
DELETE FROM image_tags WHERE image_id = ? AND tag_id = (SELECT id FROM tags WHERE folded = ?)
"""

ADD_TAG = "INSERT INTO tags (name, folded) VALUES (?, ?) ON CONFLICT (folded) DO NOTHING"

PUT_TAG = """
INSERT INTO image_tags (image_id, tag_id, position)
SELECT :image_id, id, :position FROM tags WHERE folded = :folded
ON CONFLICT (image_id, tag_id) DO UPDATE SET position = excluded.position WHERE position <> excluded.position
"""

SET_FAVOURITE = "UPDATE images SET favourite = ? WHERE id = ?"

ADD_TO_COLLECTION = "INSERT INTO collection_images (collection_id, image_id) VALUES (?, ?)"

REMOVE_FROM_COLLECTION = "DELETE FROM collection_images WHERE collection_id = ? AND image_id = ?"

TAGS_BY_USE = "SELECT name, images FROM tags ORDER BY images DESC, folded LIMIT ?"

TAGS_BEGINNING = """
SELECT name, images FROM tags WHERE folded >= :prefix AND folded < :prefix || char(0x10ffff)
ORDER BY images DESC, folded LIMIT :limit
"""

COLLECTIONS = """
SELECT id, name, created_at, images, (
    SELECT max(image_id) FROM collection_images WHERE collection_id = collections.id
) AS cover
FROM collections
"""

ALL_COLLECTIONS = f"{COLLECTIONS} ORDER BY id DESC"

GET_COLLECTION = f"{COLLECTIONS} WHERE id = ?"

COLLECTION_NAMED = "SELECT id, name FROM collections WHERE folded = ?"

COLLECTION_COUNT = "SELECT count(*) FROM collections"

INSERT_COLLECTION = "INSERT INTO collections (name, folded, created_at) VALUES (?, ?, ?)"

RENAME_COLLECTION = "UPDATE collections SET name = ?, folded = ? WHERE id = ?"

DELETE_COLLECTION = "DELETE FROM collections WHERE id = ?"
