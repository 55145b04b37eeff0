"""Work through the outbox: uploads to the archive, removals from every store."""

import asyncio
import logging
from datetime import datetime, timedelta

import attrs

from imagegen_core.errors import BlobMissing, ImageNotFound, StorageError, StorageUnreachable
from imagegen_core.execution.archived_copies import content_changed, copy_to_archive
from imagegen_core.execution.checksums import sha256_of
from imagegen_core.images import Image, StorageState
from imagegen_core.messages import Message
from imagegen_core.policies import SyncBackoff
from imagegen_core.ports.blobs import BlobArchive, BlobStore
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.image_inventory import ImageInventory
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.outbox import Outbox, OutboxEntry, OutboxKind
from imagegen_core.problems import StorageCode
from imagegen_core.values import Progress, no_progress

_log = logging.getLogger(__name__)

_BATCH_SIZE = 4


@attrs.frozen(kw_only=True)
class SyncSummary:
    """What one pass did; in a dry run, what it would do. ``next_due``: when an entry is tried next."""

    uploaded: int = 0
    uploaded_bytes: int = 0
    removed: int = 0
    failed: int = 0
    unreachable: bool = False
    last_error: Message | None = None
    next_due: datetime | None = None


@attrs.define
class _Pass:
    """The running totals of one pass; ``skipped`` entries turned out to need nothing."""

    progress: Progress = no_progress
    total: int | None = None
    uploaded: int = 0
    uploaded_bytes: int = 0
    removed: int = 0
    failed: int = 0
    skipped: int = 0
    unreachable: bool = False
    first_failure: tuple[OutboxEntry, Message] | None = None
    last_error: Message | None = None

    @property
    def handled(self) -> int:
        return self.uploaded + self.removed + self.failed + self.skipped

    def report(self) -> None:
        self.progress(self.handled, None if self.total is None else max(self.total, self.handled))

    def fail(self, entry: OutboxEntry, reason: Message) -> None:
        self.failed += 1
        self.last_error = reason
        self.first_failure = self.first_failure or (entry, reason)

    def log_failures(self) -> None:
        """Log one line, however many entries have failed: most often all for the same reason."""
        if self.first_failure is not None:
            entry, reason = self.first_failure
            _log.warning(
                "%d outbox entries failed, the first one: %s",
                self.failed,
                reason,
                extra={"blob_key": entry.blob_key},
            )

    def summary(self, next_due: datetime | None) -> SyncSummary:
        return SyncSummary(
            uploaded=self.uploaded,
            uploaded_bytes=self.uploaded_bytes,
            removed=self.removed,
            failed=self.failed,
            unreachable=self.unreachable,
            last_error=self.last_error,
            next_due=next_due,
        )


@attrs.frozen(kw_only=True)
class SyncStorage:
    """Idempotent: a pass may be killed at any point and the next one completes it. Passes never overlap.

    An upload counts once a separate request to the archive returns the size and checksum of the bytes that
    were sent, and those are the bytes of the image's record. Without an ``archive`` only removals are done.
    """

    inventory: ImageInventory
    outbox: Outbox
    records: ImageRecords
    local: BlobStore
    archive: BlobArchive | None
    clock: Clock
    backoff: SyncBackoff = attrs.field(factory=SyncBackoff)
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False, repr=False, eq=False)

    async def __call__(
        self, *, everything: bool = False, dry_run: bool = False, progress: Progress = no_progress
    ) -> SyncSummary:
        """Handle the entries that are due; with ``everything`` also deferred ones, as at a start or by hand.

        The pass ends early if the archive does not respond. A dry run counts everything that is waiting.
        ``progress`` reports how many uploads and removals have been handled.
        """
        async with self._lock:
            if dry_run:
                return await self._preview(progress)
            due = None if everything else self.clock.now()
            run = _Pass(progress, None if progress is no_progress else await self._waiting())
            run.report()
            try:
                await self._work(run, due)
            finally:
                run.log_failures()
            return run.summary(await self.outbox.next_due())

    async def _work(self, run: _Pass, due: datetime | None) -> None:
        after = 0
        while not run.unreachable:
            entries = await self.outbox.claim(due=due, after=after, limit=_BATCH_SIZE)
            if entries:
                after = entries[-1].id
                outcomes = await asyncio.gather(*(self._handle(entry, run) for entry in entries))
                run.unreachable = all(isinstance(error, StorageUnreachable) for error in outcomes)
            elif self.archive is None or not await self.outbox.add_missing_uploads():
                break

    async def _waiting(self) -> int:
        """Return how many uploads and removals there are to do."""
        uploads = 0 if self.archive is None else await self.inventory.count(state=StorageState.LOCAL)
        return uploads + (await self.outbox.counts()).removals

    async def _handle(self, entry: OutboxEntry, run: _Pass) -> Exception | None:
        try:
            if entry.kind is OutboxKind.REMOVE:
                await self._remove(entry)
                run.removed += 1
            else:
                size = await self._upload(entry)
                run.uploaded += size is not None
                run.skipped += size is None
                run.uploaded_bytes += size or 0
        except (StorageError, BlobMissing) as error:
            run.fail(entry, error.reason)
            wait = self.backoff.delay(error, attempts=entry.attempts)
            later = self.clock.now() + timedelta(seconds=wait)
            await self.outbox.defer(entry, not_before=later, error=error.reason)
            run.report()
            return error
        await self.outbox.complete(entry)
        run.report()
        return None

    async def _remove(self, entry: OutboxEntry) -> None:
        await self.local.delete(entry.blob_key)
        if self.archive is not None:
            await self.archive.delete(entry.blob_key)

    async def _upload(self, entry: OutboxEntry) -> int | None:
        """Return the number of bytes sent; None if there was nothing to do."""
        if self.archive is None:
            return None  # if one is configured again, the image's upload is added again
        try:
            image = await self.records.get(entry.image_id or 0)
        except ImageNotFound:
            return None  # deleted meanwhile
        if image.storage is not StorageState.LOCAL:
            return None
        if await self.local.stat(image.blob_key) is None:
            await self._adopt(self.archive, image)
            return None
        if entry.attempts > 1:
            if await self.archive.matches(self.local, image.blob_key):
                await self.records.set_storage(image.id, StorageState.BOTH)
                return None  # an earlier upload succeeded, but its response was lost
            if await sha256_of(self.local, image.blob_key) != image.sha256:
                # Uploading the damaged file would replace the good copy that an earlier upload may have made.
                raise content_changed(image)
        copy = await copy_to_archive(image, self.local, self.archive)
        await self.records.set_storage(image.id, StorageState.BOTH)
        return copy.size_bytes

    async def _adopt(self, archive: BlobArchive, image: Image) -> None:
        """Record that only the archive has the image, whose local file an earlier pass has removed."""
        archived = await archive.stat(image.blob_key)
        if archived is None or archived.size_bytes != image.size_bytes:
            raise StorageError(StorageCode.IN_NO_STORE(image_id=image.id))
        await self.records.set_storage(image.id, StorageState.ARCHIVE)

    async def _preview(self, progress: Progress) -> SyncSummary:
        run = _Pass(progress, await self._waiting())
        after = 0
        while self.archive is not None and (
            images := await self.inventory.images(state=StorageState.LOCAL, after=after)
        ):
            run.uploaded += len(images)
            run.uploaded_bytes += sum(image.size_bytes for image in images)
            after = images[-1].id
            run.report()
        run.removed = (await self.outbox.counts()).removals
        return run.summary(await self.outbox.next_due())
