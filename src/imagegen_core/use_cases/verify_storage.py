"""Compare the image records with the bytes in the stores, and repair what can be repaired."""

import attrs

from imagegen_core.errors import BlobMissing, ImageNotFound, StorageError
from imagegen_core.execution.checksums import sha256_of
from imagegen_core.execution.findings import Finding, FindingKind, Tally, VerifyReport, finding_kinds
from imagegen_core.images import Image, StorageState
from imagegen_core.ports.blobs import BlobArchive, BlobStore
from imagegen_core.ports.image_inventory import ImageInventory
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.values import Progress, in_batches, no_progress

_KEY_BATCH_SIZE = 10_000


@attrs.frozen(kw_only=True)
class VerifyStorage:
    """Repairs a local file from the archive and an archived object by a new upload; only reports an orphan.

    A blob without a record may have been paid for: its image could not be inspected yet, or its task ended as
    ``storage_failed``.

    ``archive`` is None if none is configured.
    """

    inventory: ImageInventory
    records: ImageRecords
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
        total = await self.inventory.count()
        progress(0, total)
        after = 0
        while batch := await self.inventory.images(after=after):
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
            for key in sorted(await self.inventory.unknown(keys)):
                tally.add(Finding(kind=kind, key=key))
