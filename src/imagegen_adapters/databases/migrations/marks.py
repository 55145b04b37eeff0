"""Marks of images: favourites, tags and collections."""

from imagegen_adapters.databases.migrations.sequence import Schema, run


def m021_marks(db: Schema) -> None:
    """What people put on images. Triggers count how many images have a tag, or are in a collection.

    Tags disappear with the last image that has them. The search index has tokens of all marks, which those
    of a removed collection outlive: its id is never used again. `marks_changed` says when images have to be
    counted again.
    """
    run(
        db,
        "INSERT INTO counters (name, value) VALUES ('marks_changed', 0)",
        "ALTER TABLE images ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0",
        """
        CREATE TABLE tags (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            folded TEXT NOT NULL UNIQUE,
            images INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        "CREATE INDEX tags_by_use ON tags (images DESC, folded)",
        """
        CREATE TABLE image_tags (
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            tag_id INTEGER NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (image_id, tag_id)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TRIGGER image_tags_new AFTER INSERT ON image_tags BEGIN
            UPDATE tags SET images = images + 1 WHERE id = new.tag_id;
        END
        """,
        """
        CREATE TRIGGER image_tags_gone AFTER DELETE ON image_tags BEGIN
            UPDATE tags SET images = images - 1 WHERE id = old.tag_id;
            DELETE FROM tags WHERE id = old.tag_id AND images = 0;
        END
        """,
        """
        CREATE TABLE collections (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            folded TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL,
            images INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        """
        CREATE TABLE collection_images (
            collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
            image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
            PRIMARY KEY (collection_id, image_id)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX collection_images_by_image ON collection_images (image_id)",
        """
        CREATE TRIGGER collection_images_new AFTER INSERT ON collection_images BEGIN
            UPDATE collections SET images = images + 1 WHERE id = new.collection_id;
        END
        """,
        """
        CREATE TRIGGER collection_images_gone AFTER DELETE ON collection_images BEGIN
            UPDATE collections SET images = images - 1 WHERE id = old.collection_id;
        END
        """,
    )
