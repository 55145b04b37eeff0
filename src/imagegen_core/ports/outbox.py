"""Uploads and removals of blobs that are still to be done."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import attrs

from imagegen_core.messages import Message

MAX_DEFERRAL = timedelta(hours=1)
"""An entry due later than this was deferred before the clock was set back."""


class OutboxKind(StrEnum):
    """``upload``: copy an image to the archive. ``remove``: remove a blob from every store."""

    UPLOAD = "upload"
    REMOVE = "remove"


@attrs.frozen(kw_only=True)
class OutboxEntry:
    """One upload or removal; ``attempts`` counts the tries, ``last_error`` is of the last one."""

    id: int
    kind: OutboxKind
    blob_key: str
    image_id: int | None = None
    attempts: int = 0
    not_before: datetime | None = None
    last_error: Message | None = None


@attrs.frozen(kw_only=True)
class OutboxCounts:
    """Counts of waiting entries; ``failing`` of them were tried before, ``last_error`` is the latest.

    ``next_due`` is when the earliest deferred entry becomes due; None if none is deferred.
    """

    uploads: int
    removals: int
    failing: int
    last_error: Message | None = None
    next_due: datetime | None = None


class Outbox(Protocol):
    """Removals are added by `Gallery.delete`, in its transaction. Every write here is durable."""

    async def add_missing_uploads(self, *, limit: int = 1000) -> int:
        """Queue uploads of images that are only local, oldest first; return how many.

        They were stored before an archive was configured, or just before a crash.
        """

    async def claim(
        self, *, due: datetime | None, after: int = 0, limit: int = 16
    ) -> tuple[OutboxEntry, ...]:
        """Return entries with ids above ``after``, in that order, their attempts incremented durably.

        ``due`` leaves out those deferred beyond it, but none by more than `MAX_DEFERRAL`: the clock was set
        back.
        """

    async def complete(self, entry: OutboxEntry) -> None:
        """Remove the entry; a missing one is no error."""

    async def defer(self, entry: OutboxEntry, *, not_before: datetime, error: Message) -> None:
        """Defer the entry and record the error; a removed entry stays removed."""

    async def counts(self) -> OutboxCounts:
        """Count the waiting entries."""
