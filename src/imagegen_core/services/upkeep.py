"""The upkeep of the stores: upload, remove, expire, verify, and clean."""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Self

import attrs

from imagegen_core.errors import (
    BlobMissing,
    ImagegenError,
    ImageNotFound,
    StorageError,
    StorageUnreachable,
    TaskNotFound,
    ValidationFailed,
)
from imagegen_core.images import Image, StorageState
from imagegen_core.limits import DEFAULT_KEEP_INPUTS, WEBHOOK_RETENTION_DAYS
from imagegen_core.messages import Message, ProblemCode, StorageCode
from imagegen_core.policies import sync_backoff
from imagegen_core.ports.blobs import BlobArchive, BlobStore, OutboxEntry, OutboxKind, StoredBlob
from imagegen_core.ports.cluster import REMOVED, UPKEEP_SLOT
from imagegen_core.ports.parts import Parts
from imagegen_core.running.exchange import RETENTION_SECONDS, is_kept
from imagegen_core.running.storing import sha256_of
from imagegen_core.services.verify import Verification, VerifyReport
from imagegen_core.task import TaskStatus
from imagegen_core.values import PassProgress

SETTLE_SECONDS = 0.2  # pause after a new image, so that many images make one pass

SUBMISSION_GRACE_SECONDS = 3600.0
"""Time in which files without a task may belong to a submission that is still being checked."""

_BATCH_SIZE = 4
_log = logging.getLogger(__name__)


# ---------------------------------------------------------------- what the passes report


@attrs.define(kw_only=True)
class SyncSummary:
    """What one pass did (in a dry run: would do). ``next_due``: when an entry is tried next."""

    uploaded: int = 0
    uploaded_bytes: int = 0
    removed: int = 0
    failed: int = 0
    unreachable: bool = False
    last_error: Message | None = None
    next_due: datetime | None = None


@attrs.define(kw_only=True)
class ExpirySummary:
    """What was removed (in a dry run: would be), and what had to stay although it is old enough.

    ``last_error`` is of a file that needs an operator's attention.
    """

    expired: int = 0
    freed_bytes: int = 0
    retained: int = 0
    unreachable: bool = False
    last_error: Message | None = None


# ---------------------------------------------------------------- the stores of images


async def copy_to_archive(image: Image, source: BlobStore, archive: BlobArchive) -> StoredBlob:
    """Copy an image and return the copy, whose bytes are those of the record.

    A separate request to the archive confirms size and checksum. If this raises, the archive keeps nothing.
    """
    copy = await archive.copy_from(
        source, image.blob_key, size_bytes=image.size_bytes, content_type=image.mime_type.value
    )
    if copy.sha256 not in (None, image.sha256):
        await archive.delete(image.blob_key)
        raise StorageError(StorageCode.LOCAL_FILE_CHANGED(image_id=image.id))
    archived = await archive.stat(image.blob_key)
    expected = (image.size_bytes, copy.archive_checksum)
    if archived is None or (archived.size_bytes, archived.archive_checksum) != expected:
        await archive.delete(image.blob_key)
        raise StorageError(StorageCode.ARCHIVE_DIFFERS(image_id=image.id))
    return copy


@attrs.frozen(kw_only=True)
class Stores:
    """Where the bytes of images are, kept in step with their records, and the spool.

    ``parts.blobs`` are those of the disk. Each pass is idempotent: killed at any point, it is completed by
    the next. Without an ``archive`` only removals are done.

    Local files stay for ``retention_days`` (a fraction, or 0) after the archive has them; None: for good.
    ``keep_inputs`` keeps the input images of ended tasks. Deleted images are in the trash for ``trash_days``.
    """

    parts: Parts
    archive: BlobArchive | None = None
    retention_days: float | None = None
    keep_inputs: bool = DEFAULT_KEEP_INPUTS
    trash_days: float = 0

    async def empty_trash(self) -> int:
        """Delete for good what was in the trash for long enough; the next `sync` removes the files."""
        before, removed = self.parts.clock.now() - timedelta(days=self.trash_days), 0
        while images := await self.parts.trash.remove_old(before):
            removed += len(images)
        return removed

    # ---------------------------------------------------------------- sync

    async def sync(
        self, *, everything: bool = False, dry_run: bool = False, progress: PassProgress | None = None
    ) -> SyncSummary:
        """Handle the entries that are due; with ``everything`` also deferred ones.

        The pass ends early if the archive does not respond. A dry run counts all that waits. ``progress``
        counts handled entries.
        """
        summary = SyncSummary()
        if progress is None:
            progress = PassProgress()
        else:
            uploads = 0 if self.archive is None else await self.parts.images.count(state=StorageState.LOCAL)
            progress.total = uploads + (await self.parts.outbox.counts()).removals
        if dry_run:
            after = 0
            while self.archive is not None and (
                images := await self.parts.images.stored(state=StorageState.LOCAL, after=after)
            ):
                summary.uploaded += len(images)
                summary.uploaded_bytes += sum(image.size_bytes for image in images)
                after = images[-1].id
                progress.add(len(images))
        else:
            await self._handle_entries(None if everything else self.parts.clock.now(), summary, progress)
        counts = await self.parts.outbox.counts()
        summary.next_due = counts.next_due
        if dry_run:
            summary.removed = counts.removals
        return summary

    async def _handle_entries(
        self, due: datetime | None, summary: SyncSummary, progress: PassProgress
    ) -> None:
        after = 0
        failures: list[tuple[str, ImagegenError]] = []
        try:
            while not summary.unreachable:
                entries = await self.parts.outbox.claim(due=due, after=after, limit=_BATCH_SIZE)
                if entries:
                    after = entries[-1].id
                    handled = (self._handle(entry, summary, progress, failures) for entry in entries)
                    errors = await asyncio.gather(*handled)
                    summary.unreachable = all(isinstance(error, StorageUnreachable) for error in errors)
                elif self.archive is None or not await self.parts.outbox.add_missing_uploads():
                    break
        finally:
            if failures:  # one line: most often all fail for the same reason
                line = "%d outbox entries failed, the first one: %s"
                _log.warning(line, summary.failed, failures[0][1], extra={"blob_key": failures[0][0]})

    async def _handle(
        self,
        entry: OutboxEntry,
        summary: SyncSummary,
        progress: PassProgress,
        failures: list[tuple[str, ImagegenError]],
    ) -> StorageError | BlobMissing | None:
        """Do what the entry says, and return why that failed; ``failures`` gets the first one of the pass."""
        try:
            if entry.kind is OutboxKind.REMOVE:
                await self.parts.blobs.delete(entry.blob_key)
                if self.archive is not None:
                    await self.archive.delete(entry.blob_key)
                self.parts.cluster.tell(REMOVED, entry.blob_key)
                summary.removed += 1
            elif (size := await self._upload(entry)) is not None:
                summary.uploaded += 1
                summary.uploaded_bytes += size
        except (StorageError, BlobMissing) as error:
            summary.failed += 1
            summary.last_error = error.reason
            if not failures:
                failures.append((entry.blob_key, error))
            later = self.parts.clock.now() + sync_backoff(error, attempts=entry.attempts)
            await self.parts.outbox.defer(entry, not_before=later, error=error.reason)
            return error
        else:
            await self.parts.outbox.complete(entry)
            return None
        finally:
            progress.add()

    async def _upload(self, entry: OutboxEntry) -> int | None:
        """Return the number of bytes sent; None if there was nothing to do."""
        if self.archive is None:
            return None  # if one is configured again, the image's upload is added again
        try:
            image = await self.parts.images.get(entry.image_id or 0)
        except ImageNotFound:
            return None  # deleted meanwhile
        if image.storage is not StorageState.LOCAL:
            return None
        if await self.parts.blobs.stat(image.blob_key) is None:  # an earlier pass has removed the local file
            if not await self._is_archived(self.archive, image):
                raise StorageError(StorageCode.IN_NO_STORE(image_id=image.id))
            await self.parts.images.set_storage(image.id, StorageState.ARCHIVE)
            return None
        if entry.attempts > 1:
            if await self.archive.matches(self.parts.blobs, image.blob_key):
                await self.parts.images.set_storage(image.id, StorageState.BOTH)
                return None  # an earlier upload succeeded, but its response was lost
            if await sha256_of(self.parts.blobs, image.blob_key) != image.sha256:
                # Uploading the damaged file would replace the good copy that an earlier upload may have made.
                raise StorageError(StorageCode.LOCAL_FILE_CHANGED(image_id=image.id))
        copy = await copy_to_archive(image, self.parts.blobs, self.archive)
        await self.parts.images.set_storage(image.id, StorageState.BOTH)
        return copy.size_bytes

    async def _is_archived(self, archive: BlobArchive, image: Image) -> bool:
        archived = await archive.stat(image.blob_key)
        return archived is not None and archived.size_bytes == image.size_bytes

    # ---------------------------------------------------------------- expire

    async def expire(self, *, dry_run: bool = False, progress: PassProgress | None = None) -> ExpirySummary:
        """Remove the local files that are old enough; none if no archive proves its copies.

        The archive's checksum is compared with the present local file before that is removed. An image that
        fails this counts as local again, and is uploaded again. A damaged local file is not: it would replace
        the archive's good copy. Thumbnails stay.

        The pass ends early if the archive does not respond, or refuses everything. ``progress`` counts
        handled images.
        """
        summary = ExpirySummary()
        if self.archive is None or self.retention_days is None:
            return summary
        before = self.parts.clock.now() - timedelta(days=self.retention_days)
        if self.retention_days <= 0:
            before += timedelta(milliseconds=1)
        if progress is None:
            progress = PassProgress()
        else:
            progress.total = await self.parts.images.count(state=StorageState.BOTH, created_before=before)
        after: Image | int = 0
        while images := await self.parts.images.stored(created_before=before, after=after):
            for image in images:
                after = image
                try:
                    gone = await self._expire(image, self.archive, dry_run=dry_run)
                except StorageError as error:
                    _log.warning("a local file stays: %s", error, extra={"image_id": image.id})
                    gone, summary.last_error = False, error.reason
                    summary.unreachable = isinstance(error, StorageUnreachable)
                    if summary.unreachable or await _refuses_everything(self.archive):
                        summary.retained += 1
                        return summary
                summary.expired += gone
                summary.freed_bytes += image.size_bytes if gone else 0
                summary.retained += not gone
                progress.add()
        return summary

    async def _expire(self, image: Image, archive: BlobArchive, *, dry_run: bool) -> bool:
        try:
            proved = await archive.matches(self.parts.blobs, image.blob_key)
        except BlobMissing:  # removed by an earlier pass that was killed before it could record it
            proved = await self._is_archived(archive, image)
        if dry_run:
            return proved
        if proved:
            await self.parts.blobs.delete(image.blob_key)
        else:
            with contextlib.suppress(BlobMissing):
                if await sha256_of(self.parts.blobs, image.blob_key) != image.sha256:
                    raise StorageError(StorageCode.LOCAL_FILE_DAMAGED(image_id=image.id))
        await self.parts.images.set_storage(image.id, StorageState.ARCHIVE if proved else StorageState.LOCAL)
        return proved

    # ---------------------------------------------------------------- verify

    async def verify(
        self, *, checksums: bool = True, dry_run: bool = False, progress: PassProgress | None = None
    ) -> VerifyReport:
        """Check every image and every blob.

        A local file is repaired from the archive, an archived object by a new upload. An orphan, a blob
        without a record, is only reported, since it may have been paid for: its image waits for inspection,
        or its task ended as ``storage_failed``.

        Without ``checksums`` local files are not read, and only sizes compared. ``progress`` counts checked
        images.
        """
        verification = Verification(
            parts=self.parts,
            archive=self.archive,
            checksums=checksums,
            dry_run=dry_run,
            report=VerifyReport(archive_checked=self.archive is not None),
        )
        return await verification.run(progress or PassProgress())

    # ---------------------------------------------------------------- clean

    async def clean(self, *, at_start: bool = False) -> int:
        """Remove spooled files that a crash left or that are too old; return of how many folders.

        Kept answers stay for `RETENTION_SECONDS`, as do inputs of a task that did not complete, for a retry.
        Spooled inputs of ended tasks are kept, as `Runner.end` would have done. ``at_start`` no submission
        can be in progress.
        """
        spool, retention = self.parts.spool, timedelta(seconds=RETENTION_SECONDS)
        await self.parts.tasks.wipe_responses(ended_before=self.parts.clock.now() - retention)
        before = self.parts.clock.now() - timedelta(days=WEBHOOK_RETENTION_DAYS)
        while await self.parts.webhooks.prune(before=before):
            pass
        folders = await spool.folders(older_than_seconds=0)
        removed = 0
        old = set(await spool.folders(older_than_seconds=RETENTION_SECONDS))
        unclaimed = set(await spool.folders(older_than_seconds=0 if at_start else SUBMISSION_GRACE_SECONDS))
        for folder in folders:
            if await self._is_obsolete(folder, is_old=folder in old, is_unclaimed=folder in unclaimed):
                await spool.remove(folder)
                removed += 1
        return removed

    async def _is_obsolete(self, folder: str, *, is_old: bool, is_unclaimed: bool) -> bool:
        """Return whether nobody needs the folder any more; keep the inputs of an ended task."""
        task_id, _, attempt_id = folder.partition(".")
        try:
            task = await self.parts.tasks.get(task_id)
        except TaskNotFound:
            return is_old if is_kept(folder) else is_unclaimed
        if is_kept(folder):
            return is_old
        if task.status.final and not attempt_id and self.keep_inputs and task.request.inputs:
            await self.parts.spool.keep(folder, task.request.sent_inputs)
            return False
        if not task.status.final or is_old:
            return task.status.final
        if attempt_id:
            attempts = await self.parts.tasks.attempts(task_id)
            return not any(a.attempt_id == attempt_id and a.keeps_response for a in attempts)
        return task.status is TaskStatus.COMPLETED


async def _refuses_everything(archive: BlobArchive) -> bool:
    """Return whether the archive refuses any request, so that no single image is the problem."""
    try:
        await archive.stat("probe")
    except StorageError:
        return True
    return False


# ---------------------------------------------------------------- the loop


@attrs.define
class Upkeep:
    """Runs one pass after another: at the start, after each new or deleted image, and every few minutes.

    The spool is cleaned at the start and every few minutes. Each pass holds the cluster's only slot; ``node``
    has joined. ``manual_pass`` is the progress of a manual one, ``expiry_error`` is of the last expiry.
    Nothing runs by itself before the context is entered.
    """

    stores: Stores
    node: str
    sweep_seconds: float
    manual_pass: PassProgress | None = None
    expiry_error: Message | None = None
    _wake: asyncio.Event = attrs.field(factory=asyncio.Event)
    _loop: asyncio.Task[None] | None = None
    _clean_at: float = -math.inf

    def wake(self) -> None:
        self._wake.set()

    async def sync_now(self, *, dry_run: bool) -> SyncSummary:
        """Upload and remove everything that is pending, also what was deferred."""
        async with self._exclusive_pass("sync") as progress:
            return await self.stores.sync(everything=True, dry_run=dry_run, progress=progress)

    async def expire_now(self, *, dry_run: bool) -> ExpirySummary:
        if self.stores.archive is None or self.stores.retention_days is None:
            if dry_run:
                return ExpirySummary()
            raise ValidationFailed.for_field("storage.oss", ProblemCode.NO_ARCHIVE())
        async with self._exclusive_pass("expire") as progress:
            summary = await self.stores.expire(dry_run=dry_run, progress=progress)
        self.expiry_error = summary.last_error
        return summary

    async def verify_now(self, *, checksums: bool, dry_run: bool) -> VerifyReport:
        """Compare all records with the stores and repair what can be repaired."""
        async with self._exclusive_pass("verify") as progress:
            report = await self.stores.verify(checksums=checksums, dry_run=dry_run, progress=progress)
        if report.mended:
            self.wake()  # images that count as local again have to be uploaded
        return report

    async def __aenter__(self) -> Self:
        self._loop = asyncio.create_task(self._run(), name="maintenance")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _exclusive_pass(self, name: str) -> AsyncIterator[PassProgress]:
        """Wait until no pass is running; yield the progress of this one."""
        async with self.stores.parts.cluster.slot(UPKEEP_SLOT, node=self.node, limit=1):
            self.manual_pass = progress = PassProgress(name=name)
            try:
                yield progress
            finally:
                self.manual_pass = None

    async def _run(self) -> None:
        first = True
        while True:
            self._wake.clear()
            pause = self.sweep_seconds
            try:
                async with self.stores.parts.cluster.slot(UPKEEP_SLOT, node=self.node, limit=1):
                    pause = min(pause, await self._pass(first=first))
            except ImagegenError as error:
                _log.warning("a pass over the stores was interrupted: %s", error)
            except Exception:  # noqa: BLE001 - a defect here must not stop uploads for good
                _log.exception("a pass over the stores failed")
            first = False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(pause, 1.0))
            await self.stores.parts.clock.sleep(SETTLE_SECONDS)

    async def _pass(self, *, first: bool) -> float:
        """Run a pass; return the seconds until the next one, when something that was deferred is due."""
        clock = self.stores.parts.clock
        if clock.monotonic() >= self._clean_at and (removed := await self.stores.empty_trash()):
            _log.info("images of the trash were deleted for good", extra={"count": removed})
        summary = await self.stores.sync(everything=first)
        if summary.uploaded or summary.removed or summary.failed:
            extra = {
                "uploaded": summary.uploaded,
                "removed": summary.removed,
                "failed": summary.failed,
                "reason": None if summary.last_error is None else str(summary.last_error),
            }
            _log.info("stores synchronized", extra=extra)
        expired = await self.stores.expire()
        self.expiry_error = expired.last_error
        if expired.expired:
            _log.info("local files expired", extra={"count": expired.expired})
        if clock.monotonic() >= self._clean_at:
            await self.stores.clean()
            # A task that a crash interrupted ends when it is resumed, which may be after the first cleaning.
            self._clean_at = clock.monotonic() + min(self.sweep_seconds, 5.0 if first else math.inf)
        pause = self._clean_at - clock.monotonic()
        if summary.next_due is not None:
            pause = min(pause, (summary.next_due - clock.now()).total_seconds())
        return pause
