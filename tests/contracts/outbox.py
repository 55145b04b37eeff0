"""The contract of an outbox, as tests to subclass.

A subclass provides the fixtures ``repository``, ``records`` and ``outbox`` over the same data.
"""

import pytest

from imagegen_core.images import StorageState
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.outbox import MAX_DEFERRAL, Outbox, OutboxCounts, OutboxEntry, OutboxKind
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.problems import StorageCode
from tests.contracts.samples import NOW, add_image, later

_DOWN = StorageCode.ARCHIVE_UNREACHABLE()


def _brief(entries: tuple[OutboxEntry, ...]) -> list[tuple[OutboxKind, str]]:
    return [(entry.kind, entry.blob_key) for entry in entries]


class OutboxContract:
    """No entry is lost before it is completed."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository that adds the images."""
        raise NotImplementedError

    @pytest.fixture
    def records(self, repository: TaskRepository) -> ImageRecords:
        """Return the image records over the same data."""
        raise NotImplementedError

    @pytest.fixture
    def outbox(self, records: ImageRecords) -> Outbox:
        """Return the outbox under test."""
        raise NotImplementedError

    async def test_local_images_are_added_once(self, repository: TaskRepository, outbox: Outbox) -> None:
        """A second scan adds nothing; images that the archive has are not added."""
        image = await add_image(repository)
        await add_image(repository, storage=StorageState.BOTH)
        await add_image(repository, storage=StorageState.ARCHIVE)

        added = [await outbox.add_missing_uploads(), await outbox.add_missing_uploads()]

        (entry,) = await outbox.peek(due=None)
        assert [1, 0] == added
        assert (OutboxKind.UPLOAD, image.blob_key, image.id) == (entry.kind, entry.blob_key, entry.image_id)

    async def test_a_scan_takes_the_oldest_first(self, repository: TaskRepository, outbox: Outbox) -> None:
        """With a limit, newer images are left for the next scan."""
        images = [await add_image(repository) for _ in range(3)]

        first = await outbox.add_missing_uploads(limit=2)
        entries = await outbox.peek(due=None)
        rest = await outbox.add_missing_uploads(limit=2)

        assert (2, 1) == (first, rest)
        assert [image.blob_key for image in images[:2]] == [entry.blob_key for entry in entries]

    async def test_a_deleted_image_is_to_be_removed(
        self, repository: TaskRepository, records: ImageRecords, outbox: Outbox
    ) -> None:
        """Both its blobs are queued for removal, and its upload is dropped."""
        image = await add_image(repository)
        await outbox.add_missing_uploads()
        await records.delete(image.id)

        entries = await outbox.peek(due=None)

        assert [
            (OutboxKind.REMOVE, image.blob_key),
            (OutboxKind.REMOVE, image.thumbnail_key),
        ] == _brief(entries)

    async def test_a_claim_counts_the_attempt(self, repository: TaskRepository, outbox: Outbox) -> None:
        """The attempt is counted before anything is tried, so that it survives a crash."""
        await add_image(repository)
        await outbox.add_missing_uploads()

        claims = [(await outbox.claim(due=NOW))[0].attempts for _ in range(2)]

        assert [1, 2] == claims

    async def test_claims_go_on_behind_the_last(self, repository: TaskRepository, outbox: Outbox) -> None:
        """A pass gets each entry once, in order."""
        images = [await add_image(repository) for _ in range(3)]
        await outbox.add_missing_uploads()

        first = await outbox.claim(due=NOW, limit=2)
        second = await outbox.claim(due=NOW, after=first[-1].id, limit=2)

        assert [image.blob_key for image in images] == [entry.blob_key for entry in first + second]

    async def test_a_deferred_entry_waits(self, repository: TaskRepository, outbox: Outbox) -> None:
        """A deferred entry is due at its time, or at once if all entries are claimed, and has its error.

        It is the message itself, which every language has.
        """
        await add_image(repository)
        await outbox.add_missing_uploads()
        (entry,) = await outbox.claim(due=NOW)
        await outbox.defer(entry, not_before=later(5), error=_DOWN)

        due_counts = [len(await outbox.peek(due=due)) for due in (later(4.9), later(5), None)]

        assert [0, 1, 1] == due_counts
        assert later(5) == await outbox.next_due()
        assert OutboxCounts(uploads=1, removals=0, failing=1, last_error=_DOWN) == await outbox.counts()

    async def test_an_entry_deferred_by_a_clock_that_was_ahead_is_due(
        self, repository: TaskRepository, outbox: Outbox
    ) -> None:
        """After the clock was set back, a deferred entry does not wait for as long as the clock was ahead."""
        await add_image(repository)
        await outbox.add_missing_uploads()
        (entry,) = await outbox.claim(due=NOW)
        await outbox.defer(entry, not_before=NOW + MAX_DEFERRAL, error=_DOWN)
        waiting = [len(await outbox.peek(due=NOW)), len(await outbox.claim(due=NOW))]
        await outbox.defer(entry, not_before=later(0.001) + MAX_DEFERRAL, error=_DOWN)

        due = [len(await outbox.peek(due=NOW)), len(await outbox.claim(due=NOW))]

        assert ([0, 0], [1, 1]) == (waiting, due)

    async def test_what_is_done_is_gone(self, repository: TaskRepository, outbox: Outbox) -> None:
        """Completing an entry twice is no error, and it cannot be deferred any more."""
        await add_image(repository)
        await outbox.add_missing_uploads()
        (entry,) = await outbox.claim(due=NOW)

        await outbox.complete(entry)
        await outbox.complete(entry)
        await outbox.defer(entry, not_before=later(5), error=_DOWN)

        assert OutboxCounts(uploads=0, removals=0, failing=0) == await outbox.counts()
        assert await outbox.next_due() is None
