"""Blobs in PostgreSQL keep the contract, and take the disk's place where nodes share an archive."""

import asyncio
import hashlib
from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.archives.oss import OssBlobArchive
from imagegen_adapters.files.cache import ArchiveFirstBlobStore
from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.files import CHUNK_BYTES, PostgresqlBlobStore
from imagegen_core.errors import BlobMissing
from imagegen_core.services.gallery import Images
from imagegen_core.services.upkeep import Stores
from imagegen_core.services.verify import FindingKind
from tests.contracts.clock import ManualClock
from tests.contracts.memory import MemoryBlobArchive
from tests.contracts.samples import NOW, add_image, keys_of, read, stream

pytestmark = [pytest.mark.anyio, pytest.mark.one_python]

KEY = "01/a.png"
LARGE = hashlib.shake_128(b"seed").digest(3 * CHUNK_BYTES + 5)


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


@pytest.fixture
async def another_database(postgresql_dsn):
    database = await Database.open(postgresql_dsn)
    yield database
    await database.close()


@pytest.fixture
def store(database):
    return PostgresqlBlobStore(database)


@pytest.fixture
def another_node(another_database):
    return PostgresqlBlobStore(another_database)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, None),
        (0, CHUNK_BYTES),
        (CHUNK_BYTES, CHUNK_BYTES + 1),
        (CHUNK_BYTES - 1, CHUNK_BYTES + 1),
        (5, 3 * CHUNK_BYTES),
        (3 * CHUNK_BYTES, 10**9),
        (10**9, None),
    ],
)
async def test_a_part_may_begin_and_end_anywhere(store, another_node, start, end):
    """In the chunks of the other node, too."""
    await store.put(KEY, stream([LARGE]), content_type="image/png")

    assert LARGE[start:end] == await read(another_node, KEY, start=start, end=end)


async def test_chunks_of_another_size_are_read(store, database):
    """Another version may write smaller ones."""
    (row,) = await database.rows(
        "INSERT INTO files (store, key, size_bytes) VALUES ('images', $1, 6) RETURNING file_id", KEY
    )
    for start, content in ((0, b"ab"), (2, b"cde"), (5, b"f")):
        await database.rows("INSERT INTO file_chunks VALUES ($1, $2, $3)", row["file_id"], start, content)

    assert (b"abcdef", b"de") == (await read(store, KEY), await read(store, KEY, start=3, end=5))


async def test_the_checksum_of_the_archive_is_computed_beside(database):
    """So that nobody has to read the blob for it; this one is the algorithm's published check value."""
    store = PostgresqlBlobStore(database, checksum=OssBlobArchive.new_checksum)

    blob = await store.put(KEY, stream([b"1234", b"56789"]), content_type="image/png")

    assert str(0x995DC9BBDF1939FA) == blob.archive_checksum


async def test_equal_keys_put_at_the_same_time_are_harmless(store, another_node, database):
    """All puts succeed, one of them stays, and it is whole."""
    contents = [bytes([number]) * (CHUNK_BYTES + number) for number in range(8)]

    await asyncio.gather(
        *(
            node.put(KEY, stream([data]), content_type="image/png")
            for node, data in zip([store, another_node] * 4, contents, strict=True)
        )
    )

    assert await read(store, KEY) in contents
    assert [KEY] == await keys_of(another_node)


async def test_spooled_files_are_no_blobs(store, database):
    """They share tables, not keys."""
    await database.rows("INSERT INTO files (store, key, size_bytes) VALUES ('spool', $1, 0)", KEY)

    await store.delete(KEY)

    assert (None, []) == (await store.stat(KEY), await keys_of(store))
    assert 1 == len(await database.rows("SELECT * FROM files"))


async def test_more_keys_than_a_batch_are_listed(store, database):
    """Each of them once."""
    numbers = "SELECT 'images', 'a/' || number, 0 FROM generate_series(1, 2345) AS number"
    await database.rows(f"INSERT INTO files (store, key, size_bytes) {numbers}")

    keys = await keys_of(store, "a/")

    assert {f"a/{number}" for number in range(1, 2346)} == set(keys)
    assert 2345 == len(keys)


class Desk:
    """The stores of two nodes, and what looks after them."""

    def __init__(self, database, another_database):
        self.clock = ManualClock(NOW + timedelta(minutes=1))
        parts = memory_adapters(clock=self.clock)
        self.repository, self.records = parts.tasks, parts.images
        self.bucket = MemoryBlobArchive()
        self.local = PostgresqlBlobStore(database)
        self.blobs, self.blobs_of_another = [
            ArchiveFirstBlobStore(local=PostgresqlBlobStore(each), archive=self.bucket)
            for each in (database, another_database)
        ]
        stores = Stores(parts=attrs.evolve(parts, blobs=self.local), archive=self.bucket, retention_days=0)
        self.sync, self.expire, self.verify = stores.sync, stores.expire, stores.verify
        self.delete = Images(parts=attrs.evolve(parts, blobs=self.blobs), on_change=lambda: None).delete_one

    async def image(self, number=1, data=LARGE):
        """Store an image as a node does: bytes, then record."""
        key = f"01/{number}.png"
        blob = await self.blobs.put(key, stream([data]), content_type="image/png")
        return await add_image(
            self.repository,
            blob_key=key,
            thumbnail_key=None,
            size_bytes=blob.size_bytes,
            sha256=blob.sha256,
            archive_checksum=blob.archive_checksum,
            storage=blob.state,
        )

    async def places(self):
        """Return what the record says, and which keys the database and the bucket have."""
        (image,) = await self.records.stored()
        return image.storage.value, await keys_of(self.local), sorted(self.bucket.blobs)


@pytest.fixture
def desk(database, another_database):
    return Desk(database, another_database)


async def test_while_the_bucket_is_down_each_node_shows_the_image(desk):
    """It is in the database, whichever node has put it there."""
    desk.bucket.reachable = False

    image = await desk.image()

    assert LARGE == await read(desk.blobs_of_another, image.blob_key)
    assert ("local", ["01/1.png"], []) == await desk.places()


async def test_once_the_bucket_is_back_it_gets_the_image(desk):
    """And the database keeps nothing of it."""
    desk.bucket.reachable = False
    image = await desk.image()
    failed = await desk.sync(everything=True)
    desk.bucket.reachable = True

    done = await desk.sync(everything=True)
    await desk.expire()

    assert (True, 1) == (failed.unreachable, done.uploaded)
    assert ("oss", [], ["01/1.png"]) == await desk.places()
    assert LARGE == await read(desk.blobs_of_another, image.blob_key)


async def test_an_image_that_the_bucket_takes_is_not_stored_in_the_database(desk):
    """Not even for a moment."""
    await desk.image()

    assert ("oss", [], ["01/1.png"]) == await desk.places()


async def test_a_reader_goes_on_in_the_bucket_when_the_image_moves_there(desk):
    """It began in the database, at another node."""
    desk.bucket.reachable = False
    image = await desk.image()
    reading = desk.blobs_of_another.open(image.blob_key)
    first = await anext(reading)
    desk.bucket.reachable = True
    await desk.sync(everything=True)
    await desk.expire()

    assert LARGE == first + b"".join([chunk async for chunk in reading])


async def test_verifying_finds_nothing_wrong_and_restores_what_is_damaged(desk, database):
    """The bucket has the same bytes."""
    desk.bucket.reachable = False
    await desk.image()
    desk.bucket.reachable = True
    await desk.sync(everything=True)
    sound = await desk.verify(checksums=True)
    await database.rows("UPDATE file_chunks SET content = 'rotten' WHERE starts_at = 0")

    damaged = await desk.verify(checksums=True)

    assert (0, 1) == (sound.wrong, damaged.mended)
    assert [FindingKind.LOCAL_DAMAGED] == [finding.kind for finding in damaged.findings]
    assert LARGE == await read(desk.local, "01/1.png")


async def test_what_the_database_damaged_does_not_replace_the_good_copy(desk, database):
    """It stays, for an operator to see."""
    desk.bucket.reachable = False
    image = await desk.image()
    desk.bucket.reachable = True
    await desk.sync(everything=True)
    await database.rows("UPDATE file_chunks SET content = set_byte(content, 1, 7)")

    summary = await desk.expire()

    assert (0, 1) == (summary.expired, summary.retained)
    assert LARGE == desk.bucket.blobs[image.blob_key]


async def test_a_deleted_image_leaves_both(desk):
    """By whichever node."""
    desk.bucket.reachable = False
    image = await desk.image()
    desk.bucket.reachable = True
    await desk.sync(everything=True)

    await desk.delete(image_id=image.id)
    await desk.sync(everything=True)

    assert ([], {}) == (await keys_of(desk.local), desk.bucket.blobs)
    with pytest.raises(BlobMissing):
        await read(desk.blobs_of_another, image.blob_key)
