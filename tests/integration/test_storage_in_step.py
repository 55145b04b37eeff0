"""Images get to OSS and stay readable, whatever happens to OSS, the network or the disk."""

import hashlib
from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.archives.oss import OssBlobArchive
from imagegen_adapters.files.cache import ArchiveFirstBlobStore, TieredBlobStore
from imagegen_adapters.files.local import LocalBlobStore
from imagegen_adapters.memory import memory_adapters
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable
from imagegen_core.images import StorageState
from imagegen_core.services.gallery import Images
from imagegen_core.services.upkeep import Stores
from imagegen_core.services.verify import FindingKind
from imagegen_core.values import PassProgress
from tests.contracts.clock import ManualClock
from tests.contracts.samples import NOW, add_image, read, stream
from tests.fakes.oss import FakeOss
from tests.integration.oss_settings import settings_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def oss():
    with FakeOss() as oss:
        yield oss


@pytest.fixture
async def desk(oss, tmp_path):
    desk = Desk(oss, tmp_path)
    yield desk
    oss.release()
    desk.local.close()
    await desk.archive.aclose()


class Desk:
    """Everything that looks after the stores, wired."""

    def __init__(self, oss, directory):
        self.oss = oss
        self.clock = ManualClock(NOW + timedelta(minutes=1))
        parts = memory_adapters(clock=self.clock)
        self.repository, self.records, self.outbox = parts.tasks, parts.images, parts.outbox
        self.local = LocalBlobStore(directory / "images")
        self.archive = OssBlobArchive(settings_of(oss))
        self.images = TieredBlobStore(local=self.local, archive=self.archive)
        self.parts = attrs.evolve(parts, blobs=self.local)
        self.stores = Stores(parts=self.parts, archive=self.archive)
        self.gallery = Images(
            parts=attrs.evolve(parts, blobs=self.images), on_change=lambda: None, trash_days=30
        )
        self.delete = self.gallery.delete_one

    def expire(self, days):
        return attrs.evolve(self.stores, retention_days=days).expire

    @property
    def sync(self):
        return self.stores.sync

    @property
    def verify(self):
        return self.stores.verify

    async def image(self, number=1, data=None, **more):
        """Store an image as `Runner` does: bytes, then record."""
        data = data or f"image {number} ".encode() * 1000
        key = f"01/{number}.png"
        blob = await self.images.put(key, stream([data]), content_type="image/png")
        image = await add_image(
            self.repository,
            blob_key=key,
            thumbnail_key=None,
            size_bytes=blob.size_bytes,
            sha256=blob.sha256,
            **{"archive_checksum": blob.archive_checksum, **more},
        )
        return image, data

    async def states(self):
        return [image.storage.value for image in await self.records.stored()]


@pytest.mark.parametrize("trouble", ["down", "refused"])
async def test_what_the_archive_does_not_take_waits_on_the_disk(desk, oss, trouble):
    """Straight to the archive or not: what was paid for is kept, and an old copy never hides a new one."""
    store = ArchiveFirstBlobStore(local=desk.local, archive=desk.archive)
    secret = oss.secret
    if trouble == "down":
        oss.down()
    else:
        oss.secret = "another"
    first = await store.put("01/1.png", stream([b"one"]), content_type="image/png")
    content = await read(store, "01/1.png")
    if trouble == "down":
        oss.up()
    oss.secret = secret
    second = await store.put("01/1.png", stream([b"two"]), content_type="image/png")

    assert (StorageState.LOCAL, b"one") == (first.state, content)
    assert (StorageState.ARCHIVE, b"two") == (second.state, await read(store, "01/1.png"))
    assert await desk.local.stat("01/1.png") is None


async def test_an_image_is_uploaded_once(desk, oss):
    """One put, one question whether it arrived; the next pass does nothing."""
    await desk.image()

    first = await desk.sync()
    second = await desk.sync()

    assert (1, 0) == (first.uploaded, second.uploaded)
    assert ["put", "head"] == [call.operation for call in oss.ledger]
    assert ["both"] == await desk.states()


async def test_while_oss_is_down_all_is_served_and_later_uploaded(desk, oss):
    """Nothing is lost, nothing is sent twice."""
    oss.down()
    images = [await desk.image(number) for number in range(6)]
    failed = await desk.sync()
    served = [await read(desk.images, image.blob_key) for image, _ in images]
    oss.up()
    desk.clock.advance(60)

    uploaded = await desk.sync()

    assert failed.unreachable
    assert "no usable response" in str(failed.last_error)
    assert [data for _, data in images] == served
    assert 6 == uploaded.uploaded
    assert sorted(f"team/a/01/{number}.png" for number in range(6)) == sorted(oss.calls("put"))
    assert ["both"] * 6 == await desk.states()


async def test_a_pass_gives_up_early_while_oss_is_down(desk, oss):
    """It does not wait for a time-out per image."""
    oss.down()
    for number in range(12):
        await desk.image(number)

    summary = await desk.sync()

    assert 4 == summary.failed
    assert desk.clock.now() + timedelta(seconds=5) == summary.next_due


async def test_a_start_tries_everything(desk, oss):
    """Also what was put off."""
    await desk.image()
    oss.fail("unavailable", "put")
    await desk.sync()

    due = await desk.sync()
    everything = await desk.sync(everything=True)

    assert (0, 1) == (due.uploaded, everything.uploaded)


async def test_a_lost_answer_does_not_send_twice(desk, oss):
    """The object was stored and only the answer was lost: asking is enough."""
    await desk.image()
    oss.fail("swallow", "put")
    await desk.sync()

    await desk.sync(everything=True)

    assert 1 == len(oss.calls("put"))
    assert ["both"] == await desk.states()


async def test_a_wrong_checksum_keeps_the_local_copy_and_is_told(desk, oss):
    """The outbox says why, and a later try puts it right."""
    image, data = await desk.image()
    oss.fail("corrupt", "put")
    await desk.sync()

    counts = await desk.outbox.counts()
    expired = await desk.expire(0)()
    content = await read(desk.local, image.blob_key)
    await desk.sync(everything=True)

    assert "another checksum" in str(counts.last_error)
    assert (0, data) == (expired.expired, content)
    assert data == oss.objects["team/a/01/1.png"].data


async def test_a_damaged_file_is_not_passed_on(desk, oss):
    """The archive must not get other bytes than those that were stored."""
    await desk.image()
    path = desk.local.root / "01/1.png"
    path.write_bytes(b"\0" + path.read_bytes()[1:])

    summary = await desk.sync()

    assert "not what was stored" in str(summary.last_error)
    assert {} == oss.objects


async def test_an_expired_image_is_read_from_oss(desk):
    """The file is gone, the bytes and their parts are not."""
    image, data = await desk.image()
    await desk.sync()
    desk.clock.advance(86_400)

    too_early = await desk.expire(2)()
    expired = await desk.expire(0.5)()

    assert (0, 1) == (too_early.expired, expired.expired)
    assert await desk.local.stat(image.blob_key) is None
    assert data == await read(desk.images, image.blob_key)
    assert data[5:50] == await read(desk.images, image.blob_key, start=5, end=50)
    assert ["oss"] == await desk.states()


async def test_nothing_expires_that_was_not_uploaded(desk):
    """However old it is."""
    image, data = await desk.image()
    desk.clock.advance(1_000_000)

    summary = await desk.expire(0)()

    assert 0 == summary.expired
    assert data == await read(desk.local, image.blob_key)


@pytest.mark.parametrize("damage", ["other bytes", "gone", "wrong checksum"])
async def test_a_file_stays_when_oss_cannot_prove_it(desk, oss, damage):
    """It is uploaded again instead."""
    image, data = await desk.image()
    await desk.sync()
    if damage == "gone":
        oss.objects.clear()
    elif damage == "other bytes":
        oss.objects["team/a/01/1.png"].data = b"\0" + data[1:]
    else:
        oss.fail("wrong_crc", "head")

    summary = await desk.expire(0)()
    after = await desk.states()
    await desk.sync()

    assert (0, 1, ["local"]) == (summary.expired, summary.retained, after)
    assert data == await read(desk.local, image.blob_key) == oss.objects["team/a/01/1.png"].data


async def test_a_damaged_file_does_not_take_the_place_of_a_good_object(desk, oss):
    """Neither by expiry nor by a verification that looks at sizes only; a whole one fetches it back."""
    image, data = await desk.image()
    await desk.sync()
    (desk.local.root / image.blob_key).write_bytes(b"\0" + data[1:])

    expired = await desk.expire(0)()
    by_size = await desk.verify(checksums=False)
    await desk.sync()
    content = oss.objects["team/a/01/1.png"].data
    mended = await desk.verify()

    assert (0, 1, 0, 1) == (expired.expired, expired.retained, by_size.wrong, mended.mended)
    assert data == content == await read(desk.local, image.blob_key)


async def test_nothing_expires_while_oss_is_down(desk, oss):
    """Without an answer there is no proof."""
    await desk.image()
    await desk.sync()
    oss.down()

    summary = await desk.expire(0)()

    assert (0, True, ["both"]) == (summary.expired, summary.unreachable, await desk.states())


async def test_a_dry_run_changes_nothing(desk, oss):
    """It only says what would be done."""
    image, _ = await desk.image()
    await desk.outbox.add_missing_uploads()
    would_upload = await desk.sync(dry_run=True)
    puts = list(oss.objects)
    await desk.sync()
    would_expire = await desk.expire(0)(dry_run=True)

    assert (1, []) == (would_upload.uploaded, puts)
    assert 1 == would_expire.expired
    assert await desk.local.stat(image.blob_key) is not None


async def test_a_deleted_image_leaves_oss_too(desk, oss):
    """At the next pass."""
    image, _ = await desk.image()
    await desk.sync()
    await desk.delete(image_id=image.id)

    await desk.sync()

    assert {} == oss.objects
    assert await desk.local.stat(image.blob_key) is None


async def test_an_image_that_is_deleted_while_oss_is_down_leaves_later(desk, oss):
    """The local file goes at once, the object when OSS is back; a second pass finds nothing to do."""
    image, _ = await desk.image()
    await desk.sync()
    oss.down()
    await desk.delete(image_id=image.id)
    gone_here = await desk.local.stat(image.blob_key) is None
    await desk.sync()
    oss.up()

    removed = await desk.sync(everything=True)
    again = await desk.sync(everything=True)

    assert gone_here
    assert (1, 0) == (removed.removed, again.removed)
    assert {} == oss.objects


async def test_an_image_that_is_deleted_before_its_upload_never_leaves(desk, oss):
    """Nothing is sent that is to be removed."""
    image, _ = await desk.image()
    await desk.outbox.add_missing_uploads()
    await desk.delete(image_id=image.id)

    await desk.sync()

    assert [] == oss.calls("put")


async def test_an_image_that_is_deleted_during_its_upload_leaves_oss_again(desk, oss):
    """The removal is noted while the bytes travel, and is done after them."""
    image, _ = await desk.image()

    class DeletingSource:
        stat, delete = desk.local.stat, desk.local.delete

        async def open(self, key):
            chunks = [chunk async for chunk in desk.local.open(key)]
            await desk.records.delete([image.id])
            for chunk in chunks:
                yield chunk

    summary = await Stores(
        parts=attrs.evolve(desk.parts, blobs=DeletingSource()), archive=desk.archive
    ).sync()

    assert (1, 1, {}) == (summary.uploaded, summary.removed, oss.objects)
    assert await desk.local.stat(image.blob_key) is None


async def test_removals_need_no_archive(desk):
    """Without OSS the outbox is emptied all the same."""
    image, _ = await desk.image()
    await desk.records.delete([image.id])

    summary = await attrs.evolve(desk.stores, archive=None).sync()

    assert 1 == summary.removed
    assert await desk.local.stat(image.blob_key) is None


async def test_only_oss_has_it_and_oss_is_down(desk, oss):
    """The reader is told to come again, not that the image is lost."""
    image, _ = await desk.image()
    await desk.sync()
    await desk.expire(0)()
    oss.down()

    with pytest.raises(StorageUnreachable):
        await read(desk.images, image.blob_key)


async def test_a_blob_that_nobody_has_is_missing(desk):
    """Both were asked."""
    with pytest.raises(BlobMissing):
        await read(desk.images, "01/none.png")


async def test_a_disk_that_fails_in_the_middle_is_gone_on_with_from_oss(desk, monkeypatch):
    """The reader notices nothing."""
    image, data = await desk.image(data=bytes(range(256)) * 4096)
    await desk.sync()
    real = desk.local.open

    async def failing(key, *, start=0, end=None):
        async for chunk in real(key, start=start, end=600_000):
            yield chunk
        raise StorageUnreachable("broken disk")

    monkeypatch.setattr(desk.local, "open", failing)

    assert data == await read(desk.images, image.blob_key)


async def test_a_kill_between_bytes_and_record_is_harmless(desk):
    """The file without a record is found, and stays: it may be a paid image that is still to be checked."""
    await desk.image()
    await desk.images.put("01/orphan.png", stream([b"x"]), content_type="image/png")

    report = await desk.verify()
    assert [(FindingKind.ORPHAN_LOCAL, "01/orphan.png", False)] == [
        (finding.kind, finding.key, finding.mended) for finding in report.findings
    ]
    assert await desk.images.stat("01/orphan.png")


async def test_a_kill_while_expiring_is_mended(desk):
    """The file was removed and the record did not hear of it."""
    image, data = await desk.image()
    await desk.sync()
    await desk.local.delete(image.blob_key)

    summary = await desk.expire(0)()

    assert (1, ["oss"]) == (summary.expired, await desk.states())
    assert data == await read(desk.images, image.blob_key)


@pytest.mark.parametrize(
    ("damage", "expected", "state"),
    [
        ("local missing", "local_missing", "oss"),
        ("local damaged", "local_damaged", "both"),
        ("archive missing", "archive_missing", "both"),
        ("archive damaged", "archive_damaged", "both"),
    ],
)
async def test_what_one_store_lost_comes_from_the_other(desk, oss, damage, expected, state):
    """A dry run only tells; then it is mended, and all is well."""
    image, data = await desk.image()
    await desk.sync()
    path = desk.local.root / image.blob_key
    match damage:
        case "local missing":
            path.unlink()
        case "local damaged":
            path.write_bytes(b"\0" + data[1:])
        case "archive missing":
            oss.objects.clear()
        case "archive damaged":
            oss.objects["team/a/01/1.png"].data = b"\0" + data[1:]

    preview = await desk.verify(dry_run=True)
    mended = await desk.verify()
    await desk.sync()
    clean = await desk.verify()

    assert [(expected, False)] == [(finding.kind, finding.mended) for finding in preview.findings]
    assert (1, 0) == (mended.mended, clean.wrong)
    assert [state] == await desk.states()
    assert data == await read(desk.images, image.blob_key)


@pytest.mark.parametrize(("damage", "expected"), [(b"", []), (b"\0", [FindingKind.ARCHIVE_DAMAGED])])
async def test_a_checksum_of_another_archive_is_no_damage(desk, oss, damage, expected):
    """As after a change of the archive: the bytes decide, which are read back."""
    image, data = await desk.image(archive_checksum="an ETag")
    await desk.sync()
    await desk.local.delete(image.blob_key)
    await desk.records.set_storage(image.id, StorageState.ARCHIVE)
    oss.objects["team/a/01/1.png"].data = damage + data[len(damage) :]

    report = await desk.verify()

    assert expected == [finding.kind for finding in report.findings]


async def test_a_lost_image_is_told(desk):
    """Nothing can be done about it."""
    image, _ = await desk.image()
    await desk.local.delete(image.blob_key)

    report = await desk.verify()

    assert [("lost", image.id, False)] == [
        (finding.kind, finding.image_id, finding.mended) for finding in report.findings
    ]


async def test_verifying_while_oss_is_down_says_nothing_about_oss(desk, oss):
    """What cannot be seen is not called lost."""
    await desk.image(1)
    await desk.image(2)
    await desk.sync()
    await desk.expire(0)()
    oss.down()

    report = await desk.verify()

    assert (2, 0, False) == (report.images, report.wrong, report.archive_checked)


async def test_a_large_image_goes_in_parts(desk, oss):
    """And its hash is compared with the record."""
    image, data = await desk.image(data=hashlib.sha256(b"x").digest() * (17 * 1024 * 1024 // 32))

    summary = await desk.sync()

    assert (1, len(data)) == (summary.uploaded, summary.uploaded_bytes)
    assert image.sha256 == hashlib.sha256(oss.objects["team/a/01/1.png"].data).hexdigest()


async def test_a_damaged_file_does_not_overwrite_what_an_earlier_upload_brought(desk, oss):
    """The answer to the upload was lost, then the file went bad: OSS has the only good copy."""
    image, data = await desk.image()
    oss.fail("swallow", "put")
    await desk.sync()
    (desk.local.root / image.blob_key).write_bytes(b"\0" + data[1:])

    again = await desk.sync(everything=True)
    content = oss.objects["team/a/01/1.png"].data
    await desk.verify()

    assert (1, data) == (again.failed, content)
    assert "not what was stored" in str(again.last_error)
    assert data == await read(desk.local, image.blob_key)


async def test_a_dry_run_of_a_sync_tells_of_all_that_are_only_local(desk):
    """Also of those that no pass has noticed yet."""
    sizes = [len((await desk.image(number))[1]) for number in range(3)]

    would = await desk.sync(dry_run=True)

    assert (3, sum(sizes)) == (would.uploaded, would.uploaded_bytes)


async def test_an_expiry_that_is_refused_ends_at_once_and_says_why(desk, oss):
    """A wrong key is asked about once, not once for each of many images."""
    for number in range(5):
        await desk.image(number)
    await desk.sync()
    oss.ledger.clear()
    oss.secret = "another"

    summary = await desk.expire(0)()

    assert (0, 2) == (summary.expired, len(oss.ledger))
    assert "403" in str(summary.last_error)


async def test_a_damaged_file_holds_no_other_expiry_up(desk):
    """It stays, and the summary says which."""
    image, data = await desk.image(1)
    await desk.image(2)
    await desk.sync()
    (desk.local.root / image.blob_key).write_bytes(b"\0" + data[1:])

    summary = await desk.expire(0)()

    assert (1, 1) == (summary.expired, summary.retained)
    assert f"image {image.id} is damaged" in str(summary.last_error)


async def test_a_verification_goes_on_without_an_archive_that_stops_answering(desk, oss):
    """What the disk tells is told, and that the rest is not known."""
    await desk.image(1)
    second, data = await desk.image(2)
    await desk.sync()
    (desk.local.root / second.blob_key).write_bytes(b"\0" + data[1:])
    for kind in ("", "", "", "unavailable"):  # whether it answers, the first image, and then no more
        oss.fail(kind, "head")

    report = await desk.verify()

    assert (2, False) == (report.images, report.archive_checked)
    assert "503" in str(report.archive_error)
    assert [("local_damaged", second.id, False)] == [(f.kind, f.image_id, f.mended) for f in report.findings]


async def test_an_image_that_is_deleted_while_it_is_looked_at_is_not_lost(desk):
    """Its record was read a moment before."""
    image, _ = await desk.image()
    gallery = desk.records

    class Slow:
        existing, set_storage = gallery.existing, gallery.set_storage
        count, unknown = gallery.count, gallery.unknown

        async def stored(self, **options):
            page = await gallery.stored(**options)
            if page:
                await desk.delete(image_id=image.id)
            return page

    report = await Stores(parts=attrs.evolve(desk.parts, images=Slow()), archive=desk.archive).verify()

    assert (0, ()) == (report.wrong, report.findings)


async def test_progress_is_told_by_every_pass(desk):
    """How much is through, of how much, from nothing to all of it."""
    for number in range(3):
        await desk.image(number)
    steps = {}

    class Noted(PassProgress):
        def add(self, count=1):
            super().add(count)
            steps.setdefault(self.name, []).append((self.done, self.total))

    await desk.sync(dry_run=True, progress=Noted(name="preview"))
    await desk.sync(progress=Noted(name="sync"))
    await desk.verify(progress=Noted(name="verify"))
    await desk.expire(0)(progress=Noted(name="expire"))

    each = [(1, 3), (2, 3), (3, 3)]
    assert {"preview": [(3, 3)], "sync": each, "verify": each, "expire": each} == steps


async def test_a_pass_that_fails_leaves_one_line(desk, oss, caplog):
    """However many images wait, most often for the same reason, which is that of the first."""
    for number in range(9):
        await desk.image(number)
    oss.fail("denied", "put", times=9)
    summary = await desk.sync()
    lines = [record for record in caplog.records if record.name.endswith("upkeep")]

    assert 9 == summary.failed
    assert 1 == len(lines)
    assert lines[0].getMessage().startswith("9 outbox entries failed, the first one: OSS: 403 AccessDenied")


async def test_a_pass_that_breaks_leaves_it_too(desk, oss, caplog, monkeypatch):
    """Where the database accepts no more, the log is all that says why the first upload failed."""
    await desk.image()

    async def defer(self, entry, *, not_before, error):
        raise StorageError("the disk is full")

    monkeypatch.setattr(type(desk.outbox), "defer", defer)
    oss.fail("denied", "put")
    with pytest.raises(StorageError, match="the disk is full"):
        await desk.sync()
    lines = [record.getMessage() for record in caplog.records if record.name.endswith("upkeep")]

    assert 1 == len(lines)
    assert lines[0].startswith("1 outbox entries failed, the first one: OSS: 403 AccessDenied")


async def test_a_pass_that_succeeds_leaves_none(desk, caplog):
    """Nobody has to read it."""
    await desk.image()
    await desk.sync()

    assert [] == caplog.records


async def test_what_a_late_bucket_does_not_show_stays_on_the_disk(desk, oss):
    """An upload that is not seen yet does not count, and is made again until it is."""
    image, data = await desk.image()
    oss.reads_late = 1
    first = await desk.sync()
    states = [await desk.states()]
    oss.reads_late = 0
    await desk.sync(everything=True)
    states.append(await desk.states())

    assert (1, [["local"], ["both"]]) == (first.failed, states)
    assert data == await read(desk.images, image.blob_key)


async def test_a_late_bucket_costs_no_local_file(desk, oss):
    """What it does not show is uploaded again before the file goes."""
    image, data = await desk.image()
    await desk.sync()
    oss.objects[f"team/a/{image.blob_key}"].unseen = 1
    desk.clock.advance(86_400)
    summary = await desk.expire(1)()

    assert (0, 1, ["local"]) == (summary.expired, summary.retained, await desk.states())
    await desk.sync()
    assert 1 == (await desk.expire(1)()).expired
    assert data == await read(desk.images, image.blob_key)


async def test_an_inventory_trusts_no_list(desk, oss):
    """An object that is there but not listed is not missing; only what is listed can be without a record."""
    await desk.image()
    await desk.sync()
    desk.clock.advance(86_400)
    await desk.expire(1)()
    oss.lists_late = True
    report = await desk.verify()

    assert (1, 0, True) == (report.images, report.wrong, report.archive_checked)


async def test_the_trash_keeps_its_bytes_until_its_time_is_over(desk, oss):
    """They are neither orphans nor missing; then disk and archive lose them, and only them."""
    stores = attrs.evolve(desk.stores, trash_days=30)
    (first, data), (second, _), (third, _) = [await desk.image(number) for number in (1, 2, 3)]
    await desk.sync()
    await desk.gallery.trash([first.id, second.id])
    desk.clock.advance(29 * 86_400)
    report = await stores.verify()
    early = await stores.empty_trash()
    await desk.gallery.restore([first.id])
    desk.clock.advance(2 * 86_400)

    emptied = [await stores.empty_trash() for _ in range(2)]
    await desk.sync()

    assert (0, 0, [1, 0]) == (report.wrong, early, emptied)
    assert data == await read(desk.images, first.blob_key)
    assert [None, None] == [await store.stat(second.blob_key) for store in (desk.local, desk.archive)]
    assert await desk.archive.stat(third.blob_key) is not None


async def test_what_is_deleted_while_it_expires_is_known_to_be_archived(desk):
    """Else each backup would miss a local file until the image leaves the trash."""
    image, data = await desk.image()
    await desk.sync()

    class Slow:
        async def matches(self, *arguments):
            await desk.gallery.trash([image.id])
            return await desk.archive.matches(*arguments)

    summary = await attrs.evolve(desk.stores, archive=Slow(), retention_days=0).expire()
    trashed = await desk.parts.trash.get(image.id)

    assert (1, StorageState.ARCHIVE) == (summary.expired, trashed.image.storage)
    assert data == await read(desk.images, image.blob_key)


async def test_an_upload_waits_for_what_is_restored(desk, oss):
    """Nothing is sent for the trash; an image that comes back from there is uploaded like a new one."""
    image, data = await desk.image()
    await desk.gallery.trash([image.id])
    await desk.sync()
    puts = oss.calls("put")
    await desk.gallery.restore([image.id])

    await desk.sync()

    assert ([], ["both"]) == ([key for key in puts if key.endswith(".png")], await desk.states())
    assert data == await read(desk.archive, image.blob_key)


async def test_an_image_whose_bytes_are_lost_comes_back_as_a_record(desk):
    """Reading says so, and a check finds it."""
    image, _ = await desk.image()
    await desk.gallery.trash([image.id])
    await desk.local.delete(image.blob_key)

    restored = await desk.gallery.restore([image.id, image.id + 1])

    assert (1, (image.id + 1,)) == (restored.changed, restored.missing)
    assert FindingKind.LOST is (await desk.verify()).findings[0].kind
    with pytest.raises(BlobMissing):
        await read(desk.images, image.blob_key)
