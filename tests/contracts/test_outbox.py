"""No entry of the outbox is lost before it is completed."""

import pytest

from imagegen_core.images import StorageState
from imagegen_core.messages import StorageCode
from imagegen_core.ports.blobs import MAX_DEFERRAL, OutboxCounts, OutboxKind
from tests.contracts.samples import NOW, add_image, later

pytestmark = pytest.mark.anyio

_DOWN = StorageCode.ARCHIVE_UNREACHABLE()


def _brief(entries):
    return [(entry.kind, entry.blob_key) for entry in entries]


async def test_local_images_are_added_once(repository, outbox):
    """A second scan adds nothing; images that the archive has are not added."""
    image = await add_image(repository)
    await add_image(repository, storage=StorageState.BOTH)
    await add_image(repository, storage=StorageState.ARCHIVE)

    added = [await outbox.add_missing_uploads(), await outbox.add_missing_uploads()]

    (entry,) = await outbox.claim(due=None)
    assert [1, 0] == added
    assert (OutboxKind.UPLOAD, image.blob_key, image.id) == (entry.kind, entry.blob_key, entry.image_id)


async def test_a_scan_takes_the_oldest_first(repository, outbox):
    """With a limit, newer images are left for the next scan."""
    images = [await add_image(repository) for _ in range(3)]

    first = await outbox.add_missing_uploads(limit=2)
    entries = await outbox.claim(due=None)
    rest = await outbox.add_missing_uploads(limit=2)

    assert (2, 1) == (first, rest)
    assert [image.blob_key for image in images[:2]] == [entry.blob_key for entry in entries]


async def test_a_deleted_image_is_to_be_removed(repository, records, outbox):
    """Both its blobs are queued for removal, and its upload is dropped."""
    image = await add_image(repository)
    await outbox.add_missing_uploads()
    await records.delete([image.id])

    entries = await outbox.claim(due=None)

    assert [
        (OutboxKind.REMOVE, image.blob_key),
        (OutboxKind.REMOVE, image.thumbnail_key),
    ] == _brief(entries)


async def test_a_claim_counts_the_attempt(repository, outbox):
    """The attempt is counted before anything is tried, so that it survives a crash."""
    await add_image(repository)
    await outbox.add_missing_uploads()

    claims = [(await outbox.claim(due=NOW))[0].attempts for _ in range(2)]

    assert [1, 2] == claims


async def test_claims_go_on_behind_the_last(repository, outbox):
    """A pass gets each entry once, in order."""
    images = [await add_image(repository) for _ in range(3)]
    await outbox.add_missing_uploads()

    first = await outbox.claim(due=NOW, limit=2)
    second = await outbox.claim(due=NOW, after=first[-1].id, limit=2)

    assert [image.blob_key for image in images] == [entry.blob_key for entry in first + second]


async def test_a_deferred_entry_waits(repository, outbox):
    """A deferred entry is due at its time, or at once if all entries are claimed, and has its error.

    It is the message itself, which every language has.
    """
    await add_image(repository)
    await outbox.add_missing_uploads()
    (entry,) = await outbox.claim(due=NOW)
    await outbox.defer(entry, not_before=later(5), error=_DOWN)

    counts = await outbox.counts()
    due_counts = [len(await outbox.claim(due=due)) for due in (later(4.9), None, later(5))]

    assert [0, 1, 1] == due_counts
    assert OutboxCounts(uploads=1, removals=0, failing=1, last_error=_DOWN, next_due=later(5)) == counts


async def test_an_entry_deferred_by_a_clock_that_was_ahead_is_due(repository, outbox):
    """After the clock was set back, a deferred entry does not wait for as long as the clock was ahead."""
    await add_image(repository)
    await outbox.add_missing_uploads()
    (entry,) = await outbox.claim(due=NOW)
    await outbox.defer(entry, not_before=NOW + MAX_DEFERRAL, error=_DOWN)
    waiting = len(await outbox.claim(due=NOW))
    await outbox.defer(entry, not_before=later(0.001) + MAX_DEFERRAL, error=_DOWN)

    due = len(await outbox.claim(due=NOW))

    assert (0, 1) == (waiting, due)


async def test_what_is_done_is_gone(repository, outbox):
    """Completing an entry twice is no error, and it cannot be deferred any more."""
    await add_image(repository)
    await outbox.add_missing_uploads()
    (entry,) = await outbox.claim(due=NOW)

    await outbox.complete(entry)
    await outbox.complete(entry)
    await outbox.defer(entry, not_before=later(5), error=_DOWN)

    assert OutboxCounts(uploads=0, removals=0, failing=0) == await outbox.counts()


async def test_deleting_an_image_schedules_the_removal_of_its_blobs(repository, records, rows):
    """Image and thumbnail are added once, in the transaction of the deletion; a waiting upload is dropped."""
    image = await add_image(repository)
    await records.set_storage(image.id, StorageState.BOTH)
    upload = f"('upload', '{image.blob_key}', {image.id})"
    await rows(f"INSERT INTO outbox (kind, blob_key, image_id) VALUES {upload}")  # noqa: S608 - of this test

    await records.delete([image.id])

    removals = await rows("SELECT kind, blob_key, image_id FROM outbox ORDER BY id")
    assert [("remove", key, image.id) for key in (image.blob_key, image.thumbnail_key)] == removals
