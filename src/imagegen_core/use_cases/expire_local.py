"""Remove old local files, once the archive has proved that it has the same bytes."""

import logging
from datetime import timedelta

import attrs

from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable
from imagegen_core.execution.checksums import sha256_of
from imagegen_core.images import Image, StorageState
from imagegen_core.messages import Message
from imagegen_core.ports.blobs import BlobArchive, BlobStore
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.image_inventory import ImageInventory
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.problems import StorageCode
from imagegen_core.values import Progress, no_progress

_log = logging.getLogger(__name__)


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

    inventory: ImageInventory
    records: ImageRecords
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
            total = await self.inventory.count(state=StorageState.BOTH, created_before=before)
        progress(0, total)
        run = ExpirySummary()
        after: Image | None = None
        while images := await self.inventory.aged(created_before=before, after=after):
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
