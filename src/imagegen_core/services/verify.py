"""Compares the records of images with the stores, and repairs."""

import contextlib
from collections.abc import Iterator
from enum import StrEnum

import attrs

from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.images import Image, StorageState
from imagegen_core.messages import Message
from imagegen_core.ports.blobs import BlobArchive, BlobStore
from imagegen_core.ports.parts import Parts
from imagegen_core.running.storing import sha256_of
from imagegen_core.values import PassProgress, in_batches

_MAX_FINDINGS = 1000
_KEY_BATCH_SIZE = 10_000


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


@attrs.define(kw_only=True)
class VerifyReport:
    """``findings`` are the first 1000; ``wrong``, ``mended`` and ``orphans`` count all of them.

    ``orphans`` are blobs without a record. ``archive_checked`` is False without an archive, or once it
    stopped responding, for the reason in ``archive_error``. Images that could not be checked there do not
    count as wrong.
    """

    archive_checked: bool
    images: int = 0
    blobs: int = 0
    wrong: int = 0
    mended: int = 0
    orphans: int = 0
    archive_error: Message | None = None
    findings: tuple[Finding, ...] = ()

    def add(self, finding: Finding) -> None:
        """Count a finding, and list it unless there are many already."""
        self.wrong += 1
        self.mended += finding.mended
        self.orphans += finding.kind in (FindingKind.ORPHAN_LOCAL, FindingKind.ORPHAN_ARCHIVE)
        if len(self.findings) < _MAX_FINDINGS:
            self.findings += (finding,)

    @contextlib.contextmanager
    def checking_archive(self) -> Iterator[None]:
        """Check the archive no further once it does not respond."""
        try:
            yield
        except StorageError as error:
            self.archive_checked, self.archive_error = False, error.reason


@attrs.frozen(kw_only=True)
class Verification:
    """One comparison, by the rules of `Stores.verify`."""

    parts: Parts
    archive: BlobArchive | None
    checksums: bool
    dry_run: bool
    report: VerifyReport

    async def run(self, progress: PassProgress) -> VerifyReport:
        report, archive = self.report, self.archive
        if archive is not None:
            with report.checking_archive():
                await archive.stat("probe")
        progress.total = await self.parts.images.count()
        after = 0
        while batch := await self.parts.images.stored(after=after):
            for image in batch:
                await self._examine(image)
                report.images += 1
                progress.add()
            after = batch[-1].id
        await self._find_orphans(self.parts.blobs, FindingKind.ORPHAN_LOCAL)
        if archive is not None and report.archive_checked:
            with report.checking_archive():
                await self._find_orphans(archive, FindingKind.ORPHAN_ARCHIVE)
        return report

    async def _examine(self, image: Image) -> None:
        """Report what is wrong with an image, repaired unless it is a dry run."""
        report, archived = self.report, None
        local = await self._inspect_local(image)
        if self.archive is not None and report.archive_checked:
            proved = self.checksums and local is True  # otherwise the local file proves nothing
            with report.checking_archive():
                archived = await self._inspect_archive(self.archive, image, local_is_intact=proved)
        kinds = _finding_kinds(
            image.storage, local=local, archived=archived, archive_checked=report.archive_checked
        )
        if not kinds or not await self.parts.images.existing((image.id,)):  # or it was deleted meanwhile
            return
        archive = self.archive if archived and report.archive_checked else None
        mended = not self.dry_run and await self._repair(image, archive, local=local)
        for kind in kinds:
            report.add(Finding(kind=kind, key=image.blob_key, image_id=image.id, mended=mended))

    async def _inspect_local(self, image: Image) -> bool | None:
        """Return whether the local file is intact; None if there is none."""
        try:
            blob = await self.parts.blobs.stat(image.blob_key)
            if blob is None:
                return None
            has_size = blob.size_bytes == image.size_bytes
            return has_size and (
                not self.checksums or await sha256_of(self.parts.blobs, image.blob_key) == image.sha256
            )
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
            return await archive.matches(self.parts.blobs, image.blob_key)
        if image.archive_checksum in (None, archived.archive_checksum):
            return True
        # Perhaps that of an earlier archive, or one that this archive does not compute of the bytes alone.
        try:
            return await sha256_of(archive, image.blob_key) == image.sha256
        except BlobMissing:
            return None

    async def _repair(self, image: Image, archive: BlobArchive | None, *, local: bool | None) -> bool:
        """Return whether the image is right again; ``archive`` is None unless it has an intact copy."""
        if local:
            # An image that the archive lacks is uploaded again as soon as it counts as local.
            state = StorageState.LOCAL if archive is None else StorageState.BOTH
        elif archive is None:
            return False
        elif local is None:
            state = StorageState.ARCHIVE
        else:
            try:
                if await sha256_of(archive, image.blob_key) != image.sha256:
                    return False
                content = archive.open(image.blob_key)
                await self.parts.blobs.put(image.blob_key, content, content_type=image.mime_type.value)
            except (StorageError, BlobMissing):
                return False
            state = StorageState.BOTH
        await self.parts.images.set_storage(image.id, state)
        return True

    async def _find_orphans(self, store: BlobStore, kind: FindingKind) -> None:
        async for keys in in_batches(store.keys(), _KEY_BATCH_SIZE):
            self.report.blobs += len(keys)
            for key in sorted(await self.parts.images.unknown(keys)):
                self.report.add(Finding(kind=kind, key=key))


def _finding_kinds(
    state: StorageState, *, local: bool | None, archived: bool | None, archive_checked: bool
) -> list[FindingKind]:
    """Return what is wrong with an image whose record says ``state``."""
    if local is None and archived is None and (archive_checked or state is StorageState.LOCAL):
        return [FindingKind.LOST]
    wrong = {
        FindingKind.LOCAL_MISSING: state is not StorageState.ARCHIVE and local is None,
        FindingKind.LOCAL_DAMAGED: local is False,
        FindingKind.ARCHIVE_MISSING: archive_checked and state is not StorageState.LOCAL and archived is None,
        FindingKind.ARCHIVE_DAMAGED: archive_checked and archived is False,
    }
    return [kind for kind, is_wrong in wrong.items() if is_wrong]
