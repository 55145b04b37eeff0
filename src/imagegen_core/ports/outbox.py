"""What is still to be done to blobs elsewhere, kept until it is done."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import attrs

MAX_DEFERRAL = timedelta(hours=1)
"""Beyond it nothing is ever put off; what is due later than that was put off by another clock."""


class OutboxKind(StrEnum):
    """``upload``: copy an image to the archive. ``remove``: remove a blob from every store."""

    UPLOAD = "upload"
    REMOVE = "remove"


@attrs.frozen(kw_only=True)
class OutboxEntry:
    """One thing to do; ``attempts`` counts how often it was begun, ``last_error`` why it is still here."""

    id: int
    kind: OutboxKind
    blob_key: str
    image_id: int | None = None
    attempts: int = 0
    not_before: datetime | None = None
    last_error: str | None = None


@attrs.frozen(kw_only=True)
class OutboxCounts:
    """How much is waiting; ``failing`` of it was tried before. ``last_error`` is the newest one."""

    uploads: int
    removals: int
    failing: int
    last_error: str | None = None


class Outbox(Protocol):
    """Removals are added by `ImageRecords.delete`, in its transaction. Every write here is durable."""

    async def add_missing_uploads(self, *, limit: int = 1000) -> int:
        """Add the images that are only local and not waiting yet, oldest first; return how many.

        So none is missed that was stored before there was an archive, or beside a crash.
        """
        ...

    async def claim(
        self, *, due: datetime | None, after: int = 0, limit: int = 16
    ) -> tuple[OutboxEntry, ...]:
        """Return entries with ids above ``after`` in the order of ids, their attempts counted, durably.

        What is put off for more than `MAX_DEFERRAL` is due: the clock was set back meanwhile.

        Args:
            due: only what is not put off beyond this time; None for everything.
            after: the last id that this pass has seen.
            limit: at most so many.
        """
        ...

    async def peek(
        self, *, due: datetime | None, after: int = 0, limit: int = 100
    ) -> tuple[OutboxEntry, ...]:
        """Return what `claim` would, and change nothing."""
        ...

    async def complete(self, entry: OutboxEntry) -> None:
        """Take the entry out; one that is gone is fine."""
        ...

    async def defer(self, entry: OutboxEntry, *, not_before: datetime, error: str) -> None:
        """Put the entry off and say why; one that is gone stays gone."""
        ...

    async def next_due(self) -> datetime | None:
        """Return when the earliest entry that is put off becomes due; None when none is."""
        ...

    async def counts(self) -> OutboxCounts:
        """Return how much is waiting."""
        ...
