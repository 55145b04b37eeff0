"""Where a page of all images begins, by its number: as many steps for the last page as for the first."""

from bisect import bisect_left, bisect_right
from itertools import accumulate

import attrs

from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.similar import SEARCHED_IMAGES
from imagegen_adapters.stores.sqlite.engine import sqlite3

IDS_PER_BLOCK = 1024
"""As the triggers of ``image_blocks`` count them."""


@attrs.frozen(kw_only=True)
class _Counts:
    """The blocks, oldest first, and how many images are in all older ones; at its end, how many there are."""

    newest: int = 0
    deletions: int = 0
    blocks: tuple[int, ...] = ()
    older: tuple[int, ...] = (0,)


def oldest_of_newest(connection: sqlite3.Connection, newest: int) -> tuple[int, int]:
    """Return about from which ids on there are `SEARCHED_IMAGES` up to ``newest``; 0 if there are fewer.

    No more blocks are read than that takes: four hundred, where few images were deleted.
    """
    most, fewer = SEARCHED_IMAGES
    images = first = 0
    for block, count in connection.execute(statements.BLOCKS_UP_TO, (newest // IDS_PER_BLOCK,)):
        images += count
        if images >= fewer and not first:
            first = block * IDS_PER_BLOCK
        if images >= most:
            return block * IDS_PER_BLOCK, first
    return 0, first


class ImageBlocks:
    """Keeps how many images each block of ids has; after new images only the last blocks are read again."""

    def __init__(self) -> None:
        self._counts = _Counts()

    def start(self, connection: sqlite3.Connection, offset: int) -> tuple[int, int]:
        """Return the id below which the page after ``offset`` images begins, and how many to skip there.

        There is something to skip only in a block in which images were deleted.
        """
        counts = self._current(connection)
        position = counts.older[-1] - 1 - offset  # of the first image of the page, counted from the oldest
        if position < 0:
            return 0, 0
        index = bisect_right(counts.older, position) - 1
        first_id = max(1, counts.blocks[index] * IDS_PER_BLOCK)
        end = min((counts.blocks[index] + 1) * IDS_PER_BLOCK, counts.newest + 1)
        older, with_block = counts.older[index : index + 2]
        if with_block - older == end - first_id:
            return first_id + position - older + 1, 0
        return end, with_block - 1 - position

    def _current(self, connection: sqlite3.Connection) -> _Counts:
        """Return the counts in the connection's snapshot."""
        counts = self._counts
        deletions: int = connection.execute(statements.DELETED_IMAGE_COUNT).fetchone()[0]
        newest: int = connection.execute(statements.NEWEST_IMAGE).fetchone()[0]
        if (counts.newest, counts.deletions) == (newest, deletions):
            return counts
        if counts.deletions != deletions or counts.newest > newest:
            counts = _Counts()
        since = counts.newest // IDS_PER_BLOCK
        index = bisect_left(counts.blocks, since)
        rows = connection.execute(statements.BLOCKS_SINCE, (since,)).fetchall()
        sums = accumulate((images for _, images in rows), initial=counts.older[index])
        current = self._counts = _Counts(
            newest=newest,
            deletions=deletions,
            blocks=(*counts.blocks[:index], *(block for block, _ in rows)),
            older=(*counts.older[:index], *sums),
        )
        return current
