"""Checks of the stores: the local files, the outbox, the bucket, the disk space."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from imagegen_adapters.archives.claim import PrefixTaken
from imagegen_adapters.clocks.system import SystemClock
from imagegen_adapters.databases.data_directory import IMAGES_DIRECTORY
from imagegen_adapters.disk_spaces.system import SystemDiskSpace
from imagegen_adapters.image_inventories.sqlite import SqliteImageInventory
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_core.errors import ImagegenError, StorageError
from imagegen_core.images import Image, StorageState
from imagegen_core.ports.outbox import Outbox
from imagegen_http.composition.archives import open_archive
from imagegen_http.composition.checkup.checks import Check, fail, ok, warn
from imagegen_http.composition.checkup.messages import CheckCode
from imagegen_http.settings.schema import Settings, SettingsError

_BATCH_SIZE = 1000
_MAX_LISTED = 3
_BUCKET_SECONDS = 10.0
_MIB = 1024 * 1024


async def images(
    database: Database, data_dir: Path, *, full: bool, progress: Callable[[float], None]
) -> Check:
    """Check that every image that should be on this disk is, by its size or, if ``full``, its checksum."""
    inventory = SqliteImageInventory(database)
    local_count, last, damaged_ids, read_count = 0, 0, [], 0
    total = await database.read(
        lambda c: c.execute("SELECT value FROM counters WHERE name = 'images'").fetchone()[0]
    )
    while batch := await inventory.images(after=last, limit=_BATCH_SIZE):
        local = [image for image in batch if image.storage is not StorageState.ARCHIVE]
        bad = await asyncio.to_thread(_damaged_images, data_dir / IMAGES_DIRECTORY, local, full)
        damaged_ids += [
            image.id
            for image in bad
            if await _is_still_damaged(inventory, data_dir / IMAGES_DIRECTORY, image, full)
        ]
        last, local_count, read_count = batch[-1].id, local_count + len(local), read_count + len(batch)
        progress(read_count / max(total, 1))
    if damaged_ids:
        ids = tuple(map(str, damaged_ids[:_MAX_LISTED])) + ("…",) * (len(damaged_ids) > _MAX_LISTED)
        reason = CheckCode.FILES_DAMAGED(count=len(damaged_ids), total=local_count, ids=ids)
        return fail("pictures", reason)
    intact = CheckCode.BYTES_INTACT if full else CheckCode.FILES_INTACT
    return ok("pictures", intact(total=local_count))


def _damaged_images(root: Path, images: list[Image], full: bool) -> list[Image]:  # noqa: FBT001 - called through a thread
    return [image for image in images if not _is_intact(root / image.blob_key, image, full=full)]


def _is_intact(path: Path, image: Image, *, full: bool) -> bool:
    try:
        if path.lstat().st_size != image.size_bytes:
            return False
        if not full:
            return True
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == image.sha256
    except OSError:
        return False


async def _is_still_damaged(inventory: SqliteImageInventory, root: Path, image: Image, full: bool) -> bool:  # noqa: FBT001 - as above
    """Return whether it is damaged by its current record, too: it may be deleted or expired by now."""
    current = await inventory.images(after=image.id - 1, limit=1)
    if not current or current[0].id != image.id or current[0].storage is StorageState.ARCHIVE:
        return False
    return bool(await asyncio.to_thread(_damaged_images, root, [current[0]], full))


async def outbox(entries: Outbox, settings: Settings) -> list[Check]:
    """Report the pending uploads and removals, and why they fail."""
    counts = await entries.counts()
    waiting = CheckCode.OUTBOX_WAITING(uploads=counts.uploads, removals=counts.removals)
    if counts.last_error is not None:
        reason = CheckCode.OUTBOX_FAILING(waiting=waiting, count=counts.failing, reason=counts.last_error)
        return [warn("outbox", reason)]
    return [ok("outbox", waiting)] if settings.storage.archive_name else []


async def bucket(settings: Settings, installation_id: str | None) -> list[Check]:
    """Check whether the archive responds, and whether its prefix is this installation's or nobody's.

    An empty ``installation_id`` is that of one which has never used a bucket. Without one, whose the prefix
    is remains unchecked.
    """
    name = settings.storage.archive_name
    if name is None:
        return []
    outbound = Outbound(allow_private=settings.security.allow_private_upstreams)
    try:
        archive = open_archive(settings, outbound.gate, idle_seconds=_BUCKET_SECONDS)
        if archive is not None:
            try:
                await archive.stat("probe")
                if installation_id is not None:
                    await archive.prefix.check(installation_id)
            finally:
                await archive.aclose()
    except (SettingsError, PrefixTaken) as error:
        return [fail(name, error.reason)]
    except ImagegenError as error:
        return [warn(name, error.reason)]
    finally:
        await outbound.aclose()
    return [ok(name, CheckCode.ARCHIVE_ANSWERS())]


def disk(settings: Settings) -> Check:
    """Check the free disk space."""
    min_free_bytes = settings.storage.min_free_mb * _MIB
    space = SystemDiskSpace(settings.data_dir, min_free_bytes=min_free_bytes, clock=SystemClock())
    try:
        free = space.free_bytes() // _MIB
    except StorageError as error:
        return warn("disk", error.reason)
    if space.sufficient():
        return ok("disk", CheckCode.DISK_FREE(free=free))
    return warn("disk", CheckCode.DISK_LOW(free=free, minimum=settings.storage.min_free_mb))
