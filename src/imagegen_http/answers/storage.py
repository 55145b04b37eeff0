"""The stores and the search index: what was done by hand."""

from typing import Annotated

import msgspec

from imagegen_core.execution.findings import FindingKind
from imagegen_http.answers.fields import Answer, Time, doc

DryRun = Annotated[bool, doc("whether nothing was changed, only counted", example=False)]
PassName = Annotated[str, doc("name of a pass", "verify", enum=["sync", "expire", "verify"])]
Unreachable = Annotated[bool, doc("whether it stopped because OSS does not answer", example=False)]


class StoragePass(Answer, frozen=True, kw_only=True):
    """How far the pass is that was asked for by hand; all null when none runs."""

    name: Annotated[PassName | None, doc("which of them runs")] = msgspec.field(name="pass")
    done: Annotated[int | None, doc("images that it has dealt with", 120)]
    total: Annotated[int | None, doc("images in all; null while nobody knows", 4000)]


class SyncReport(Answer, frozen=True, kw_only=True):
    """What became of the uploads and removals that waited."""

    dry_run: DryRun
    uploaded: Annotated[int, doc("objects uploaded to OSS", 3)]
    uploaded_bytes: Annotated[int, doc("bytes of them", 169035)]
    removed: Annotated[int, doc("objects and files removed", 1)]
    failed: Annotated[int, doc("what is tried again later", 0)]
    unreachable: Unreachable
    last_error: Annotated[str | None, doc("why the last of them failed", None)]
    next_due: Annotated[Time | None, doc("when something is tried again", None)]


class ExpiryReport(Answer, frozen=True, kw_only=True):
    """What became of the local files that are old enough to go."""

    dry_run: DryRun
    expired: Annotated[int, doc("local files removed", 12)]
    freed_bytes: Annotated[int, doc("bytes of them", 676140)]
    retained: Annotated[int, doc("old files that OSS has not proved to hold", 0)] = msgspec.field(name="kept")
    unreachable: Unreachable
    last_error: Annotated[str | None, doc("why something stays that will not be put right by itself", None)]


class StorageFinding(Answer, frozen=True, kw_only=True):
    """One thing that is wrong in the stores."""

    kind: Annotated[FindingKind, doc("what is wrong", "local_missing")]
    key: Annotated[str, doc("key of the blob", "2026/11/24/7.png")]
    image_id: Annotated[int | None, doc("id of its image; null without a record", 7)]
    mended: Annotated[bool, doc("whether it is right again", example=True)]


class VerifyReport(Answer, frozen=True, kw_only=True):
    """How the records and the stores agree."""

    dry_run: DryRun
    images: Annotated[int, doc("images that were looked at", 4000)] = msgspec.field(name="pictures")
    blobs: Annotated[int, doc("blobs that were looked at", 8000)]
    wrong: Annotated[int, doc("findings in all", 1)]
    mended: Annotated[int, doc("findings that are right again", 1)]
    archive_checked: Annotated[bool, doc("whether OSS was asked, and answered to the end", example=True)]
    orphans: Annotated[int, doc("blobs without a record", 0)]
    archive_error: Annotated[str | None, doc("why OSS was not checked", None)]
    findings: Annotated[list[StorageFinding], doc("the first 1000 of them")]


IndexState = Annotated[
    str, doc("whether searches find what they should", "current", enum=["current", "stale", "missing"])
]


class SearchIndexReport(Answer, frozen=True, kw_only=True):
    """How the search index is."""

    state: IndexState
    reached: Annotated[
        int | None, doc("id of the image that a rebuild has reached; null when none runs", None)
    ]
    until: Annotated[int | None, doc("id of the last image that it has to reach", None)]


class ReindexReport(Answer, frozen=True, kw_only=True):
    """How the search index is after it was made again."""

    state: IndexState
    last_id: Annotated[int, doc("id of the last image in it", 4000)]
