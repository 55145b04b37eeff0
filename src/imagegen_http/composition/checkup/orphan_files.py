"""Checks for image files without a record.

They remain from an interrupted deletion, belong to another database, or were paid for and could not be
recorded (`storage_failed`).
"""

import asyncio
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from imagegen_adapters.clocks.system import SystemClock
from imagegen_adapters.databases.data_directory import IMAGES_DIRECTORY
from imagegen_adapters.image_inventories.sqlite import SqliteImageInventory
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_core.ports.blobs import is_key
from imagegen_http.composition.checkup.checks import Check, fail, ok, warn
from imagegen_http.composition.checkup.messages import CheckCode

_KEY_BATCH_SIZE = 100_000
_MIN_ORPHAN_AGE_SECONDS = 3600
"""While a server runs, the record of a younger file may be about to be written."""

_NEVER_USED = "SELECT sum(value) = 0 FROM counters WHERE name IN ('images', 'images_deleted')"


async def orphans(database: Database, data_dir: Path, *, has_server: bool) -> Check:
    """Check whether every image file has a record."""
    inventory = SqliteImageInventory(database)
    before = SystemClock().now().timestamp() - _MIN_ORPHAN_AGE_SECONDS if has_server else float("inf")
    files = _files(data_dir / IMAGES_DIRECTORY, before)
    count, first = 0, ""
    while keys := await asyncio.to_thread(lambda: list(itertools.islice(files, _KEY_BATCH_SIZE))):
        unknown = await inventory.unknown(keys)
        first = first or min(unknown, default="")
        count += len(unknown)
    if not count:
        return ok("orphans", CheckCode.NO_ORPHANS())
    if await database.read(lambda c: c.execute(_NEVER_USED).fetchone()[0]):
        return fail("orphans", CheckCode.DATABASE_REPLACED(count=count, path=str(data_dir)))
    return warn("orphans", CheckCode.ORPHANS(count=count, path=f"{IMAGES_DIRECTORY}/{first}"))


def _files(root: Path, before: float) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            key = path.relative_to(root).as_posix()
            if is_key(key) and _written_before(path, before):
                yield key


def _written_before(path: Path, limit: float) -> bool:
    try:
        return path.lstat().st_mtime < limit
    except FileNotFoundError:
        return False
