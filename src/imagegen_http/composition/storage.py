"""The image stores: the local disk, an archive behind it, or the archive alone; and what maintains them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs

from imagegen_adapters.files.cache import CachedBlobStore
from imagegen_adapters.files.local import LocalBlobStore
from imagegen_adapters.files.tiers import ArchiveFirstBlobStore, TieredBlobStore
from imagegen_core.messages import Message
from imagegen_core.ports.blobs import BlobArchive, BlobStore
from imagegen_core.ports.outbox import Outbox
from imagegen_core.ports.tools import Clock, HasRoom
from imagegen_core.services.upkeep import CleanSpool, ExpireLocal, SyncStorage, VerifyStorage
from imagegen_http.composition.backends.backend import Backend
from imagegen_http.guard.asgi import optional_text
from imagegen_http.health import ArchiveHealth
from imagegen_http.runtime.maintenance import Maintenance
from imagegen_http.settings.schema import Settings


@attrs.frozen(kw_only=True)
class Storage:
    """The blob store that the service reads and writes, and what synchronizes its tiers.

    Without ``storage.local`` the disk only holds what the archive does not accept. That, and what remains
    there from an earlier setting, can be read, is uploaded and then removed. ``expire`` is None if nothing
    may ever be removed from the disk.
    """

    blobs: BlobStore
    sync: SyncStorage
    expire: ExpireLocal | None
    verify: VerifyStorage
    outbox: Outbox

    async def archive_report(self, expiry_error: Message | None) -> ArchiveHealth:
        """Return the report of ``/health`` about the archive, without sending a request."""
        counts = await self.outbox.counts()
        return ArchiveHealth(
            status="failing" if counts.failing or expiry_error else "ok",
            uploads=counts.uploads,
            removals=counts.removals,
            failing=counts.failing,
            last_error=optional_text(counts.last_error or expiry_error),
        )


def compose_storage(
    settings: Settings, backend: Backend, archive: BlobArchive | None, clock: Clock
) -> Storage:
    """Join the backend's store with the archive as the settings say."""
    storage = settings.storage
    local, outbox, records = backend.blobs, backend.outbox, backend.images
    expire = None
    if archive is not None:
        expire = ExpireLocal(
            records=records,
            local=local,
            archive=archive,
            clock=clock,
            retention_days=0 if storage.local is None else storage.local.retention_days,
        )
    return Storage(
        blobs=_blob_store(local, archive, archive_first=storage.local is None),
        sync=SyncStorage(outbox=outbox, records=records, local=local, archive=archive, clock=clock),
        expire=expire,
        verify=VerifyStorage(records=records, local=local, archive=archive),
        outbox=outbox,
    )


def compose_maintenance(
    settings: Settings, backend: Backend, storage: Storage, clock: Clock, *, node: str
) -> Maintenance:
    """Return what keeps the stores in order, while its node has the turn."""
    return Maintenance(
        sync=storage.sync,
        expire=storage.expire,
        verify=storage.verify,
        clean=CleanSpool(
            repository=backend.tasks,
            spool=backend.spool,
            clock=clock,
            keep_inputs=settings.storage.keep_inputs,
        ),
        turn=backend.turn,
        node=node,
        clock=clock,
        sweep_seconds=settings.storage.sweep_minutes * 60,
    )


@asynccontextmanager
async def read_cache(
    blobs: BlobStore, directory: Path, *, max_bytes: int, has_room: HasRoom
) -> AsyncIterator[BlobStore]:
    """Yield the store with a cache of so many bytes before it, or as it is if that is none."""
    if not max_bytes:
        yield blobs
        return
    files = LocalBlobStore(directory)
    try:
        cache = CachedBlobStore(blobs, files, max_bytes=max_bytes, has_room=has_room)
        await cache.clear()
        yield cache
    finally:
        files.close()


def _blob_store(local: BlobStore, archive: BlobArchive | None, *, archive_first: bool) -> BlobStore:
    if archive is None:
        return local
    tiers = TieredBlobStore(local=local, archive=archive)
    return ArchiveFirstBlobStore(tiers=tiers) if archive_first else tiers
