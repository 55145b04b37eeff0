"""Queries for backups: the images a database file records, and the tasks that are unfinished in it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import attrs

from imagegen_adapters.stores.sqlite.engine import open_copier, sqlite3, storage_error

_IMAGES = """
SELECT id, blob_key, thumbnail_key, storage, size_bytes FROM images WHERE id > ? ORDER BY id LIMIT 1000
"""

_IMAGE_BYTES = "SELECT coalesce(sum(size_bytes), 0) FROM images WHERE storage <> 'oss'"

_HAS_DATA = """
SELECT EXISTS (SELECT 1 FROM tasks) OR EXISTS (SELECT 1 FROM images)
    OR EXISTS (SELECT 1 FROM provider_configs)
"""

_SEALED = """
SELECT count(*) FROM (
    SELECT 1 FROM provider_configs WHERE api_key IS NOT NULL
    UNION ALL SELECT 1 FROM provider_configs WHERE sealed_extra IS NOT NULL
    UNION ALL SELECT 1 FROM tasks WHERE override IS NOT NULL
    UNION ALL SELECT 1 FROM attempts WHERE sealed_config IS NOT NULL
)
"""


@attrs.frozen(kw_only=True)
class ImageFile:
    """The files of an image record; ``local`` if its content should be on the local disk."""

    id: int
    blob_key: str
    thumbnail_key: str | None
    size_bytes: int
    local: bool


class SnapshotRows:
    """Reads a database file that other connections may be using; each query sees its own snapshot."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def from_path(cls, path: Path) -> Iterator["SnapshotRows"]:
        """Open the database while the body runs.

        Raises:
            StorageError: the file cannot be read, or a queried table is missing.
        """
        try:
            with closing(open_copier(path)) as connection:
                yield cls(connection)
        except sqlite3.Error as error:
            raise storage_error(error) from error

    def empty(self) -> bool:
        """Return whether there are no tasks, images or provider configurations."""
        return not self._connection.execute(_HAS_DATA).fetchone()[0]

    def images(self) -> Iterator[ImageFile]:
        """Yield all images, oldest first."""
        after = 0
        while rows := self._connection.execute(_IMAGES, (after,)).fetchall():
            for row in rows:
                yield _image(row)
            after = rows[-1]["id"]

    def image(self, image_id: int) -> ImageFile | None:
        """Return one image, or None if it does not exist."""
        rows = self._connection.execute(_IMAGES, (image_id - 1,)).fetchall()
        return _image(rows[0]) if rows and rows[0]["id"] == image_id else None

    def image_bytes(self) -> int:
        """Return the total size of the images that should be on the local disk."""
        return int(self._connection.execute(_IMAGE_BYTES).fetchone()[0])

    def task_status(self, task_id: str) -> str | None:
        """Return the status of a task, or None if it does not exist."""
        row = self._connection.execute("SELECT status FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
        return None if row is None else str(row[0])

    def tasks(self, status: str) -> tuple[str, ...]:
        """Return the ids of the tasks in a status, oldest first."""
        query = "SELECT task_id FROM tasks WHERE status = ? ORDER BY created_at, task_id"
        return tuple(str(task_id) for (task_id,) in self._connection.execute(query, (status,)).fetchall())

    def sealed(self) -> int:
        """Return the number of secrets that only the master key opens."""
        return int(self._connection.execute(_SEALED).fetchone()[0])


def _image(row: sqlite3.Row) -> ImageFile:
    return ImageFile(
        id=row["id"],
        blob_key=row["blob_key"],
        thumbnail_key=row["thumbnail_key"],
        size_bytes=row["size_bytes"],
        local=row["storage"] != "oss",
    )
