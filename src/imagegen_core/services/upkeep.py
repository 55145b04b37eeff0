"""The upkeep of the stores: upload, remove, expire, verify, and clean."""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self, TypeGuard

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
from imagegen_core.messages import Message
from imagegen_core.policies import sync_backoff
from imagegen_core.ports.blobs import BlobArchive, BlobStore, Spool, StoredBlob
from imagegen_core.ports.cluster import UPKEEP_SLOT, Cluster
from imagegen_core.ports.gallery import Gallery
from imagegen_core.ports.outbox import Outbox, OutboxEntry, OutboxKind
from imagegen_core.ports.tasks import TaskRepository
from imagegen_core.ports.tools import Clock
from imagegen_core.problems import ProblemCode, StorageCode
from imagegen_core.running.exchange import RETENTION_SECONDS, is_kept
from imagegen_core.running.storing import sha256_of
from imagegen_core.task import Task, TaskStatus
from imagegen_core.values import Progress, in_batches, no_progress


async def copy_to_archive(image: Image, source: BlobStore, archive: BlobArchive) -> StoredBlob:
    """Copy an image and return the copy.

    A separate request to the archive returns the size and checksum of the bytes that were sent, and those are
    the bytes of the image's record.

    Raises:
        BlobMissing: the source does not have the image.
        StorageUnreachable: the archive does not respond now.
        StorageError: it refused, or holds other bytes, or the source does; then the archive keeps nothing.
    """
    copy = await archive.copy_from(
        source, image.blob_key, size_bytes=image.size_bytes, content_type=image.mime_type.value
    )
    if copy.sha256 not in (None, image.sha256):
        await archive.delete(image.blob_key)
        raise content_changed(image)
    archived = await archive.stat(image.blob_key)
    expected = (image.size_bytes, copy.archive_checksum)
    if archived is None or (archived.size_bytes, archived.archive_checksum) != expected:
        await archive.delete(image.blob_key)
        raise StorageError(StorageCode.ARCHIVE_DIFFERS(image_id=image.id))
    return copy


def content_changed(image: Image) -> StorageError:
    """Return the error for an image whose file is not the one that was recorded."""
    return StorageError(StorageCode.LOCAL_FILE_CHANGED(image_id=image.id))


_MAX_FINDINGS = 1000


class FindingKind(StrEnum):
    """What is wrong with an image or a blob."""

    LOST = "lost"  # no store has the bytes
    LOCAL_MISSING = "local_missing"  # although the record says that there is a local file
    LOCAL_DAMAGED = "local_damaged"  # its size or SHA-256 differs from the record
    ARCHIVE_MISSING = "archive_missing"  # although the record says that the archive has it
    ARCHIVE_DAMAGED = "archive_damaged"  # its size or checksum differs from the record
    ORPHAN_LOCAL = "orphan_local"  # a file without a record
    ORPHAN_ARCHIVE = "orphan_archive"  # an object without a record


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that is wrong, and whether it has been repaired."""

    kind: FindingKind
    key: str
    image_id: int | None = None
    mended: bool = False


@attrs.frozen(kw_only=True)
class VerifyReport:
    """``findings`` are the first 1000; ``wrong``, ``mended`` and ``orphans`` count all of them.

    ``orphans`` are blobs without a record. ``archive_checked`` is False if there is no archive, or if it
    stopped responding: then ``archive_error`` says why, and images that could not be checked there do not
    count as wrong.
    """

    images: int
    blobs: int
    wrong: int
    mended: int
    archive_checked: bool
    orphans: int = 0
    archive_error: Message | None = None
    findings: tuple[Finding, ...] = ()


@attrs.define
class Tally:
    """The running totals; ``archive`` is None if there is none, and once it does not respond."""

    archive: BlobArchive | None
    archive_error: Message | None = None
    images: int = 0
    blobs: int = 0
    wrong: int = 0
    mended: int = 0
    orphans: int = 0
    findings: list[Finding] = attrs.field(factory=list)

    def drop_archive(self, error: StorageError) -> None:
        """Check the archive no further, because of this error."""
        self.archive, self.archive_error = None, error.reason

    def add(self, finding: Finding) -> None:
        """Count a finding, and list it unless there are many already."""
        self.wrong += 1
        self.mended += finding.mended
        self.orphans += finding.kind in (FindingKind.ORPHAN_LOCAL, FindingKind.ORPHAN_ARCHIVE)
        if len(self.findings) < _MAX_FINDINGS:
            self.findings.append(finding)

    def report(self) -> VerifyReport:
        """Return the totals and the listed findings."""
        return VerifyReport(
            images=self.images,
            blobs=self.blobs,
            wrong=self.wrong,
            mended=self.mended,
            orphans=self.orphans,
            archive_checked=self.archive is not None,
            archive_error=self.archive_error,
            findings=tuple(self.findings),
        )


def finding_kinds(
    state: StorageState, *, local: bool | None, archived: bool | None, archive_checked: bool
) -> tuple[FindingKind, ...]:
    """Return what is wrong with an image whose record says ``state``."""
    if local is None and archived is None and (archive_checked or state is StorageState.LOCAL):
        return (FindingKind.LOST,)
    wrong = []
    if state is not StorageState.ARCHIVE and local is None:
        wrong.append(FindingKind.LOCAL_MISSING)
    if local is False:
        wrong.append(FindingKind.LOCAL_DAMAGED)
    if archive_checked and state is not StorageState.LOCAL and archived is None:
        wrong.append(FindingKind.ARCHIVE_MISSING)
    if archive_checked and archived is False:
        wrong.append(FindingKind.ARCHIVE_DAMAGED)
    return tuple(wrong)


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

    outbox: Outbox
    records: Gallery
    local: BlobStore
    archive: BlobArchive | None
    clock: Clock
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
            return run.summary((await self.outbox.counts()).next_due)

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
        uploads = 0 if self.archive is None else await self.records.count(state=StorageState.LOCAL)
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
            later = self.clock.now() + sync_backoff(error, attempts=entry.attempts)
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
            images := await self.records.stored(state=StorageState.LOCAL, after=after)
        ):
            run.uploaded += len(images)
            run.uploaded_bytes += sum(image.size_bytes for image in images)
            after = images[-1].id
            run.report()
        counts = await self.outbox.counts()
        run.removed = counts.removals
        return run.summary(counts.next_due)


@attrs.frozen(kw_only=True)
class ExpirySummary:
    """What was removed (in a dry run: would be), and what had to stay although it is old enough.

    ``last_error`` says why a file stayed that needs an operator's attention.
    """

    expired: int = 0
    freed_bytes: int = 0
    retained: int = 0
    unreachable: bool = False
    last_error: Message | None = None

    def with_image(self, image: Image, *, gone: bool) -> "ExpirySummary":
        """Return the summary with one more image, whose local file is ``gone`` or had to stay."""
        if not gone:
            return attrs.evolve(self, retained=self.retained + 1)
        return attrs.evolve(self, expired=self.expired + 1, freed_bytes=self.freed_bytes + image.size_bytes)

    def with_error(self, error: StorageError) -> "ExpirySummary":
        """Return the summary with one more image whose file had to stay because of ``error``."""
        return attrs.evolve(
            self,
            retained=self.retained + 1,
            last_error=error.reason,
            unreachable=isinstance(error, StorageUnreachable),
        )


@attrs.frozen(kw_only=True)
class ExpireLocal:
    """Compares the archive's checksum of each image with the present local file before it removes the file.

    An image that fails this check counts as local again, so that it is uploaded again, unless its local file
    is damaged, because uploading that would replace the archive's good copy. Thumbnails stay.

    Args:
        retention_days: how long a file stays; may be a fraction, and 0 removes it as soon as it is archived.
    """

    records: Gallery
    local: BlobStore
    archive: BlobArchive
    clock: Clock
    retention_days: float

    async def __call__(self, *, dry_run: bool = False, progress: Progress = no_progress) -> ExpirySummary:
        """Expire what is due. The pass ends early if the archive does not respond, or refuses everything.

        ``progress`` reports how many of the images that are old enough have been handled.
        """
        before = self.clock.now() - timedelta(days=self.retention_days)
        if self.retention_days <= 0:
            before = before + timedelta(milliseconds=1)
        total = None
        if progress is not no_progress:
            total = await self.records.count(state=StorageState.BOTH, created_before=before)
        progress(0, total)
        run = ExpirySummary()
        after: Image | int = 0
        while images := await self.records.stored(created_before=before, after=after):
            for image in images:
                after = image
                try:
                    run = run.with_image(image, gone=await self._expire(image, dry_run=dry_run))
                except StorageError as error:
                    _log.warning("a local file stays: %s", error, extra={"image_id": image.id})
                    run = run.with_error(error)
                    if run.unreachable or await self._is_refused():
                        return run
                progress(run.expired + run.retained, total)
        return run

    async def _is_refused(self) -> bool:
        """Return whether the archive refuses any request, so that this image is not the problem."""
        try:
            await self.archive.stat("probe")
        except StorageError:
            return True
        return False

    async def _expire(self, image: Image, *, dry_run: bool) -> bool:
        try:
            proved = await self.archive.matches(self.local, image.blob_key)
        except BlobMissing:  # removed by an earlier pass that was killed before it could record it
            archived = await self.archive.stat(image.blob_key)
            proved = archived is not None and archived.size_bytes == image.size_bytes
        if dry_run:
            return proved
        if not proved:
            if await self._is_damaged(image):
                raise StorageError(StorageCode.LOCAL_FILE_DAMAGED(image_id=image.id))
            await self.records.set_storage(image.id, StorageState.LOCAL)
            return False
        await self.local.delete(image.blob_key)
        await self.records.set_storage(image.id, StorageState.ARCHIVE)
        return True

    async def _is_damaged(self, image: Image) -> bool:
        try:
            return await sha256_of(self.local, image.blob_key) != image.sha256
        except BlobMissing:
            return False


_KEY_BATCH_SIZE = 10_000


@attrs.frozen(kw_only=True)
class VerifyStorage:
    """Repairs a local file from the archive and an archived object by a new upload; only reports an orphan.

    A blob without a record may have been paid for: its image could not be inspected yet, or its task ended as
    ``storage_failed``.

    ``archive`` is None if none is configured.
    """

    records: Gallery
    local: BlobStore
    archive: BlobArchive | None

    async def __call__(
        self,
        *,
        checksums: bool = True,
        dry_run: bool = False,
        progress: Progress = no_progress,
    ) -> VerifyReport:
        """Check every image and every blob.

        Args:
            checksums: read every local file; otherwise only sizes are compared.
            dry_run: change nothing.
            progress: reports how many images have been checked.
        """
        tally = Tally(self.archive)
        await self._try_archive(tally)
        total = await self.records.count()
        progress(0, total)
        after = 0
        while batch := await self.records.stored(after=after):
            for image in batch:
                for finding in await self._examine(image, tally, checksums=checksums, dry_run=dry_run):
                    tally.add(finding)
                tally.images += 1
                progress(tally.images, max(total, tally.images))
            after = batch[-1].id
        await self._orphans(self.local, FindingKind.ORPHAN_LOCAL, tally)
        if tally.archive is not None:
            try:
                await self._orphans(tally.archive, FindingKind.ORPHAN_ARCHIVE, tally)
            except StorageError as error:
                tally.drop_archive(error)
        return tally.report()

    async def _try_archive(self, tally: Tally) -> None:
        try:
            if tally.archive is not None:
                await tally.archive.stat("probe")
        except StorageError as error:
            tally.drop_archive(error)

    async def _examine(self, image: Image, tally: Tally, *, checksums: bool, dry_run: bool) -> list[Finding]:
        """Return what is wrong with an image, repaired unless it is a dry run."""
        local = await self._inspect_local(image, checksums=checksums)
        archived = None
        if tally.archive is not None:
            proved = checksums and local is True  # otherwise the local file proves nothing
            try:
                archived = await self._inspect_archive(tally.archive, image, local_is_intact=proved)
            except StorageError as error:
                tally.drop_archive(error)
        wrong = finding_kinds(
            image.storage, local=local, archived=archived, archive_checked=tally.archive is not None
        )
        if not wrong or await self._is_gone(image):
            return []
        mended = not dry_run and await self._repair(image, tally, local=local, archived=archived)
        return [Finding(kind=kind, key=image.blob_key, image_id=image.id, mended=mended) for kind in wrong]

    async def _is_gone(self, image: Image) -> bool:
        """Return whether the image was deleted while it was being checked."""
        try:
            await self.records.get(image.id)
        except ImageNotFound:
            return True
        return False

    async def _inspect_local(self, image: Image, *, checksums: bool) -> bool | None:
        """Return whether the local file is intact; None if there is none."""
        try:
            blob = await self.local.stat(image.blob_key)
            if blob is None:
                return None
            if blob.size_bytes != image.size_bytes or not checksums:
                return blob.size_bytes == image.size_bytes
            return await sha256_of(self.local, image.blob_key) == image.sha256
        except BlobMissing:
            return None
        except StorageError:
            return False

    async def _inspect_archive(
        self, archive: BlobArchive, image: Image, *, local_is_intact: bool
    ) -> bool | None:
        """Return whether the archive's object is intact; None if there is none."""
        archived = await archive.stat(image.blob_key)
        if archived is None:
            return None
        if archived.size_bytes != image.size_bytes:
            return False
        if local_is_intact:
            return await archive.matches(self.local, image.blob_key)
        if image.archive_checksum in (None, archived.archive_checksum):
            return True
        # Perhaps that of an earlier archive, or one that this archive does not compute of the bytes alone.
        try:
            return await sha256_of(archive, image.blob_key) == image.sha256
        except BlobMissing:
            return None

    async def _repair(self, image: Image, tally: Tally, *, local: bool | None, archived: bool | None) -> bool:
        """Return whether the image is right again, given the results of both inspections."""
        if local:
            # An image that the archive lacks is uploaded again as soon as it counts as local.
            await self.records.set_storage(image.id, StorageState.BOTH if archived else StorageState.LOCAL)
            return True
        if not archived or tally.archive is None:
            return False
        if local is None:
            await self.records.set_storage(image.id, StorageState.ARCHIVE)
            return True
        try:
            return await self._restore_local(image, tally.archive)
        except (StorageError, BlobMissing):
            return False

    async def _restore_local(self, image: Image, archive: BlobArchive) -> bool:
        if await sha256_of(archive, image.blob_key) != image.sha256:
            return False
        await self.local.put(image.blob_key, archive.open(image.blob_key), content_type=image.mime_type.value)
        await self.records.set_storage(image.id, StorageState.BOTH)
        return True

    async def _orphans(self, store: BlobStore, kind: FindingKind, tally: Tally) -> None:
        async for keys in in_batches(store.keys(), _KEY_BATCH_SIZE):
            tally.blobs += len(keys)
            for key in sorted(await self.records.unknown(keys)):
                tally.add(Finding(kind=kind, key=key))


SUBMISSION_GRACE_SECONDS = 3600.0
"""How long files without a task are assumed to belong to a submission that is still being checked."""


@attrs.frozen(kw_only=True)
class CleanSpool:
    """Removes what a crash left behind and what is too old; completed tasks clean up after themselves.

    Answers that are kept stay for `RETENTION_SECONDS`, and so do the inputs of a task that did not complete,
    for a retry. With ``keep_inputs``, inputs of ended tasks that are still spooled are kept, as `Runner.end`
    would have done.
    """

    repository: TaskRepository
    spool: Spool
    clock: Clock
    keep_inputs: bool

    async def __call__(self, *, at_start: bool = False) -> int:
        """Return how many owners' files were removed; ``at_start`` no submission can be in progress."""
        retention = timedelta(seconds=RETENTION_SECONDS)
        await self.repository.wipe_responses(ended_before=self.clock.now() - retention)
        owners = await self.spool.owners(older_than_seconds=0)
        removed = 0
        old = set(await self.spool.owners(older_than_seconds=RETENTION_SECONDS))
        is_due = set(await self.spool.owners(older_than_seconds=0 if at_start else SUBMISSION_GRACE_SECONDS))
        for owner in owners:
            task = await self._task(owner)
            if self.keep_inputs and _has_ended_inputs(task, owner):
                await self.spool.keep(owner, task.request.sent_inputs)
            elif await self._is_obsolete(owner, task, old=owner in old, is_due=owner in is_due):
                await self.spool.remove(owner)
                removed += 1
        return removed

    async def _task(self, owner: str) -> Task | None:
        """Return the task whose files an owner has; None if there is none."""
        try:
            return await self.repository.get(owner.partition(".")[0])
        except TaskNotFound:
            return None

    async def _is_obsolete(self, owner: str, task: Task | None, *, old: bool, is_due: bool) -> bool:
        if is_kept(owner):
            return old
        if task is None:
            return is_due
        if not task.status.final or old:
            return task.status.final
        if attempt_id := owner.partition(".")[2]:
            attempts = await self.repository.attempts(task.task_id)
            return not any(a.attempt_id == attempt_id and a.keeps_response for a in attempts)
        return task.status is TaskStatus.COMPLETED


def _has_ended_inputs(task: Task | None, owner: str) -> TypeGuard[Task]:
    """Return whether the owner's files are inputs of a task that has ended."""
    return task is not None and owner == task.task_id and task.status.final and bool(task.request.inputs)


SETTLE_SECONDS = 0.2
"""How long a pass waits after a new image, so that many images make one pass."""


@attrs.frozen(kw_only=True)
class PassProgress:
    """The progress of a manual pass; ``total`` is None while it is not known."""

    name: str
    done: int = 0
    total: int | None = None


@attrs.define
class Upkeep:
    """Runs one pass after another: at the start, after each new or deleted image, and every few minutes.

    The spool is cleaned at the start and every few minutes only: completed tasks clean up after themselves.
    ``expire`` is None without an archive, which would have to prove that it holds what is to be removed. Each
    pass waits for the only slot of the ``cluster``, which its ``node`` has joined; ``manual_pass`` is the
    progress of a manual one. ``expiry_error`` says why the last expiry had to leave a file that needs an
    operator. Nothing runs automatically before the context is entered.
    """

    sync: SyncStorage
    expire: ExpireLocal | None
    verify: VerifyStorage
    clean: CleanSpool
    cluster: Cluster
    node: str
    clock: Clock
    sweep_seconds: float
    manual_pass: PassProgress | None = None
    expiry_error: Message | None = None
    _wake: asyncio.Event = attrs.field(factory=asyncio.Event)
    _loop: asyncio.Task[None] | None = None
    _clean_at: float = -math.inf

    def wake(self) -> None:
        """Run a pass soon."""
        self._wake.set()

    async def sync_now(self, *, dry_run: bool) -> SyncSummary:
        """Upload and remove everything that is pending, including what was deferred."""
        async with self._exclusive_pass("sync") as progress:
            return await self.sync(everything=True, dry_run=dry_run, progress=progress)

    async def expire_now(self, *, dry_run: bool) -> ExpirySummary:
        """Remove the local files that are old enough.

        Raises:
            ValidationFailed: OSS is not configured; without it no local file is ever removed, which the
                numbers of a dry run say as well.
        """
        if self.expire is None:
            if dry_run:
                return ExpirySummary()
            raise ValidationFailed.for_field("storage.oss", ProblemCode.NO_ARCHIVE())
        async with self._exclusive_pass("expire") as progress:
            summary = await self.expire(dry_run=dry_run, progress=progress)
        self.expiry_error = summary.last_error
        return summary

    async def verify_now(self, *, checksums: bool, dry_run: bool) -> VerifyReport:
        """Compare all records with the stores and repair what can be repaired."""
        async with self._exclusive_pass("verify") as progress:
            report = await self.verify(checksums=checksums, dry_run=dry_run, progress=progress)
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
    async def _exclusive_pass(self, name: str) -> AsyncIterator[Progress]:
        """Wait until no pass is running, and yield the callback for this one's progress."""

        def note(done: int, total: int | None) -> None:
            self.manual_pass = PassProgress(name=name, done=done, total=total)

        async with self.cluster.slot(UPKEEP_SLOT, node=self.node, limit=1):
            note(0, None)
            try:
                yield note
            finally:
                self.manual_pass = None

    async def _run(self) -> None:
        first = True
        while True:
            self._wake.clear()
            pause = self.sweep_seconds
            try:
                async with self.cluster.slot(UPKEEP_SLOT, node=self.node, limit=1):
                    pause = min(pause, await self._pass(first=first))
            except ImagegenError as error:
                _log.warning("a pass over the stores was interrupted: %s", error)
            except Exception:  # noqa: BLE001 - a defect here must not stop uploads for good
                _log.exception("a pass over the stores failed")
            first = False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(pause, 1.0))
            await self.clock.sleep(SETTLE_SECONDS)

    async def _pass(self, *, first: bool) -> float:
        """Run a pass; return the seconds until the next one, when something that was deferred is due."""
        summary = await self.sync(everything=first)
        if summary.uploaded or summary.removed or summary.failed:
            extra = {
                "uploaded": summary.uploaded,
                "removed": summary.removed,
                "failed": summary.failed,
                "reason": None if summary.last_error is None else str(summary.last_error),
            }
            _log.info("stores synchronized", extra=extra)
        if self.expire is not None:
            expired = await self.expire()
            self.expiry_error = expired.last_error
            if expired.expired:
                _log.info("local files expired", extra={"count": expired.expired})
        if self.clock.monotonic() >= self._clean_at:
            await self.clean()
            self._clean_at = self.clock.monotonic() + self.sweep_seconds
        if summary.next_due is None:
            return self.sweep_seconds
        return (summary.next_due - self.clock.now()).total_seconds()
