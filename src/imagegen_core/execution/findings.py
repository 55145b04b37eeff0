"""What is wrong with the images and blobs in the stores, and the report that counts it."""

from enum import StrEnum

import attrs

from imagegen_core.errors import StorageError
from imagegen_core.images import StorageState
from imagegen_core.messages import Message
from imagegen_core.ports.blobs import BlobArchive

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
